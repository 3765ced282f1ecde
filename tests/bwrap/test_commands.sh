#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Command lines of well-known callers, as TAP: with caisson-bwrap as with bubblewrap, where that can
# run; and with caisson-bwrap, the same again, where it cannot. As root, which takes user namespaces
# from the user in one way after the other.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID; CAISSON_TEST_BWRAP: another bubblewrap
# than a newer Debian's, or the installed one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
uid=${CAISSON_TEST_UID:?}
ours=${CAISSON_PREFIX:?}/bin/caisson-bwrap
restrict=${CAISSON_BUILD:?}/tests/lib/restrict

skip() {
	echo "1..0 # SKIP $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "it takes root to take user namespaces away"
[ -L /bin ] && [ -L /lib ] || skip "the lines are for a merged /usr"
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
chmod 0755 "$W"
mkdir "$W/user" && chown "$uid:$uid" "$W/user"

# as MODE COMMAND...: as the user, with user namespaces restricted so
as() {
	local mode=$1
	shift
	"$restrict" "$mode" --uid "$uid" --gid "$uid" -- "$@"
}

# A newer bubblewrap, with the C library that it is for; what is found is left in $theirs.
find_bubblewrap() {
	local packages
	theirs=${CAISSON_TEST_BWRAP:-}
	[ -z "$theirs" ] || return 0
	if packages=$("$here/../vm/fetch-packages" trixie bwrap-run \
		bubblewrap libc6 libcap2 libselinux1 libpcre2-8-0 2>/dev/null); then
		cp -r "$packages/usr" "$W/bubblewrap" && chmod -R go+rX "$W/bubblewrap"
		set -- "$W"/bubblewrap/lib/*-linux-gnu
		printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
			"$1"/ld-linux-*.so.2 "$1" "$W/bubblewrap/bin/bwrap" >"$W/bwrap"
		chmod 0755 "$W/bwrap"
		theirs=$W/bwrap
		as none "$theirs" --version >/dev/null 2>&1 && return 0
	fi
	theirs=$(command -v bwrap)
}

# run MODE PROGRAM NAME: all lines; what they printed is in $W/user/NAME
run() {
	as "$1" env -u XDG_RUNTIME_DIR "$here/commands.sh" "$2" "$W/user/$3" </dev/null >/dev/null 2>&1
	[ -s "$W/user/$3/count" ]
}

find_bubblewrap || skip "there is no bubblewrap to compare with"
as none true || skip "$(as none true 2>&1)"
as none "$theirs" --unshare-all --ro-bind / / true 2>"$W/why" || skip "bubblewrap cannot run here: $(tail -1 "$W/why")"
echo "# with $("$theirs" --version)"
as none mkdir "$W/user/theirs" "$W/user/none" "$W/user/seccomp" "$W/user/nested"
run none "$theirs" theirs || skip "the lines could not be run"

n=0
point() {
	n=$((n + 1))
	echo "$1 $n - $2"
}

for mode in none seccomp nested; do
	if ! as $mode true 2>"$W/why"; then
		n=$((n + 1))
		echo "ok $n - $mode # SKIP $(cat "$W/why")"
		continue
	fi
	if [ $mode != none ]; then
		verdict=ok
		as $mode "$theirs" --unshare-all --ro-bind / / true 2>/dev/null && verdict="not ok"
		point "$verdict" "$mode: bubblewrap itself cannot run"
	fi
	run $mode "$ours" $mode
	i=0
	while IFS= read -r line; do
		case $line in '#'* | '') continue ;; esac
		i=$((i + 1))
		if cmp -s "$W/user/theirs/$i" "$W/user/$mode/$i"; then
			point ok "$mode: ${line%%: *}"
		else
			point "not ok" "$mode: ${line%%: *}"
			diff "$W/user/theirs/$i" "$W/user/$mode/$i" | sed 's/^/# /'
			sed 's/^/# err: /' "$W/user/$mode/$i.err" | head -5
		fi
	done <"$here/commands"
done
echo "1..$n"
