#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# caisson-bwrap, option by option.
# shellcheck source=tests/bwrap/lib.sh
. "$(dirname "$0")/lib.sh"

echo "from the host" >file
mkdir tree && echo inside >tree/a

# ------------------------------------------------------------- ends and errors

for status in 0 1 42 255; do
	small sh -c "exit $status"
	gave $status ""; point "exit status $status is the program's"
done
for signal in 9 15; do
	small sh -c "kill -$signal \$\$"
	gave $((128 + signal)); point "signal $signal gives $((128 + signal))"
done
small no-such-program
refused "execvp no-such-program: No such file or directory"; point "a program that is not there"
small --argv0 x no-such-program
[ $RC = 1 ] && grep -q '^bwrap: execvp no-such-program: No such' err; point "the same, in the inner program"
small --chdir /no/such/place true
refused "Can't chdir to /no/such/place: No such file or directory"; point "a directory that is not there"
bw --bind /no/such/source /x true
refused "Can't find source path /no/such/source: No such file or directory"; point "a source that is not there"
bw
[ $RC = 1 ] && grep -q '^usage: .*caisson-bwrap ' err; point "without arguments it says how to use it"
bw --version
gave 0 && grep -q '^bubblewrap 0\.11\.' out; point "--version is bubblewrap's"
small --level-prefix --chdir / --chdir / true
gave 0 && [ "$(cat err)" = "<4>bwrap: Only the last --chdir option will take effect" ]; point "--level-prefix"
for argv0 in "" "--argv0 x"; do
	# shellcheck disable=SC2086 # none, or two words
	small --level-prefix $argv0 no-such-program
	[ $RC = 1 ] && [ "$(cat err)" = "<3>bwrap: execvp no-such-program: No such file or directory" ]
	point "--level-prefix, of a program that is not there${argv0:+, in the inner program}"
done

# --------------------------------------------------------------------- what is refused

while IFS='|' read -r options words; do
	# shellcheck disable=SC2086 # several words
	bw --unshare-all --unshare-user $options --ro-bind / / true 3</dev/null
	refused "$words"; point "refused: $options"
done <<-END
	--cap-add CAP_SYS_ADMIN|--cap-add in setuid mode
	--cap-add ALL|--cap-add in setuid mode
	--userns2 3|--userns2 doesn't work in setuid mode
	--pidns 3|--pidns doesn't work in setuid mode
	--info-fd 3 --userns-block-fd 3|--userns-block-fd doesn't work in setuid mode
	--as-pid-1|--as-pid-1 doesn't work in setuid mode
	--overlay-src /usr --tmp-overlay /x|The --overlay-src option is not permitted in setuid mode
	--exec-label x|labeling not supported on this system
	--file-label x|labeling not supported on this system
	--perms 4755 --dir /x|--dir /x: setuid and setgid bits are never set
	--perms 0755 --proc /proc|--perms must be followed by
	--cap-drop CAP_NO_SUCH|unknown cap: CAP_NO_SUCH
END
bw --userns 3 --ro-bind / / true 3</dev/null
refused "--userns doesn't work in setuid mode"; point "refused: --userns"
small --cap-add CAP_KILL --cap-add ALL --cap-drop ALL --cap-drop CAP_CHOWN sh -c 'grep CapEff /proc/self/status' --proc /proc
[ $RC != 1 ] || ! grep -q cap-add err; point "what is dropped again need not be refused"

# -------------------------------------------------------------------------- namespaces

small --proc /proc sh -c 'ls -d /proc/[0-9]* | wc -l; readlink /proc/self/ns/net'
gave 0 && [ "$(sed -n 1p out)" -lt 6 ] && [ "$(sed -n 2p out)" != "$(readlink /proc/self/ns/net)" ]
point "--unshare-all: own processes, own network"
small --dev /dev cat /sys/class/net/lo/operstate
[ $RC != 0 ]; point "and nothing of /sys"
small --share-net --proc /proc readlink /proc/self/ns/net
gave 0 "$(readlink /proc/self/ns/net)"; point "--share-net is the host's network"
bw --ro-bind / / readlink /proc/self/ns/net
gave 0 "$(readlink /proc/self/ns/net)"; point "without --unshare-net, too"
small --hostname box uname -n
gave 0 box; point "--hostname"
small uname -n
gave 0 "$(uname -n)"; point "without it the host's name"
bw --hostname box --ro-bind / / true
refused "Specifying --hostname requires --unshare-uts"; point "--hostname without --unshare-uts"
small --uid "$(id -u)" --gid "$(id -g)" sh -c 'echo $(id -u) $(id -g)'
gave 0 "$(id -u) $(id -g)"; point "--uid and --gid, as they are"
small --uid 0 --gid 0 sh -c 'echo $(id -u) $(id -g)'
if [ "$MODE" = none ] || [ "$MODE" = userns ]; then
	gave 0 "0 0"; point "--uid 0, which gives it no privilege"
else
	[ $RC = 1 ] && grep -qi 'user namespace' err; point "--uid 0 needs a user namespace, and that is said"
fi
bw --unshare-all --disable-userns --ro-bind / / true
refused "--disable-userns requires --unshare-user"; point "--disable-userns alone"
small --unshare-user --disable-userns --assert-userns-disabled unshare -U true
[ $RC != 0 ] && grep -q unshare err; point "no user namespace can be made inside"
small --unshare-user-try --unshare-ipc --unshare-pid --unshare-cgroup --unshare-cgroup-try --new-session true
gave 0 ""; point "what is so in any case is accepted"

# ------------------------------------------------------------------------- environment

FOO=wrong BAR=kept small --setenv FOO right --unsetenv HOME sh -c 'echo $FOO $BAR ${HOME-none}'
gave 0 "right kept none"; point "--setenv, --unsetenv, and the rest is inherited"
FOO=x small --clearenv /usr/bin/env
gave 0 "PWD=/"; point "--clearenv leaves PWD"
(cd tree && timeout 30 "$BWRAP" --unshare-net --ro-bind / / pwd >"$T/out" 2>"$T/err")
[ "$(cat out)" = "$T/tree" ]; point "it starts where it was called"
HOME=/usr small pwd
gave 0 /usr; point "or in HOME"
small --chdir /usr/bin sh -c 'pwd; echo $PWD'
gave 0 "/usr/bin
/usr/bin"; point "--chdir"
(umask 077 && bw --unshare-net --ro-bind / / sh -c umask; gave 0 0077); point "the umask is inherited"
small --argv0 right sh -c 'echo $0'
gave 0 right; point "--argv0"

# --------------------------------------------------------------------------------- files

small --bind tree /t --ro-bind tree /r --bind-try /no/such /x --ro-bind-try /no/such /y --dev-bind-try /no/such /z \
	sh -c 'cat /t/a; echo new >/t/b; (echo no >/r/b) 2>/dev/null; ls -d /x /y /z 2>/dev/null'
[ "$(head -1 out)" = inside ] && [ "$(cat tree/b)" = new ]; point "--bind, --ro-bind, -try"
small --dir /d/e --perms 0700 --dir /d/f --tmpfs /t --perms 1777 --size 1048576 --tmpfs /s \
	sh -c 'stat -c %a /d /d/e /d/f /t /s; touch /d/x /d/e/x /t/x /s/x && echo $(($(stat -f -c "%b*%S" /s)))'
gave 0 "755
755
700
755
1777
1048576"; point "--dir and --tmpfs, --perms, --size; all can be written to"
small --dir /d --remount-ro / sh -c 'touch /d/x'
[ $RC != 0 ] && grep -q 'Read-only' err; point "--remount-ro /"
small --tmpfs /t --file 3 /t/f --remount-ro /t sh -c 'cat /t/f; touch /t/x' 3<file
[ $RC != 0 ] && [ "$(cat out)" = "from the host" ] && grep -q Read-only err; point "--remount-ro"
small --bind tree /t --remount-ro /t sh -c 'touch /t/x'
[ $RC != 0 ] && [ ! -e tree/x ]; point "--remount-ro of a bind"
small --file 3 /d/f --perms 0640 --file 4 /d/g --bind-data 5 /d/h --ro-bind-data 6 /d/i --ro-bind-data 7 /top \
	sh -c 'stat -c %a /d/f /d/g /d/h /d/i; cat /d/f /d/i; echo x >/d/h; rm -f /d/i; (echo x >/d/i); rm -f /top; cat /top' \
	3<file 4<file 5<file 6<file 7<file
gave 0 "666
640
600
600
from the host
from the host
from the host" && grep -q '/d/i' err; point "--file, --bind-data, --ro-bind-data, which cannot be changed"
bw --unshare-net --ro-bind / / --ro-bind-data 3 /etc/hostname --bind-data 4 "$T/file" \
	sh -c "cat /etc/hostname '$T/file'; echo x >'$T/file'" 3<file 4<file
gave 0 "from the host
from the host" && [ "$(cat file)" = "from the host" ] && [ -z "$(ls "${XDG_RUNTIME_DIR:-/tmp}"/.caisson-bwrap-* 2>/dev/null)" ]
point "in place of a file of the host's, and nothing is left"
small --symlink usr/share /s --symlink usr/share /s sh -c 'readlink /s'
gave 0 usr/share; point "--symlink, also twice"
small --symlink a /s --symlink b /s true
refused "Can't make symlink at /s: existing destination is a"; point "another --symlink"
small --dir /d --chmod 0500 /d --file 3 /f --chmod 0444 /f sh -c 'stat -c %a /d /f' 3<file
gave 0 "500
444"; point "--chmod"
small --chmod 0500 /no/such true
refused "Can't chmod 0500 /no/such: No such file"; point "--chmod of what is not there"
small --bind-fd 3 /t --ro-bind-fd 4 /r sh -c 'cat /t/a /r/a; echo 2 >/t/c; (echo 3 >/r/d) 2>/dev/null; ls /proc/self/fd 2>/dev/null' 3<tree 4<tree
[ "$(head -2 out)" = "inside
inside" ] && [ -e tree/c ] && [ ! -e tree/d ]; point "--bind-fd, --ro-bind-fd"
small --proc /proc --mqueue /q sh -c 'stat -f -c %T /q; test -w /q'
gave 0; point "--mqueue"
small --dev /dev sh -c 'cd /dev && test -c null -a -c zero -a -c full -a -c urandom -a -c tty -a -d shm -a -d pts &&
	echo x >null && echo x >shm/x && test -L fd -a -L core && ls sda nvme0n1 mem kmsg 2>/dev/null'
[ ! -s out ]; point "--dev: the harmless ones, own shm and pts"
small --dev /dev --dir /dev/more/of --file 3 /dev/more/f cat /dev/more/f 3<file
gave 0 "from the host"; point "what is put into it is there"
printf '%s\0' --dir /x/y --setenv A b >args
small --args 3 sh -c 'test -d /x/y && echo $A' 3<args
gave 0 b; point "--args"

# -------------------------------------------------------------------- from the outside

small --info-fd 3 --json-status-fd 4 --proc /proc sh -c 'exit 7' 3>info 4>status
gave 7 && grep -q '"child-pid": [0-9]' info && grep -q '"mnt-namespace": [0-9]' info &&
	[ "$(wc -l <status)" = 2 ] && grep -qx '{ "exit-code": 7 }' status
point "--info-fd, --json-status-fd"
small --json-status-fd 4 /no/such 4>status
gave 1 && ! grep -q exit-code status; point "no exit code of what never ran"
mkfifo block
small --block-fd 3 echo started 3<>block &
sleep 0.5
[ ! -s out ] && printf x >block && wait_for grep -q started out; point "--block-fd holds the program"
wait
small --sync-fd 3 --proc /proc sh -c 'test ! -e /proc/self/fd/3' 3>sync
gave 0; point "--sync-fd is not the program's"
small --proc /proc sh -c 'echo five >&5; echo nine >&9; test ! -e /proc/self/fd/7' 5>five 7<tree 9>nine
gave 0 && [ "$(cat five nine)" = "five
nine" ]; point "descriptors keep their numbers; a directory is not passed"

timeout 30 "$BWRAP" --bind / / --unshare-net --lock-file "$T/file" sleep 30 </dev/null >out 2>err &
pid=$!
wait_for sh -c "grep -qs 'POSIX.*READ.*:$(stat -c %i file) ' /proc/locks"
point "--lock-file"
kill $pid; wait $pid 2>/dev/null

# Bubblewrap itself dies of a signal. Nothing of the sandbox is left then.
"$BWRAP" --unshare-net --ro-bind / / sh -c "exec sleep 31.$$" </dev/null >out 2>err &
pid=$!
wait_for sh -c "grep -qs 'sleep.31.$$' /proc/[0-9]*/cmdline" && kill -TERM $pid && { wait $pid; [ $? = 143 ]; }
point "SIGTERM ends it as it ends bubblewrap"
wait_for sh -c "! grep -qsa '^sleep.31\.$$' /proc/[0-9]*/cmdline"; point "and the sandbox with it"
sh -c '"$@" & sleep 0.7; kill -9 $$' sh "$BWRAP" --die-with-parent --unshare-net --ro-bind / / sleep "32.$$" </dev/null >out 2>err
wait_for sh -c "! grep -qsa '^sleep.32\.$$' /proc/[0-9]*/cmdline"; point "--die-with-parent"

small cat <&- && gave 0 ""; point "standard input that is closed is empty"
if command -v python3 >/dev/null; then
	# A terminal of its own; its interrupt key is the program's to hear.
	timeout 60 python3 - "$BWRAP" --unshare-net --ro-bind / / --dev /dev sh -c 'trap "echo heard; exit 3" INT; echo ready; while :; do sleep 0.1; done' \
		>out 2>err <<-END
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], sys.argv[1:])
		text = b""
		while b"ready" not in text:
		    text += os.read(fd, 1000)
		os.write(fd, b"\3")
		try:
		    while b"heard" not in text:
		        text += os.read(fd, 1000)
		except OSError:
		    pass
		print("heard" if b"heard" in text else text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	RC=$?
	gave 0 "heard 3"; point "the terminal's interrupt key reaches the program"
else
	skip "the terminal's interrupt key reaches the program" "there is no python3"
fi

# ------------------------------------------------------------------- under another name

BWRAP=$CAISSON_PREFIX/libexec/caisson/bwrap-compat/bwrap
bw --unshare-all --ro-bind / / echo yes
gave 0 yes; point "the folder for PATH has it as bwrap"
if command -v update-alternatives >/dev/null; then
	mkdir alternatives admin bin
	alternatives()
	{
		update-alternatives --quiet --altdir "$T/alternatives" --admindir "$T/admin" --log "$T/log" "$@" >out 2>err
	}
	alternatives --install "$T/bin/bwrap" bwrap "$CAISSON_PREFIX/bin/caisson-bwrap" 50
	BWRAP=$T/bin/bwrap
	bw --unshare-all --ro-bind / / echo yes
	gave 0 yes && alternatives --remove bwrap "$CAISSON_PREFIX/bin/caisson-bwrap" && ! [ -e bin/bwrap ]
	point "and update-alternatives, there and back"
else
	skip "and update-alternatives, there and back" "there is none"
fi

done_testing
