#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The three ways to install caisson-helper, setuid, setuid for a group, file capabilities, and what is
# said where one of them lacks something. TAP. Only root can install one.
# Environment: CAISSON_PREFIX, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
GID=61234
GROUP=caisson-test
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

needs_root "install a helper"
command -v setcap >/dev/null || cannot "there is no setcap"
own_mounts "$@"

T=$(mktemp -d) || exit 1
trap 'umount /etc/group "$T"/* 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
CAISSON=${CAISSON_PREFIX:?}/bin/caisson
uid=${CAISSON_TEST_UID:?}
caps=$("$SOURCE/packaging/helper-caps") || exit 1
caps=${caps%=p}

mkdir "$T/suid" "$T/nosuid"
mount -t tmpfs -o mode=755 none "$T/suid" || cannot "nothing can be mounted here"
mount -t tmpfs -o nosuid,mode=755 none "$T/nosuid" || exit 1
: >"$T/suid/try"
setcap cap_chown=p "$T/suid/try" 2>/dev/null || cannot "a tmpfs has no file capabilities here"
{ grep -v "6123[45]" /etc/group; echo "$GROUP:x:$GID:"; } >"$T/group"
mount --bind "$T/group" /etc/group || exit 1
HELPER=$T/suid/helper

# as OPTION... -- ARG...: the user, with setpriv's options besides, runs caisson ARG...
as() {
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # words
	setpriv --reuid "$uid" --regid "$uid" ${options:---clear-groups} timeout 30 "$CAISSON" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# helper MODE [CAPABILITIES]: the installed one, so.
helper() {
	rm -f "$HELPER" && cp "$CAISSON_PREFIX/libexec/caisson/caisson-helper" "$HELPER" || exit 1
	case $1 in
	*0) chgrp $GID "$HELPER" ;;
	esac
	chmod "$1" "$HELPER" || exit 1
	[ $# = 1 ] || setcap "$2" "$HELPER" || exit 1
}

# works NAME [OPTION...]: a full sandbox, with a user namespace and without, with an own loopback.
works() {
	name=$1
	shift
	for how in auto none; do
		as "$@" -- run --via helper --helper "$HELPER" --userns $how --net loopback --report - -- id -u
		[ "$RC" = 0 ] && grep -q "^$uid\$" "$T/out" && grep -q '"full": true' "$T/err"
		point "$name: a full sandbox (user namespace $how)"
	done
}

# Where users can make user namespaces there is a full sandbox without the helper, too.
without=2
setpriv --reuid "$uid" --regid "$uid" --clear-groups unshare --user true 2>/dev/null && without=0

# doctor STATUS VALUE [OPTION...]
doctor() {
	status=$1 value=$2
	shift 2
	as "$@" -- doctor --helper "$HELPER"
	[ "$RC" = "$status" ] && grep -q "^helper  *$value  " "$T/out"
	point "doctor: $value"
}

# refused NAME PATTERN... [-- OPTION...]
refused() {
	name=$1 patterns=
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		patterns="$patterns$1
"
		shift
	done
	[ $# = 0 ] || shift
	as "$@" -- run --via helper --helper "$HELPER" -- true
	[ "$RC" = 125 ] && echo "$patterns" | {
		while read -r pattern; do
			grep -q -- "$pattern" "$T/err" || exit 1
		done
	}
	point "$name"
}

helper 4755
works "setuid"
doctor 0 "setuid root"

helper 4750
works "setuid for a group" --groups $GID
doctor 0 "setuid root, for group $GROUP" --groups $GID
refused "who is not in the group is told so" "reserved to the group $GROUP" "usermod .*$GROUP"
doctor $without "reserved to a group"
chgrp $((GID + 1)) "$HELPER" && chmod 4750 "$HELPER"
refused "a group without a name has a number" "reserved to the group $((GID + 1)),"

helper 755 "$caps=p"
works "file capabilities"
doctor 0 "file capabilities"
helper 750 "$caps=p"
works "file capabilities, for a group" --groups $GID
doctor 0 "file capabilities, for group $GROUP" --groups $GID
refused "who is not in that group is told so" "reserved to the group $GROUP" "usermod .*$GROUP"
helper 4755 "$caps=p"
works "file capabilities, and setuid"
helper 755 "$caps=ep"
works "file capabilities that are effective, too"
helper 755 "$caps,cap_sys_rawio,cap_sys_module=p"
works "file capabilities, more than it needs"

rest=$caps,
while [ -n "$rest" ]; do
	cap=${rest%%,*}
	rest=${rest#*,}
	NAME=$(echo "$cap" | tr '[:lower:]' '[:upper:]')
	kept=$(echo "$caps," | sed "s/$cap,//; s/,\$//")
	helper 755 "$kept=p"
	refused "$cap missing is named, and what gives it" "does not give it $NAME:" \
		"setcap $caps=p $HELPER"
	doctor $without "capabilities missing"
	grep -q "does not give it $NAME\$" "$T/out"
	point "doctor: $NAME"
	helper 4755
	refused "a process that may not gain $cap" "lacks $NAME here" "container" -- \
		"--bounding-set=-${cap#cap_}" --clear-groups
done
helper 755 "cap_kill=p"
refused "the wrong capabilities are none" "without privilege\|gives it privilege"

helper 755
refused "no privilege at all" "without privilege" "chmod 4755"
doctor $without "not privileged"
helper 755 "$caps=p"
refused "no_new_privs" "no_new_privs" "NoNewPrivileges" -- --no-new-privs --clear-groups
helper 4755
as -- run --via helper --helper "$HELPER" -- true
[ "$RC" = 0 ]; point "the same file, setuid, works"
if setpriv --reuid "$uid" --regid "$uid" --clear-groups unshare --user true 2>/dev/null; then
	setpriv --reuid "$uid" --regid "$uid" --clear-groups unshare --user --map-user="$uid" \
		timeout 30 "$CAISSON" run --via helper --helper "$HELPER" -- true >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	[ $RC = 125 ] && grep -q "yet it got none" "$T/err" && grep -q "root is mapped" "$T/err"
	point "a user namespace without root"
else
	skip "a user namespace without root" "users can make none here"
fi

HELPER=$T/nosuid/helper
for how in 4755 "755 $caps=p"; do
	# shellcheck disable=SC2086 # words
	helper $how
	refused "nosuid is named ($how)" "mounted nosuid" "file system without nosuid"
	doctor $without "no privilege here"
done
echo "1..$N"
