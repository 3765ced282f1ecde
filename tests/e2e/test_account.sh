#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The policy's files, the sandboxes that a user may have at once, and the record of each request. TAP.
# Only root can write a policy and listen where the system's logger does: both in a mount namespace of
# its own, which ends with it.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
# shellcheck source=tests/e2e/policy.sh
. "$(dirname "$0")/policy.sh"
command -v python3 >/dev/null || cannot "there is no python3"
LOGGER=
leave() {
	[ -z "$LOGGER" ] || kill "$LOGGER" 2>/dev/null
	umount "$RUN" /dev 2>/dev/null
}
RUN=$(cached CAISSON_RUN_DIR)
# Nobody else's sandboxes count here.
mkdir -p "$RUN"
mount -t tmpfs -o mode=755 none "$RUN" || exit 1

# ---- what is allowed: each kind both ways

allows() { # WHAT OPTION...
	what=$1
	shift
	user "$CAISSON" run "$@" -- true
	[ "$RC" = 0 ]
	point "allowed: $what"
}

denies() { # WHAT LINE OPTION...
	what=$1 line=$2
	shift 2
	user "$CAISSON" run "$@" -- true
	[ "$RC" = 125 ] && grep -q "policy.d/50-local.conf:$line$" "$T/err"
	point "denied: $what"
}

unlisted() { # WHAT OPTION...
	what=$1
	shift
	user "$CAISSON" run "$@" -- true
	[ "$RC" = 125 ] && grep -q 'no line of the policy allows it' "$T/err"
	point "denied: $what"
}

mkdir -p "$T/scratch/in" "$T/scratch2" "$T/own"
chown "$uid" "$T/own"
policy
allows "the shipped policy" --ro "$T/scratch:/s"
unlisted "the host's network, by the shipped policy" --net host
policy "allow uid:$uid net host"
allows "the host's network, by a line" --net host
policy "allow uid:1 net host"
unlisted "the host's network, by a line for another" --net host
policy "allow gid:$uid net host"
allows "the host's network, by the group" --net host
policy "allow all net host" "deny uid:$uid net host"
denies "the last line that matches decides" 2 --net host
policy "deny all net loopback"
denies "loopback" 1 --net loopback
policy "deny all userns ids"
denies "other ids" 1 --uid 0 --require userns
policy "deny all read $T/scratch"
denies "a source" 1 --ro "$T/scratch:/s"
denies "a source below it" 1 --ro "$T/scratch/in:/s"
allows "its twin by prefix" --ro "$T/scratch2:/s"
unlisted "a label" --label mine
policy "allow all label mine" "deny uid:$uid label m*"
denies "a label, by a line" 2 --label mine
# Where a label can be had tests/vm/apparmor.sh looks at it.
policy
user "$CAISSON" run --require label -- true
if [ "$RC" = 0 ]; then
	skip "without a label" "this host gives sandboxes one"
else
	without() { # WHAT OPTION...
		what=$1
		shift
		user "$CAISSON" run "$@" -- true
		[ "$RC" = 125 ] && grep -q 'a label .* is required, and there is none' "$T/err"
		point "refused: $what"
	}
	policy "set all lsm required"
	without "no label, where the policy requires one"
	policy "allow all label mine"
	without "no label, where the program asks for one that it may have" --label mine
fi
mkdir -p "$T/scratch2/deep/in"
policy "deny all read $T/*/in"
denies "by a name with a star in it" 1 --ro "$T/scratch/in:/s"
allows "a star is one component of a path" --ro "$T/scratch2/deep/in:/s"
policy "deny all read $T/scratch"
ln -s scratch "$T/link"
denies "the same behind a link" 1 --ro "$T/link:/s"
mkdir "$T/alias"
mount --bind "$T/scratch" "$T/alias"
allows "the same mounted elsewhere: paths are judged" --ro "$T/alias:/s"
umount "$T/alias"
policy "deny all write $T/scratch2"
denies "read-write" 1 --rw "$T/scratch2:/s"
allows "the same read-only" --ro "$T/scratch2:/s"
policy "deny all write /" "allow all write @own/"
denies "read-write, what is another's" 1 --rw "$T/scratch2:/s"
allows "read-write, what is the user's own" --rw "$T/own:/s"
policy "deny all device 1:7"
denies "a device that every /dev has" 1
policy "deny all seccomp default"
allows "no filter named: the default one is nobody's to deny"
unlisted "namespaces made inside, by the shipped policy" --seccomp nested
policy "allow uid:$uid seccomp nested"
if user unshare -U true; [ "$RC" = 0 ] || [ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ]; then
	allows "namespaces made inside, by a line" --seccomp nested
fi
policy "set all mounts 3"
user "$CAISSON" run -- true
[ "$RC" = 125 ] && grep -q 'more mounts than the 3 that the policy allows' "$T/err"
point "more mounts than there may be are refused"
policy "set all mounts 4096"
allows "as many as there may be"
policy "set all binds 3"
user "$CAISSON" run -- true
[ "$RC" = 125 ]
point "more sources than may be"

# ---- supplementary groups: kept, or dropped, never added

grouped() { # COMMAND...: in a sandbox, with two supplementary groups outside; its output in out
	setpriv --reuid "$uid" --regid "$uid" --groups 61931,61932 timeout 30 "$CAISSON" run --via helper \
		--ro "$T/group:/g" --report "$T/own/report" -- "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# For the group: one file that only it may read, and one that only it may not.
mkdir "$T/group"
echo given >"$T/group/given"
echo denied >"$T/group/denied"
chgrp 61931 "$T/group"/*
chmod 0640 "$T/group/given"
chmod 0604 "$T/group/denied"
policy
grouped id -G
[ "$RC" = 0 ] && [ "$(wc -w <"$T/out")" -gt 1 ] && grep -q '"groups": "kept"' "$T/own/report"
point "groups: kept, as shipped"
grouped sh -c 'cat /g/given; ! cat /g/denied'
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = given ]
point "groups: they give what they give, and deny what they deny"
policy "set all groups drop"
grouped id -G
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = "$uid" ] && grep -q '"groups": "dropped"' "$T/own/report"
point "groups: dropped, and the gid is not"
grouped sh -c '! cat /g/given && cat /g/denied'
[ "$RC" = 0 ] && [ "$(cat "$T/out")" = denied ]
point "groups: nothing is given by them then, and nothing denied: what policy.conf warns of"
chgrp 61932 "$T/group" && chmod 0750 "$T/group"
grouped ls /
[ "$RC" = 0 ]
point "groups: what may be granted is judged with them"
grouped ls /g
[ "$RC" != 0 ] && [ "$RC" != 125 ]
point "groups: but cannot be reached without them"
policy "set all groups drop" "set gid:61932 groups keep"
grouped ls /g
[ "$RC" = 0 ] && [ "$(wc -l <"$T/out")" = 2 ]
point "groups: the last line that is about the user"
policy "set all groups loose"
grouped true
[ "$RC" = 125 ] && grep -q '50-local.conf:1' "$T/err"
point "groups: another word is none"
policy "set all groups drop"
user "$CAISSON" policy explain -- true
[ "$RC" = 0 ] && grep -q '^dropped  *supplementary groups .*50-local.conf:1$' "$T/out"
point "groups: caisson policy explain"
rm -rf "$T/group" "$T/own/report"

# ---- a policy that cannot be believed refuses everything

refused() { # WHAT PATTERN
	user "$CAISSON" run -- true
	[ "$RC" = 125 ] && grep -q "$2" "$T/err"
	point "refused: $1"
}

policy "allow all net"
refused "a rule that is cut off" '50-local.conf:1'
policy "" "# a comment" "allow all net moon"
refused "a word that is none" '50-local.conf:3'
policy
printf 'allow all net host' >"$POLICY/policy.d/60-half.conf"
refused "half-written" '60-half.conf:1'
policy "allow all net host" "deny all net host"
refused "allowed and denied in one file" '50-local.conf:2'
policy
chmod 664 "$POLICY/policy.conf"
refused "the group may write it" 'policy.conf'
policy
chown "$uid" "$POLICY/policy.d/50-local.conf"
refused "not root's" '50-local.conf'
policy
ln -s 50-local.conf "$POLICY/policy.d/70-link.conf"
refused "a link" '70-link.conf'
policy
mkfifo "$POLICY/policy.d/70-fifo.conf"
refused "a pipe" '70-fifo.conf'
policy
chmod 777 "$POLICY/policy.d"
refused "a folder that all may write" 'policy.d'
chmod 755 "$POLICY/policy.d"
policy
chmod 600 "$POLICY/policy.d/50-local.conf"
refused "one that the user may not read" '50-local.conf'
grep -q 'this process cannot read the policy: Permission denied' "$T/err"
point "where the library cannot read it, which is to cover what it denies, the helper is not asked"
policy
rm "$POLICY/policy.conf"
refused "none at all" 'policy.conf'
policy
head -c 300000 /dev/zero | tr '\0' '#' >"$POLICY/policy.d/80-long.conf"
refused "too long" '80-long.conf'
policy
touch "$POLICY/policy.d/ignored" "$POLICY/policy.d/.hidden.conf"
allows "what is no *.conf is not read"

# ---- read once: whoever changes it meanwhile changes the next request

# What is read of it, by the library and by the helper, each a process of its own.
opened() { # FILE
	grep -F "$1\"" "$T/trace" | cut -d ' ' -f 1 | sort | uniq -c | sed 's/^ *\([0-9]*\) .*/\1/' | tr '\n' ' '
}
policy "allow uid:$uid net host"
if command -v strace >/dev/null &&
	strace -f -o "$T/trace" -e trace=openat,open setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		timeout 30 "$CAISSON" run --net host --ro "$T/scratch:/s" --ro "$T/scratch2:/t" -- true \
		>"$T/out" 2>"$T/err" </dev/null; then
	[ "$(opened /policy.conf)" = "1 1 " ] && [ "$(opened /policy.d/50-local.conf)" = "1 1 " ]
	point "each file is read once in a request, by the helper and by the library"
	# Each read is held up, and the policy changed during the first: who has a file open reads that one.
	rm -f "$T/trace"
	strace -f -o "$T/trace" -e trace=read -e inject=read:delay_enter=1500000:when=1 -P "$POLICY/policy.d/50-local.conf" \
		setpriv --reuid "$uid" --regid "$uid" --clear-groups timeout 60 "$CAISSON" run --net host -- true \
		>"$T/out" 2>"$T/err" </dev/null &
	tracer=$!
	wait_for test -s "$T/trace"
	policy "deny all net host"
	wait "$tracer"
	RC=$?
	[ "$RC" = 125 ] && grep -q "50-local.conf:1$" "$T/err"
	point "changed meanwhile: the library read the old one to its end, and the helper, later, the new one"
fi

# ---- sandboxes at once

policy "set all sandboxes 3"
sleepers=
for i in 1 2 3; do
	setpriv --reuid "$uid" --regid "$uid" --clear-groups timeout 60 \
		"$CAISSON" run -- sh -c 'echo up; sleep 50' >"$T/up$i" 2>&1 </dev/null &
	sleepers="$sleepers $!"
done
for i in 1 2 3; do
	wait_for grep -q up "$T/up$i"
done
user "$CAISSON" run -- true
[ "$RC" = 125 ] && grep -q 'as many sandboxes as the policy allows' "$T/err"
point "a fourth of three"
[ "$(stat -c '%u %a' "$RUN/$uid")" = "0 600" ]
point "the file that they are counted in is root's"
# shellcheck disable=SC2086 # words
kill $sleepers
wait
tries=50
while user "$CAISSON" run -- true && [ "$RC" != 0 ] && [ $((tries -= 1)) -gt 0 ]; do sleep 0.1; done
[ "$RC" = 0 ]
point "and again, when they have ended"
policy "set all sandboxes unlimited"
user "$CAISSON" run -- true
[ "$RC" = 0 ]
point "as many as there are"
policy "set all sandboxes 20"
rm -f "$T"/ran*
for i in 1 2 3 4 5 6 7 8 9 10; do
	# shellcheck disable=SC2016 # the inner shell expands it
	setpriv --reuid "$uid" --regid "$uid" --clear-groups sh -c '
		n=0
		while [ $n -lt 100 ]; do
			timeout 30 "$0" run -- true 2>/dev/null && echo ran || echo refused
			n=$((n + 1))
		done' "$CAISSON" >"$T/ran$i" </dev/null &
done
wait
[ "$(cat "$T"/ran* | grep -c .)" = 1000 ] && ! grep -q refused "$T"/ran*
point "a thousand requests, ten at once, below the maximum: none is refused"
# At the same moment, and none ends before the last one was answered: as many as there may be, to the last.
cat >"$T/thousand" <<'END'
import os, select, sys, time
caisson, uid, most, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
gate, hold, said = os.pipe(), os.pipe(), os.pipe()
errors = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
children = []
for _ in range(1000):
    pid = os.fork()
    if pid == 0:
        os.close(gate[1])
        os.close(hold[1])
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        os.read(gate[0], 1) # until it is closed: all go on at once
        os.dup2(hold[0], 0)
        os.dup2(said[1], 1)
        os.dup2(errors, 2)
        os.execv(caisson, [caisson, "run", "--", "sh", "-c", "echo; read -r _"])
    children.append(pid)
for fd in (gate[0], gate[1], hold[0], said[1]):
    os.close(fd)
refused = odd = up = 0
end = time.monotonic() + 240
left = set(children)
while up + refused + odd < 1000 and time.monotonic() < end:
    if select.select([said[0]], [], [], 0.05)[0]:
        up += len(os.read(said[0], 65536))
    while left:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        left.discard(pid)
        refused += os.waitstatus_to_exitcode(status) == 125
        odd += os.waitstatus_to_exitcode(status) != 125
os.close(hold[1])
ended = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1 for pid in left) # the end of its input
print("%d run, %d refused, %d otherwise, %d ended" % (up, refused, odd, ended))
sys.exit(not (up == ended == most and refused == 1000 - most and odd == 0))
END
policy "set all sandboxes 40"
: >"$T/errors"
python3 "$T/thousand" "$CAISSON" "$uid" 40 "$T/errors" >"$T/out" 2>"$T/err"
RC=$?
[ "$RC" = 0 ] && [ "$(grep -c 'as many sandboxes as the policy allows' "$T/errors")" = 960 ]
point "a thousand requests at the same moment, for 40 places: $(cat "$T/out")"
user "$CAISSON" run -- true
[ "$RC" = 0 ]
point "and the dead gave all of them back"
policy "set all sandboxes 2"
rm -f "$T"/ran*
for i in 1 2 3 4 5 6; do
	# shellcheck disable=SC2016 # the inner shells expand it
	setpriv --reuid "$uid" --regid "$uid" --clear-groups sh -c '
		n=0
		while [ $n -lt 40 ]; do
			timeout 30 "$0" run --rw "$1:/c" -- \
				sh -c ": >/c/$2; ls /c | wc -l; sleep 0.02; rm /c/$2" 2>/dev/null || echo refused
			n=$((n + 1))
		done' "$CAISSON" "$T/own" "$i" >"$T/ran$i" </dev/null &
done
wait
most=$(cat "$T"/ran* | grep -v refused | sort -n | tail -n 1)
[ "$(cat "$T"/ran* | grep -c refused)" -gt 0 ] && [ "${most:-0}" -ge 1 ] && [ "$most" -le 2 ]
point "six at once for two places: some are refused, and there were never more than two ($most seen)"

# ---- the record

# The next record, into line: the logger may write it after the sandbox has ended.
before=0
recorded() {
	tries=100
	until [ "$(wc -l <"$T/log")" -gt "$before" ] || [ $((tries -= 1)) = 0 ]; do sleep 0.1; done
	line=$(tail -n +$((before + 1)) "$T/log" | head -n 1)
	before=$((before + 1))
}

policy
mount -t tmpfs -o mode=755 none /dev || cannot "no /dev of its own"
for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
	# shellcheck disable=SC2086 # words
	mknod -m 666 /dev/${node% *} c 1 ${node#* }
done
mknod -m 666 /dev/tty c 5 0
allows "without a logger"
policy "set all audit required"
user "$CAISSON" run -- true
[ "$RC" = 125 ] && grep -q 'audit record' "$T/err"
point "required, and there is no logger: refused"
python3 - "$T/log" <<'END' &
import os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.settimeout(60)
with open(sys.argv[1], "w") as out:
    while True:
        data, control, _, _ = s.recvmsg(4096, 256)
        pid, uid, gid = struct.unpack("iII", control[0][2][:12])
        out.write("%d %s\n" % (uid, data.decode("ascii")))
        out.flush()
END
LOGGER=$!
wait_for test -S /dev/log
sleep 0.2
allows "required, and there is one"
recorded
case $line in
"0 <86>caisson-helper["*"]: uid=$uid program=\"$CAISSON\" decision=allowed "*" sandbox="[1-9]*) true ;;
*) false ;;
esac
point "it is recorded, by root: $line"
policy "deny all net loopback" "set all audit required"
user "$CAISSON" run --net loopback -- true
recorded
case $line in
"0 <85>caisson-helper["*"]: uid=$uid "*" decision=denied "*" file=3 line=1 "*) true ;;
*) false ;;
esac
point "what is denied is recorded, with the rule: $line"
policy "set all sandboxes 0"
user "$CAISSON" run -- true
recorded
case $line in
"0 <85>caisson-helper["*"]: uid=$uid "*" decision=too-many "*" sandbox=0 "*) true ;;
*) false ;;
esac
point "so is that a user has too many already: $line"
asks() { # PLAN: the helper, by hand
	cat >"$T/asks" <<-'END'
	import ctypes, fcntl, os, socket, sys
	ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	plan = os.memfd_create("plan", os.MFD_ALLOW_SEALING)
	os.write(plan, sys.argv[2].encode())
	fcntl.fcntl(plan, 1033, 15) # F_ADD_SEALS: all
	if os.fork() == 0:
	    keep = fcntl.fcntl(plan, fcntl.F_DUPFD, 20)
	    os.dup2(theirs.fileno(), 3)
	    os.dup2(keep, 4)
	    os.execv(sys.argv[1], ["caisson-helper"])
	theirs.close()
	ours.recv(4096)
	os.wait()
	END
	user python3 "$T/asks" "$CAISSON_PREFIX/libexec/caisson/caisson-helper" "$1"
}
asks "no plan at all, but longer than a header, and sealed as one should be"
recorded
case $line in
"0 <85>caisson-helper["*"]: uid=$uid "*" decision=failed record=-1 "*" stage=2 "*) true ;;
*) false ;;
esac
point "a request that is none is recorded too, by root: $line"
policy "allow everybody net none"
user "$CAISSON" run -- true
recorded
case $line in
"0 <85>caisson-helper["*"]: uid=$uid "*" decision=denied record=-1 file=3 line=1 "*" stage=3 "*) true ;;
*) false ;;
esac
point "and that the policy cannot be believed: $line"
policy
user "$CAISSON" run --subuid 1 --subgid 1 -- true
recorded
case $line in
"0 <85>caisson-helper["*"]: uid=$uid "*" decision=denied "*) true ;;
*) false ;;
esac
point "and ids that are not the caller's: $line"
policy "set all audit off"
allows "without records"
[ "$(wc -l <"$T/log")" = "$before" ]
point "and there is none"
policy
odd="$T/own/a \"b\" $(printf 'c\nd')"
cp "$CAISSON" "$odd"
user "$odd" run -- true
recorded
case $line in
*' program="'*'/own/a??b??c?d" decision=allowed '*) true ;;
*) false ;;
esac
point "no byte that the user chose can forge a record: $line"
echo "1..$N"
