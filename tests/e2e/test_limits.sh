#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Limits against real memory, real processes and a real processor, as an unprivileged user against
# the installed helper. TAP. Environment: CAISSON_PREFIX; CAISSON_TEST_CGROUP, a cgroup that is
# delegated to this user, who runs this in a group below it (tests/vm/run --knob cgroup). Without
# it: that limits are refused, and how.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
D=${CAISSON_TEST_CGROUP:-}
T=$(mktemp -d) || exit 1
export XDG_RUNTIME_DIR="$T/rt"
unset DBUS_SESSION_BUS_ADDRESS
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1
mkdir -m 0700 "$XDG_RUNTIME_DIR"

# run ARG...: caisson run, its output in out and err, its status in RC.
run()
{
	timeout 60 "$CAISSON" run "$@" >out 2>err </dev/null
	RC=$?
}

# refused PATTERN...: there is no sandbox, and an error that has all of them.
refused()
{
	[ "$RC" = 125 ] && [ ! -s out ] || return 1
	for pattern; do
		grep -q -e "$pattern" err || return 1
	done
}

said() { grep -q -e "$1" err; }

# The groups of sandboxes in $1 ($D).
leaves() { (cd "${1:-$D}" && ls -d caisson-[0-9]*) 2>/dev/null; }
none_left() { [ -z "$(leaves "$@")" ]; }
populated() { leaf=$(leaves) && grep -q '^populated 1' "$D/$leaf/cgroup.events"; }
unpopulated() { leaf=$(leaves) && grep -q '^populated 0' "$D/$leaf/cgroup.events"; }

# ------------------------------------------------------------------ anywhere

wrong_values()
{
	run --memory 1023K -- true
	refused 'run: --memory 1023K: it must be a size' && run --memory 12Q -- true &&
		refused 'run: --memory 12Q: ' && run --pids 3 -- true &&
		refused 'run: --pids 3: it must be a number from 4 to 4194304' &&
		run --cpu 0 -- true && refused 'run: --cpu 0: it must be percent' &&
		run --io-weight 10001 -- true && refused 'run: --io-weight 10001: ' &&
		run --swap x -- true && refused 'run: --swap x: '
}
wrong_values
point "a limit that is none is refused, with what it must be"

run --require limits -- true
refused 'the property "limits" is required, and no limit is asked for' 'ask for one (--memory'
point "requiring limits and asking for none is refused"
run --cgroup /sys/fs/cgroup --require limits -- true
refused 'the property "limits" is required, and no limit is asked for'
point "a group alone is no limit"

run --memory 64M --cgroup "$T" -- true
refused "$T is no group below\|limits need cgroup v2\|has no controller memory"
point "a directory that is no cgroup is refused"

run --name none -- true
"$CAISSON" stat none >out 2>err
RC=$?
refused 'stat: no sandbox named none runs'
point "caisson stat of a name that nobody has"

"$CAISSON" stat >out 2>err
RC=$?
refused 'stat: it takes the name of one sandbox'
point "caisson stat without a name"

# shellcheck disable=SC2016 # perl's
bomb='my $n = 0; while (defined(my $p = fork)) { if (!$p) { sleep 60; exit } $n++; last if $n > 500 } print $n'

# A number of processes is to be had in a user namespace, from Linux 5.14 on.
without_cgroup()
{
	if [ "$MODE" = userns ]; then
		run --pids 64 -- true
		refused 'what to do: ' 'without a cgroup takes caisson-helper'
		point "--pids without a cgroup and without the helper: no sandbox"
		return
	fi
	release=$(uname -r)
	minor=${release#*.}
	run --require userns -- true
	if [ "$RC" != 0 ] || [ $((${release%%.*} * 1000 + ${minor%%[!0-9]*})) -lt 5014 ]; then
		run --pids 64 -- true
		refused 'what to do: ' 'limits need cgroup v2\|has no controller\|there is no cgroup to limit'
		point "--pids without a cgroup and without a user namespace that counts: no sandbox"
		return
	fi
	sleepers=
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 100 &
		sleepers="$sleepers $!"
	done
	run --pids 16 --require limits --report r -- perl -e "$bomb"
	[ "$RC" = 0 ] && [ "$(cat out)" = 14 ]
	point "a fork bomb gets no further than --pids, and the user's other processes do not count"
	grep -q '"limits": { "cgroup": null, "pids": 16 }' r &&
		grep -q '"limits": { "enforced": true, .*"by": "RLIMIT_NPROC in its own user namespace, 16 processes"' r
	point "the report has how"
	# shellcheck disable=SC2016 # the inner shell expands it
	run --pids 8 -- sh -c 'ulimit -u 100 2>/dev/null || ulimit -p 100 2>/dev/null; grep "^Max processes" /proc/self/limits' sh
	grep -q '^Max processes  *8  *8 ' out
	point "which cannot be raised"
	run --pids 16 --uid 0 --gid 0 -- perl -e "$bomb"
	[ "$RC" = 0 ] && [ "$(cat out)" = 14 ]
	point "nor got round as another user inside"
	run --pids 4 -- true
	[ "$RC" = 0 ]
	point "the least number is enough for a program"
	"$CAISSON" run --pids 16 -- perl -e "$bomb; sleep 60" >bombed 2>&1 </dev/null &
	P=$!
	run --pids 16 -- perl -e "$bomb"
	kill "$P" && wait "$P"
	[ "$(cat out)" = 14 ]
	point "two at once have a number each"
	# shellcheck disable=SC2086 # words
	kill $sleepers
}

"$CAISSON" collect "$T" >out 2>err
RC=$?
refused "collect: $T is no cgroup"
point "caisson collect of what is no group"

if [ -z "$D" ]; then
	# The kernel's tree decides which of the sentences it is; each says what to do.
	for option in "--memory 64M" "--cpu 50" "--swap 0" "--io-weight 50" "--pids 64 --memory 64M" \
		"--pids 64 --userns none" "--pids 64 --cgroup $T"; do
		# shellcheck disable=SC2086 # words
		run $option -- true
		refused 'what to do: ' 'limits need cgroup v2\|has no controller\|there is no cgroup to limit\|no group below'
		point "$option where no cgroup is delegated: no sandbox, and how to get one"
	done
	without_cgroup
	run --report r --memory 64M -- true
	[ "$RC" = 125 ] && grep -q '"stage":"limiting the sandbox"' r && grep -q '"knob":"[^"]' r
	point "the report of it says why"
	run --require limits --memory 64M -- true
	refused 'what to do: '
	point "requiring limits is no other"
	# shellcheck disable=SC3045 # dash and bash have it
	(ulimit -v 3000000 && run -- sh -c 'ulimit -v' && grep -qx 3000000 out)
	point "what can be had instead, a limit for each process, holds inside"
	skip "limits that hold" "no cgroup is delegated to this user here; tests/vm/run --knob cgroup has one"
	echo "1..$N"
	exit 0
fi

# -------------------------------------------------------------- with a cgroup

# shellcheck disable=SC2016 # perl's
grow='my $x = "a" x ($ARGV[0] << 20); print length $x'
# shellcheck disable=SC2016
burn='my $end = time + 50; 1 while time < $end'

run --memory 64M --pids 16 --cpu 150 --io-weight 50 --require limits --report r -- cat /proc/self/cgroup
[ "$RC" = 0 ] && grep -qx '0::/' out
point "the program runs, at the root of its view of the tree"
grep -q '"limits": { "enforced": true, .*"by": "own cgroup, memory 64 MiB, no swap, 16 processes, 150 % of a processor, disk weight 50"' r &&
	grep -q '"limits": { "cgroup": "'"$D"'/caisson-.*", "memory": 67108864, "pids": 16, "cpu": 150, "io_weight": 50 }' r
point "the report has the limits, and that they are enforced"
none_left
point "its group is gone with it"

run --memory 64M --report r -- perl -e "$grow" 16
[ "$RC" = 0 ] && [ "$(cat out)" = 16777216 ]
point "memory within the limit can be had"
run --memory 64M --report r -- perl -e "$grow" 200
[ "$RC" = 137 ] && [ ! -s out ] && said '^caisson: run: the sandbox used up its memory limit of 64 MiB$'
point "memory beyond it ends the sandbox: status 137, and a sentence"
grep -q '"out_of_memory": true, "ended": "the sandbox used up its memory limit of 64 MiB"' r
point "and the report says so"
none_left
point "nothing is left of it"

run --memory 64M --tmpfs /big:200M -- sh -c 'head -c 100000000 /dev/zero >/big/x; echo on'
[ "$RC" = 137 ] && said 'its memory limit of 64 MiB'
point "a tmpfs counts, and the whole sandbox ends, not one process"
head -c 3500000 /dev/zero >big
run --memory 1M --file big:/big -- true
refused 'the sandbox used up its memory limit of 1 MiB while it was built' && none_left
point "memory that is short before the program runs is such an error too"

run --pids 16 -- perl -e "$bomb"
[ "$RC" = 0 ] && [ "$(cat out)" = 14 ]
point "a fork bomb gets no further than the number of processes, pid 1 and itself counted"
none_left
point "and is gone, with its group"
run --pids 4 -- true
[ "$RC" = 0 ]
point "the least number of processes is enough for a program"

"$CAISSON" run --name slow --cpu 20 --memory 100M --pids 30 -- perl -e "$burn" >out 2>err &
P=$!
wait_for populated
sleep 3
timeout 20 "$CAISSON" stat --json slow >json 2>err
RC=$?
# Throttled for most of the time, and had a fifth of it, give or take what starting took.
perl -e 'local $/; $_ = <STDIN>; my %n = /"(\w+)":(\d+)/g;
	exit !($n{cpu_throttled_usec} > 500000 && $n{cpu_usec} > 100000 && $n{cpu_usec} < 2500000 &&
	$n{cpu_limit} == 20 && $n{memory_limit} == 104857600 && $n{swap_limit} == 0 &&
	$n{pids_limit} == 30 && $n{pids} == 2 && $n{memory} > 100000 && $n{oom_kills} == 0)' <json
point "the processor is held back, and caisson stat --json has the numbers"
sed 's/^/# /' json
timeout 20 "$CAISSON" stat slow >out 2>err
RC=$?
[ "$RC" = 0 ] && grep -q '^memory  *[0-9.]* [KM]iB of 100.0 MiB' out && grep -q '^processes  *2 of 30' out &&
	grep -q '^processor  *[0-9.]* s, at most 20 % of one, held back' out
point "and so it has for people"
kill "$P"
wait "$P"
none_left
point "a named one leaves no group either"

"$CAISSON" run --name plain -- sleep 60 >out 2>err &
P=$!
wait_for [ -S "$XDG_RUNTIME_DIR/caisson/plain" ]
wait_for sh -c 'grep -q . /proc/'"$P"'/task/'"$P"'/children'
timeout 20 "$CAISSON" stat plain >out 2>err
RC=$?
refused 'stat: the sandbox plain has no cgroup of its own'
point "caisson stat of one without a group says what would give it one"
kill "$P"
wait "$P"

# --------------------------------------------------------------- kill -9

"$CAISSON" run --memory 100M -- sleep 60 >out 2>err &
P=$!
wait_for populated
kill -9 "$P"
wait "$P" 2>/dev/null
wait_for unpopulated
point "after kill -9 of caisson run the sandbox is gone, and its group is empty"
run --memory 100M -- true
[ "$RC" = 0 ] && none_left
point "the next run removes it"
"$CAISSON" run --memory 100M -- sleep 60 >out 2>err &
P=$!
wait_for populated
"$CAISSON" collect "$D" >out 2>err && populated && [ ! -s err ]
point "caisson collect leaves one alone that is in use"
kill -9 "$P"
wait "$P" 2>/dev/null
wait_for unpopulated
mkdir "$D/caisson-mine"
"$CAISSON" collect >out 2>err && none_left && [ ! -s err ] && [ -d "$D/caisson-mine" ]
point "and removes it when it is not, and no other"
rmdir "$D/caisson-mine"
"$CAISSON" run --memory 100M -- sleep 60 >out 2>err &
P=$!
wait_for populated
leaf=$(leaves)
mkdir "$D/caisson-mine"
run --memory 100M -- true
[ "$RC" = 0 ] && [ "$(leaves)" = "$leaf" ] && [ -d "$D/caisson-mine" ]
point "but not one that is in use, or that is not of that form"
rmdir "$D/caisson-mine"
kill -9 "$(cat "/proc/$P/task/$P/children")" && wait "$P"
RC=$?
[ "$RC" = 137 ] && none_left && ! said 'memory'
point "kill -9 of the sandbox's pid 1: status 137, and no word of memory"

# At any time: of the process that starts, of the sandbox, of what was made for both.
i=0
while [ $i -lt 24 ]; do
	"$CAISSON" run --memory 32M --pids 8 -- sleep 60 >out 2>err &
	P=$!
	sleep "0.$(printf %02d $((i * 2)))"
	kill -9 "$P"
	wait "$P" 2>/dev/null
	i=$((i + 1))
done
all_empty() { ! grep -qs '^populated 1' "$D"/caisson-[0-9]*/cgroup.events; }
wait_for all_empty && run --memory 100M -- true && [ "$RC" = 0 ] && none_left
point "after kill -9 at two dozen different moments the next run removes all that is left"

# ------------------------------------------------------------ where it may be

mkdir "$D/mine"
run --memory 64M --cgroup "$D/mine" --report r -- true
[ "$RC" = 0 ] && grep -q '"cgroup": "'"$D"'/mine/caisson-' r && none_left "$D/mine"
point "--cgroup: in the group that is named"
run --cgroup "$D/mine" --report r -- true
[ "$RC" = 0 ] && grep -q '"limits": { "enforced": false, .*"by": "own cgroup, nothing limited"' r
point "--cgroup alone gives a group, and no limits"
rmdir "$D/mine"
run --memory 64M --cgroup "$D/host" -- true
refused "no group below $D/host gets the controller memory: processes are in that group itself" &&
	none_left "$D/host"
point "a group that holds processes is refused, and that is said"
run --memory 64M --cgroup "$D-other" -- true
refused "a cgroup at $D-other would be free of a limit that this process is under" \
	"decided by: $D/memory.max" && none_left "$D-other"
point "a delegated group outside of the caller's finite limits is refused, with the file"
run --memory 64M --cgroup "$T" -- true
refused "$T is no group below /sys/fs/cgroup"
point "a directory that is none is refused"

# in_group GROUP ARG...: caisson run from another group.
in_group()
{
	group=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	timeout 60 sh -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$group" "$CAISSON" run "$@" \
		>out 2>err </dev/null
	RC=$?
}

mkdir "$D/capped" "$D/capped/host"
echo 300M >"$D/capped/memory.max"
rmdir "$D/capped/host"
in_group "$D/capped" --memory 64M -- true
refused 'would be free of a limit' "decided by: $D/capped/memory.max"
point "beside a group with a finite limit is outside of it: refused"
echo "+memory +pids" >"$D/capped/cgroup.subtree_control"
mkdir "$D/capped/host"
in_group "$D/capped/host" --memory 64M --report r -- true
[ "$RC" = 0 ] && grep -q '"cgroup": "'"$D"'/capped/caisson-' r
point "below it: allowed"
in_group "$D/capped/host" --memory 400M -- perl -e "$grow" 350
[ "$RC" = 137 ] && said 'the memory of the host, or of a group that it is in, was used up'
point "the limit of a group above holds too, and is told from the sandbox's own"
in_group "$D/capped/host" --cpu 50 -- true
[ "$RC" = 0 ] && grep -q cpu "$D/capped/cgroup.subtree_control"
point "a controller that the group does not pass on yet is passed on"
rmdir "$D/capped/host" "$D/capped"
mkdir "$D/few"
echo 100 >"$D/few/pids.max"
in_group "$D/few" --memory 64M -- true
refused "decided by: $D/few/pids.max"
point "a number of processes that the user set: no group without one"
in_group "$D/few" --memory 64M --pids 101 -- true
refused "decided by: $D/few/pids.max"
point "nor with more"
in_group "$D/few" --memory 64M --pids 100 -- true
[ "$RC" = 0 ]
point "but with as many"
rmdir "$D/few"

# Sixteen at once, each with its own.
i=0
while [ $i -lt 16 ]; do
	timeout 100 "$CAISSON" run --memory 32M --pids 16 -- sh -c 'exit 7' >/dev/null 2>>many &
	pids="${pids:-} $!"
	i=$((i + 1))
done
bad=0
for P in $pids; do
	wait "$P"
	[ $? = 7 ] || bad=$((bad + 1))
done
cp many err
[ $bad = 0 ] && none_left
point "sixteen at once do not sweep each other away"
echo "1..$N"
