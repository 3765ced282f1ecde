#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson run: the options that make files, cover, and say who the program is; what is known from
# other programs and refused; and that the plans which docs/protocol/plan.md shows byte by byte are
# those that caisson sends. As an unprivileged user against the installed helper. TAP.
# Environment: CAISSON_PREFIX; CAISSON_TEST_RESTRICTION.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
DOCS=$(dirname "$(realpath "$0")")/../../docs
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1

# run ARG...: caisson run, its output in out and err, its status in RC.
run()
{
	timeout 30 "$CAISSON" run "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# gave OUTPUT: the last run ended with 0, and printed exactly that.
gave()
{
	[ "$RC" = 0 ] && [ "$(cat "$T/out")" = "$1" ]
}

# refused PATTERN...: 125, no output, and an error that matches each pattern.
refused()
{
	[ "$RC" = 125 ] && [ ! -s "$T/out" ] && head -1 "$T/err" | grep -q '^caisson: ' || return 1
	for pattern in "$@"; do
		grep -q -- "$pattern" "$T/err" || return 1
	done
}

files()
{
	echo text >"$T/in"
	echo colon >"$T/a:b"
	run --file "$T/in:/etc/made" -- sh -c 'cat /etc/made; stat -c %a /etc/made'
	gave "$(printf 'text\n644')"; point "--file SRC:DST"
	run --file "$T/in:/f:0400" -- sh -c 'stat -c %a /f; ! echo x 2>/dev/null >/f && echo kept'
	gave "$(printf '400\nkept')"; point "--file SRC:DST:MODE"
	run --file "$T/a\\:b:/c\\:d:755" -- cat /c:d
	gave colon; point "a backslash escapes a colon in both"
	run --file in:/f -- cat /f
	gave text; point "--file of a relative SRC"
	echo later >"$T/in2"
	run --file "$T/in2:/f" -- sh -c 'cat /f'
	gave later; point "its content is what it was at the start"
	timeout 30 "$CAISSON" run --data 8:/f -- cat /f >"$T/out" 2>"$T/err" 8<"$T/in"
	RC=$?
	gave text; point "--data FD:DST"
	echo piped | timeout 30 "$CAISSON" run --data 0:/f:0600 -- stat -c '%a %s' /f >"$T/out" 2>"$T/err"
	RC=$?
	gave "600 6"; point "--data of a pipe, and a mode"
	run --file "$T/in" -- true
	refused "SRC:DST"; point "--file without a place"
	run --file "$T/missing:/f" -- true
	refused "missing" "No such file"; point "--file of a file that is not there"
	run --file "$T/in:/f:0888" -- true
	refused "0888" "0644"; point "--file with a mode that is none"
	run --file "$T/in:/f:04755" -- true
	refused "04755"; point "--file with a setuid bit"
	run --file "$T/in:f" -- true
	refused "begin with '/'"; point "--file to a relative place"
	run --data 77:/f -- true
	refused "77:/f" "Bad file descriptor"; point "--data of a closed descriptor"
	run --data x:/f -- true
	refused "FD:DST"; point "--data of no number"
	head -c 5000000 /dev/zero >"$T/big"
	run --file "$T/big:/f" -- true
	refused "/f: the file system there is full" "4 MiB" "tmpfs"
	point "a file larger than the root: what to do"
	run --tmpfs /x:8M --file "$T/big:/x/f" -- stat -c %s /x/f
	gave 5000000; point "it fits into a tmpfs"
}

covers()
{
	mkdir -p "$T/tree/dir"
	echo secret >"$T/tree/f"
	echo secret >"$T/tree/dir/g"
	run --ro "$T/tree:/t" --mask /t/f --mask /t/dir --mask /t/none -- \
		sh -c 'cat /t/f; ls -A /t/dir; ls /t'
	gave "$(printf 'dir\nf')"; point "--mask of a file, a directory and nothing"
	run --rw "$T/tree:/t" --remount-ro /t/dir -- \
		sh -c '! touch /t/dir/x 2>/dev/null && touch /t/y && rm /t/y && cat /t/dir/g'
	gave secret; point "--remount-ro of a directory"
	run --tmpfs /x --file "$T/in:/x/f" --remount-ro /x -- \
		sh -c '! touch /x/y 2>/dev/null && cat /x/f'
	gave text; point "--remount-ro of a tmpfs, at last"
	run --remount-ro /dev -- \
		sh -c '! touch /dev/y 2>/dev/null && echo >/dev/null && echo text >/dev/shm/y && cat /dev/shm/y'
	gave text; point "--remount-ro of the default /dev, whose /dev/shm is none of it"
	run --remount-ro /nowhere -- true
	refused "/nowhere"; point "--remount-ro of nothing"
	run --tmpfs /x:1M,noexec,mode=0700 --file /bin/true:/x/true:0755 -- \
		sh -c 'stat -c %a /x; ! /x/true 2>/dev/null && echo denied'
	gave "$(printf '700\ndenied')"; point "--tmpfs with noexec and a mode"
	run --tmpfs /x:noexec,1Z -- true
	refused "1Z is no size" "noexec"; point "--tmpfs with another word"
	run -- sh -c 'cat /proc/keys /proc/interrupts; ls -A /proc/irq /proc/bus | grep -v : | grep .
		(: >/proc/sys/kernel/ns_last_pid) 2>/dev/null || echo read-only'
	gave read-only; point "the default root's /proc is masked"
	run --proc /proc:whole -- sh -c 'head -c 1 /proc/interrupts | wc -c'
	gave 1; point "--proc /proc:whole is not, in place of the default's"
	run --proc /proc:pids,hidepid -- sh -c 'ls /proc | grep -v "^[0-9]" | tr "\n" " "; test -e /proc/1 || echo hidden'
	gave "self thread-self hidden"; point "--proc /proc:pids,hidepid"
	run --proc /proc:pid -- true
	refused "pid is not one of pids, hidepid and whole"; point "--proc with another word"
	run --mqueue /dev/mqueue -- stat -f -c %T /dev/mqueue
	gave mqueue; point "--mqueue"
	run --ro / --proc /p -- true
	refused "\"/\"" "over the sandbox's own root" "at another place"; point "--ro / says what to do"
	run --ro /:/host -- sh -c 'ls -A /host/proc /host/sys | grep -v : | grep -v "^$"; test -d /host/usr && echo usr'
	if [ "$KERNEL" = 5.10 ]; then
		refused "mount_setattr"; point "--ro /:/host: the helper grants no mounts below a tree on Linux 5.10"
	elif [ "$RC" = 125 ]; then
		refused "/host"; point "--ro /:/host: what cannot be covered is refused"
	else
		gave usr; point "--ro /:/host has all but the kernel's own file systems"
	fi
	run --rw "$T/../x:/a/../b" -- true
	refused "No such file\|no place in the sandbox"; point "a place with .. in it"
}

# Right below the sandbox's own root a directory does, at any other place it takes a file system.
devices()
{
	run -- sh -c 'stat -f -c %i / /dev | uniq | wc -l; touch /dev/x /dev/null; echo x >/dev/null && echo written; ls -A /dev/shm'
	[ "$RC" = 0 ] && [ "$(cat "$T/out")" = "1
written" ] && grep -q "/dev/x.*Read-only file system" "$T/err"; point "/dev is the root's, and read-only with it"
	set -- --bare-root --ro /usr
	for dir in bin lib lib64; do
		if [ -L /$dir ]; then set -- "$@" --symlink "usr/$dir:/$dir"; elif [ -d /$dir ]; then set -- "$@" --ro /$dir; fi
	done
	run "$@" --dir /a --dev /a/dev -- sh -c 'stat -f -c %i / /a/dev | uniq | wc -l; touch /a/dev/x; echo x >/a/dev/null && echo written'
	[ "$RC" = 0 ] && [ "$(cat "$T/out")" = "2
written" ] && grep -q "/a/dev/x.*Read-only file system" "$T/err"; point "--dev at another place, and read-only"
	mkdir -p "$T/granted" && run "$@" --ro "$T/granted:/d" --dev /d -- sh -c 'test -c /d/null && touch /d/x'
	[ "$RC" != 0 ] && [ ! -e "$T/granted/null" ] && grep -q "/d/x.*Read-only file system" "$T/err"
	point "--dev over what was granted makes nothing in it"
}

known_from_elsewhere()
{
	for option in --overlay --overlay-src --tmp-overlay --ro-overlay; do
		run $option /a -- true
		refused "there are none" "--ro" "--tmpfs"; point "$option: why not, and what instead"
	done
	run --dev-bind / / -- true
	refused "devices in a granted tree never work" "--ro"; point "--dev-bind: the same"
	"$CAISSON" run --help >"$T/out" && ! grep -q overlay "$T/out"
	point "the help does not name them"
}

# What needs a user namespace, where one can be had and where not.
ids()
{
	case $MODE in none | userns | userns-clone-0) can=yes ;; *) can= ;; esac
	clocks=yes # of one's own: Linux 5.6 and later
	case $KERNEL in 5.4 | 4.18) clocks= ;; esac
	for options in "--uid 0" "--gid 0" "--uid 7 --gid 8" "--time 5,5"; do
		# shellcheck disable=SC2086
		run $options -- sh -c 'id -u; id -g'
		case $can$options in
		"yes--uid 0") gave "$(printf '0\n%s' "$(id -g)")" ;;
		"yes--gid 0") gave "$(printf '%s\n0' "$(id -u)")" ;;
		"yes--uid 7 --gid 8") gave "$(printf '7\n8')" ;;
		yes--time*) if [ "$clocks" ]; then
				gave "$(printf '%s\n%s' "$(id -u)" "$(id -g)")"
			else
				refused "no time namespaces, which Linux 5.6 brought" "leave the offsets"
			fi ;;
		*) refused "user namespace" "decided by:" "what to do:" ;;
		esac
		point "$options: ${can:-refused: no user namespace can be had}"
		# shellcheck disable=SC2086
		run --userns none $options -- true
		refused "needs a user namespace" "--userns none"; point "--userns none $options contradict"
	done
	if [ -z "$can" ]; then
		skip "--time" "no user namespace can be had"
	elif [ ! -e /proc/self/ns/time ] || [ -z "$clocks" ]; then
		skip "--time" "this kernel has no time namespaces"
	else
		run --time 0,1000000 -- cut -d. -f1 /proc/uptime
		[ "$RC" = 0 ] && [ "$(cat "$T/out")" -ge 1000000 ]; point "--time: the uptime is ahead"
	fi
	for bad in "--uid -1" "--uid root" "--gid 4294967295" "--subuid 0" "--subgid x"; do
		# shellcheck disable=SC2086
		run $bad -- true
		refused "${bad#--}" "it must be a number"; point "$bad"
	done
	for bad in 1 1,2,3 ,1 "1," x,1 "1, 2" 99999999999999999999,0; do
		run --time "$bad" -- true
		refused "MONOTONIC,BOOTTIME"; point "--time $bad"
	done
	run --time -99999999999,0 -- true
	refused "monotonic clock" "cannot be set off"; point "--time before the clock's zero"
	run --subuid 100000 -- true
	refused "belong together"; point "--subuid without --subgid"
	run --subuid 3999999999 --subgid 3999999999 -- true
	if [ "$MODE" = userns ]; then
		refused "takes caisson-helper"
	else
		refused "/etc/subuid" "usermod --add-subuids"
	fi
	point "--subuid that is not granted: what to do"
}

# The hexadecimal digits of the Nth example of plan.md.
shown()
{
	awk -v n="$1" '
		/^Example [0-9]+\./ { example++ }
		example == n && /^    [0-9a-f][0-9a-f][0-9a-f]: / {
			line = substr($0, 10, 47)
			gsub(/ /, "", line)
			printf "%s", line
		}' "$DOCS/protocol/plan.md"
}

# sends N ARG...: are the bytes of example N those that caisson run ARG... hands to the helper?
sends()
{
	n=$1
	shift
	rm -f "$T/sent"
	"$CAISSON" run --helper "$T/dump" "$@" -- true >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	shown "$n" >"$T/shown"
	[ -s "$T/shown" ] && [ "$(cat "$T/sent")" = "$(cat "$T/shown")" ]
}

plans()
{
	if [ ! -f "$DOCS/protocol/plan.md" ]; then
		skip "the plans of plan.md" "the source is not here"
		return
	fi
	# Its standard streams are /dev/null, whatever the caller's are.
	printf '#!/bin/sh\nod -An -tx1 -v </proc/self/fd/4 | tr -d " \\n" >"%s"\n' "$T/sent" >"$T/dump"
	chmod 755 "$T/dump"
	printf 'hello\n' >"$T/motd"
	sends 1 --bare-root --ro /usr --symlink usr/bin:/bin --tmpfs /tmp:1M
	point "the first plan of plan.md is what caisson sends"
	sends 2 --bare-root --uid 0 --gid 0 --time 0,-60 --ro /usr --mask /usr/games \
		--file motd:/motd:0444 --proc /proc:pids,hidepid
	point "so is the second"
}

files
covers
devices
known_from_elsewhere
ids
plans
echo "1..$N"
