#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers as Docker, Podman and Kubernetes make them, by runc and a config.json of our own: what
# caisson doctor says in each, and what caisson run does. The options that docs/containers.md calls
# the smallest work, and with one taken away each is refused by name. TAP.
# Environment: CAISSON_PREFIX, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
SHOWN="out/why out/err out/out"
HERE=$(cd "$(dirname "$0")" && pwd)

needs_root "start a container"
command -v runc >/dev/null || cannot "there is no runc"
command -v python3 >/dev/null || cannot "there is no python3 to read JSON with"
[ "$(uname -m)" = x86_64 ] || cannot "the filter of the configurations is for x86_64"
own_mounts "$@"

PREFIX=${CAISSON_PREFIX:?}
UID_IN=${CAISSON_TEST_UID:?}
SUBUID=400000 # as in tests/lib/oci-config
T=$(mktemp -d) || exit 1
chmod 755 "$T"
# shellcheck disable=SC2329 # called by the trap
cleanup() {
	umount -l "$T/rootfs" 2>/dev/null
	rm -rf --one-file-system "$T"
}
trap cleanup EXIT
mkdir "$T/rootfs" "$T/bundle" "$T/state" "$T/out"
chmod 1777 "$T/out"
mount --rbind / "$T/rootfs" && mount --make-rprivate "$T/rootfs" || cannot "/ cannot be bound"

# The installed tree as the image of a rootless container has it: its root's, not the host's.
cp -a "$PREFIX" "$T/owned"
chown -R $SUBUID:$SUBUID "$T/owned"
chmod 4755 "$T/owned/libexec/caisson/caisson-helper"

# in_container KIND COMMAND: its standard output and error are $T/out/{out,err}.
in_container() {
	local kind=$1 binds=()
	shift
	case $kind in
	rootless*) binds=(--bind "$T/owned" "$PREFIX") ;;
	pod) binds=(--tmpfs - "$PREFIX/run/caisson" --bind "$T/out" "$T/out") ;;
	pod-without-tmpfs) kind=pod binds=(--bind "$T/out" "$T/out") ;;
	esac
	"$HERE/../lib/oci-config" "$kind" "$T/rootfs" "$UID_IN" "${binds[@]}" -- \
		sh -c "$*" >"$T/bundle/config.json" || return 125
	timeout 60 runc --root "$T/state" run --bundle "$T/bundle" "caisson-test-$$" \
		</dev/null >"$T/out/out" 2>"$T/out/err"
}

# is EXPRESSION: true of doctor's JSON, which is d there, its findings f.
is() {
	python3 - "$T/out/out" "$1" >"$T/out/why" 2>&1 <<-'EOF2'
	import json, sys
	d = json.load(open(sys.argv[1]))
	f = {x["topic"]: x for x in d["findings"]}
	value = eval("(%s)" % sys.argv[2])
	print(sys.argv[2], "is", value)
	sys.exit(0 if value else 1)
	EOF2
}

# doctor KIND STATUS EXPRESSION
doctor() {
	local rc=0
	in_container "$1" "$PREFIX/bin/caisson doctor --json" || rc=$?
	[ "$rc" = "$2" ] && is "$3"
	point "$1: doctor: ${3//$'\n\t'/}"
}

# runs KIND: a full sandbox, as an ordinary user.
runs() {
	in_container "$1" "$PREFIX/bin/caisson run --report - -- id -u" && grep -qx "$UID_IN" "$T/out/out" &&
		grep -q '"full": true' "$T/out/err"
	point "$1: caisson run gives a full sandbox"
}

# refused KIND WORD...: 125, and each word in what is said.
refused() {
	local kind=$1 rc=0 word
	shift
	in_container "$kind" "$PREFIX/bin/caisson run -- true" || rc=$?
	[ "$rc" = 125 ]
	for word; do
		grep -qF -- "$word" "$T/out/err" || rc=1
	done
	[ "$rc" = 125 ]
	point "$kind: caisson run is refused, and says: $*"
}

in_container privileged true || cannot "runc cannot start a container here: $(tail -n 1 "$T/out/err")"
in_container privileged "$PREFIX/bin/caisson --version" ||
	cannot "the installed tree is not in the container: $(tail -n 1 "$T/out/err")"

doctor default 2 'd["restriction"] == "container" and d["user_namespace"]["clone"] == "EPERM"
	and set(d["host"]["withheld"]) == {"capabilities", "system_calls", "parts_of_proc", "writable_proc"}
	and f["user namespaces"]["restriction"] == "seccomp"
	and "CAP_SYS_ADMIN" in f["capabilities"]["evidence"]
	and "--cap-add SYS_ADMIN" in f["capabilities"]["remedy"]
	and d["host"]["container"] == "container"'
refused default "CAP_SYS_ADMIN" "--cap-add SYS_ADMIN" "--cap-add NET_ADMIN" "--cap-add SYS_PTRACE"

doctor no-new-privileges 2 'd["restriction"] == "no_new_privs"
	and "allowPrivilegeEscalation" in f["no_new_privs"]["remedy"]'
refused no-new-privileges "no_new_privs" "--security-opt no-new-privileges"

doctor sys-admin 2 'd["restriction"] == "seccomp" and d["user_namespace"]["proc"] == "EPERM"
	and "pivot_root" in f["sandbox"]["evidence"] and "pivot_root" in f["sandbox"]["remedy"]'
refused sys-admin "a seccomp filter denies pivot_root" "allow pivot_root"
refused sys-admin-pivot "\"keyring\"" "allow keyctl"

for kind in sys-admin-seccomp unconfined; do
	doctor $kind 0 'd["full"] and d["ways"]["helper_userns"] and d["ways"]["helper"]
		and f["user namespaces"]["restriction"] == "container"
		and "masked" in f["user namespaces"]["evidence"]'
	runs $kind
done
for kind in unmasked privileged; do
	doctor $kind 0 'd["full"] and d["restriction"] == "none" and d["host"]["withheld"] == []'
	runs $kind
done

doctor pod 0 'd["full"] and d["ways"]["helper_userns"]'
runs pod
refused pod-without-tmpfs "sandboxes are counted" "mount a tmpfs at"

doctor rootless 2 'd["restriction"] == "container" and "initial_user_namespace" in d["host"]["withheld"]
	and d["host"]["uid_map"] == "0 400000 65536"'
refused rootless "CAP_SYS_ADMIN" "--cap-add SYS_ADMIN"
for kind in rootless-admin rootless-unmasked; do
	doctor $kind 0 'd["full"] and "initial_user_namespace" in d["host"]["withheld"]'
	runs $kind
done
echo "1..$N"
