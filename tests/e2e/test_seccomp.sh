#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson run --seccomp and --explain-denials, as an unprivileged user against the installed helper.
# TAP.
# Environment: CAISSON_PREFIX.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1

# run ARG...: caisson run, its output in out and err, its status in RC.
run()
{
	timeout 60 "$CAISSON" run "$@" >out 2>err </dev/null
	RC=$?
}

# What is in single quotes is the inner shell's.
# shellcheck disable=SC2016
nested=
run --userns required -- true
# The policy of the tests allows it. Where not even root may make a user namespace there is none.
[ $RC = 125 ] || nested=nested
for profile in default strict gpu $nested; do
	run --seccomp "$profile" -- sh -c 'echo one two | { read -r a b; echo "$b" >/tmp/x; cat /tmp/x; }'
	[ $RC = 0 ] && [ "$(cat out)" = two ]
	point "$profile: a shell, a pipe and a file"
	run --seccomp "$profile" --report "$T/report" -- true
	[ $RC = 0 ] && grep -q "\"seccomp\": { \"enforced\": true, .*profile $profile\"" report
	point "$profile: the report names it"
	run --seccomp "$profile" -- unshare --uts true
	[ "$profile" != nested ] || continue
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
[ $RC = 125 ] && grep -q 'one of default, strict, gpu and nested' err
point "another profile is refused, and it says which there are"

# ---- nested: namespaces that are made inside

run --seccomp nested --userns none -- true
[ $RC = 125 ] && grep -q 'profile nested needs a user namespace' err
point "nested: not without a user namespace"
run --seccomp nested --require capabilities -- true
[ $RC = 125 ] && grep -q '"capabilities" is required, and given up' err
point "nested: that nobody has a capability cannot be required"
run --seccomp nested --proc /proc:pids -- true
[ $RC = 125 ] && grep -q 'a procfs of processes only does not stay one' err
point "nested: no procfs of processes only, beside which one with all of it could be mounted"
if [ -z "$nested" ]; then
	run --seccomp nested -- true
	[ $RC = 125 ] && grep -q 'user namespace' err
	point "nested: where nobody may make a user namespace it is refused"
else
	run --seccomp nested -- unshare -Ur id -u
	[ $RC = 0 ] && [ "$(cat out)" = 0 ]
	point "nested: a user namespace inside, and root in it"
	run --seccomp nested -- unshare -Urmpfuni sh -c 'mount -t tmpfs none /tmp && echo x >/tmp/y &&
		mount --rbind /usr /tmp/ && hostname inner && [ "$(hostname)" = inner ] && ls /tmp/bin >/dev/null && echo $$'
	[ $RC = 0 ] && [ "$(cat out)" = 1 ]
	point "nested: mounts, names and processes of its own"
	run --seccomp nested -- sh -c 'cat /proc/sys/user/max_user_namespaces /proc/sys/user/max_mnt_namespaces \
		/proc/sys/user/max_net_namespaces /proc/sys/user/max_pid_namespaces /proc/sys/user/max_ipc_namespaces \
		/proc/sys/user/max_uts_namespaces'
	[ $RC = 0 ] && [ "$(sort -u out)" = 64 ]
	point "nested: so many of each kind, which are charged to root as well"
	run --seccomp nested -- sh -c 'i=0; while unshare -Um true 2>/dev/null && [ $i -lt 4 ]; do i=$((i + 1)); done; echo $i
		for i in $(seq 80); do unshare -U sleep 5 & done 2>/tmp/err; sleep 4; grep -c "No space left\|EAGAIN\|Resource" /tmp/err; :'
	[ $RC = 0 ] && [ "$(head -n 1 out)" = 4 ] && [ "$(tail -n 1 out)" -gt 0 ]
	point "nested: and no more"
	run --seccomp nested -- unshare -Urm sh -c 'umount /usr; mount -o remount,bind,rw /usr; touch /usr/x; umount /proc/keys'
	[ $RC != 0 ] && [ "$(grep -c . err)" -ge 4 ]
	point "nested: what the sandbox's mounts are and cover stays so"
	run --seccomp nested -- unshare -Urpfm mount -t proc proc /proc
	[ $RC != 0 ]
	point "nested: a fresh procfs would show what is covered, and is refused"
	run --seccomp nested --proc /proc:whole -- unshare -Urpfm sh -c 'mount -t proc proc /proc && echo /proc/[0-9]*'
	[ $RC = 0 ] && grep -qE '^/proc/1( /proc/[0-9]+)?$' out
	point "nested: with --proc /proc:whole there is one"
	run --seccomp nested -- unshare -UrC true
	[ $RC != 0 ] && grep -q 'Operation not permitted' err
	point "nested: no cgroup namespace, with which the caller's group could be mounted"
	run --seccomp nested -- unshare -Urm mount -t cgroup2 none /tmp
	[ $RC != 0 ]
	point "nested: and so it cannot"
	run --seccomp nested -- unshare -UrT true
	[ $RC != 0 ]
	point "nested: nor a clock's"
	run --seccomp nested -- unshare -Urn nsenter --net=/proc/self/ns/net true
	[ $RC != 0 ] && grep -q 'Operation not permitted' err
	point "nested: joining a namespace is denied"
	run --seccomp nested -- unshare -Ur sh -c 'cat /proc/1/root/etc/passwd /etc/shadow; ls /proc/1/fd'
	[ $RC != 0 ] && [ ! -s out ]
	point "nested: root inside is nobody to the sandbox's init, nor to files"
	run --seccomp nested --report "$T/report" -- true
	grep -q '"full": false' report && grep -q '"capabilities": { "enforced": false, .*user namespaces made inside' report &&
		grep -q '"userns": { "enforced": true' report && grep -q '"no_new_privs": { "enforced": true' report
	point "nested: the report says what it costs"
	if command -v bwrap >/dev/null; then
		run --seccomp nested -- bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-net \
			--ro-bind / / --tmpfs /tmp --dev /tmp/dev sh -c 'echo $$'
		[ $RC = 0 ]
		point "nested: bubblewrap works inside"
	else
		skip "nested: bubblewrap works inside" "there is no bubblewrap"
	fi
fi

if [ "$KERNEL" = 4.18 ]; then
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
	skip "threads start while denials are explained" "there is no python3"
fi
# shellcheck disable=SC2016
run --explain-denials -- sh -c 'i=0; while [ $i -lt 200 ]; do unshare --uts true; i=$((i + 1)); done; :'
[ $RC = 0 ] && grep -qx 'caisson: denied: unshare ([0-9]*), 200 times' err
point "hundreds of denials end well"
echo "1..$N"
