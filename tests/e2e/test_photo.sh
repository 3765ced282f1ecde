#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The main job, as TAP: every check that examples/demo.sh (run as root) or
# jpeg-host in a virtual machine prints with "ok" or "FAILED" is a point.
#
# test_photo.sh demo            as root: a host that denies user namespaces, twice
# test_photo.sh inside PHOTO    as the user of a virtual machine
# Environment: CAISSON_PREFIX, CAISSON_BUILD.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

to_tap() {
	awk '
	{ print "# " $0 }
	match($0, / (ok|FAILED)$/) {
		word = substr($0, RSTART + 1); text = substr($0, 1, RSTART)
		gsub(/^ +| +$/, "", text); gsub(/#/, "", text)
		printf "%s %d - %s\n", word == "ok" ? "ok" : "not ok", ++n, text
	}
	/^exit status / { printf "%s %d - it ended with status 0\n", $3 == 0 ? "ok" : "not ok", ++n }
	END { print "1.." n + 0 }'
}

case ${1:-demo} in
demo)
	needs_root "take user namespaces away"
	command -v bwrap >/dev/null || cannot "bubblewrap, to compare with, is not installed"
	[ -s "$CAISSON_BUILD/demo/photo.jpg" ] ||
		"$(dirname "$0")"/../../examples/photo.sh "$CAISSON_BUILD/demo/photo.jpg" ||
		cannot "no photograph: no Debian package with one can be had here"
	{
		"$(dirname "$0")"/../../examples/demo.sh "$CAISSON_PREFIX" "$CAISSON_BUILD" 2>&1
		echo "exit status $?"
	} | to_tap
	;;
inside)
	out=$(mktemp -d) || exit 1
	trap 'rm -rf "$out"' EXIT
	echo "a private key, say" >"$out/secret"
	{
		if unshare -U true 2>/dev/null; then
			echo "this user may make no user namespace FAILED"
		else
			echo "this user may make no user namespace ok"
		fi
		"$CAISSON_BUILD/examples/jpeg-host" "$CAISSON_BUILD/examples/decode-jpeg" "$2" \
			"$out/secret" "$out/picture.png"
		echo "exit status $?"
	} 2>&1 | tee "$out/log" | to_tap >"$out/tap"
	if grep -q 'a full sandbox, with user namespace' "$out/log"; then
		sed 's/^1\.\.\([0-9]*\)$//' "$out/tap"
		n=$(grep -cE '^(not )?ok ' "$out/tap")
		echo "ok $((n + 1)) - the sandbox has a user namespace"
		echo "1..$((n + 1))"
	else
		cat "$out/tap"
		echo "not ok - the sandbox has no user namespace"
	fi
	;;
esac
