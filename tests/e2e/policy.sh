# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests that write a policy share; each begins with it, as root, who alone may. It goes on in
# a mount namespace of its own, where the policy is a folder that ends with it. TAP.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck disable=SC2034 # what the tests use
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
PATH=$PATH:/usr/sbin:/sbin

needs_root "write a policy"
own_mounts "$@"

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
mount -t tmpfs -o mode=755 none "$POLICY" || cannot "nothing can be mounted here"
cp "$T/shipped" "$POLICY/policy.conf"
mkdir "$POLICY/policy.d"

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
