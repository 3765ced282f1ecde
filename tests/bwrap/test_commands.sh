#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Command lines of well-known callers, as TAP: with caisson-bwrap as with bubblewrap, where that can
# run; and with caisson-bwrap, the same again, where it cannot. As root, which takes user namespaces
# from the user in one way after the other.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID; CAISSON_TEST_BWRAP: another bubblewrap
# than a newer Debian's, or the installed one.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
uid=${CAISSON_TEST_UID:?}
ours=${CAISSON_PREFIX:?}/bin/caisson-bwrap
restrict=${CAISSON_BUILD:?}/tests/lib/restrict

needs_root "take user namespaces away"
[ -L /bin ] && [ -L /lib ] || cannot "the lines are for a merged /usr"
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
chmod 0755 "$T"
mkdir "$T/user" && chown "$uid:$uid" "$T/user"

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
		cp -r "$packages/usr" "$T/bubblewrap" && chmod -R go+rX "$T/bubblewrap"
		set -- "$T"/bubblewrap/lib/*-linux-gnu
		printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
			"$1"/ld-linux-*.so.2 "$1" "$T/bubblewrap/bin/bwrap" >"$T/bwrap"
		chmod 0755 "$T/bwrap"
		theirs=$T/bwrap
		as none "$theirs" --version >/dev/null 2>&1 && return 0
	fi
	theirs=$(command -v bwrap)
}

# run MODE PROGRAM NAME: all lines; what they printed is in $T/user/NAME
run() {
	as "$1" env -u XDG_RUNTIME_DIR "$here/commands.sh" "$2" "$T/user/$3" </dev/null >/dev/null 2>&1
	[ -s "$T/user/$3/count" ]
}

find_bubblewrap || cannot "there is no bubblewrap to compare with"
as none true || cannot "$(as none true 2>&1)"
as none "$theirs" --unshare-all --ro-bind / / true 2>"$T/why" || cannot "bubblewrap cannot run here: $(tail -1 "$T/why")"
echo "# with $("$theirs" --version)"
as none mkdir "$T/user/theirs" "$T/user/none" "$T/user/seccomp" "$T/user/nested"
run none "$theirs" theirs || cannot "the lines could not be run"

for mode in none seccomp nested; do
	if ! as $mode true 2>"$T/why"; then
		skip "$mode" "$(cat "$T/why")"
		continue
	fi
	if [ $mode != none ]; then
		! as $mode "$theirs" --unshare-all --ro-bind / / true 2>/dev/null
		point "$mode: bubblewrap itself cannot run"
	fi
	run $mode "$ours" $mode
	i=0
	while IFS= read -r line; do
		case $line in '#'* | '') continue ;; esac
		i=$((i + 1))
		SHOWN="differences user/$mode/$i.err"
		diff "$T/user/theirs/$i" "$T/user/$mode/$i" >"$T/differences"
		point "$mode: ${line%%: *}"
	done <"$here/commands"
done
echo "1..$N"
