#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# caisson-bwrap: a whole root of the host's, places behind links, devices, filters, and what another
# sandbox might have planted in a tree that is granted.
# shellcheck source=tests/bwrap/lib.sh
. "$(dirname "$0")/lib.sh"

echo "from the host" >file
mkdir tree && echo inside >tree/a

# -------------------------------------------------------------------------- whole roots

for root in "--ro-bind / /" "--bind / /" "--dev-bind / /" "--ro-bind-try / /"; do
	for more in "" "--proc /proc" "--dev /dev" "--proc /proc --dev /dev" "--dev-bind /dev /dev --bind /proc /proc"; do
		# shellcheck disable=SC2086 # several words
		bw --unshare-net $root $more sh -c 'echo x >/dev/null && grep -q "^Uid" /proc/self/status && ls /usr/bin >/dev/null &&
			echo $(ls /sys | wc -l) $(ls -d /proc/[0-9]* | wc -l) $(ls -l /dev | grep -c "^c") $(ls -lR /dev | grep -c "^b")'
		gave 0 && read -r sys procs chars blocks <out && [ "$sys" = 0 ] && [ "$procs" -lt 8 ] && [ "$chars" = 6 ] && [ "$blocks" = 0 ]
		point "$root $more: own processes, harmless devices, no /sys"
	done
done
bw --unshare-net --bind / / sh -c "awk '{ if (\$6 !~ /nosuid/) print }' /proc/self/mountinfo; echo new >'$T/tree/b'"
gave 0 "" && [ "$(cat tree/b)" = new ]; point "--bind / /: every mount is nosuid, and files can be written"
bw --unshare-net --ro-bind / / sh -c "echo new >'$T/tree/c'"
[ $RC != 0 ] && [ ! -e tree/c ]; point "--ro-bind / /: they cannot"
bw --unshare-net --bind / / --remount-ro / sh -c "echo new >'$T/tree/c'"
[ $RC != 0 ] && [ ! -e tree/c ]; point "--bind / / --remount-ro /: nor there"
bw --unshare-net --ro-bind / / --bind "$T/tree" "$T/tree" sh -c "echo new >'$T/tree/c'; echo new >'$T/c'"
[ -e tree/c ] && [ ! -e c ]; point "--ro-bind / / and one directory to be written to"
bw --unshare-net --ro-bind / / --tmpfs "$T" sh -c "ls -A '$T'"
gave 0 ""; point "a tmpfs hides what was there"
mkdir -p home/.ssh && echo key >home/.ssh/id
bw --unshare-net --ro-bind / / cat /proc/1/environ
[ $RC != 0 ]; point "nothing of process 1 can be read"
for dir in /root /lost+found; do
	if [ -d $dir ] && ! ls $dir >/dev/null 2>&1; then
		bw --unshare-net --ro-bind / / ls -A $dir
		[ $RC != 0 ] && [ ! -s out ]; point "$dir is as closed as it is outside"
	else
		skip "$dir is as closed as it is outside" "it is open, or not there"
	fi
done
bw --unshare-net --ro-bind / / --tmpfs / ls -A /usr
[ $RC = 1 ] && grep -q execvp err; point "--tmpfs / leaves nothing of it"
mkdir -p rootfs/etc rootfs/bin && ln -s etc rootfs/link && echo rootfs >rootfs/etc/os
bw --unshare-net --bind rootfs / --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 /usr/bin/cat /link/os
gave 0 rootfs; point "another tree as the root"

# ------------------------------------------------------- places that are missing, or links

bw --unshare-net --ro-bind / / --dir /no/such/place --ro-bind tree /no/such/tree --file 3 /nofile \
	sh -c 'cat /no/such/tree/a /nofile; touch /no/such/place/x' 3<file
gave 0 "inside
from the host"; point "a mount point in the root is made"
bw --unshare-net --ro-bind / / --ro-bind tree "$T/none/of/it" true
refused "Can't mkdir $T/none/of/it: Read-only file system"; point "in a read-only tree it cannot be"
bw --unshare-net --ro-bind / / --bind "$T/tree" "$T/tree" --ro-bind file "$T/tree/x/y/f" --tmpfs "$T/tree/x/z" cat "$T/tree/x/y/f"
gave 0 "from the host" && [ "$(stat -c '%a %s' tree/x/y tree/x/y/f tree/x/z | tr '\n' ' ')" = "755 $(stat -c %s tree/x/y) 444 0 755 $(stat -c %s tree/x/z) " ]
point "in one to be written to it is made, by the user"
bw --unshare-net --ro-bind / / --tmpfs /run --ro-bind tree /var/run/t --dir /var/run/d sh -c 'cat /run/t/a; touch /run/d/x'
if [ -L /var/run ]; then
	gave 0 inside; point "a place behind a link: /var/run is /run"
else
	skip "a place behind a link" "/var/run is no link here"
fi
small --symlink /real /link --dir /real --ro-bind tree /link/t --symlink ../up /real/rel --ro-bind file /real/rel/f cat /real/t/a /up/f
gave 0 "inside
from the host"; point "behind links of the sandbox's own, which need not lead anywhere yet"
small --symlink b /a --symlink a /b --dir /a/x true
refused "Can't resolve /a/x: "; point "a loop of links"
ln -s tree through && ln -s ../tree/a tree/l
small --ro-bind through /t --ro-bind through/l /f cat /t/a /f
gave 0 "inside
inside"; point "a source behind links"

# What another sandbox, which may write there, has planted: nothing outside is touched.
echo unharmed >victim && mkdir outside
ln -s "$T/victim" tree/victim && ln -s "$T/outside" tree/out
small --bind tree /t --file 3 /t/victim --dir /t/out/d --chmod 0600 /t/victim cat "$T/victim" 3<file
gave 0 "from the host" && [ "$(cat victim)" = unharmed ] && [ -z "$(ls outside)" ] && [ "$(stat -c %a victim)" = 644 ]
point "a link in it leads to the sandbox's own files"
if command -v python3 >/dev/null; then
	mkdir tree/flip
	timeout 60 python3 - tree outside <<-END &
		import ctypes, os, sys
		flip = sys.argv[1] + "/flip"
		os.symlink(os.path.abspath(sys.argv[2]), flip + ".link")
		exchange = ctypes.CDLL(None).renameat2
		while exchange(-100, flip.encode(), -100, (flip + ".link").encode(), 2) == 0:
		    pass
	END
	flip=$! runs=0
	# shellcheck disable=SC2046 # a hundred options
	while [ $runs -lt 12 ]; do
		timeout 30 "$BWRAP" --unshare-net --ro-bind /usr /usr --bind tree /t $(seq -f '--dir /t/flip/%g' $((runs * 200)) $((runs * 200 + 199))) true >out 2>err </dev/null
		runs=$((runs + 1))
	done
	kill $flip 2>/dev/null && [ -z "$(ls outside)" ]; point "a directory that becomes a link meanwhile is not gone through"
else
	skip "a directory that becomes a link meanwhile is not gone through" "there is no python3"
fi

# ------------------------------------------------------------- the kernel's, and devices

small --ro-bind /sys /sys --dev /dev sh -c 'ls -A /sys'
gave 0 "" && grep -q "^bwrap: --ro-bind /sys: a view of the kernel's own state is never granted, /sys is empty" err
point "--ro-bind /sys: empty, and said"
small --proc /proc --ro-bind /proc/sys /proc/sys --bind /proc/uptime /proc/uptime sh -c 'cat /proc/uptime >&2; (echo x >/proc/sys/kernel/hostname) 2>/dev/null; ls /proc/sys'
gave 0 && grep -q kernel out && ! grep -q bwrap: err; point "what its own /proc has is that"
small --proc /proc --ro-bind /proc /p true
refused "A second procfs was asked for"; point "a second procfs"
bw --unshare-net --ro-bind / / --proc "$T/tree" sh -c "ls '$T/tree/self/' >/dev/null && ls -A /proc"
gave 0 ""; point "the procfs in another place"
bw --unshare-net --ro-bind / / --proc /p --dev /d sh -c "ls -d /p/self && ls -A /proc /dev; ls /d/null"
gave 0 "/p/self
/dev:

/proc:
/d/null"; point "the procfs and the devices elsewhere: one of each"
bw --unshare-net --ro-bind / / --ro-bind /dev/null "$T/file" cat "$T/file"
gave 0 ""; point "/dev/null hides a file"
small --tmpfs /d --dev-bind /dev/null /d/null --dev-bind /dev/urandom /d/random sh -c 'echo x >/d/null && head -c 3 /d/random | wc -c'
gave 0 3; point "--dev-bind of a harmless device"
node=$(find /dev -maxdepth 2 -type c -readable ! -path '/dev/pts/*' 2>/dev/null | grep -vE '^/dev/(null|zero|full|u?random|tty|ptmx|console)$' | head -1)
if [ -n "$node" ]; then
	small --dev /dev --dev-bind "$node" "/dev/it" true
	if [ "$MODE" = userns ]; then
		skip "of $node: the policy says no" "without the helper nobody asks the policy"
	else
		[ $RC = 1 ] && grep -q "^bwrap: .*policy" err; point "of $node: the policy says no"
	fi
	bw --unshare-net --ro-bind / / --bind "$node" "/it" true
	refused "--bind $node: a device works with --dev-bind only"; point "and not with --bind"
else
	skip "another device" "there is none that this user can open"
	skip "and not with --bind" "there is none that this user can open"
fi
echo shared >"/dev/shm/caisson-bwrap-$$" && small --dev /dev --bind /dev/shm /dev/shm cat "/dev/shm/caisson-bwrap-$$"
rm -f "/dev/shm/caisson-bwrap-$$"
gave 0 shared; point "the host's /dev/shm, where it is asked for"

# --------------------------------------------------------------------------------- filters

case $(uname -m) in
x86_64) uname='\77' mkdir='\123' ;;
aarch64) uname='\240' mkdir='\042' ;;
*) uname='' mkdir='' ;;
esac
# The call gives EPERM: load its number, compare, return.
deny()
{
	printf '\040\0\0\0\0\0\0\0\025\0\0\001%b\0\0\0\006\0\0\0\001\0\005\0\006\0\0\0\0\0\377\177' "$1"
}
if [ -n "$uname" ]; then
	deny "$uname" >no-uname && deny "$mkdir" >no-mkdir
	small uname -s
	gave 0 Linux; point "without a filter"
	small --seccomp 3 sh -c 'uname -s' 3<no-uname
	[ $RC != 0 ] && [ ! -s out ]; point "--seccomp"
	small --dir /d --add-seccomp-fd 3 --add-seccomp-fd 4 sh -c 'uname -s || mkdir /d/x || echo both' 3<no-uname 4<no-mkdir
	[ "$(tail -1 out)" = both ]; point "--add-seccomp-fd, twice"
	small --proc /proc --seccomp 3 grep -E '^(Seccomp_filters|NoNewPrivs)' /proc/self/status 3<no-uname
	gave 0 && { ! grep -q Seccomp_filters out || grep -q 'Seccomp_filters:.[2-9]' out; } && grep -q 'NoNewPrivs:.1' out
	point "it comes on top of the floor"
else
	skip "filters" "their numbers are known here for x86_64 and aarch64"
fi
small --seccomp 3 true 3<file
refused "Invalid seccomp data, must be multiple of 8"; point "what is no filter"
small --seccomp 3 --add-seccomp-fd 4 true 3<file 4<file
refused "--add-seccomp-fd cannot be combined with --seccomp"; point "the two together"
small --caisson-seccomp strict --caisson-report report true
gave 0 && grep -q 'profile strict' report; point "--caisson-seccomp, --caisson-report"
small --caisson-landlock processes --caisson-report report true
gave 0 && grep -q '"landlock_files": false' report; point "--caisson-landlock"
small --caisson-seccomp none true
refused '--caisson-seccomp: default, strict, gpu or nested, not "none"'; point "there is no profile that leaves it out"

done_testing
