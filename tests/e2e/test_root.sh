#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Refusals that only root can set the scene for: a helper on a nosuid mount, one that is not
# setuid, a caller that is root. TAP. Environment: CAISSON_PREFIX, CAISSON_TEST_UID.
set -u
N=0

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP it takes root to mount, and to be root"
	exit 77
fi
# A mount namespace of its own: what is mounted here ends with it.
if [ -z "${CAISSON_TEST_INNER:-}" ]; then
	exec env CAISSON_TEST_INNER=1 unshare --mount --propagation private "$0" "$@"
fi

T=$(mktemp -d) || exit 1
trap 'umount "$T"/* 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
HELPER=$CAISSON_PREFIX/libexec/caisson/caisson-helper

# point NAME PATTERN...: the last run was refused, with an error that has each pattern.
point() {
	name=$1 verdict=ok
	shift
	[ "$RC" = 125 ] || verdict='not ok'
	for pattern; do
		grep -q -- "$pattern" "$T/err" || verdict='not ok'
	done
	N=$((N + 1))
	echo "$verdict $N - $name"
	[ "$verdict" = ok ] || sed "s/^/# status $RC: /" "$T/err"
}

as_user() {
	setpriv --reuid "$CAISSON_TEST_UID" --regid "$CAISSON_TEST_UID" --clear-groups "$@" \
		>"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

mkdir "$T/nosuid"
mount -t tmpfs -o nosuid,mode=755 none "$T/nosuid" || exit 1
cp "$HELPER" "$T/nosuid/helper" && chmod 4755 "$T/nosuid/helper"
as_user "$CAISSON_PREFIX/bin/caisson" run --via helper --helper "$T/nosuid/helper" -- true
point "a helper on a nosuid mount is refused, and named" "nosuid" "what to do: install it on a file system"

mkdir "$T/suid"
mount -t tmpfs -o mode=755 none "$T/suid" || exit 1
cp "$HELPER" "$T/suid/helper" && chmod 755 "$T/suid/helper"
as_user "$CAISSON_PREFIX/bin/caisson" run --via helper --helper "$T/suid/helper" -- true
point "a helper of root's that is not setuid" "without privilege" "chmod 4755"
chmod 4755 "$T/suid/helper"
as_user "$CAISSON_PREFIX/bin/caisson" run --via helper --helper "$T/suid/helper" -- true
N=$((N + 1))
[ "$RC" = 0 ] && echo "ok $N - the same file, setuid, works" || {
	echo "not ok $N - the same file, setuid, works"
	sed 's/^/# /' "$T/err"
}
"$CAISSON_PREFIX/bin/caisson" run -- true >"$T/out" 2>"$T/err" </dev/null
RC=$?
point "a caller that is root" "built-in policy" "ordinary user"
echo "1..$N"
