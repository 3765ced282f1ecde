# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of caisson-bwrap share. As an unprivileged user against the installed helper. TAP.
# Environment: CAISSON_PREFIX; CAISSON_TEST_RESTRICTION.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user

BWRAP=${CAISSON_PREFIX:?}/bin/caisson-bwrap
T=$(mktemp -d "${HOME:-/tmp}/bwrap.XXXXXX") || exit 1
trap 'chmod -R u+rwx "$T"; rm -rf "$T"' EXIT
cd "$T" || exit 1
umask 022

done_testing()
{
	echo "1..$N"
}

# bw ARG...: caisson-bwrap, its output in out and err, its status in RC.
bw()
{
	timeout 30 "$BWRAP" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# gave STATUS [OUTPUT]: the last run ended so, and printed exactly that.
gave()
{
	[ "$RC" = "$1" ] && { [ $# = 1 ] || [ "$(cat "$T/out")" = "$2" ]; }
}

# refused TEXT: 1, no output, and one message of bubblewrap's that begins so.
refused()
{
	[ "$RC" = 1 ] && [ ! -s "$T/out" ] && grep -qF -- "bwrap: $1" "$T/err"
}

# A small root: what a program needs to start, and nothing else.
small()
{
	set -- --ro-bind /usr /usr "$@"
	for dir in bin sbin lib lib64; do
		if [ -L /$dir ]; then
			set -- --symlink "$(readlink /$dir)" /$dir "$@"
		elif [ -d /$dir ]; then
			set -- --ro-bind /$dir /$dir "$@"
		fi
	done
	bw --unshare-all "$@"
}
