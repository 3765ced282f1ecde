#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# bubblewrap's own tests against caisson-bwrap, where their source can be had, with user namespaces
# restricted in each of the ways: its TAP is passed on. What is different on purpose is skipped, with
# the reason (the file "differences"). As root.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID; CAISSON_BUBBLEWRAP_SOURCE: an unpacked
# source tree, instead of that of a Debian suite.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
uid=${CAISSON_TEST_UID:?}
restrict=${CAISSON_BUILD:?}/tests/lib/restrict

needs_root "take user namespaces away"
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
for suite in trixie bookworm; do
	source=$("$here/fetch-source" $suite 2>"$W/why") && break
	source=
done
[ -n "$source" ] || cannot "bubblewrap's source cannot be had: $(tail -1 "$W/why")"
chmod 0755 "$W"
mkdir "$W/home"
chown "$uid:$uid" "$W/home"
cp -r "$source/tests" "$W/tests" && chmod -R go+rX "$W/tests"
[ -r "$W/tests/test-run.sh" ] || cannot "$source has no tests/test-run.sh"
"$here/run-upstream" "$W/tests/test-run.sh" "$here/differences" >"$W/tests/test-caisson.sh" || exit 1
echo "# version $(sed -n "s/^ *version *: *'\(.*\)',/\1/p; s/AC_INIT(\[bubblewrap\], \[\([0-9.]*\).*/\1/p" \
	"$source/meson.build" "$source/configure.ac" 2>/dev/null | head -1)"

for mode in none seccomp nested; do
	echo "# stream: $mode"
	if ! "$restrict" $mode --uid "$uid" --gid "$uid" -- true 2>"$W/why"; then
		echo "1..0 # SKIP $(cat "$W/why")"
		continue
	fi
	cd "$W/tests" || exit 1
	# Its second copy of a name in PATH is its own affair: what it prints besides goes to a log.
	timeout 250 "$restrict" $mode --uid "$uid" --gid "$uid" -- env HOME="$W/home" PATH=/usr/local/bin:/usr/bin:/bin \
		BWRAP="${CAISSON_PREFIX:?}/bin/caisson-bwrap" BWRAP_MUST_WORK=1 \
		bash ./test-caisson.sh </dev/null 2>"$W/log" || tail -n 15 "$W/log" | sed 's/^/# /'
done

# What it says without a filter of the caller's (test_no_seccomp, test_seccomp_allowlist) is the floor's:
# chroot and TIOCSTI are denied in any case.
echo "# stream: seccomp.py"
if ! /usr/bin/python3 -c 'import seccomp' 2>/dev/null || [ ! -r "$W/tests/test-seccomp.py" ] ||
	! cc -o "$W/tests/try-syscall" "$W/tests/try-syscall.c" 2>/dev/null; then
	echo "1..0 # SKIP it takes python3-seccomp, a compiler, and bubblewrap 0.5 or later"
	exit 0
fi
"$restrict" none --uid "$uid" --gid "$uid" -- env HOME="$W/home" BWRAP="$CAISSON_PREFIX/bin/caisson-bwrap" \
	/usr/bin/python3 ./test-seccomp.py Test.test_seccomp_denylist Test.test_seccomp_stacked \
	Test.test_seccomp_stacked_allowlist_first Test.test_seccomp_invalid </dev/null 2>"$W/log" ||
	tail -n 15 "$W/log" | sed 's/^/# /'
