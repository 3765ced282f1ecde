#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every system call that caisson-builder builds with, failed in turn: there is no sandbox then, or
# the same as ever. As an unprivileged user, whose program may be traced. TAP.
# Environment: CAISSON_PREFIX.
set -u
export LC_ALL=C
CAISSON=${CAISSON_PREFIX:?}/bin/caisson

command -v strace >/dev/null || {
	echo "1..0 # SKIP strace is not installed"
	exit 77
}
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1

# What a program in there sees of its walls, by the shell's own means: a fork would count as a call.
cat >walls <<'END'
while read -r _ _ _ _ point options _; do echo "$point $options"; done </proc/self/mountinfo
for file in /proc/self/uid_map /proc/self/gid_map /proc/net/dev; do
	while read -r line; do echo "$line"; done <$file
done
while read -r name value; do
	case $name in Uid: | Gid: | Cap* | NoNewPrivs: | Seccomp: | NSpid:) echo "$name $value" ;; esac
done </proc/self/status
read -r name </proc/sys/kernel/hostname; echo "$name"
echo /proc/[0-9]*
END

run() {
	timeout 60 strace -f -qq -o /dev/null "$@" "$CAISSON" run --via userns --net loopback --uid 5 \
		--ro walls:/walls --tmpfs /x --time 5,5 -- sh /walls >out 2>err </dev/null
	RC=$?
}

run -e trace=none
mv out usual
if [ "$RC" != 0 ] || [ ! -s usual ]; then
	sed 's/^/# /' err
	echo "Bail out! there is no sandbox to begin with"
	exit 1
fi

N=0
for call in unshare mount openat2 close_range capset prctl setresuid setresgid setns open_tree \
	mount_setattr fsopen fsconfig fsmount move_mount mkdirat mknodat symlinkat fchownat sethostname \
	fchdir chdir pivot_root umount2 setsid ioctl pidfd_open execveat; do
	refused=0 same=0 less=
	for i in 1 2 3 4; do
		run -e trace="$call" -e inject="$call":error=EPERM:when=$i
		if [ "$RC" = 125 ] && [ ! -s out ]; then
			refused=$((refused + 1))
		elif [ "$RC" = 0 ] && cmp -s out usual; then
			same=$((same + 1))
		else
			less="$less $i"
			{ echo "$call $i: status $RC"; diff usual out | head -5; } >>lesser
		fi
	done
	N=$((N + 1))
	[ -z "$less" ] || printf 'not '
	echo "ok $N - $call: $refused refused, $same as ever"
done
[ ! -e lesser ] || sed 's/^/# /' lesser
N=$((N + 1))
# shellcheck disable=SC2046 # words
[ $(sed -n 's/^/x/p' usual | wc -l) -gt 20 ] || printf 'not '
echo "ok $N - what is compared says something"
echo "1..$N"
