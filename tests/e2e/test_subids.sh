#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sandboxes that run as a subordinate user: only root can grant one. The grants lie over /etc/subuid
# and /etc/subgid in a mount namespace of this test's own; by number first, then by name. TAP.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
uid=${CAISSON_TEST_UID:?}
RUN=${CAISSON_BUILD:?}/tests/e2e/run
SUB=1879048193 # nobody's, where people give out ranges from 100000 on

needs_root "grant ids"
own_mounts "$@"
for file in /etc/subuid /etc/subgid; do
	[ -f $file ] || cannot "there is no $file to put another over"
done
unshare --user true 2>/dev/null || cannot "nobody can make a user namespace here"

T=$(mktemp -d) || exit 1
trap 'umount /etc/subuid /etc/subgid "$T/tmp" 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
install -d -m 700 -o "$uid" -g "$uid" "$T/work"

# grant OWNER: lines that are not to be taken around one that is.
grant() {
	for file in subuid subgid; do
		offset=$([ $file = subgid ] && echo 1 || echo 0)
		printf '%s\n' "# $1:1:1" "nobody:1:4000000000" "$1x:1:4000000000" "$1:0:0" "$1:junk:1" \
			"$1:$((SUB + offset)):1" "$1:" "" >"$T/$file"
		mount --bind "$T/$file" /etc/$file || exit 1
	done
}

as_user() {
	setpriv --reuid "$uid" --regid "$uid" --clear-groups env TMPDIR="$T/work" HOME="$T/work" "$@"
}

echo "# stream: granted by number"
grant "$uid"
as_user "$RUN" subids $SUB $((SUB + 1)) || exit 1
umount /etc/subuid /etc/subgid

name=$(sed -n "s/^\([^:]*\):[^:]*:$uid:.*/\1/p" /etc/passwd | head -n 1)
echo "# stream: granted by name"
if [ -z "$name" ]; then
	skip "by name" "user $uid has no name in /etc/passwd"
	echo "1..$N"
	exit 0
fi
grant "$name"
as_user "$RUN" subids $SUB $((SUB + 1))
