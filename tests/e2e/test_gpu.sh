#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson run --gpu, on a host that is made to look as if it had GPUs: device nodes of NVIDIA's numbers
# (whose open is ENXIO, as there is no driver), its folder in /proc and /proc/devices, and CDI's files.
# TAP. Only root can make these, in a mount namespace of its own, which ends with it.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/e2e/policy.sh
. "$(dirname "$0")/policy.sh"
command -v python3 >/dev/null || cannot "there is no python3"
BWRAP=$CAISSON_PREFIX/bin/caisson-bwrap
HOSTS=$(cached CMAKE_HOME_DIRECTORY)/tests/unit/hosts
[ -d "$HOSTS" ] || cannot "there is no $HOSTS"
leave() {
	umount -l /dev /run /proc/driver /proc/devices 2>/dev/null
}

# ---- the scene: mig-nvidia's files, whose card 0 is divided by MIG; and card 1 is whole

node() { # NAME MAJOR MINOR
	rm -f "/dev/$1"
	mknod -m 666 "/dev/$1" c "$2" "$3"
}
mkdir "$T/dev"
mount -t tmpfs -o mode=755 none "$T/dev" || cannot "nothing can be mounted here"
mount --move "$T/dev" /dev
node null 1 3 && node zero 1 5 && node full 1 7 && node random 1 8 && node urandom 1 9 && node tty 5 0 ||
	cannot "no device node can be made here"
(: </dev/null) || cannot "device nodes made here do not work"
mkdir /dev/nvidia-caps /dev/dri /dev/shm
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /proc/driver
cp -r "$HOSTS/mig-nvidia/proc/driver/nvidia" /proc/driver/
chmod -R u=rwX,go=rX /proc/driver
printf 'Character devices:\n  1 mem\n 10 misc\n195 nvidia\n226 drm\n234 nvidia-caps\n235 kfd\n236 accel\n511 nvidia-uvm\n\nBlock devices:\n195 no\n' >"$T/devices"
mount --bind "$T/devices" /proc/devices
nodes() {
	node nvidia0 195 0
	node nvidia1 195 1
	node nvidiactl 195 255
	node nvidia-uvm 511 0
	node nvidia-uvm-tools 511 1
	for cap in 1 2 12 13 21 22; do node nvidia-caps/nvidia-cap$cap 234 $cap; done
	node dri/renderD128 226 128
	node kfd 235 0
	node dxg 10 250
}
nodes
second=GPU-bbbbbbbb-2222-3333-4444-555555555555
all="allow uid:$uid device /dev/nvidia*"

# grants WHAT OPTION... -- PROGRAM...: it runs.
grants() {
	what=$1
	shift
	user "$CAISSON" run "$@"
	[ "$RC" = 0 ]
	point "$what"
}
# refuses WHAT PATTERN OPTION...: no sandbox, and the reason.
refuses() {
	what=$1 pattern=$2
	shift 2
	user "$CAISSON" run "$@" -- true
	[ "$RC" = 125 ] && grep -qE "$pattern" "$T/err"
	point "refused: $what"
}
shows() { # WHAT PATTERN: in the output
	grep -qE -- "$2" "$T/out"
	point "$1"
}
hides() {
	! grep -qE -- "$2" "$T/out" "$T/err"
	point "$1"
}

# ---- the policy decides

policy
refuses "by the shipped policy" '/dev/nvidiactl at .*no line of the policy allows it' --gpu 1
user "$CAISSON" policy explain -- --gpu 1 -- true
[ "$RC" = 1 ] && grep -q '^denied .*/dev/nvidia1' "$T/out" && grep -q '^denied .*/dev/nvidia-uvm' "$T/out"
point "policy explain: denied"
user "$CAISSON" doctor
shows "doctor names what is there" '^GPU grant.*denied by policy.*1: NVIDIA H200 GPU-bbbbbbbb'
shows "doctor has the line for the policy" "allow uid:$uid device /dev/nvidiactl"
policy "$all"
user "$CAISSON" policy explain -- --gpu 1 -- true
[ "$RC" = 0 ] && grep -q '^allowed .*/dev/nvidia1.*50-local.conf:1$' "$T/out"
point "policy explain: allowed, by which line"
policy "allow uid:$uid device /dev/nvidiactl" "allow uid:$uid device /dev/nvidia-uvm" "allow uid:$uid device /dev/nvidia1"
grants "one card by its own line" --gpu 1 -- true
refuses "another card than the policy has" '/dev/nvidia0' --gpu all
refuses "an instance of it" '/dev/nvidia0' --gpu 0/1/0
policy "$all" "deny all seccomp gpu"
refuses "the profile gpu, where the policy denies it" '50-local.conf:2' --gpu 1
policy "$all" "allow uid:$uid device 226:128" "allow uid:$uid device /dev/kfd" "allow uid:$uid device /dev/dxg"
user "$CAISSON" doctor
shows "doctor: allowed" '^GPU grant.*allowed'

# ---- what is in the sandbox

look='find /dev -name "nv*" -o -name "render*" -o -name kfd -o -name dxg | sort'
grants "a card by number" --gpu 1 -- sh -c "$look"
[ "$(tr '\n' ' ' <"$T/out")" = "/dev/nvidia-uvm /dev/nvidia1 /dev/nvidiactl " ]
point "these nodes and no others"
grants "by UUID" --gpu "$second" -- sh -c "$look"
[ "$(grep -c . "$T/out")" = 3 ] && grep -qx /dev/nvidia1 "$T/out"
point "the same nodes"
grants "by address" --gpu 0000:3b:00.0 -- stat -c '%t:%T' /dev/nvidia1
[ "$(cat "$T/out")" = c3:1 ]
point "its number"
user "$CAISSON" run --gpu 1 -- dd if=/dev/nvidia1 of=/dev/zero count=1
grep -q 'No such device or address' "$T/err"
point "the node leads to the driver, of which there is none here"
# shellcheck disable=SC2016 # the inner shell expands it
grants "what the driver's libraries read" --gpu 1 -- sh -c 'cd /proc/driver/nvidia; ls gpus; cat params version gpus/*/information; (: >params); true'
shows "its folder in /proc" '^0000:3b:00.0$'
shows "nodes are not to be made" '^ModifyDeviceFiles: 0$'
shows "its UUID" "$second"
grep -q 'Read-only file system' "$T/err"
point "it is read-only"
user "$CAISSON" run --gpu 1 -- sh -c 'grep -rs GPU-aaaa /proc/driver /sys; ls -R /proc/driver /sys /dev'
hides "the second card is not to be seen" 'GPU-aaaa|0000:18|nvidia0|nvidia-cap|uvm-tools'
user "$CAISSON" run -- sh -c 'ls -R /proc/driver /dev /sys'
hides "nothing of it without --gpu" 'nvidia'
user "$CAISSON" run --gpu 1 --gpu none -- sh -c 'ls -R /proc/driver /dev'
hides "nothing of it after --gpu none" 'nvidia'
grants "all of them" --gpu all -- sh -c "$look"
[ "$(tr '\n' ' ' <"$T/out")" = "/dev/dri/renderD128 /dev/dxg /dev/nvidia-caps /dev/nvidia-caps/nvidia-cap12 /dev/nvidia-caps/nvidia-cap13 /dev/nvidia-caps/nvidia-cap21 /dev/nvidia-caps/nvidia-cap22 /dev/nvidia-uvm /dev/nvidia0 /dev/nvidia1 /dev/nvidiactl " ]
point "all nodes, and no others"
grants "an instance of MIG's" --gpu 0/1/0 -- sh -c "$look; ls -R /proc/driver/nvidia/capabilities"
shows "its capabilities" 'nvidia-cap13$'
hides "and no other's" 'nvidia-cap2|nvidia-cap1$|gi2|config'
refuses "a card that MIG divides" 'divided by MIG.*0/1/0, 0/2/0' --gpu 0
grants "a render node" --gpu renderD128 -- sh -c "$look"
[ "$(cat "$T/out")" = /dev/dri/renderD128 ]
point "it alone"
grants "WSL's" --gpu 3 -- sh -c "$look"
[ "$(cat "$T/out")" = /dev/dxg ]
point "it alone"
grants "with a bare root" --bare-root --ro /usr --symlink usr/lib:/lib --symlink usr/lib64:/lib64 --symlink usr/bin:/bin --gpu 1 -- sh -c 'cat /proc/driver/nvidia/version; echo /dev/*'
shows "the nodes are there" '^/dev/nvidia-uvm /dev/nvidia1 /dev/nvidiactl$'
grants "with a procfs of processes" --proc /proc:pids --gpu 1 -- true
mkdir -p /run/opengl-driver/lib
echo fake >/run/opengl-driver/lib/libcuda.so.1
# shellcheck disable=SC2016 # the inner shell expands it
grants "a library that the sandbox would not see" --gpu 1 -- sh -c 'cat /run/opengl-driver/lib/libcuda.so.1; echo "$LD_LIBRARY_PATH"'
[ "$(tr '\n' ' ' <"$T/out")" = "fake /run/opengl-driver/lib " ]
point "it is there, and found"
# shellcheck disable=SC2016 # the inner shell expands it
grants "with a variable of the user's" --gpu 1 --setenv LD_LIBRARY_PATH=/x -- sh -c 'env | grep -c LD_LIB; echo "$LD_LIBRARY_PATH"'
[ "$(tr '\n' ' ' <"$T/out")" = "1 /x " ]
point "the user's holds"

# ---- the report

user "$CAISSON" run --gpu 0/1/0 --report - -- true
sed -n '/^{/,/^}/p' "$T/err" >"$T/report"
python3 - "$T/report" >"$T/out" 2>&1 <<'P'
import json, sys
r = json.load(open(sys.argv[1]))
g = r["gpu"]
assert r["full"] is True, "not full"
assert r["properties"]["seccomp"]["by"].endswith("profile gpu"), r["properties"]["seccomp"]
assert g["asked"] == ["0/1/0"] and g["driver"] == "550.54.15", g
assert [d["mig"] for d in g["devices"]] == [["1/0"]] and g["devices"][0]["uuid"].startswith("GPU-aaaa"), g
assert g["nodes"] == ["/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/dev/nvidia-caps/nvidia-cap12",
                      "/dev/nvidia-caps/nvidia-cap13"], g
assert "/proc/driver/nvidia/params" in g["files"] and g["binds"] == ["/run/opengl-driver/lib/libcuda.so.1"], g
assert g["libraries"] == g["binds"] and any("uvm-tools" in x for x in g["left_out"]), g
P
point "the report says what was granted"
user "$CAISSON" run --report - -- true
hides "and nothing without one" '"gpu"'

# ---- what is missing, forged or closed

rm /dev/nvidia-uvm
refuses "a node is missing: nvidia-modprobe" 'nvidia-modprobe -u' --gpu 1
user "$CAISSON" doctor
shows "doctor says so, too" '^GPU grant.*cannot be had.*/dev/nvidia-uvm is missing'
nodes
node nvidia1 1 3
refuses "a node with another number" '/dev/nvidia1 is character device 1:3, and should be 195:1' --gpu 1
node nvidia1 195 0
refuses "a node of another card" '/dev/nvidia1 is character device 195:0' --gpu 1
rm /dev/nvidia1
: >/dev/nvidia1
refuses "a file" '/dev/nvidia1 is not a character device' --gpu 1
rm /dev/nvidia1
ln -s /dev/null /dev/nvidia1
refuses "a link to something else" '/dev/nvidia1 is character device 1:3' --gpu 1
nodes
chmod 660 /dev/nvidia1
refuses "what the user may not open" 'may not open /dev/nvidia1' --gpu 1
nodes
cp "$T/devices" "$T/kept"
grep -v '195 nvidia' "$T/kept" >"$T/devices"
refuses "a node without a driver" 'should be of a driver "nvidia" that is loaded' --gpu 1
cat "$T/kept" >"$T/devices"
mkdir "$T/forged"
mknod -m 666 "$T/forged/nvidia1" c 195 1
user "$BWRAP" --unshare-net --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --dev /dev --dev-bind "$T/forged/nvidia1" /dev/nvidia1 /usr/bin/true
[ "$RC" != 0 ] && grep -q "$T/forged/nvidia1 .*no line of the policy allows it" "$T/err"
point "refused: a node of the same number at another place"
user "$BWRAP" --unshare-net --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --dev /dev --dev-bind /dev/nvidia1 /dev/nvidia1 /usr/bin/stat -c %t:%T /dev/nvidia1
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = c3:1 ]
point "and granted from its own"
refuses "a card that is not there" 'there is no GPU 9 here, but 0: NVIDIA H200' --gpu 9
refuses "no name" 'GPU ".0": Invalid argument' --gpu '$0'

# ---- CDI

mkdir /run/cdi
chmod 755 /run/cdi
cdi() {
	rm -f /run/cdi/*
	cat >/run/cdi/nvidia.yaml
	chmod 644 /run/cdi/nvidia.yaml
}
device() { # NAME PATH [LINE]
	printf 'cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: "%s"\n  containerEdits:\n    deviceNodes:\n    - path: %s\n' "$1" "$2"
	[ -z "${3:-}" ] || printf '      %s\n' "$3"
	printf 'containerEdits:\n  env:\n  - NVIDIA_VISIBLE_DEVICES=void\n  hooks:\n  - hookName: createContainer\n    path: /usr/bin/touch\n    args: [touch, "%s"]\n' "$T/hooked"
}
chmod 777 "$T"
device 1 /dev/nvidia1 | cdi
# shellcheck disable=SC2016 # the inner shell expands it
grants "by a name of CDI's" --gpu nvidia.com/gpu=1 --report - -- sh -c "$look; echo \$NVIDIA_VISIBLE_DEVICES"
[ "$(tr '\n' ' ' <"$T/out")" = "/dev/nvidia-uvm /dev/nvidia1 /dev/nvidiactl void " ]
point "its nodes and its variable"
[ ! -e "$T/hooked" ] && grep -q 'hooks are not run' "$T/err"
point "no hook was run, and the report says so"
chmod 755 "$T"
device 1 /dev/nvidia1 "major: 195" | cdi
grants "with its number" --gpu nvidia.com/gpu=1 -- true
device 1 /dev/nvidia1 "minor: 7" | cdi
refuses "another number" 'should be .*as CDI says' --gpu nvidia.com/gpu=1
device 1 /dev/nvidia1 "major: 4294967491" | cdi
refuses "a number that overflows" 'its numbers are none' --gpu nvidia.com/gpu=1
node mem 1 1
chmod 666 /dev/mem
device 1 /dev/mem | cdi
refuses "what the policy does not allow, whatever CDI says" '/dev/mem at .*no line of the policy allows it' --gpu nvidia.com/gpu=1
rm /dev/mem
refuses "a name that no file has" 'no file of CDI.s has nvidia.com/gpu=2' --gpu nvidia.com/gpu=2
device 1 /dev/nvidia1 | cdi
chown "$uid" /run/cdi/nvidia.yaml
refuses "a file of the user's" "it is not root's" --gpu nvidia.com/gpu=1
chown 0 /run/cdi/nvidia.yaml
chmod 664 /run/cdi/nvidia.yaml
refuses "a file that others may write" 'others may write to it' --gpu nvidia.com/gpu=1
chmod 644 /run/cdi/nvidia.yaml
chmod 777 /run/cdi
refuses "a folder that others may write" '/run/cdi is not believed: others may write to it' --gpu nvidia.com/gpu=1
chmod 755 /run/cdi
mv /run/cdi/nvidia.yaml "$T/elsewhere.yaml"
ln -s "$T/elsewhere.yaml" /run/cdi/nvidia.yaml
refuses "a link" 'it is a link' --gpu nvidia.com/gpu=1
rm /run/cdi/nvidia.yaml
mkfifo /run/cdi/nvidia.yaml
refuses "a pipe" 'it is no plain file' --gpu nvidia.com/gpu=1
device 1 /dev/nvidia1 | cdi
cp /run/cdi/nvidia.yaml /run/cdi/twice.yaml
refuses "a name in two files" 'is in two files' --gpu nvidia.com/gpu=1
printf 'kind: !x nvidia.com/gpu\n' | cdi
refuses "a form of YAML that is not read" 'line 1: .*--format=json' --gpu nvidia.com/gpu=1
echo "1..$N"
