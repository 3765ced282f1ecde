#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The two ways, --via: which is taken, what the report and the errors say of it, and what
# caisson-builder does where something changes under it. Started as root, who sets the scenes; TAP.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

needs_root "set the scenes"
own_mounts "$@"

T=$(mktemp -d) || exit 1
trap 'umount -l "$T"/nosuid 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
UID_=$CAISSON_TEST_UID
CAISSON=$CAISSON_PREFIX/bin/caisson
HELPER=$CAISSON_PREFIX/libexec/caisson/caisson-helper
mkdir "$T/home" && chown "$UID_:$UID_" "$T/home"
cd "$T/home" || exit 1

# as MODE PROG...: as the user, under a restriction of tests/lib/restrict.
as() {
	mode=$1
	shift
	"$CAISSON_BUILD/tests/lib/restrict" "$mode" --uid "$UID_" --gid "$UID_" -- \
		timeout 60 "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# run MODE ARG...
run() {
	mode=$1
	shift
	as "$mode" "$CAISSON" run --report - "$@"
}

said() {
	for pattern; do
		grep -q -- "$pattern" "$T/err" || return 1
	done
}

# took WAY PATTERN: a full sandbox, built so, and why.
took() {
	[ "$RC" = 0 ] && said '"full": true' "\"via\": \"$1\"" "\"via_reason\": \".*$2"
}

# refused PATTERN...
refused() {
	[ "$RC" = 125 ] && said "$@"
}

as none unshare --user true
[ "$RC" = 0 ] || cannot "ordinary users can make no user namespace on this machine"

# ------------------------------------------------------------ which way

run none -- true
took helper "could be used"; point "auto: the helper, where it works"
said '"by": "own namespace"' '"own_pools": { "enforced": true'
point "a user namespace of root's"
run none --via helper -- true
took helper .; point "--via helper"
run none --via userns -- true
took userns "asked for" && said '"root_of_initial_namespace": false'; point "--via userns"
said '"userns": { "enforced": true.*the user may enter' '"own_pools": { "enforced": false.*charged to the user'
point "the report says what differs"
run none --via neither -- true
[ "$RC" = 125 ] && grep -q "it is one of auto, helper and userns" "$T/err"; point "--via with another word"

# ------------------------------------------------------------ a helper that is of no use

# instead NAME PATTERN MODE ARG...: auto goes without the helper, --via helper does not.
instead() {
	name=$1 why=$2 how=$3
	shift 3
	run "$how" "$@" -- true
	took userns "$why"; point "$name: without it, and the report says why"
	run "$how" --via helper "$@" -- true
	refused "$why"; point "$name: --via helper is refused"
}

instead "a helper that is missing" "No such file" none --helper "$T/none"
cp "$HELPER" "$T/plain" && chmod 755 "$T/plain"
instead "one that is not setuid" "without privilege" none --helper "$T/plain"
cp "$HELPER" "$T/group" && chgrp $((UID_ + 1)) "$T/group" && chmod 4750 "$T/group"
instead "one reserved to a group" "reserved to the group" none --helper "$T/group"
mkdir "$T/nosuid" && mount -t tmpfs -o nosuid,mode=755 none "$T/nosuid" || exit 1
cp "$HELPER" "$T/nosuid/helper" && chmod 4755 "$T/nosuid/helper"
instead "one on a nosuid mount" "mounted nosuid" none --helper "$T/nosuid/helper"
instead "no_new_privs" "no_new_privs" userns
# the same in a user namespace that does not map root
in_userns() {
	as none unshare --user --map-current-user "$CAISSON" run --report - "$@" -- true
}
in_userns
took userns "root is mapped\|yet it got none"; point "in a user namespace without root: without it"
in_userns --via helper
refused "yet it got none"; point "in a user namespace without root: --via helper is refused"

# ------------------------------------------------------------ an answer is an answer

mkdir "$T/policy.d" || exit 1
cp -a "$CAISSON_PREFIX/etc/caisson/policy.d/." "$T/policy.d" &&
	echo "deny all read /usr/share" >"$T/policy.d/95-via.conf" &&
	mount --bind "$T/policy.d" "$CAISSON_PREFIX/etc/caisson/policy.d" || exit 1
run none --ro /usr/share:/x -- true
refused "policy"; point "what the policy denies is refused, and auto does not go around it"
run none --via userns --ro /usr/share:/x -- true
took userns .; point "the policy binds the helper only"
umount "$CAISSON_PREFIX/etc/caisson/policy.d"
for way in auto helper userns; do
	"$CAISSON" run --via $way -- true >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	refused "root may not ask" "ordinary user"; point "root is refused by every way ($way)"
done
run none --ro /nowhere:/x -- true
refused "cannot open /nowhere"; point "a wrong source is wrong either way"

# ------------------------------------------------------------ both closed

for mode in seccomp nested; do
	case $mode in seccomp) why="seccomp filter" ;; *) why="max_user_namespaces=0" ;; esac
	run $mode --via userns -- true
	refused "may create no user namespace" "$why" "what to do:"
	point "$mode: --via userns names what denies it"
	run $mode --helper "$T/none" -- true
	refused "No such file" "without it, caisson-builder" "decided by: caisson-helper" "what to do: install"
	point "$mode: without a helper both are told, the helper first"
	run $mode -- true
	took helper .; point "$mode: the helper does not mind"
done
# one user namespace may be had, and the second, without which nothing is locked, not
# shellcheck disable=SC2016 # the inner shell expands it
as none unshare --user --map-current-user --keep-caps sh -c \
	'echo 1 >/proc/sys/user/max_user_namespaces && exec "$0" run --via userns -- true' "$CAISSON"
refused "user namespace" "No space left"; point "one user namespace is not enough, and no sandbox is left with one"

# ------------------------------------------------------------ what it cannot do

run none --via userns --userns none -- true
refused "built of them"; point "without any user namespace: no"
run none --via userns --subuid 100000 --subgid 100000 -- true
refused "takes caisson-helper"; point "subordinate ids: no"
run none --via userns --ro-idmap /usr:/x -- true
refused "take caisson-helper"; point "idmapped grants: no"
run none --via userns --require own_pools -- true
refused "own_pools.*charged to its user"; point "pools of its own: no"
run none --helper "$T/none" --require own_pools -- true
refused "No such file" "own_pools"; point "and auto does not give less than was required"
run none --via userns --require userns --uid 0 --gid 0 --net loopback -- sh -c 'id -u'
took userns . && grep -qx 0 "$T/out"; point "other ids inside, a loopback: yes"

# ------------------------------------------------------------ a container's /proc

mount -t tmpfs none /proc/acpi 2>/dev/null || mount --bind /dev/null /proc/kcore || exit 1
run none --via userns -- true
refused "parts of /proc are covered" "systempaths=unconfined" "unmask=ALL" "procMount"
point "a masked /proc: the knobs of Docker, Podman and Kubernetes"
run none -- true
took helper .; point "which the helper does not mind"
umount /proc/acpi 2>/dev/null || umount /proc/kcore
run none --via userns -- true
took userns .; point "and unmasked it works again"

# ------------------------------------------------------------ the sources are what was granted

mkdir d other && echo granted >d/f && echo foreign >other/f && chown -R "$UID_:$UID_" d other
# shellcheck disable=SC2016
covered='exec 5<d; mount --bind "$1" d; exec "$0" run --via "$2" --ro /proc/self/fd/5:/x -- cat /x/f'
for over in other d; do
	as none unshare --user --mount --map-current-user --keep-caps \
		sh -c "$covered" "$CAISSON" $over userns
	refused "not in this process's mount namespace\|Stale"
	point "a directory under another mount (of $over) is refused, as by the helper"
done
as none unshare --user --mount --map-current-user --keep-caps \
	sh -c "exec 5<d; exec \"\$0\" run --via userns --ro /proc/self/fd/5:/x -- cat /x/f" "$CAISSON"
[ "$RC" = 0 ] && grep -qx granted "$T/out"; point "and without one it is not"
mkdir -p tree/closed/point && chown -R "$UID_:$UID_" tree && chmod 0 tree/closed
for way in helper userns; do
	run none --via $way --ro tree:/tree --ro d:/tree/closed/point -- true
	refused "mounting: .*/tree/closed/point: .*Permission denied"
	point "a destination that the user cannot reach is not reached ($way)"
done
if command -v strace >/dev/null; then
	as none strace -f -qq -o /dev/null -e trace=mount -e inject=mount:error=EACCES:when=1 \
		"$CAISSON" run --via userns -- true
	refused "was created, and may not be used" "decided by:" "what to do:"
	point "a user namespace without rights in it, as Ubuntu's AppArmor makes it, is told apart"
	(sleep 1; mv d gone; mkdir d; echo foreign >d/f) &
	as none strace -f -qq -o /dev/null -e trace=unshare -e inject=unshare:delay_exit=2000000:when=1 \
		"$CAISSON" run --via userns --ro d:/x -- cat /x/f
	wait
	refused "Stale"; point "a source that is exchanged while it is built is not given instead"
else
	skip "a source that is exchanged while it is built" "strace is not installed"
fi

# ------------------------------------------------------------ nothing is left

# A user of their own: others run sandboxes of the test user meanwhile.
UID_=61790
chown "$UID_:$UID_" "$T/home"
mounts() {
	cut -d' ' -f3- /proc/self/mountinfo | sort
}
mounts >"$T/before"
i=0
while [ $i -lt 40 ]; do
	# what builds, at some moment of the 5 ms that it takes
	# shellcheck disable=SC2016 # the inner shell expands it
	as none sh -c '"$0" run --via userns -- sleep 0.01 & sleep "$1"
		read -r its <"/proc/$!/task/$!/children" && kill -KILL $its; wait' "$CAISSON" 0.00$((i % 10))
	i=$((i + 1))
done
none_runs() { ! pgrep -u "$UID_" -f 'caisson-(init|builder)' >"$T/err"; }
wait_for none_runs; point "after kill -9 of the builder at any moment no process of it is left"
mounts >"$T/after"
cmp -s "$T/before" "$T/after"; point "and no mount"
echo "1..$N"
