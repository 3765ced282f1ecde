# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests that are shell scripts share, sh's and bash's. Each begins with it, before it goes
# to another directory:
#     . "$(dirname "$0")/../lib/tap.sh"
# It gives
#     point NAME         a point: the last command's status decides. Of one that failed, it shows the
#                        status in RC and the ends of the files in SHOWN
#     skip NAME REASON   a point that cannot be tried here
#     cannot REASON      no point can: the program ends
#     wait_for ARG...    until that command succeeds, for at most thirty seconds
#     needs_root WHAT, needs_user
#     own_mounts "$@"    goes on in a mount namespace of its own
#     MODE               the restriction that the test runs under; KERNEL: the one that is played,
#                        5.10, 5.4 or 4.18, or nothing
# and counts the points in N: the script prints the plan. The script makes a directory T, leaves
# there what it runs prints, and sets RC to the exit status; other files than out and err it names
# in SHOWN.
# Environment: CAISSON_TEST_RESTRICTION.
# shellcheck disable=SC2034 # what the tests use
set -u
export LC_ALL=C
N=0
RC=
SHOWN="out err"
MODE=${CAISSON_TEST_RESTRICTION:-none}
KERNEL=
case $MODE in kernel-*) KERNEL=${MODE#kernel-} ;; esac
# Below 5.9 the helper refuses, and there is the same without it.
case $KERNEL in 5.10) MODE=none ;; ?*) MODE=userns ;; esac

point() {
	if [ $? = 0 ]; then verdict=ok; else verdict="not ok"; fi
	N=$((N + 1))
	echo "$verdict $N - $1"
	[ "$verdict" = ok ] || show_last
}

# In a shell of its own, whose variables are not the test's. Each line ends, as the next one is TAP.
show_last() (
	[ -z "$RC" ] || echo "# status $RC"
	for file in $SHOWN; do
		tail -n 40 "$T/$file" 2>/dev/null | awk '{ print "# " $0 }'
	done
)

skip() {
	N=$((N + 1))
	echo "ok $N - $1 # SKIP $2"
}

cannot() {
	echo "1..0 # SKIP $*"
	exit 77
}

wait_for() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.05
	done
}

needs_root() {
	[ "$(id -u)" = 0 ] || cannot "it takes root to $1"
}

needs_user() {
	[ "$(id -u)" != 0 ] || cannot "it is about what an ordinary user gets, and this is root"
}

# Begins the script anew there: what it mounts ends with it.
own_mounts() {
	[ -z "${CAISSON_TEST_INNER:-}" ] || return 0
	exec env CAISSON_TEST_INNER=1 unshare --mount --propagation private "$0" "$@"
}
