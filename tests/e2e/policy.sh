# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests that write a policy share; each begins with it, as root, who alone may. It goes on in
# a mount namespace of its own, where the policy is a folder that ends with it. TAP.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck disable=SC2034 # what the tests use
set -u
export LC_ALL=C
N=0
RC=0
PATH=$PATH:/usr/sbin:/sbin

skip() {
	echo "1..0 # SKIP $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "it takes root to write a policy"
if [ -z "${CAISSON_TEST_INNER:-}" ]; then
	exec env CAISSON_TEST_INNER=1 unshare --mount --propagation private "$0" "$@"
fi

# A cache entry of the build.
cached() {
	sed -n "s/^$1:[A-Z]*=//p" "${CAISSON_BUILD:?}/CMakeCache.txt"
}

T=$(mktemp -d) || exit 1
chmod 755 "$T"
# What a test leaves besides: it defines its own.
leave() {
	:
}
finish() {
	leave
	umount "$POLICY" 2>/dev/null
	rm -rf "$T"
}
trap finish EXIT
CAISSON=${CAISSON_PREFIX:?}/bin/caisson
uid=${CAISSON_TEST_UID:?}
POLICY=$(cached CAISSON_POLICY_DIR)
cp "$POLICY/policy.conf" "$T/shipped" || exit 1
mount -t tmpfs -o mode=755 none "$POLICY" || skip "nothing can be mounted here"
cp "$T/shipped" "$POLICY/policy.conf"
mkdir "$POLICY/policy.d"

# point NAME: the last command's status decides.
point() {
	if [ $? = 0 ]; then verdict=ok; else verdict="not ok"; fi
	N=$((N + 1))
	echo "$verdict $N - $1"
	[ "$verdict" = ok ] || {
		echo "# status $RC"
		sed 's/^/# /' "$T/out" "$T/err" | tail -n 15
	}
}

user() {
	setpriv --reuid "$uid" --regid "$uid" --clear-groups timeout "${CAISSON_TEST_SECONDS:-30}" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# policy LINE...: the shipped one, and these lines.
policy() {
	rm -f "$POLICY/policy.conf" "$POLICY/policy.d"/*
	cp "$T/shipped" "$POLICY/policy.conf"
	printf '%s\n' "$@" >"$POLICY/policy.d/50-local.conf"
}
