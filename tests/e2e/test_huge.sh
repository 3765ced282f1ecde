#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Channels on reserved huge pages: what the policy, the pool and the cgroup decide, that a program
# inside cannot change what it was sent nor take a page, and that every page goes back. As root, who
# fills the pool, and lets it be as it was; an unprivileged user asks. TAP.
# Environment: as policy.sh.
# shellcheck source=tests/e2e/policy.sh
. "$(dirname "$0")/policy.sh"

HUGE=$CAISSON_BUILD/tests/e2e/huge_host
POOL=/proc/sys/vm/nr_hugepages
PAGES=12
before=$(cat "$POOL" 2>/dev/null) || cannot "this kernel has no reserved huge pages"

field() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }
leave() {
	exec 9>&-
	[ -z "${host:-}" ] || kill -KILL "$host" 2>/dev/null
	echo "$before" >"$POOL"
	[ -z "${G:-}" ] || {
		sleep 0.2
		rmdir "$G"/caisson-* "$G/host" "$G" 2>/dev/null
		[ -z "${passed_on:-}" ] || echo -hugetlb >"$tree/cgroup.subtree_control" 2>/dev/null
	}
}

# Version 2 with the controller, and a group that is the user's.
tree=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
grep -qw hugetlb "${tree:-/nowhere}/cgroup.controllers" 2>/dev/null ||
	cannot "no cgroup of version 2 has the controller hugetlb here"
if ! grep -qw hugetlb "$tree/cgroup.subtree_control"; then
	echo +hugetlb >"$tree/cgroup.subtree_control" 2>/dev/null ||
		cannot "the controller hugetlb cannot be passed on at $tree"
	passed_on=1
fi
G=$tree/caisson-huge-$$
if ! mkdir -p "$G/host" || ! echo +hugetlb >"$G/cgroup.subtree_control"; then
	cannot "no group can be made in $tree"
fi
chown "$uid" "$G" "$G/cgroup.procs" "$G/cgroup.subtree_control" "$G/host" "$G/host/cgroup.procs"
chmod 755 "$T"

# What others have stays theirs, and more beside it.
echo $((before + PAGES)) >"$POOL"
[ "$(cat "$POOL")" -eq $((before + PAGES)) ] || cannot "no $PAGES huge pages can be reserved here"
size=$(field Hugepagesize)
[ "$size" = 2048 ] || cannot "huge pages of $size KiB: the sizes here are for 2048"
free=$(field HugePages_Free)

# pool N: so many pages of the pool are taken, none reserved; for up to ten seconds, an exit takes a moment.
pool() {
	tries=0
	until [ "$(field HugePages_Free)" -eq $((free - $1)) ] && [ "$(field HugePages_Rsvd)" -eq 0 ]; do
		tries=$((tries + 1))
		if [ $tries -ge 100 ]; then
			echo "# $(grep ^HugePages_ /proc/meminfo | tr -s ' \n' ' ')"
			return 1
		fi
		sleep 0.1
	done
}

# huge GROUP ARG...: the program, by the user, in that group below the tree.
huge() {
	group=$1
	shift
	(echo 0 >"$group/cgroup.procs" && exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		timeout 60 "$HUGE" "$@") >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}
said() { grep -q -e "$1" "$T/out"; }

# relay: the program's own points.
relay() {
	sed -n 's/^\(not \)\{0,1\}ok .*/&/p' "$T/out" >"$T/points"
	while read -r first rest; do
		case $first in
		ok) true ;;
		*) rest=${rest#ok } && false ;;
		esac
		point "$rest"
	done <"$T/points"
}

# start ARG...: it goes on beside this, and waits for a byte; or for ever.
start() {
	rm -f "$T/in"
	mkfifo "$T/in"
	(echo 0 >"$G/host/cgroup.procs" && exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		"$HUGE" "$@") >"$T/out" 2>"$T/err" <"$T/in" &
	host=$!
	exec 9>"$T/in"
	await ready
}
await() { wait_for grep -q "^$1" "$T/out"; }
finish_host() {
	exec 9>&-
	wait "$host"
	RC=$?
	host=''
}

# --------------------------------------------------------------- who decides
policy "# nothing about huge pages"
huge "$G/host" lane 1
[ "$RC" = 0 ] && said '^lane ordinary' && pool 0
point "as shipped there are none: ordinary memory"
huge "$G/host" lane 2
[ "$RC" = 1 ] && said '^error 13$' && said '^knob .*policy.conf' && said 'the policy allows 0' &&
	said '^remedy .*set uid:UID hugepages BYTES' && pool 0
point "and an error for who needs them, with the line"
sed -i '/hugepages/d' "$POLICY/policy.conf"
huge "$G/host" lane 2
[ "$RC" = 1 ] && said '^error 13$' && said 'the policy allows 0' && pool 0
point "without any line the same"
policy "set uid:$uid hugepages 5M"
huge "$G/host" lane 2
[ "$RC" = 1 ] && said '^error 13$' && said '^knob .*50-local.conf' && said '6291456 bytes .*allows 5242880'
point "whole pages are counted"
policy "set uid:$uid hugepages 6M" "set all channels 5M"
huge "$G/host" lane 2
[ "$RC" = 1 ] && said '^error 13$' && said 'channels are asked for'
point "and count as channels"
policy "set uid:$uid hugepages 6M"
huge "$G/host" lane 2
[ "$RC" = 0 ] && said '^lane huge' && pool 0
point "granted they are had, and given back"
huge "$G/host" lane 0
[ "$RC" = 0 ] && ! said '^lane' && pool 0
point "who does not ask gets none"
huge "$G/host" wrong 1
[ "$RC" = 0 ] && said '^error 22$' && said 'only what the host writes'
point "nor for what the sandbox writes"

# ------------------------------------------------------------ where it is not
huge "$tree" lane 1
[ "$RC" = 0 ] && said '^lane ordinary'
point "without a group that keeps the sandbox from the pool: ordinary memory"
huge "$tree" lane 2
[ "$RC" = 1 ] && said '^stage limiting the sandbox'
point "and an error that names it"
huge "$G/host" late 0
said '^error 13$' && said 'was not started in a cgroup'
point "nor in a sandbox that was started without"
policy "set uid:$uid hugepages 12M"
huge "$G/host" late 2
[ "$RC" = 0 ] && [ "$(grep -c '^lane huge' "$T/out")" = 2 ] && pool 0
point "one that was started with one gets more of them"
policy "set uid:$uid hugepages 11M"
huge "$G/host" late 2
said '^error 13$' && said '12582912 bytes' && pool 0
point "up to the maximum of all"
policy "set uid:$uid hugepages 6M"

# ---------------------------------------------------------------- what it does
huge "$G/host" transfer 2
relay
[ "$RC" = 0 ] && said '^report fenced' && pool 0
point "the report has the limit; no page is left taken"
start attack 2
point "a hostile program has tried everything"
pool 3
point "and has only what it was sent"
finish_host
relay
pool 0
point "no page is left taken after that"

# ----------------------------------------------------------------------- ends
start killed 2 && pool 3 && echo >&9 && await gone && pool 3
point "a sandbox that was killed leaves the host's pages to the host"
finish_host
pool 0
point "until the host closes the channel"
start hold 2 && pool 3
point "a host with a sandbox"
kill -KILL "$host"
wait "$host" 2>/dev/null
host=''
exec 9>&-
pool 0
point "that is killed takes no page with it"

# ------------------------------------------------------------- an empty pool
echo $((before + 2)) >"$POOL"
free=$(field HugePages_Free)
huge "$G/host" lane 1
[ "$RC" = 0 ] && said '^lane ordinary' && pool 0
point "a pool that is too small: ordinary memory, and nothing is kept"
huge "$G/host" lane 2
[ "$RC" = 1 ] && said '^error 12$' && said '^knob sysctl vm.nr_hugepages' && pool 0
point "and an error for who needs them, with the knob"
echo "1..$N"
