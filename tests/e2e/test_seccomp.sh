#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson run --seccomp and --explain-denials, as an unprivileged user against the installed helper.
# TAP.
# Environment: CAISSON_PREFIX.
set -u
export LC_ALL=C

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
T=$(mktemp -d) || exit 1
N=0
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1

if [ "$(id -u)" = 0 ]; then
	echo "1..0 # SKIP it is about what an ordinary user gets, and this is root"
	exit 77
fi

# point NAME: the last command's status decides.
point()
{
	if [ $? = 0 ]; then verdict=ok; else verdict="not ok"; fi
	N=$((N + 1))
	echo "$verdict $N - $1"
	[ "$verdict" = ok ] || sed 's/^/# /' out err | head -12
}

# run ARG...: caisson run, its output in out and err, its status in RC.
run()
{
	timeout 60 "$CAISSON" run "$@" >out 2>err </dev/null
	RC=$?
}

# What is in single quotes is the inner shell's.
# shellcheck disable=SC2016
for profile in default strict gpu; do
	run --seccomp $profile -- sh -c 'echo one two | { read -r a b; echo "$b" >/tmp/x; cat /tmp/x; }'
	[ $RC = 0 ] && [ "$(cat out)" = two ]
	point "$profile: a shell, a pipe and a file"
	run --seccomp $profile --report "$T/report" -- true
	[ $RC = 0 ] && grep -q "\"seccomp\": { \"enforced\": true, .*profile $profile\"" report
	point "$profile: the report names it"
	run --seccomp $profile -- unshare --uts true
	[ $RC != 0 ] && grep -q 'Operation not permitted' err
	point "$profile: no nested user namespace"
done

run --seccomp default -- ln -s a /tmp/b
[ $RC = 0 ]
point "default: a symbolic link can be made"
run --seccomp strict -- ln -s a /tmp/b
[ $RC != 0 ] && grep -q 'Operation not permitted' err
point "strict: it cannot"
run --seccomp loose -- true
[ $RC = 125 ] && grep -q 'one of default, strict and gpu' err
point "another profile is refused, and it says which there are"

if [ "${CAISSON_TEST_RESTRICTION:-}" = kernel-4.18 ]; then
	run --explain-denials -- true
	[ $RC = 125 ] && grep -q 'leave --explain-denials out, which takes Linux 5.0' err
	point "denials cannot be told before Linux 5.0, and it says so"
	echo "1..$N"
	exit
fi
run --explain-denials -- sh -c 'unshare --uts true; unshare -n true; :'
[ $RC = 0 ] && grep -qx 'caisson: denied: unshare ([0-9]*), 2 times' err
point "denials are told, by name, number and count"
[ "$(grep -c denied: err)" = 1 ]
point "and nothing else is"
run --explain-denials -- true
[ $RC = 0 ] && grep -qx 'caisson: denied: nothing' err
point "that there were none is said"
run --seccomp strict --explain-denials -- sh -c 'ln -s a /tmp/b; [ -L /tmp/b ] || exit 3'
[ $RC = 3 ] && grep -qE 'caisson: denied: symlink(at)? \([0-9]*\), 1 time$' err
point "strict: the same, what is told is denied nevertheless, and the exit status is the program's"
if command -v python3 >/dev/null; then
	run --explain-denials -- python3 -c 'import threading
t = [threading.Thread(target=print, args=(i,)) for i in range(4)]
[x.start() for x in t]; [x.join() for x in t]'
	[ $RC = 0 ] && [ "$(wc -l <out)" = 4 ]
	point "threads start while denials are explained"
else
	N=$((N + 1))
	echo "ok $N - threads start while denials are explained # SKIP there is no python3"
fi
# shellcheck disable=SC2016
run --explain-denials -- sh -c 'i=0; while [ $i -lt 200 ]; do unshare --uts true; i=$((i + 1)); done; :'
[ $RC = 0 ] && grep -qx 'caisson: denied: unshare ([0-9]*), 200 times' err
point "hundreds of denials end well"
echo "1..$N"
