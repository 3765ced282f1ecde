#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the label is in a machine that runs AppArmor (tests/vm/run --lsm apparmor), and that neither
# the sandbox nor who asks for it gains by it. TAP, as uid 1000.
# Environment: CAISSON_PREFIX; CAISSON_TEST_RESTRICTION (the knobs).
set -u

caisson=${CAISSON_PREFIX:?}/bin/caisson
own=$(sed 's/ (.*//' /proc/self/attr/apparmor/current)
secret=/etc/caisson-vm-secret
n=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# err: /' error
	fi
}

# The parts of a label, in an order of our own.
parts() {
	sed 's/ (.*//; s|//&|\n|g' | sort | tr '\n' ' '
}

inside() {
	"$caisson" run "$@" 2>error
}

if [ "$own" = vm-other ]; then
	inside -- /usr/bin/true
	result $((! ($? == 125))) "a caller that the helper cannot tell from others is refused"
	grep -qi 'security module' error
	result $? "and is told that it is the security module's label"
	echo "1..$n"
	exit 0
fi

wanted=$(printf 'caisson-sandbox\n%s\n' "$own" | sort | tr '\n' ' ')
[ "$(inside -- /usr/bin/cat /proc/self/attr/apparmor/current | parts)" = "$wanted" ]
result $? "the target's label is the sandbox's with the caller's: $wanted"
[ "$(inside -- /usr/bin/cat /proc/1/attr/apparmor/current | parts)" = "$wanted" ]
result $? "so is init's"
inside --require label -- /usr/bin/true
result $? "a label can be required"
inside --userns required --net loopback -- /usr/bin/true
result $? "a user namespace and a loopback of its own"
nested=$(printf 'caisson-sandbox-nested\n%s\n' "$own" | sort | tr '\n' ' ')
[ "$(inside --seccomp nested -- /usr/bin/cat /proc/self/attr/apparmor/current | parts)" = "$nested" ]
result $? "where namespaces may be made inside: $nested"
if [ "$own" = unconfined ]; then
	[ "$(inside --seccomp nested -- /usr/bin/unshare -Urm /bin/sh -c \
		'mount -t tmpfs none /tmp && echo x >/tmp/y && cat /tmp/y')" = x ]
	result $? "and a mount in one is not denied"
fi
if [ "$own" != unconfined ]; then
	cat "$secret" >/dev/null 2>&1
	result $((! $?)) "this process may not read $secret"
	[ "$(inside --ro "$secret:$secret" -- /usr/bin/cat "$secret")" = "" ]
	result $? "neither may its sandbox, to which it is granted"
fi
echo "1..$n"
