#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which path a source has for the policy's rules, by a table of those that are meant to mislead: what
# caisson-helper does, and that caisson policy explain says the same. TAP.
# Only root can write a policy and mount: in a mount namespace of its own, which ends with it.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/e2e/policy.sh
. "$(dirname "$0")/policy.sh"
S=$T/s
leave() {
	umount "$S/mounted" "$S/pub/in" "$S/tmp" "$S/below/over" 2>/dev/null
}

# In directory $S/scratch, with the descriptors that the caller has.
user() {
	# shellcheck disable=SC2016 # the inner shell expands it
	setpriv --reuid "$uid" --regid "$uid" --clear-groups sh -c 'cd "$0" && exec timeout 30 "$@"' \
		"$S/scratch" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# ------------------------------------------------------------------ the scene

mkdir -p "$S/scratch/in" "$S/scratch2/in" "$S/scratc" "$S/x" "$S/open" "$S/secret/in" "$S/mounted" \
	"$S/pub/in" "$S/pub/beside" "$S/tmp" "$S/below/over" "$S/odd (deleted)" "$S/odd" "$S/a\\134b" \
	"$S/nl$(printf '\nx')y" "$S/home/u/.ssh" "$S/home/u2/.ssh" "$S/from/d" "$S/to"
echo secret >"$S/secret/file"
echo secret >"$S/secret/in/file"
echo plain >"$S/below/over/hidden"
ln "$S/secret/file" "$S/open/hard"
ln -s scratch "$S/link"
ln -s ../scratch/in "$S/x/deep"
ln -s /proc/self/root "$S/x/root"
chown -R "$uid" "$S"
mount --bind "$S/scratch" "$S/mounted" || cannot "nothing can be bound here"
mount --bind "$S/secret" "$S/pub/in"
mount -t tmpfs -o mode=755 none "$S/tmp"
mkdir "$S/tmp/in"
mount -t tmpfs -o mode=755 none "$S/below/over"
mkdir "$S/below/over/seen"

# ------------------------------------------------------------------ the table
# What becomes of it; a rule that follows the shipped ones, with $S as @; what is asked for.
table() {
	cat <<'END'
denied  deny read @/scratch           @/scratch
denied  deny read @/scratch           @/scratch/
denied  deny read @/scratch           @/scratch/.
denied  deny read @/scratch           @//scratch///
denied  deny read @/scratch           @/x/../scratch
denied  deny read @/scratch           @/scratch/in
denied  deny read @/scratch           @/scratch/in/..
denied  deny read @/scratch           .
denied  deny read @/scratch           ./in
denied  deny read @/scratch           /proc/self/cwd
denied  deny read @/scratch           /proc/self/cwd/in
denied  deny read @/scratch           /proc/self/root@/scratch
denied  deny read @/scratch           @/x/root@/scratch
denied  deny read @/scratch           @/link
denied  deny read @/scratch           @/link/
denied  deny read @/scratch           @/link/in
denied  deny read @/scratch           @/x/deep
allowed deny read @/scratch           @/scratch2
allowed deny read @/scratch           @/scratch2/in
allowed deny read @/scratch           @/scratc
allowed deny read @/scratch           ../scratch2
allowed deny read @/scratch2          @/scratch
denied  deny read @/scratch?          @/scratch2
allowed deny read @/scratch?          @/scratch
denied  deny read @/scratch*          @/scratch
denied  deny read @/*/in              @/scratch/in
allowed deny read @/*/in              @/scratch
denied  deny read @/home/*/.ssh       @/home/u/.ssh
denied  deny read @/home/u*/.ssh      @/home/u2/.ssh
allowed deny read @/home/u/.ssh       @/home/u2/.ssh
allowed deny read @/link              @/link
allowed deny read @/link              @/scratch
allowed deny read @/scratch           @/mounted
denied  deny read @/mounted           @/mounted
denied  deny read @/mounted           @/mounted/in
denied  deny read @/mounted           @/mounted/
allowed deny read @/mounted           @/scratch
denied  deny read @/tmp               @/tmp/in
allowed deny read @/tmp2              @/tmp
denied  deny read @/below/over/seen   @/below/over/seen
allowed deny read @/secret            @/open/hard
allowed deny read @/secret            @/open
denied  deny read @/secret            @/secret/file
allowed deny read @/secret            @/pub/in
denied  deny read @/pub/in            @/pub/in/in
denied  deny read @/odd               @/odd
allowed deny read @/odd               @/odd\x20(deleted)
denied  deny read @/odd?(deleted)     @/odd\x20(deleted)
denied  deny read @/nl?x?             @/nl\x0axy
allowed deny read @/nl                @/nl\x0axy
denied  deny read @/a*b               @/a\x5c134b
allowed deny read @/aXb               @/a\x5c134b
END
}

# The sandbox, and what explain says.
row() { # VERDICT RULE SOURCE, all with @
	rule="${2%% *} all ${2#* }"
	policy "$(printf '%s' "$rule" | sed "s|@|$S|g")"
	source=$(printf '%b' "$(printf '%s' "$3" | sed "s|@|$S|g; s|\\\\x20| |g; s|\\\\x0a|\\\\n|g; s|\\\\x5c|\\\\\\\\|g")")
	user "$CAISSON" run --ro "$source:/s" -- true
	case $1 in
	denied) [ "$RC" = 125 ] && grep -q '50-local.conf:1$' "$T/err" ;;
	*) [ "$RC" = 0 ] ;;
	esac
	point "$1 by \"$2\": $3"
	user "$CAISSON" policy explain -- --ro "$source:/s" -- true
	case $1 in
	denied) [ "$RC" = 1 ] && grep -q '^denied .*50-local.conf:1$' "$T/out" ;;
	*) [ "$RC" = 0 ] && ! grep -q '^denied' "$T/out" ;;
	esac
	point "and so says explain"
}

# A name that would make two lines of one.
policy "deny all read $S/nl*"
user "$CAISSON" policy explain -- --ro "$S/nl$(printf '\nx')y:/s" -- true
[ "$(grep -c . "$T/out")" = "$(grep -c '^[a-z]* ' "$T/out")" ] && grep -q 's/nl\\012xy' "$T/out"
point "explain: a name stays on its line"
printf 'allow all read \033[31m\nallow all read /a\033[0m\n' >"$T/esc"
"$CAISSON" policy check "$T/esc" >"$T/out" 2>"$T/err"
! grep -q "$(printf '\033')" "$T/out" && grep -q 'found "\\033\[31m"' "$T/out"
point "check: what is found is shown without its effects"

printf 'deny all read %s/link/*/x\ndeny all read %s/scratch*\ndeny all write %s/link*\n' "$S" "$S" "$S" >"$T/links"
"$CAISSON" policy check "$T/links" >"$T/out" 2>"$T/err"
[ "$(grep -c ': note: ' "$T/out")" = 1 ] && grep -q "links:1:1: note: $S/link is $S/scratch here" "$T/out"
point "check: a link before a star is noted"

table >"$T/table"
while read -r verdict verb kind path source; do
	row "$verdict" "$verb $kind $path" "$source"
done <"$T/table"

# ----------------------------------------------- what is mounted below a grant

policy "deny all read $S/pub/in"
user "$CAISSON" run --ro "$S/pub:/s" -- sh -c 'ls -A /s /s/in'
[ "$RC" = 0 ] && grep -q beside "$T/out" && ! grep -q file "$T/out"
point "a secret that is bound below something granted is covered by the place where it is seen"
policy "deny all read $S/secret"
user "$CAISSON" run --ro "$S:/s" -- cat /s/pub/in/file
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = secret ]
point "and seen where no rule is about that place: who binds a secret elsewhere gives it another path"
user "$CAISSON" run --ro "$S:/s" -- sh -c 'ls /s/secret; cat /s/open/hard'
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = secret ]
point "its own place is covered; another name of a file, a hard link, is another path"

# ------------------------------------------------------------ renamed parents

# Opened by one name, asked for by another: the one that it has when it is judged.
exec 9<"$S/from/d"
policy "deny all read $S/from"
user "$CAISSON" run --ro /proc/self/fd/9:/s -- true
[ "$RC" = 125 ] && grep -q '50-local.conf:1$' "$T/err"
point "a descriptor has the path of what it is of"
mv "$S/from" "$S/to/from"
user "$CAISSON" run --ro /proc/self/fd/9:/s -- true
[ "$RC" = 0 ]
point "and another when its parent was renamed"
policy "deny all read $S/to"
user "$CAISSON" run --ro /proc/self/fd/9:/s -- true
[ "$RC" = 125 ] && grep -q '50-local.conf:1$' "$T/err"
point "by which it is denied"
rm -r "$S/to/from"
user "$CAISSON" run --ro /proc/self/fd/9:/s -- true
[ "$RC" = 125 ]
point "what has no name any more is not granted"
exec 9<&-

# Renamed all the while: each request is granted or denied, by the rule, and none gets the secret.
mkdir -p "$S/r/secret" "$S/r/plain"
echo secret >"$S/r/secret/what"
echo plain >"$S/r/plain/what"
chown -R "$uid" "$S/r"
policy "deny all read $S/r/secret"
cat >"$T/swap" <<'END'
import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
a, b = (sys.argv[1] + "/secret").encode(), (sys.argv[1] + "/plain").encode()
end = time.monotonic() + 40
while time.monotonic() < end:
    libc.renameat2(-100, a, -100, b, 2) # RENAME_EXCHANGE
END
if [ -x /usr/bin/python3 ]; then
	setpriv --reuid "$uid" --regid "$uid" --clear-groups /usr/bin/python3 "$T/swap" "$S/r" &
	P=$!
	granted=0 denied=0 moved=0 other=0
	i=0
	while [ $i -lt 80 ]; do
		user "$CAISSON" run --ro "$S/r/secret:/s" -- true
		case $RC in
		0) granted=$((granted + 1)) ;;
		125) if grep -q '50-local.conf:1$' "$T/err"; then
			denied=$((denied + 1))
		elif grep -q 'was renamed or removed while it was judged' "$T/err"; then
			moved=$((moved + 1))
		else
			other=$((other + 1))
			sed 's/^/# /' "$T/err"
		fi ;;
		*) other=$((other + 1)) ;;
		esac
		i=$((i + 1))
	done
	kill "$P"
	wait "$P" 2>/dev/null
	[ $other = 0 ] && [ $((granted + denied + moved)) = 80 ] && [ $((granted + moved)) -gt 0 ] &&
		[ $denied -gt 0 ]
	point "renamed all the while: $granted granted under the other name, $denied denied, $moved refused since they moved, nothing else"
fi
echo "1..$N"
