#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Limits in a scope that a real systemd --user makes, straight and through a message bus, as an
# unprivileged user against the installed helper. TAP. Environment: CAISSON_PREFIX;
# CAISSON_TEST_CGROUP, as for test_limits.sh: in a group of it the systemd is started.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
SHOWN="out err log" # systemd's

needs_user
[ -n "${CAISSON_TEST_CGROUP:-}" ] || cannot "no cgroup is delegated to this user here; tests/vm/run --knob cgroup has one"
SYSTEMD=/usr/lib/systemd/systemd
if ! { [ -x "$SYSTEMD" ] && [ -n "$(command -v systemd-run)" ]; }; then
	cannot "there is no systemd here"
fi

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
G=$CAISSON_TEST_CGROUP/user@$(id -u).service
T=$(mktemp -d) || exit 1
XDG_RUNTIME_DIR=/run/user/$(id -u)
export XDG_RUNTIME_DIR
unset DBUS_SESSION_BUS_ADDRESS
cd "$T" || exit 1

# in_scope [OPTION...] -- ARG...: caisson run in a scope of its own, as a terminal is in one.
in_scope()
{
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # several words
	timeout 60 systemd-run --quiet --user --scope $options "$CAISSON" run "$@" >out 2>err </dev/null
	RC=$?
}

said() { grep -q -e "$1" err; }
scopes() { (cd "$G" && find . -name 'caisson-*' -type d) 2>/dev/null; }
no_scopes() { [ -z "$(scopes)" ]; }

mkdir -p "$G" || cannot "no group can be made"
# shellcheck disable=SC2016 # the inner shell expands it
sh -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$G" "$SYSTEMD" --user --unit=basic.target >log 2>&1 &
M=$!
trap 'kill "$M"; wait "$M"; rm -rf "$T"' EXIT
wait_for [ -S "$XDG_RUNTIME_DIR/systemd/private" ] && wait_for grep -q . "$G/cgroup.subtree_control"
if ! timeout 20 systemd-run --quiet --user --scope true >out 2>err; then
	sed 's/^/# /' err log
	cannot "systemd --user does not make scopes here"
fi

in_scope -- --memory 64M --pids 16 --cpu 150 --require limits --report r -- cat /proc/self/cgroup
[ "$RC" = 0 ] && grep -qx '0::/' out && grep -q '"cgroup": "'"$G"'/app.slice/caisson-.*\.scope"' r &&
	grep -q '"limits": { "enforced": true, .*memory 64 MiB, no swap, 16 processes, 150 % of a processor"' r
point "systemd --user makes a scope with the limits, and the sandbox is born in it"
wait_for no_scopes
point "which is gone with it"
# shellcheck disable=SC2016 # perl's
in_scope -- --memory 64M -- perl -e 'my $x = "a" x (200 << 20)'
[ "$RC" = 137 ] && said '^caisson: run: the sandbox used up its memory limit of 64 MiB$'
point "memory beyond the limit: status 137, and a sentence"
wait_for no_scopes
point "nothing is left of that one"
# shellcheck disable=SC2016
in_scope -- --pids 16 -- perl -e 'my $n = 0; while (defined(my $p = fork)) { if (!$p) { sleep 60; exit } $n++; last if $n > 500 } print $n'
[ "$RC" = 0 ] && [ "$(cat out)" = 14 ]
point "a fork bomb gets no further than the number of processes"
in_scope -p Delegate=yes -- --memory 64M -- true
[ "$RC" = 0 ]
point "also from a scope that is delegated, and holds the caller"
in_scope -p MemoryMax=500M -- --memory 64M -- true
[ "$RC" = 125 ] && said 'would be free of a limit' && said 'decided by: .*/run-.*\.scope/memory.max'
point "not beside a limit of memory that the caller is under: the file is named"
in_scope --slice=low.slice -- --memory 64M --report r -- true
[ "$RC" = 0 ] && grep -q '"cgroup": "'"$G"'/low.slice/caisson-' r
point "in the caller's own slice, where its limits hold"
in_scope -- --io-weight 50 -- true
[ "$RC" = 0 ]
point "systemd passes on a controller that nobody used before"

in_scope -- --memory 64M --name holds -- sleep 60 &
shown() { timeout 20 "$CAISSON" stat holds >out 2>err && grep -q '^memory  *[0-9.]* [KM]iB of 64.0 MiB' out; }
wait_for shown
point "caisson stat finds the scope"
kill -9 "$("$CAISSON" ps | sed -n 's/^holds *//p')"
wait_for no_scopes
point "after kill -9 of caisson run not even an empty group is left: systemd removes it"

# Through the bus alone.
if [ -x /usr/bin/dbus-daemon ] && systemctl --user start dbus.socket 2>err && [ -S "$XDG_RUNTIME_DIR/bus" ]; then
	export DBUS_SESSION_BUS_ADDRESS="unix:path=$XDG_RUNTIME_DIR/bus"
	systemctl --user start dbus.service 2>err
	mkdir -m 0700 rt
	# shellcheck disable=SC2016
	timeout 60 systemd-run --quiet --user --scope sh -c 'XDG_RUNTIME_DIR="$PWD/rt" exec "$@"' sh \
		"$CAISSON" run --memory 64M --pids 16 --report r -- echo here >out 2>err </dev/null
	RC=$?
	[ "$RC" = 0 ] && [ "$(cat out)" = here ] && grep -q '"cgroup": "'"$G"'/app.slice/caisson-.*\.scope"' r
	point "the same through the message bus"
	wait_for no_scopes
	point "and it is gone too"
else
	skip "the same through the message bus" "there is no dbus-daemon with units for systemd here"
fi

# Without it.
mkdir -m 0700 -p rt
unset DBUS_SESSION_BUS_ADDRESS
# shellcheck disable=SC2016
timeout 60 systemd-run --quiet --user --scope sh -c 'XDG_RUNTIME_DIR="$PWD/rt" exec "$@"' sh \
	"$CAISSON" run --memory 64M -- true >out 2>err </dev/null
RC=$?
[ "$RC" = 125 ] && said 'there is no cgroup to limit the sandbox in: nobody delegated .*; systemd --user does not answer at ' &&
	said 'systemd-run --user --scope -p Delegate=yes'
point "where neither is to be had: refused, with how to delegate one"
echo "1..$N"
