#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Refusals that only root can set the scene for: a helper on a nosuid mount, one that is not
# setuid, a caller that is root. TAP. Environment: CAISSON_PREFIX, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

needs_root "mount, and to be root"
own_mounts "$@"

T=$(mktemp -d) || exit 1
trap 'umount "$T"/* 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
HELPER=$CAISSON_PREFIX/libexec/caisson/caisson-helper

# refused NAME PATTERN...: the last run was, with an error that has each pattern.
refused() {
	name=$1 refusal=yes
	shift
	[ "$RC" = 125 ] || refusal=
	for pattern; do
		grep -q -- "$pattern" "$T/err" || refusal=
	done
	[ "$refusal" ]
	point "$name"
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
refused "a helper on a nosuid mount is refused, and named" "nosuid" "what to do: install it on a file system"

mkdir "$T/suid"
mount -t tmpfs -o mode=755 none "$T/suid" || exit 1
cp "$HELPER" "$T/suid/helper" && chmod 755 "$T/suid/helper"
as_user "$CAISSON_PREFIX/bin/caisson" run --via helper --helper "$T/suid/helper" -- true
refused "a helper of root's that is not setuid" "without privilege" "chmod 4755"
chmod 4755 "$T/suid/helper"
as_user "$CAISSON_PREFIX/bin/caisson" run --via helper --helper "$T/suid/helper" -- true
[ "$RC" = 0 ]
point "the same file, setuid, works"
"$CAISSON_PREFIX/bin/caisson" run -- true >"$T/out" 2>"$T/err" </dev/null
RC=$?
refused "a caller that is root" "built-in policy" "ordinary user"
echo "1..$N"
