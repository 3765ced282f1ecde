#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson run --name, caisson exec and caisson ps, as an unprivileged user against the installed
# helper, and who must not be heard at the socket between them. TAP.
# Environment: CAISSON_PREFIX, CAISSON_BUILD.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
ATTACK=${CAISSON_BUILD:?}/tests/e2e/link-attack
T=$(mktemp -d) || exit 1
export XDG_RUNTIME_DIR="$T/rt"
SOCKETS=$XDG_RUNTIME_DIR/caisson
MARK=caisson-exec-$$ # in the arguments of whatever is run inside
LONG=0123456789012345678901234567890123456789012345678901234567890123456789
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1
mkdir -m 0700 "$XDG_RUNTIME_DIR"

# caisson ARG...: its output in out and err, its status in RC.
caisson()
{
	timeout 60 "$CAISSON" "$@" >out 2>err </dev/null
	RC=$?
}

# gave STATUS [OUTPUT]
gave() { [ "$RC" = "$1" ] && { [ $# = 1 ] || [ "$(cat out)" = "$2" ]; }; }

# refused PATTERN: 125, no output, and an error with it.
refused() { [ "$RC" = 125 ] && [ ! -s out ] && grep -q '^caisson: ' err && grep -q -- "$1" err; }

# Does a process have MARK in its arguments? (From a file: grep's own shall not count.)
alive() { grep -qsFf mark /proc/[0-9]*/cmdline 2>/dev/null; }
gone() { ! alive; }
listed() { timeout 30 "$CAISSON" ps 2>/dev/null | grep -q "^$1 "; }

# hold NAME [OPTION...]: a sandbox that runs until let_go; the pid of its caisson in HOLDER.
hold()
{
	name=$1
	shift
	"$CAISSON" run --name "$name" "$@" -- sh -c "trap 'exit 0' TERM; while :; do sleep 0.1; done" \
		"$MARK" </dev/null 2>"hold.$name" &
	HOLDER=$!
	wait_for listed "$name"
}

let_go()
{
	kill "$1" && wait "$1"
}

# ------------------------------------------------------------------- names

names()
{
	for name in "" . .. .a -a a/b "a b" "$(printf 'a\nb')" "$LONG"; do
		caisson run --name="$name" -- true
		refused "1 to 63 of letters"; point "run: \"$(echo "$name" | tr '\n' ' ')\" is no name"
		caisson exec "$name" true
		refused "" && ! grep -q "runs" err
		point "exec: nor to it"
	done
	XDG_RUNTIME_DIR='' caisson run --name a -- true
	refused "XDG_RUNTIME_DIR is not set"; point "run: without XDG_RUNTIME_DIR there is no name"
	XDG_RUNTIME_DIR='' caisson exec a true
	refused "XDG_RUNTIME_DIR is not set"; point "exec: nor to it"
	XDG_RUNTIME_DIR='' caisson ps
	refused "XDG_RUNTIME_DIR is not set"; point "ps: nor to it"
	XDG_RUNTIME_DIR=rt caisson run --name a -- true
	refused "XDG_RUNTIME_DIR"; point "run: XDG_RUNTIME_DIR is absolute"
	XDG_RUNTIME_DIR=/ caisson run --name a -- true
	refused "XDG_RUNTIME_DIR"; point "run: it is the user's own"
	chmod 0770 rt
	caisson run --name a -- true
	refused "XDG_RUNTIME_DIR"; point "run: nobody else may write to it"
	chmod 0700 rt
	mkdir other && chmod 0700 other && ln -s ../other rt/caisson
	caisson run --name a -- true
	refused "caisson in XDG_RUNTIME_DIR" && [ -z "$(ls other)" ]
	point "run: a link in the place of its directory is not followed"
	rm rt/caisson && mkdir rt/caisson && chmod 0755 rt/caisson
	caisson run --name a -- true
	refused "caisson in XDG_RUNTIME_DIR"; point "run: a directory that others may enter is refused"
	rmdir rt/caisson
	XDG_RUNTIME_DIR='' caisson run -- echo x
	gave 0 x; point "run without a name needs none of it"
	caisson run -- ls "$XDG_RUNTIME_DIR"
	[ -z "$(ls rt)" ]; point "and leaves nothing there"
	caisson ps
	gave 0 ""; point "ps: nothing is listed where nothing runs"
	caisson exec a true
	refused "no sandbox named a runs"; point "exec: nothing runs of that name"
}

life()
{
	hold a; a=$HOLDER
	caisson ps
	[ "$(tr -s ' ' <out)" = "a $a" ]; point "ps: name and process"
	caisson run --name a -- true
	refused "there is one of that name"; point "run: a name is taken once"
	caisson exec a echo yes
	gave 0 yes; point "exec: the first one is still there"
	hold b; b=$HOLDER
	caisson ps
	[ "$(sort out | tr -s ' ')" = "a $a
b $b" ]; point "ps: two of them"
	caisson run --name c --report report -- cat /proc/self/status
	gave 0 && grep -q '"name": "c"' report; point "the report has the name"
	let_go "$a"; point "run: its program's status is its own"
	[ "$(ls "$SOCKETS")" = b ]; point "a name ends with its sandbox"
	let_go "$b"
	[ ! -e "$SOCKETS" ]; point "nothing is left of the last one"
	caisson run --name d -- /no/such
	[ "$RC" = 127 ] && [ ! -e "$SOCKETS" ]; point "nor of one that never ran"

	long=$XDG_RUNTIME_DIR/$LONG/$LONG
	mkdir -p "$long" && chmod 0700 "$long"
	short=$XDG_RUNTIME_DIR XDG_RUNTIME_DIR=$long
	hold "${LONG%???????}"; a=$HOLDER
	caisson exec "${LONG%???????}" echo long
	gave 0 long; point "names and directories may be long"
	let_go "$a"
	XDG_RUNTIME_DIR=$short
	rm -r "${XDG_RUNTIME_DIR:?}/$LONG"
}

stale()
{
	hold a; a=$HOLDER
	kill -9 "$a"; wait "$a" 2>/dev/null
	wait_for gone; point "a sandbox ends when its caisson is killed"
	[ -S "$SOCKETS/a" ] && caisson exec a true
	refused "no sandbox named a runs"; point "exec: its socket is nobody's"
	hold a; a=$HOLDER
	caisson exec a echo new
	gave 0 new; point "run: its name can be had again"
	kill -9 "$a"; wait "$a" 2>/dev/null
	caisson ps
	gave 0 "" && [ -z "$(ls "$SOCKETS")" ]; point "ps: what was left of it is removed"
	echo mine >"$SOCKETS/f"
	caisson run --name f -- true
	refused "there is one of that name" && caisson ps && [ "$(cat "$SOCKETS/f")" = mine ]
	point "a file that is no socket is left alone"
	rm "$SOCKETS/f"
}

# --------------------------------------------------------------- a program

outcomes()
{
	hold a --ro /etc/passwd:/x/passwd; a=$HOLDER
	for status in 0 1 42 255; do
		caisson exec a sh -c "exit $status"
		gave $status ""; point "exit status $status is the program's"
	done
	caisson exec a -- sh -c 'kill -9 $$'
	gave 137 ""; point "137 for a program that was killed"
	caisson exec a -- no-such-program
	gave 127 "" && grep -q no-such-program err; point "127 for one that is not there"
	caisson exec a /etc
	gave 126 ""; point "126 for one that cannot be executed"
	caisson exec --chdir /no/where a true
	refused /no/where; point "125 for a directory that is not there"
	caisson exec --help
	gave 0 && grep -q '^usage: caisson exec' out; point "--help"
	caisson ps --help
	gave 0 && grep -q '^usage: caisson ps' out; point "ps --help"
	caisson ps a
	refused "takes no arguments"; point "ps takes no arguments"
	caisson exec a
	refused "no program"; point "no program"
	caisson exec a --
	refused "no program"; point "nor after --"
	caisson exec
	refused "no sandbox"; point "no sandbox"
	caisson exec --ro /usr a true
	refused "unknown option"; point "no option of run's that lays out a sandbox"
	# shellcheck disable=SC2016
	caisson exec a -- sh -c 'printf "<%s>" "$@"' sh "" "a b" "$(printf 'c\nd')" --help
	gave 0 "<><a b><c
d><--help>"; point "arguments arrive as they are"
	KEPT=1 OTHER=2 caisson exec --keep-env KEPT --keep-env NONE --setenv NEW=x=y a env
	gave 0 && [ "$(sort out)" = "$(printf 'HOME=/tmp\nKEPT=1\nLANG=C.UTF-8\nNEW=x=y\n%s' \
		"$(grep ^PATH= out)")" ]
	point "the environment is clean, and what was asked for"
	caisson exec --chdir /x a ls
	gave 0 passwd; point "in a directory of the sandbox"
	[ "$(echo in | "$CAISSON" exec a cat)" = in ]; point "standard input and output"
	echo file >in
	"$CAISSON" exec a sh -c 'cat; echo error >&2' <in >out 2>err
	[ "$(cat out err)" = "file
error" ]; point "from and to files"
	"$CAISSON" exec a true <&- >&- 2>&-; point "without any"
	i=0
	while [ $i -lt 8 ]; do
		"$CAISSON" exec a sh -c "sleep 0.3; exit $i" </dev/null >/dev/null 2>&1 &
		eval "p$i=\$!"
		i=$((i + 1))
	done
	good=0
	while [ $i -gt 0 ]; do
		i=$((i - 1))
		eval "wait \$p$i"
		[ $? = $i ] && good=$((good + 1))
	done
	[ $good = 8 ]; point "eight at once, each with its own status ($good)"
	let_go "$a"; point "the sandbox ends as it would have without them"
}

resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }

memory()
{
	hold a; a=$HOLDER
	i=0
	while [ $i -lt 10 ]; do caisson exec a true; caisson exec a /no/such; i=$((i + 1)); done
	before=$(resident "$a") files=$(find "/proc/$a/fd" | wc -l)
	while [ $i -lt 120 ]; do caisson exec a true; caisson exec a /no/such; i=$((i + 1)); done
	after=$(resident "$a")
	[ "$before" -gt 0 ] && [ $((after - before)) -lt 64 ]
	point "220 programs later its caisson is as large as before ($before kB, $after kB)"
	[ "$(find "/proc/$a/fd" | wc -l)" = "$files" ]; point "and holds no descriptor more"
	let_go "$a"
}

# ------------------------------------------------------------- who goes first

# In sandbox a.
unseen()
{
	caisson exec a sh -c "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'sleep 100[0]'"
	gave 1
}

ends()
{
	hold a; a=$HOLDER
	"$CAISSON" exec a sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done' \
		"$MARK" >ready </dev/null &
	p=$!
	wait_for test -s ready; kill "$p"; wait "$p"
	[ $? = 9 ]; point "a signal is passed on"
	"$CAISSON" exec a sh -c 'trap "" TERM INT; echo ready; exec sleep 1000' >ready2 </dev/null &
	p=$!
	wait_for test -s ready2; kill -9 "$p"; wait "$p" 2>/dev/null
	wait_for unseen
	point "a program ends when its caisson exec is killed"
	"$CAISSON" exec a sh -c 'echo ready; exec sleep 1000' >ready3 </dev/null 2>err &
	p=$!
	wait_for test -s ready3; let_go "$a"; wait "$p"
	[ $? = 137 ]; point "and when the sandbox ends"
	hold a; a=$HOLDER
	"$CAISSON" exec a sh -c 'echo ready; exec sleep 1000' "$MARK" >ready4 </dev/null 2>err &
	p=$!
	wait_for test -s ready4; kill -9 "$a"; wait "$p"
	RC=$?
	[ "$RC" = 125 ] && grep -q "has ended" err; point "and when its caisson run is killed"
	wait "$a" 2>/dev/null
	wait_for gone; point "nothing runs any more"
	hold a; a=$HOLDER
	kill -STOP "$a"
	caisson exec a true
	refused "does not answer"; point "a caisson run that is stopped is not waited for"
	kill -CONT "$a"
	caisson exec a echo again
	gave 0 again; point "once it goes on it answers"
	let_go "$a"
}

# ----------------------------------------------------------------- attacks

# inside HOW NAME: the attack from a sandbox that has the sockets' directory, in out.
inside()
{
	timeout 60 "$CAISSON" run --rw "$SOCKETS:/rt" --ro "$ATTACK:/attack" -- /attack "$1" /rt "$2" \
		>out 2>err </dev/null
	RC=$?
}

attacks()
{
	hold b; b=$HOLDER
	caisson run --rw "$SOCKETS:/rt" -- ls /rt
	gave 0 b; point "a sandbox that has the directory sees the socket"
	inside connect b
	gave 0 closed; point "who is in a sandbox is not answered"
	hold a --rw "$SOCKETS:/rt" --ro "$ATTACK:/attack"; a=$HOLDER
	caisson exec a /attack connect /rt a
	gave 0 closed; point "nor in the sandbox itself"
	timeout 30 "$ATTACK" connect "$SOCKETS" b >out
	gave 0 RUNNING; point "outside the same is"
	timeout 30 "$ATTACK" blind "$SOCKETS" b >out
	gave 0 "welcomed, then closed"; point "but not who does not repeat the number"
	timeout 30 "$ATTACK" foreign "$SOCKETS" b >out
	gave 0 "welcomed, then closed"; point "nor who has the connection of another process"

	mv "$SOCKETS/b" "$SOCKETS/b2"
	caisson exec b2 true
	refused "somebody else"; point "a socket under another name is not taken for it"
	mv "$SOCKETS/b2" "$SOCKETS/b"
	: >out.fake
	"$CAISSON" exec a /attack fake /rt b >out.fake </dev/null &
	p=$!
	wait_for test -s out.fake
	caisson exec b sh -c 'echo gave it away'
	refused "nothing was sent to it"; point "exec: a socket of a sandbox's is not taken for caisson"
	wait "$p"
	grep -q "no hello" out.fake; point "it got nothing"
	caisson ps
	! grep -q '^b ' out; point "ps: it is not listed"
	"$ATTACK" forked "$SOCKETS" b >out.forked &
	p=$!
	wait_for test -s out.forked
	caisson exec b true
	refused "somebody else"; point "exec: nor is who answers for another process"
	wait "$p"
	grep -q "hello, then closed" out.forked; point "it got no descriptor"
	rm -f "$SOCKETS/b"
	let_go "$a"; point "the attackers' sandbox ends"
	let_go "$b"; point "and the other, whose socket is gone"
}

echo "$MARK" >mark
cat /proc/self/mountinfo >mounts-before
names
life
stale
outcomes
memory
ends
attacks
cat /proc/self/mountinfo >mounts-after
cmp -s mounts-before mounts-after; point "no mount is left behind"
wait_for gone; point "no process is left behind"
[ ! -e "$SOCKETS" ]; point "no file is left behind"
echo "1..$N"
