#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tap-run and tally as TAP: what must fail does, and what is counted is right.
set -u

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0

result() {
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		echo "# expected: $2"
		echo "# got:      $1"
		failed=$((failed + 1))
	fi
}

# judged NAME STATUS COUNTS SCRIPT: what tap-run makes of a program that is SCRIPT.
judged() {
	local status=0 counts
	"$here/tap-run" plain sh -c "$4" >"$work/out" 2>&1 || status=$?
	counts=$(sed -n 's/^# tap-run: //p' "$work/out")
	result "$status: $counts" "$2: $3" "$1"
}

judged "all points ok" 0 "2 passed, 0 failed, 0 skipped" 'echo 1..2; echo ok 1; echo ok 2'
judged "plan at the end" 0 "1 passed, 0 failed, 0 skipped" 'echo ok 1; echo 1..1'
judged "a failed point" 1 "1 passed, 1 failed, 0 skipped" 'echo 1..2; echo ok; echo not ok'
judged "a skipped point" 0 "1 passed, 0 failed, 1 skipped" \
	'echo 1..2; echo ok; echo "ok 2 # SKIP why"'
judged "all skipped" 77 "0 passed, 0 failed, 1 skipped" 'echo "1..0 # SKIP why"; exit 77'
judged "no output" 1 "0 passed, 1 failed, 0 skipped" 'true'
judged "no plan" 1 "1 passed, 1 failed, 0 skipped" 'echo ok'
judged "too few points" 1 "1 passed, 1 failed, 0 skipped" 'echo 1..2; echo ok'
judged "too many points" 1 "2 passed, 1 failed, 0 skipped" 'echo 1..1; echo ok; echo ok'
judged "bail out" 1 "1 passed, 1 failed, 0 skipped" 'echo 1..1; echo ok; echo "Bail out!"'
judged "an exit status though all is ok" 1 "1 passed, 1 failed, 0 skipped" \
	'echo 1..1; echo ok; exit 3'
judged "killed by a signal" 1 "1 passed, 1 failed, 0 skipped" 'echo 1..1; echo ok; kill -9 $$'
judged "status 77 without a skip" 1 "1 passed, 1 failed, 0 skipped" \
	'echo 1..1; echo ok; exit 77'
judged "two streams" 0 "2 passed, 0 failed, 0 skipped" \
	'echo "# stream: a"; echo 1..1; echo ok; echo "# stream: b"; echo 1..1; echo ok'
judged "a second stream without a plan" 1 "2 passed, 1 failed, 0 skipped" \
	'echo "# stream: a"; echo 1..1; echo ok; echo "# stream: b"; echo ok'
judged "an empty second stream" 1 "1 passed, 1 failed, 0 skipped" \
	'echo "# stream: a"; echo 1..1; echo ok; echo "# stream: b"'

cat >"$work/log" <<-EOF
	1/5 Testing: a.points
	# tap-run: 7 passed, 0 failed, 2 skipped
	2/5 Testing: b.plain
	3/5 Testing: c.failed
	# tap-run: 3 passed, 2 failed, 0 skipped
	4/5 Testing: d.timeout
	# tap-run: 4 passed, 0 failed, 0 skipped
	5/5 Testing: e.skipped
	a reason
	<end of output>
EOF
cat >"$work/ctest" <<-EOF
	1/5 Test #1: a.points .........   Passed    0.01 sec
	2/5 Test  #2: b.plain .........   Passed    0.01 sec
	3/5 Test #10: c.failed ........***Failed    0.01 sec
	4/5 Test #4: d.timeout ........***Timeout   9.01 sec
	5/5 Test #5: e.skipped ........***Skipped   0.01 sec
EOF
result "$("$here/tally" "$work/ctest" "$work/log" | tail -n 1)" \
	"15 passed, 3 failed, 3 skipped" "tally"
result "$("$here/tally" "$work/ctest" "$work/log" | grep -c '^skipped: e.skipped: a reason$')" 1 \
	"tally names what was skipped, and why"
: >"$work/empty"
result "$("$here/tally" "$work/empty" "$work/empty")" "0 passed, 1 failed, 0 skipped" \
	"tally of nothing is a failure"

echo "1..$n"
[ "$failed" -eq 0 ]
