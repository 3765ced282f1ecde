#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program that cannot be executed is gone before the next one is started: until its exec it runs in
# init's memory, on a stack that the next one gets. Who traces init makes it late. TAP.
# Environment: CAISSON_PREFIX, CAISSON_TEST_UID.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

needs_root "trace a sandbox's init"
command -v strace >/dev/null || cannot "there is no strace"
CAISSON=${CAISSON_PREFIX:?}/bin/caisson
uid=${CAISSON_TEST_UID:?}
T=$(mktemp -d) || exit 1
HOLDER=
STRACE=
finish() {
	for pid in $STRACE $HOLDER; do kill "$pid" 2>/dev/null; done
	wait
	rm -rf "$T"
}
trap finish EXIT
chmod 755 "$T"
mkdir -m 700 "$T/rt"
chown "$uid" "$T/rt"

user() {
	setpriv --reuid "$uid" --regid "$uid" --clear-groups env XDG_RUNTIME_DIR="$T/rt" timeout 100 "$@"
}

named() { user "$CAISSON" ps 2>/dev/null | grep -q '^a '; }
attached() { grep -q attached "$T/strace"; }

user "$CAISSON" run --name a -- sleep 90 >"$T/out" 2>&1 </dev/null &
HOLDER=$!
wait_for named
run=$(user "$CAISSON" ps | tr -s ' ' | cut -d ' ' -f 2)
init=$(tr -d ' ' <"/proc/$run/task/$run/children")
# The first message of each process: of one that failed, that it did. It stays a while behind it.
strace -f -p "$init" -o "$T/trace" -e trace=sendmsg -e inject=sendmsg:delay_exit=50000:when=1 2>"$T/strace" &
STRACE=$!
wait_for attached || cannot "init cannot be traced here: $(head -n 1 "$T/strace")"
user "$CAISSON" exec a true # its end is init's own first message
good=0
for i in 1 2 3 4 5 6; do
	user "$CAISSON" exec a /no/such >/dev/null 2>"$T/err"
	[ $? = 127 ] && user "$CAISSON" exec a sh -c "exit $i"
	[ $? = $i ] && good=$((good + 1))
done
[ "$good" = 6 ]
point "programs that fail late, and others right behind them ($good of 6)"
[ "$(grep -c 'exited with 125' "$T/trace")" = 6 ] && ! grep -q 'killed by' "$T/trace"
point "each of those that failed ended by itself"
! grep -q . "$T/out"
point "nothing is said about it"
echo "1..$N"
