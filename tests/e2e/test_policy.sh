#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the library does about the policy, covers and limits, and the caisson policy command. TAP.
# Only root can write a policy: in a mount namespace of its own, which ends with it.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/e2e/policy.sh
. "$(dirname "$0")/policy.sh"

# says NAME PATTERN: and it stands in the output.
says() {
	grep -qE -- "$2" "$T/out"
	point "$1"
}

# ---- covers

S=$T/srv
mkdir -p "$S/home/a/.ssh" "$S/home/b/.ssh" "$S/home/a/pub" "$S/home/deep/x/.ssh" "$S/home2/a/.ssh" "$S/fixed/in"
for user in home/a home/b home2/a home/deep/x; do echo secret >"$S/$user/.ssh/id"; done
echo secret >"$S/home/b/.netrc"
ln -s a "$S/home/link"
chown -R "$uid" "$S"
# shellcheck disable=SC2016 # the inner shell expands it
look='cd /s; find . -type f | sort; for f in fixed/x fixed/in/x home/a/pub/x; do touch $f && echo "wrote $f"; done'
rules="deny all read $S/home/*/.ssh"
policy
user "$CAISSON" run --rw "$S:/s" -- sh -c "$look"
[ "$(grep -c '/id$' "$T/out")" = 4 ] && [ "$(grep -c wrote "$T/out")" = 3 ]
point "without a rule all of a granted tree is there"
rm -f "$S/fixed/x" "$S/fixed/in/x" "$S/home/a/pub/x"
policy "$rules" "deny all read $S/home/b/.netrc" "deny all write $S/fixed/in"
user "$CAISSON" run --rw "$S:/s" -- sh -c "$look"
! grep -qE 'home/[ab]/.ssh/id|read-only.*pub' "$T/out"
point "what is denied below it is empty"
grep -q 'home/deep/x/.ssh/id' "$T/out" && grep -q 'home2/a/.ssh/id' "$T/out"
point "one '*' is one directory, and twins by prefix are others"
grep -q 'wrote fixed/x' "$T/out" && grep -q 'wrote home/a/pub/x' "$T/out" && ! grep -q 'wrote fixed/in/x' "$T/out" &&
	grep -q 'Read-only' "$T/err"
point "what may not be written is read-only"
user "$CAISSON" run --rw "$S:/s" -- cat /s/home/b/.netrc /s/home/link/.ssh/id
[ "$RC" != 0 ] && [ ! -s "$T/out" ]
point "so is a file, and what a link leads to"
user "$CAISSON" run --ro "$S/home:/h" -- sh -c 'cat /h/*/.ssh/id; ls -d /h/a/.ssh'
[ "$(cat "$T/out")" = /h/a/.ssh ]
point "the same from a tree further down"
user "$CAISSON" run --ro "$S/home/a:/h/u" -- sh -c 'ls /h/u; cat /h/u/.ssh/id'
[ "$(cat "$T/out")" = pub ]
point "and from one more"
user "$CAISSON" run --ro "$T/srv:/s" --ro "$S/home/a/pub:/s/home/a/.ssh" -- sh -c 'ls /s/home/a; ls -A /s/home/a/.ssh'
[ "$RC" = 0 ] && ! grep -q '^id$' "$T/out"
point "something granted may lie on a cover"
policy "$rules" "allow uid:$uid read $S/home/a/.ssh"
user "$CAISSON" run --ro "$S:/s" -- sh -c 'cat /s/home/a/.ssh/id; cat /s/home/b/.ssh/id'
[ "$(cat "$T/out")" = secret ] && grep -q '/s/home/b/.ssh/id' "$T/err"
point "the last rule that matches decides what is covered"
policy "deny uid:1 read $S/home/*/.ssh"
user "$CAISSON" run --ro "$S:/s" -- cat /s/home/a/.ssh/id
[ "$(cat "$T/out")" = secret ]
point "a rule for another user covers nothing"
policy "deny all write /" "allow all write $S" "deny all write $S/home/*/pub"
user "$CAISSON" run --rw "$S:/s" -- sh -c ': >/s/home/b/x && ls /s/home/a/.ssh && : >/s/home/a/pub/y'
[ "$RC" != 0 ] && grep -q '^id$' "$T/out" && [ -e "$S/home/b/x" ] && [ ! -e "$S/home/a/pub/y" ]
point "read-only is not covered"
chown 0 "$S/home" && chmod 711 "$S/home"
policy "$rules"
user "$CAISSON" run --ro "$S:/s" -- true
[ "$RC" = 125 ] && grep -q "$S/home cannot be listed" "$T/err" && grep -q '50-local.conf:1$' "$T/err"
point "what cannot be looked for is not granted"
chmod 755 "$S/home"
policy "deny all read $S/home/a"
user "$CAISSON" run --ro "$S/home/a:/h" -- true
[ "$RC" = 125 ] && grep -q '50-local.conf:1$' "$T/err"
point "the source itself is refused, not covered"

# ---- the examples

# Numbers of groups become the test's own. What may not be to be had here, limits, a record and a
# label, is not demanded.
for example in "$(dirname "$0")"/../../policy/examples/*.conf; do
	name=${example##*/}
	policy "set all audit try" "set all lsm if-loaded" "set all memory unlimited" "set all swap unlimited" \
		"set all pids unlimited" "set all cpu unlimited"
	# One that says nothing of networks stands on the shipped policy.
	whole=$POLICY/policy.d/40-example.conf
	! grep -q '^allow .* net ' "$example" || whole=$POLICY/policy.conf
	cp "$example" "$whole"
	chmod 644 "$whole"
	user "$CAISSON" policy check
	[ "$RC" = 0 ] && grep -q ' 0 errors, 0 warnings' "$T/out"
	point "$name: it is right"
	if [ "$whole" = "$POLICY/policy.conf" ]; then
		user "$CAISSON" run -- true
		[ "$RC" = 125 ] && grep -q 'policy' "$T/err"
		point "$name: it gives nothing to who is in no group of it"
	fi
	sed -i "s/gid:[0-9]*/gid:$uid/" "$whole"
	user "$CAISSON" policy explain -- true
	[ "$RC" = 0 ] && ! grep -q '^denied' "$T/out"
	point "$name: the default root is allowed"
	user "$CAISSON" run -- true
	[ "$RC" = 0 ]
	point "$name: and there is a sandbox"
done

# ---- limits

policy
user "$CAISSON" run --seconds 1 -- sleep 20
[ "$RC" = 137 ] && grep -q 'its time was up' "$T/err"
point "--seconds"
user "$CAISSON" run --seconds 20 -- sh -c 'kill -9 $$'
[ "$RC" = 137 ] && ! grep -q 'its time was up' "$T/err"
point "another end is not told as that"
user "$CAISSON" run --files 40 -- sh -c 'ulimit -Hn'
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = 40 ]
point "--files"
user "$CAISSON" run -- sh -c 'ulimit -Hn'
[ "$(cat "$T/out")" = 768 ]
point "without it there are 768"
for wrong in "--seconds 0" "--seconds x" "--seconds 2147483648" "--files 15" "--files 769"; do
	# shellcheck disable=SC2086 # words
	user "$CAISSON" run $wrong -- true
	[ "$RC" = 125 ] && grep -q 'must be a number from' "$T/err"
	point "refused: $wrong"
done
policy "set all seconds 1" "set all files 100"
user "$CAISSON" run -- sh -c 'ulimit -Hn; sleep 20'
[ "$RC" = 137 ] && [ "$(cat "$T/out")" = 100 ] && grep -q 'its time was up' "$T/err"
point "the policy's maximum holds for who asks for nothing"
user "$CAISSON" run --seconds 2 -- true
[ "$RC" = 125 ] && grep -q 'the policy allows 1' "$T/err" && grep -q '50-local.conf:1$' "$T/err"
point "more than it is refused: seconds"
user "$CAISSON" run --files 101 -- true
[ "$RC" = 125 ] && grep -q '50-local.conf:2$' "$T/err"
point "more than it is refused: files"
user "$CAISSON" run --files 100 --seconds 1 -- sh -c 'ulimit -Hn'
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = 100 ]
point "as much as it is not"
policy "set all seconds 1" "set uid:$uid seconds unlimited"
user "$CAISSON" run -- sleep 1.5
[ "$RC" = 0 ]
point "unlimited for some"
policy "set all seconds 0"
user "$CAISSON" run -- true
[ "$RC" = 125 ] && grep -q 'no sandbox can run' "$T/err"
point "no seconds at all is no sandbox"
for kind in memory:100M:101M pids:50:51 cpu:50:51; do
	most=${kind#*:}
	policy "set all ${kind%%:*} ${most%:*}"
	user "$CAISSON" run "--${kind%%:*}" "${kind##*:}" -- true
	kind=${kind%%:*}
	[ "$RC" = 125 ] && grep -q '50-local.conf:1$' "$T/err"
	point "more than it is refused: $kind"
	user "$CAISSON" run -- true
	if [ "$RC" = 0 ]; then
		user "$CAISSON" run --report - -- true
		grep -q "\"$kind\": " "$T/err"
		point "a maximum is asked for: $kind"
	else
		grep -q 'limiting the sandbox' "$T/err" || grep -q cgroup "$T/err"
		point "a maximum that needs a cgroup, where none can be had, is a refusal: $kind"
	fi
done

# ---- which line would allow it

policy "deny uid:$uid net host" "deny all read $S/home/a"
user "$CAISSON" run --net host -- true
[ "$RC" = 125 ] && grep -q 'the network host: the policy denies it' "$T/err" &&
	grep -q "ask the administrator for \"allow uid:$uid net host\" in a file of policy.d behind that line" "$T/err"
point "a network that is denied is named, and so is the line that would allow it"
user "$CAISSON" run --rw "$S/home/a:/h" -- true
[ "$RC" = 125 ] && grep -q "for \"allow uid:$uid read $S/home/a\" and \"allow uid:$uid write $S/home/a\" in" "$T/err"
point "of a tree the lines for what is asked"
policy "allow uid:$uid net host" "allow uid:$uid read $S/home/a"
user "$CAISSON" run --net host --ro "$S/home/a:/h" -- true
[ "$RC" = 0 ]
point "with these lines it is allowed"
policy
sed -i '/net *host/d' "$POLICY/policy.conf"
user "$CAISSON_PREFIX/bin/caisson-bwrap" --ro-bind / / true
[ "$RC" = 1 ] && grep -q '^bwrap: .*the network host: no line of the policy allows it' "$T/err" &&
	grep -q "for \"allow uid:$uid net host\" in a file of policy.d, or" "$T/err"
point "caisson-bwrap says it, too"
user "$CAISSON" run --label foo -- true
[ "$RC" = 125 ] && grep -q "for \"allow uid:$uid label foo\" in" "$T/err"
point "and of a label"

# ---- caisson policy check

policy
user "$CAISSON" policy check
[ "$RC" = 0 ] && grep -q '0 errors, 0 warnings' "$T/out"
point "check: what is shipped is right"
user "$CAISSON" policy check "$T/shipped"
[ "$RC" = 0 ]
point "check: a file"
cat >"$T/bad" <<'END'
allow all net moon
alow all net host
allow uid:root read /
allow all read /a/
deny all read /home/x
allow all read /
allow all net host
deny all net host
END
printf 'allow all net none' >>"$T/bad"
user "$CAISSON" policy check "$T/bad"
[ "$RC" = 1 ]
point "check: status"
says "check: a word" '/bad:1:15: error: expected one of none, loopback, host, found "moon"'
says "check: a verb" '/bad:2:1: error: expected allow, deny or set, found "alow"'
says "check: a user's name, and its number" '/bad:3:7: error: .*uid:0 \(user root\), found "uid:root"'
says "check: a slash at the end" '/bad:4:16: error: expected a path without a slash at its end'
says "check: a rule that never decides" '/bad:5:1: warning: it never decides anything: line 6 '
says "check: twice" '/bad:8:1: error: line 7 says already'
says "check: half-written" '/bad:9:19: error: expected a newline'
says "check: how many" '^3 rules in 1 file, 6 errors, 1 warning$'
user "$CAISSON" policy check "$T/none"
[ "$RC" = 1 ] && grep -q 'No such file' "$T/err"
point "check: a file that is not there"
printf 'set all %s\n' "files 15" "pids 2" "seconds 0" "memory 1023K" "cpu 0" "swap 0" "binds 0" >"$T/low"
user "$CAISSON" policy check "$T/low"
[ "$RC" = 1 ] && grep -q '^7 rules in 1 file, 0 errors, 5 warnings$' "$T/out"
point "check: maxima with which no sandbox can run"
says "check: how many it takes" '/low:1:1: warning: with at most 15 open files of a process no sandbox can run: it takes 16$'
printf 'set all %s\n' "files 800" "pids 5M" "seconds 3G" "files unlimited" >"$T/high"
sed -i '/unlimited/s/all/uid:1/' "$T/high"
user "$CAISSON" policy check "$T/high"
[ "$RC" = 1 ] && grep -q '^4 rules in 1 file, 0 errors, 3 warnings$' "$T/out"
point "check: maxima above what can be had"
says "check: what can be had" '/high:1:1: warning: it limits nothing: more than 768 open files of a process no sandbox has$'
policy "deny all read @own/x"
user "$CAISSON" policy check
[ "$RC" = 1 ]
point "check: what is installed"
says "check: in its file" '50-local.conf:1:15: error: expected a path without @own'
policy
chmod 666 "$POLICY/policy.d/50-local.conf"
user "$CAISSON" policy check
[ "$RC" = 1 ]
says "check: whom it belongs to" '50-local.conf: error: .*written by others'

# ---- list

policy "allow uid:$uid net host" "allow uid:1 read /x" "set uid:$uid pids 7K" "set all pids 9"
user "$CAISSON" policy list
[ "$RC" = 0 ] && ! grep -q 'uid:1 ' "$T/out"
point "list: what is about the user, only"
says "list: with its line" "^allow +uid:$uid .* net +host +.*50-local.conf:1\$"
[ "$(grep -c ' pids ' "$T/out")" = 1 ]
point "list: of what is set, what holds"
says "list: and that is the last" '^set +all +pids +9 +.*50-local.conf:4$'
says "list: devices by name" '^allow +all +device +1:3 \(null\) '

# ---- explain, against what happens

policy "$rules" "deny uid:$uid write $S/fixed" "deny all net loopback" "set all seconds 100"
user "$CAISSON" policy explain -- --ro "$S:/s" -- true
[ "$RC" = 0 ]
point "explain: allowed"
says "explain: by which line" "^allowed +$S at /s +.*policy.conf:[0-9]+\$"
says "explain: covers" '^covered +/s/home/a/.ssh +.*50-local.conf:1$'
says "explain: limits" '^limited +at most 100 seconds +.*50-local.conf:4$'
policy "set all files 800"
user "$CAISSON" policy explain -- true
[ "$RC" = 0 ]
says "explain: a maximum above what can be had is as much as that" '^limited +at most 768 open files .*50-local.conf:1$'
policy "allow all label one*"
user "$CAISSON" policy explain -- --ro "$S:/s" --label foo -- true
[ "$RC" = 1 ]
says "explain: a label that no line allows" '^denied +the label foo +no line of the policy allows it$'
user "$CAISSON" policy explain -- --ro "$S:/s" --label one-2 -- true
[ "$RC" = 0 ]
says "explain: a label, and by which line" '^allowed +the label one-2 +.*50-local.conf:1$'
policy "$rules" "deny uid:$uid write $S/fixed" "deny all net loopback" "set all seconds 100"
user "$CAISSON" policy explain --rw "$S:/s" --net loopback
[ "$RC" = 1 ]
point "explain: denied"
says "explain: which line denies it" '^denied +the network loopback +.*50-local.conf:3$'
says "explain: read-only" '^read-only +/s/fixed +.*50-local.conf:2$'
user "$CAISSON" policy explain --seconds 101
[ "$RC" = 1 ]
says "explain: too much" '^denied +101 seconds .*50-local.conf:4$'
user "$CAISSON" policy explain --ro /proc:/p
[ "$RC" = 1 ]
says "explain: what is never granted" "^denied +/proc at /p .*kernel's own"
for options in "--net host" "--net loopback" "--rw $S/fixed:/f" "--ro $S/fixed:/f" "--ro $S/home/a/.ssh:/f" \
	"--userns none" "--label foo" "--seccomp strict" "--uid 0" "--ro /proc:/p" "--files 700" "--seconds 99" "--seconds 101"; do
	# shellcheck disable=SC2086 # words
	user "$CAISSON" policy explain $options -- true
	said=$RC
	# shellcheck disable=SC2086 # words
	user "$CAISSON" run $options -- true
	case $said:$RC in 0:0 | 1:125) true ;; *) false ;; esac
	point "explain says what happens: $options ($said)"
done
policy "allow all"
user "$CAISSON" policy explain
[ "$RC" = 1 ] && grep -q '50-local.conf:1' "$T/err"
point "explain: a policy that cannot be believed"
user "$CAISSON" policy explain --ro
[ "$RC" = 125 ]
point "explain: an option without its value"
user "$CAISSON" policy something
[ "$RC" = 125 ]
point "no such thing"
echo "1..$N"
