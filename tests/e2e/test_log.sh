#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The record of each request: with a log that nobody reads, with a real journal where systemd-journald
# is installed, and caisson log, which reads it back and believes nobody but the kernel. TAP.
# Only root can say where /dev/log leads: in a mount namespace of its own, which ends with it.
# Environment: CAISSON_PREFIX, CAISSON_BUILD, CAISSON_TEST_UID.
CAISSON_TEST_SECONDS=60
# shellcheck source=tests/e2e/policy.sh
. "$(dirname "$0")/policy.sh"
export TZ=UTC
[ -x /usr/bin/python3 ] || cannot "there is no python3"
LOGGER=
leave() {
	[ -z "$LOGGER" ] || { kill "$LOGGER" && wait "$LOGGER"; } 2>/dev/null
	umount /run/systemd /run/log /var/log /dev 2>/dev/null
}
mount -t tmpfs -o mode=755 none /dev || cannot "no /dev of its own"
for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
	# shellcheck disable=SC2086 # words
	mknod -m 666 /dev/${node% *} c 1 ${node#* }
done
mknod -m 666 /dev/tty c 5 0

log() {
	timeout 60 "$CAISSON" log "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# ------------------------------------------------- a log that nobody reads

# Bound by root, filled by the user as far as that goes, and never read.
cat >"$T/deaf" <<'END'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
if os.fork() == 0:
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
    for _ in range(200): # each sender has a buffer of its own; together they meet the receiver's bound
        c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        c.connect("/dev/log")
        c.setblocking(False)
        try:
            for _ in range(10000):
                c.send(b"<86>caisson-helper[1]: " + b"x" * 100)
        except BlockingIOError:
            pass
    open(sys.argv[2], "w").close()
    sys.exit()
time.sleep(100)
END
mkdir -m 777 "$T/full"
python3 "$T/deaf" "$uid" "$T/full/yes" &
LOGGER=$!
wait_for test -e "$T/full/yes"
point "a user can fill the log"
policy "set all audit try"
before=$(date +%s)
user "$CAISSON" run -- true
[ "$RC" = 0 ] && [ $(($(date +%s) - before)) -lt 10 ]
point "a log that is full delays a sandbox, within a bound"
policy "set all audit required"
before=$(date +%s)
user "$CAISSON" run -- sh -c 'echo ran'
[ "$RC" = 125 ] && [ ! -s "$T/out" ] && grep -q 'audit record' "$T/err" && [ $(($(date +%s) - before)) -lt 10 ]
point "and where a record is required there is none"
policy "set all audit required" "deny all net loopback"
user "$CAISSON" run --net loopback -- sh -c 'echo ran'
[ "$RC" = 125 ] && [ ! -s "$T/out" ]
point "nor one that is denied"
policy "set all audit off"
user "$CAISSON" run -- true
[ "$RC" = 0 ]
point "where none is wanted the log does not matter"
kill "$LOGGER"
wait "$LOGGER" 2>/dev/null
LOGGER=
rm /dev/log
policy "set all audit required"
user "$CAISSON" run -- sh -c 'echo ran'
[ "$RC" = 125 ] && [ ! -s "$T/out" ] && grep -q 'audit record' "$T/err"
point "required, and there is no log at all"

# ---------------------------------------------------------------- files

helper='uid=1000 program="/usr/bin/caisson" decision'
cat >"$T/auth.log" <<END
Nov 24 12:00:00 host sshd[5]: $helper=allowed
Nov 24 12:00:01 host caisson-helper[6]: $helper=allowed record=-1 file=0 line=0 userns=0 net=2 require=0x2 sandbox=77
Nov 24 12:00:02 host caisson-helper[7]: $helper=denied record=2 file=3 line=1 userns=1 net=0 require=0 sandbox=0
Nov 24 12:00:03 host caisson-helper[8]: nonsense
2026-11-24T12:00:04+00:00 host caisson-helper[9]: uid=1 program="/x" decision=denied record=2 file=0 line=0
END
policy "deny all net loopback"
log --file "$T/auth.log"
[ "$RC" = 0 ] && [ "$(wc -l <"$T/out")" = 3 ] && [ "$(grep -c '^unverified: ' "$T/out")" = 3 ] &&
	grep -q '^unverified: Nov 24 12:00:01 allowed  uid=1000.* /usr/bin/caisson: network host, .*; sandbox 77$' "$T/out" &&
	grep -q "12:00:02 denied .*; by $POLICY/policy.d/50-local.conf:1, record 2\$" "$T/out" &&
	grep -q '12:00:04+00:00 denied .*; no line of the policy allows it, record 2$' "$T/out"
point "caisson log --file: each record, unverified"
grep -q 'left out: 1 line that' "$T/err"
point "what is none is left out, and counted"
log --file "$T/auth.log" --denied --uid 1000
[ "$(wc -l <"$T/out")" = 1 ] && grep -q '12:00:02' "$T/out"
point "--denied, --uid"
[ "$(timeout 60 "$CAISSON" log --file - --uid 1 <"$T/auth.log" 2>/dev/null | grep -c ' /x: ')" = 1 ]
point "--file -: standard input"
log --json --file "$T/auth.log"
python3 - "$T/out" <<'END'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == 3 and not any(row["verified"] for row in rows)
assert rows[0]["network"] == "host" and rows[0]["sandbox"] == 77 and rows[0]["rule"] is None
assert rows[0]["required"] == ["pid"] and rows[0]["helper"] == 6 and rows[0]["record"] is None
assert rows[1]["rule"]["line"] == 1 and rows[1]["rule"]["file"].endswith("50-local.conf")
assert rows[1]["userns"] == "required" and rows[1]["decision"] == "denied" and rows[1]["record"] == 2
END
point "--json"
log --file "$T/none"
[ "$RC" = 125 ] && grep -q "$T/none: No such file" "$T/err"
point "a file that is not there"
printf 'Nov 24 12:00:01 host caisson-helper[6]: uid=5 program="/a\033[31mb" decision=allowed\n' >"$T/odd"
log --file "$T/odd"
[ "$RC" = 0 ] && grep -q '/a?\[31mb' "$T/out"
point "no byte out of a file reaches the terminal as it is"
log --file "$T/auth.log" --follow
[ "$RC" = 125 ] && log x && [ "$RC" = 125 ] && log --uid x && [ "$RC" = 125 ]
point "what makes no sense is refused"

# -------------------------------------------------------------- the journal

JOURNALD=/usr/lib/systemd/systemd-journald
journal_skip() {
	skip "a real journal" "$1"
	echo "1..$N"
	exit 0
}
if ! { [ -x "$JOURNALD" ] && command -v journalctl >/dev/null; }; then
	journal_skip "there is no systemd-journald here"
fi
mkdir -p /run/systemd /run/log
for dir in /run/systemd /run/log /var/log; do
	mount -t tmpfs -o mode=755 none "$dir" || journal_skip "nothing can be mounted here"
done
mkdir /run/log/journal /run/systemd/journald.conf.d # here, and not on the disk
# It would turn on the kernel's audit, which is the machine's.
printf '[Journal]\nAudit=no\nReadKMsg=no\nStorage=volatile\n' >/run/systemd/journald.conf.d/99-test.conf
"$JOURNALD" >"$T/journald" 2>&1 &
LOGGER=$!
wait_for test -S /run/systemd/journal/dev-log ||
	journal_skip "systemd-journald does not run here: $(tail -n 1 "$T/journald")"
ln -s /run/systemd/journal/dev-log /dev/log
policy "set all audit required" "deny all net loopback"
user "$CAISSON" run -- sh -c 'echo $$'
[ "$RC" = 0 ]
point "required, and there is a journal"
user "$CAISSON" run --net loopback -- true
[ "$RC" = 125 ]
point "and denied"
cat >"$T/forge" <<'END'
import socket, os
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("/dev/log")
text = 'uid=0 program="/forged" decision=allowed record=-1 file=0 line=0 userns=0 net=0 require=0 sandbox=1'
for pid in (1, os.getpid()):
    s.send(("<86>caisson-helper[%d]: %s" % (pid, text)).encode())
s.send(("<86>caisson-helper[1]: x\n<86>caisson-helper[1]: %s" % text).encode())
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
n.connect("/run/systemd/journal/socket")
n.send(("SYSLOG_IDENTIFIER=caisson-helper\nSYSLOG_PID=%d\n_UID=0\n_TRANSPORT=syslog\n_EXE=/x\nMESSAGE=%s\n"
        % (os.getpid(), text)).encode())
END
user /usr/bin/python3 "$T/forge"
[ "$RC" = 0 ]
point "the user writes such lines, too"
# By root, too: by its program it is told apart.
python3 "$T/forge"
have() { log --json && [ "$(wc -l <"$T/out")" -ge 2 ] && grep -q 'left out: 8 lines' "$T/err"; }
wait_for have
point "caisson log: what others sent is left out, and counted"
python3 - "$T/out" "$uid" "$CAISSON" "$POLICY" <<'END'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == 2, rows
assert all(r["verified"] and r["uid"] == int(sys.argv[2]) and r["program"] == sys.argv[3] for r in rows)
assert rows[0]["decision"] == "allowed" and rows[0]["sandbox"] > 0 and rows[0]["time"].endswith("Z")
assert rows[1]["decision"] == "denied" and rows[1]["network"] == "loopback"
assert rows[1]["rule"] == {"file": sys.argv[4] + "/policy.d/50-local.conf", "line": 2}
END
point "and the helper's own are there, with who asked, and by which rule"
log --denied
[ "$(wc -l <"$T/out")" = 1 ] && grep -q "denied   uid=$uid .*network loopback, .*; by $POLICY/policy.d/50-local.conf:2" "$T/out"
point "for people"
log --since "2100-01-01"
[ "$RC" = 0 ] && [ ! -s "$T/out" ]
point "--since: nothing that is older"
log --journal /run/log/journal --uid "$uid"
[ "$RC" = 0 ] && [ "$(wc -l <"$T/out")" = 2 ]
point "--journal"
log --since xyz
[ "$RC" = 125 ] && [ ! -s "$T/out" ] && grep -q xyz "$T/err" && grep -q 'journalctl failed (above)' "$T/err"
point "--since: what is no time is a failure"
log --journal /nope
[ "$RC" = 125 ] && grep -q 'nope.*No such file' "$T/err" && grep -q 'journalctl failed (above)' "$T/err"
point "--journal: one that is not there is a failure"
mkdir "$T/empty"
log --journal "$T/empty"
[ "$RC" = 0 ] && [ ! -s "$T/out" ] && [ ! -s "$T/err" ]
point "and one without a record is none"
chmod -R o-rwx /run/log/journal/*
user "$CAISSON" log
[ "$RC" = 125 ] && [ ! -s "$T/out" ] && grep -q 'is for root and the groups' "$T/err"
point "a user who may not read the journal is told so"
user "$CAISSON" log --journal /run/log/journal
[ "$RC" = 125 ] && [ ! -s "$T/out" ] && grep -q 'journalctl failed (above)' "$T/err"
point "by its directory, too"
echo "1..$N"
