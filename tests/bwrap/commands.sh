#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# commands.sh BWRAP OUT: runs each line of the file "commands" with BWRAP as $B, in an empty directory
# with the files that the lines name, and leaves what it printed and its exit status in OUT/NUMBER. The
# directory is beside OUT.
# As an ordinary user.
set -u
export LC_ALL=C
B=$1 out=$2
list=$(cd "$(dirname "$0")" && pwd)/commands
work=$(dirname "$out")/work

# The same for both programs; a runtime directory and a home of their own.
prepare() {
	rm -rf "$work" && mkdir -p "$work/home/docs" "$work/home/.ssh" "$work/run" "$work/here" || exit 1
	cd "$work/here" || exit 1
	H=$work/home RUN=$work/run SECCOMP=$work/seccomp
	export HOME=$H XDG_RUNTIME_DIR=$RUN
	echo "some notes" >"$H/notes"
	echo document >"$H/docs/d"
	echo key >"$H/.ssh/id"
	echo "[Application]" >info
	echo original >target
	printf 'user:x:%s:%s::/:/bin/sh\nother:x:1:1::/:/bin/sh\n' "$UID" "$UID" >passwd
	case $(uname -m) in
	x86_64) uname='\77' ;;
	*) uname='\240' ;;
	esac
	printf '\040\0\0\0\0\0\0\0\025\0\0\001%b\0\0\0\006\0\0\0\001\0\005\0\006\0\0\0\0\0\377\177' "$uname" >"$SECCOMP"
}

USR='--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64'
export B H RUN SECCOMP USR
n=0
while IFS= read -r line; do
	case $line in '#'* | '') continue ;; esac
	n=$((n + 1))
	prepare
	timeout 30 bash -c "${line#*: }" >"$out/$n" 2>"$out/$n.err" </dev/null
	echo "exit status $?" >>"$out/$n"
done <"$list"
rm -rf "$work"
echo "$n" >"$out/count"
