#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Kernels that lack system calls, as tests/lib/restrict plays them: what the helper says, which way
# is taken instead, what that gives, and what doctor says where the kernel's release fits to it.
# Started as root, who sets the scenes; TAP.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

needs_root "set the scenes"
own_mounts "$@"

T=$(mktemp -d) || exit 1
trap 'umount -l "$T/tree/a/deep" "$T/tree/a" "$T/tree/b c" "$T/covered/a" 2>/dev/null
	umount -l "$T/covered/a" /proc/sys/kernel/osrelease 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
UID_=$CAISSON_TEST_UID
CAISSON=$CAISSON_PREFIX/bin/caisson
mkdir "$T/home" && chown "$UID_:$UID_" "$T/home"
cd "$T/home" || exit 1

# as MODE PROG...: as the user, under a restriction of tests/lib/restrict.
as() {
	mode=$1
	shift
	"$CAISSON_BUILD/tests/lib/restrict" "$mode" --uid "$UID_" --gid "$UID_" -- \
		timeout 60 "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# run MODE ARG...
run() {
	mode=$1
	shift
	as "$mode" "$CAISSON" run --report - "$@"
}

said() {
	for pattern; do
		grep -q -- "$pattern" "$T/err" || return 1
	done
}

as kernel-4.18 true
[ "$RC" = 0 ] || cannot "$(cat "$T/err")"

# ------------------------------------------------------------ which way, and how

run kernel-5.10 -- true
[ "$RC" = 0 ] && said '"via": "helper"' '"backend": "remount"'; point "5.10: the helper, one mount at a time"
run kernel-5.10 --via userns -- true
[ "$RC" = 0 ] && said '"full": true' '"via": "userns"' '"backend": "mount"'
point "5.10: without it, by mount(2)"
for kernel in 5.4 4.18; do
	case $kernel in
	5.4) missing="openat2 and close_range" ;;
	*) missing="open_tree, move_mount, fsopen, fsconfig, fsmount, pidfd_open, openat2 and close_range" ;;
	esac
	run kernel-$kernel --via helper -- true
	[ "$RC" = 125 ] && said "the system calls $missing are"; point "$kernel: the helper refuses, and names each call"
	run kernel-$kernel -- true
	[ "$RC" = 0 ] && said '"full": true' '"via": "userns"' '"backend": "mount"' "\"via_reason\": .*$missing"
	point "$kernel: auto goes without it, and the report says why"
done
run none --via userns -- true
[ "$RC" = 0 ] && said '"backend": "mount_setattr"'; point "mount(2) is taken only where the kernel lacks the others"

# ------------------------------------------------------------ what is in it

# What a program inside sees of its mounts, without numbers, and of its processes' rights.
# shellcheck disable=SC2016
inside='cut -d" " -f4-7 /proc/self/mountinfo | sed "s/[0-9]*:[0-9]*//" | sort
	grep -E "^(Cap|NoNew|Seccomp:|Uid|Gid|Groups)" /proc/self/status; ls -lan / /dev | grep -v total
	ls /proc | grep -v "[0-9]"; id; hostname; cat /proc/sys/user/max_user_namespaces'
# Without times, and without the number of links, which in /proc is that of the processes.
timeless() {
	sed 's/ [A-Z][a-z][a-z] [ 0-9][0-9] ..:.. / /; s/^\([dlc-][rwxt-]*\)  *[0-9]* /\1 /' "$1"
}
set -- --via userns --ro /usr:/grant --rw "$T/home:/rw" --tmpfs /t:1M,noexec --mqueue /mq --dir /d --symlink a:/l
run none "$@" -- sh -c "$inside"
mv "$T/out" "$T/usual"
for kernel in 5.10 5.4 4.18; do
	run kernel-$kernel "$@" -- sh -c "$inside"
	timeless "$T/out" >"$T/is"
	timeless "$T/usual" | diff - "$T/is" >"$T/err"
	[ "$RC" = 0 ] && [ "$(wc -l <"$T/is")" -gt 40 ] && [ ! -s "$T/err" ]
	point "$kernel: root, mounts, flags and rights are the same as ever"
done

# ------------------------------------------------------------ mounts below a tree

mkdir -p "$T/tree/a" "$T/tree/b c" "$T/covered/a" && mount -t tmpfs -o mode=755 none "$T/tree/a" &&
	mkdir "$T/tree/a/deep" && mount -t tmpfs -o mode=777 none "$T/tree/a/deep" &&
	mount -t tmpfs -o mode=777,noexec none "$T/tree/b c" && chmod 777 "$T/tree" &&
	mount -t tmpfs -o mode=777 none "$T/covered/a" && mount -t tmpfs none "$T/covered/a" || exit 1
for kernel in 5.10 5.4 4.18; do
	run kernel-$kernel --via userns --ro "$T/tree:/x" -- sh -c 'cat /proc/self/mountinfo; touch /x/a/deep/f "/x/b c/f"'
	[ "$(grep -c " /x[^ ]* ro,nosuid,nodev" "$T/out")" = 4 ] && grep -q '/x/b\\040c ro,nosuid,nodev,noexec' "$T/out" &&
		[ "$(grep -c 'Read-only' "$T/err")" = 2 ] && ! grep -E ' /x.*(shared|master):' "$T/out"
	point "$kernel: each mount of a tree has the flags, also in a folder whose name has a space"
	run kernel-$kernel --via userns --ro "$T/covered:/x" -- true
	[ "$RC" = 125 ] && said "judging a source" "mount_setattr"
	point "$kernel: one that lies under another cannot be reached, and is refused"
done
run kernel-5.10 --via helper --ro "$T/tree:/x" -- true
[ "$RC" = 125 ] && said "mount_setattr"; point "5.10: the helper grants no such tree"

# ------------------------------------------------------------ links in destinations

mkdir -p home/d/e && ln -s /out home/d/absolute && ln -s ../../../../../../out home/d/up && ln -s loop home/d/loop &&
	ln -s d/e home/through && chown -hR "$UID_:$UID_" home
for kernel in 5.10 5.4; do
	for link in absolute up; do
		run kernel-$kernel --via userns --dir /out --rw "$T/home/home:/h" --ro /usr/share:/h/d/$link -- \
			sh -c 'ls /out | grep -c . && ls -d /h/d/'$link
		[ "$RC" = 0 ] && [ "$(head -n 1 "$T/out")" -gt 0 ]
		point "$kernel: a destination through a link ($link) stays in the sandbox's root"
	done
	run kernel-$kernel --via userns --rw "$T/home/home:/h" --ro /usr/share:/h/d/loop -- true
	[ "$RC" = 125 ] && said "/h/d/loop" "Too many levels\|Symbolic link loop"; point "$kernel: a link to itself"
	run kernel-$kernel --via userns --rw "$T/home/home:/h" --ro /usr/share:/h/through/.. -- true
	[ "$RC" = 125 ]; point "$kernel: no .. in a destination"
	run kernel-$kernel --via userns --ro /usr/share:/proc/self/cwd -- true
	[ "$RC" = 125 ] && said "Too many levels\|Symbolic link loop"; point "$kernel: a magic link is not followed"
done

# ------------------------------------------------------------ caisson-bwrap

mkdir -p home/b/c && ln -s c home/b/link && chown -hR "$UID_:$UID_" home/b
bwrap() {
	as "$1" "$CAISSON_PREFIX/bin/caisson-bwrap" --unshare-all --ro-bind / / --bind "$T/home/home/b" /tmp \
		--dir /tmp/c/made/deep --ro-bind /etc/hostname /tmp/c/name --dev /dev --proc /proc "$2" "$3" \
		sh -c 'ls -R /tmp'
}
for kernel in none 5.4 4.18; do
	case $kernel in none) mode=none ;; *) mode=kernel-$kernel ;; esac
	rm -rf home/b/c/*
	bwrap $mode --hostname x
	[ "$RC" = 0 ] && grep -qx deep "$T/out" && [ -d home/b/c/made/deep ]
	point "caisson-bwrap, $kernel: mount points are made in what is granted"
done

# ------------------------------------------------------------ doctor, on a kernel of that age

# What covers a part of /proc is in the way of a sandbox without the helper: the first line counts.
doctor() {
	echo "$2" >"$T/release"
	as "kernel-$1" "$CAISSON" doctor
	sed -n '1,2s/  */ /gp' "$T/out" >"$T/err"
}
: >"$T/release" && mount --bind "$T/release" /proc/sys/kernel/osrelease || exit 1
doctor 5.4 5.4.0-42-generic
said '^kernel 5.4.0-42-generic, too old for caisson-helper missing: openat2, close_range, mount_setattr$' \
	"The kernel lacks"; point "doctor, 5.4: too old for the helper"
doctor 4.18 4.18.0-553.el8_10.x86_64
said '^kernel 4.18.0-553.el8_10.x86_64, too old for caisson-helper missing: open_tree, .*close_range' \
	"The kernel lacks"; point "doctor, 4.18: the same, with each call"
doctor 5.10 5.10.0-28-amd64
said '^kernel 5.10.0-28-amd64 older calls serve instead of mount_setattr'
point "doctor, 5.10: the helper, with older calls"
doctor 5.4 5.10.0-28-amd64
said '^kernel 5.10.0-28-amd64, calls filtered missing: openat2, close_range' "A seccomp filter"
point "doctor: a filter on a kernel that has them is told apart"
umount /proc/sys/kernel/osrelease
for kernel in 5.4 4.18; do
	as kernel-$kernel "$CAISSON" doctor
	[ "$RC" = 0 ] && grep -q '^sandbox  *full .*without caisson-helper' "$T/out"
	point "doctor, $kernel: a full sandbox without the helper"
done
echo "1..$N"
