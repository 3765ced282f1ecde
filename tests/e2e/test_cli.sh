#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson run and caisson doctor, every option and every exit status, as an
# unprivileged user against the installed helper. TAP.
# Environment: CAISSON_PREFIX; CAISSON_TEST_RESTRICTION (none, seccomp, nested, userns; in a virtual machine
# userns-clone-0, max-userns-0).
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
HELPER=$CAISSON_PREFIX/libexec/caisson/caisson-helper
T=$(mktemp -d) || exit 1
TOKEN=caisson-cli-$$ # in the arguments of whatever is run inside
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1

# Is this process group one that no job control can continue? The kernel then discards SIGTSTP.
orphaned()
{
	group='' session='' next=$$
	while [ "$next" -gt 0 ]; do
		# state ppid pgrp session, past the name, which may hold blanks
		read -r _ next its_group its_session _ <<-END
			$(sed 's/.*) //' "/proc/$next/stat")
		END
		group=${group:-$its_group} session=${session:-$its_session}
		[ "$its_group" = "$group" ] || { [ "$its_session" != "$session" ]; return; }
	done
	return 0
}

# run ARG...: caisson run, its output in out and err, its status in RC.
run()
{
	timeout 30 "$CAISSON" run "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# gave STATUS [OUTPUT]: the last run ended so, and printed exactly that.
gave()
{
	[ "$RC" = "$1" ] && { [ $# = 1 ] || [ "$(cat "$T/out")" = "$2" ]; }
}

# refused PATTERN...: 125, no output, and an error that matches each pattern.
refused()
{
	[ "$RC" = 125 ] && [ ! -s "$T/out" ] && head -1 "$T/err" | grep -q '^caisson: ' || return 1
	for pattern in "$@"; do
		grep -qi -- "$pattern" "$T/err" || return 1
	done
}

# reports FILE TEXT: without its spaces FILE has TEXT.
reports()
{
	tr -d ' \n' <"$1" | grep -qF -- "$2"
}

# Does a process have TOKEN in its arguments? (From a file: grep's own shall not count.)
alive() { grep -qsFf "$T/token" /proc/[0-9]*/cmdline 2>/dev/null; }
gone() { ! alive; }

# ------------------------------------------------------------ exit statuses

exit_statuses()
{
	for status in 0 1 42 124 255; do
		run -- sh -c "exit $status"
		gave $status ""; point "exit status $status is the program's"
	done
	for signal in 9 15 11; do
		run -- sh -c "kill -$signal \$\$"
		gave $((128 + signal)); point "a program that signal $signal ends gives $((128 + signal))"
	done
	run -- "no-such-program-$TOKEN"
	gave 127 "" && grep -q "^caisson: .*no-such-program" "$T/err"
	point "a program that is not in PATH gives 127 and is named"
	run -- /usr/bin/no-such-program
	gave 127 "" && grep -q "^caisson: " "$T/err"
	point "a path that does not exist gives 127"
	echo "not a program" >"$T/plain"
	run --ro "$T/plain:/plain" -- /plain
	gave 126 "" && grep -q "^caisson: .*/plain" "$T/err"
	point "a file that is not executable gives 126 and is named"
	run -- /usr
	gave 126 ""; point "a directory as the program gives 126"
	run
	refused "no program"; point "no program at all gives 125"
	run --
	refused "no program"; point "nothing after -- gives 125"
	run --bogus -- true
	refused "unknown option --bogus" "--help"; point "an unknown option gives 125"
	run --ro
	refused "needs a value"; point "a missing value gives 125"
	run -- echo --ro -- x
	gave 0 "--ro -- x"; point "what follows -- belongs to the program"
	run sh -c 'echo "$1"' sh --help
	gave 0 "--help"; point "what follows the program belongs to it"
}

help_and_version()
{
	"$CAISSON" --help >"$T/out" 2>"$T/err" && grep -q '^  run ' "$T/out" &&
		grep -q '^  doctor ' "$T/out" && [ ! -s "$T/err" ]
	point "caisson --help lists the commands"
	"$CAISSON" --version >"$T/out" && grep -Eq '^caisson [0-9]+\.[0-9]+\.[0-9]+$' "$T/out"
	point "caisson --version"
	missing=
	"$CAISSON" run --help >"$T/out" || missing=status
	for option in ro rw ro-idmap rw-idmap file data tmpfs dir symlink mask remount-ro bare-root \
		proc dev mqueue net userns uid gid subuid subgid time hostname chdir setenv \
		keep-env require report via helper help; do
		grep -q -- "^  --$option\( \|\$\)" "$T/out" || missing="$missing $option"
	done
	[ -z "$missing" ]; point "caisson run --help lists every option"
	"$CAISSON" >"$T/out" 2>"$T/err"
	RC=$?
	[ $RC = 125 ] && [ -s "$T/err" ] && [ ! -s "$T/out" ]
	point "caisson alone gives 125 and the usage on standard error"
	"$CAISSON" bogus >"$T/out" 2>"$T/err"
	RC=$?
	refused "unknown command"; point "an unknown command gives 125"
	[ ! -e /dev/full ] || {
		"$CAISSON" --version >/dev/full 2>"$T/err"
		[ $? = 125 ]; point "a full disk under standard output gives 125"
	}
}

# --------------------------------------------------------------- file system

binds()
{
	mkdir -p "$T/tree/sub" "$T/a:b" "$T/rw"
	echo inside >"$T/tree/sub/file"
	echo colon >"$T/a:b/file"
	run --ro "$T/tree:/t" -- cat /t/sub/file
	gave 0 inside; point "--ro SRC:DST"
	run --ro "$T/tree/sub/file:/one" -- cat /one
	gave 0 inside; point "--ro of a single file"
	run --ro "$T/tree" -- cat "$T/tree/sub/file"
	gave 0 inside; point "--ro SRC is at its own path"
	run --ro tree --chdir "$T/tree" -- cat sub/file
	gave 0 inside; point "--ro of a relative SRC is at its absolute path"
	run --ro "$T/tree:/t" -- sh -c 'echo x >/t/new'
	[ "$RC" != 0 ] && [ ! -e "$T/tree/new" ]; point "--ro cannot be written to"
	run --rw "$T/rw:/w" -- sh -c 'echo written >/w/new'
	gave 0 "" && [ "$(cat "$T/rw/new")" = written ]; point "--rw can"
	run --ro "$T/a\\:b:/x" -- cat /x/file
	gave 0 colon; point "a backslash escapes a colon in SRC"
	run --ro "$T/a\\:b:/y\\:z" -- cat /y:z/file
	gave 0 colon; point "and in DST"
	run --ro "$T/nothing-$TOKEN:/x" -- true
	refused "nothing-$TOKEN" "check the path" && ! grep -q CAISSON_ "$T/err"
	point "a source that does not exist gives 125 and is named, with what can be done here"
	mkdir -p "$T/closed/sub" && chmod 000 "$T/closed"
	run --ro "$T/closed/sub:/x" -- true
	refused "closed/sub"; point "a source that the user cannot open gives 125 and is named"
	chmod 700 "$T/closed"
	run --ro "$T/tree:relative" -- true
	refused "relative"; point "a destination without / gives 125"
	run --ro :/x -- true
	refused "no source"; point "an empty source gives 125"
	run -- ls -A "$HOME" "$T"
	[ "$RC" != 0 ]; point "neither home nor \$TMPDIR is there by itself"
}

layout()
{
	run --tmpfs /scratch:1M -- sh -c \
		'echo a >/scratch/f && ! head -c 4000000 /dev/zero 2>/dev/null >/scratch/g && echo full'
	gave 0 full; point "--tmpfs DST:SIZE holds no more than SIZE"
	run --tmpfs /scratch -- sh -c 'head -c 4000000 /dev/zero >/scratch/g && echo fits'
	gave 0 fits; point "--tmpfs DST"
	run --tmpfs /x:9Z -- true
	refused "9Z" "64K"; point "--tmpfs with a wrong size gives 125"
	run --dir /made/it -- test -d /made/it
	run --dir /made -- test -d /made
	gave 0; point "--dir"
	run --symlink usr/bin:/link -- readlink /link
	gave 0 usr/bin; point "--symlink TARGET:PATH"
	run --symlink usr/bin -- true
	refused "TARGET:PATH"; point "--symlink without a path gives 125"
	set -- --bare-root --ro /usr:/usr
	for dir in bin lib lib64 lib32 libx32; do
		[ ! -L /$dir ] || set -- "$@" --symlink usr/$dir:/$dir
		[ -L /$dir ] || [ ! -d /$dir ] || set -- "$@" --ro /$dir:/$dir
	done
	run "$@" -- sh -c 'test ! -e /proc && test ! -e /dev && test ! -e /etc && test ! -e /tmp'
	gave 0; point "--bare-root has nothing but what is given"
	run "$@" --proc /proc --dev /dev -- sh -c 'test -e /proc/self/exe && echo x >/dev/null && echo y'
	gave 0 y; point "--proc and --dev put them in"
	run -- sh -c 'ls /proc | grep -c "^[0-9]"'
	[ "$RC" = 0 ] && [ "$(cat "$T/out")" -le 5 ]; point "/proc shows the sandbox's processes only"
	run -- sh -c 'touch /tmp/x && rm /tmp/x && ! touch /usr/x-'"$TOKEN"' 2>/dev/null && echo y'
	gave 0 y; point "the default root: /tmp can be written to, /usr not"
}

# --------------------------------------------- environment, names, network

surroundings()
{
	CLI_TEST_SECRET=1 CLI_TEST_KEPT=kept
	export CLI_TEST_SECRET CLI_TEST_KEPT
	run -- env
	[ "$RC" = 0 ] && ! grep -q CLI_TEST "$T/out" &&
		[ "$(sort "$T/out" | sed 's/=.*//' | tr '\n' ' ')" = "HOME LANG PATH " ]
	point "the environment is HOME, LANG and PATH"
	run --setenv A=b=c --keep-env CLI_TEST_KEPT --keep-env CLI_TEST_UNSET -- \
		sh -c 'echo "$A $CLI_TEST_KEPT ${CLI_TEST_UNSET-unset} ${CLI_TEST_SECRET-unset}"'
	gave 0 "b=c kept unset unset"; point "--setenv and --keep-env"
	run --setenv nothing -- true
	refused "NAME=VALUE"; point "--setenv without = gives 125"
	run --keep-env a=b -- true
	refused "name"; point "--keep-env with = gives 125"
	run -- pwd
	gave 0 /; point "the program starts in /"
	run --chdir /usr/bin -- pwd
	gave 0 /usr/bin; point "--chdir"
	run --chdir "/nowhere-$TOKEN" -- true
	refused "nowhere-$TOKEN"; point "--chdir to nowhere gives 125 and is named"
	run --hostname harbour -- uname -n
	gave 0 harbour; point "--hostname"
	run --hostname "$(printf '%065d' 0)" -- true
	refused "decided by: --hostname" "1 to 64 letters"; point "a host name of 65 bytes gives 125"
	run --hostname "" -- true
	refused "decided by: --hostname" "1 to 64 letters"; point "and so does an empty one"
	run --label a/b -- true
	refused "decided by: --label" "1 to 64 letters"; point "--label with a slash gives 125"
	run --gpu "x y" -- true
	refused "decided by: --gpu" "a UUID"; point "--gpu with a blank gives 125"
}

network()
{
	host=$(readlink /proc/self/ns/net)
	inet='use Socket; socket(S, AF_INET, SOCK_STREAM, 0) or exit 9;
		bind(S, sockaddr_in(0, INADDR_LOOPBACK)) or exit 8; exit 0'
	for mode in default none loopback; do
		if [ $mode = default ]; then set --; else set -- --net $mode; fi
		run "$@" -- readlink /proc/self/ns/net
		[ "$RC" = 0 ] && [ "$(cat "$T/out")" != "$host" ]
		point "--net $mode: a network namespace of its own"
		if ! command -v perl >/dev/null; then
			skip "--net $mode: inet sockets" "there is no perl"
			continue
		fi
		run "$@" -- perl -e "$inet"
		if [ $mode = loopback ]; then gave 0; else gave 9; fi
		point "--net $mode: inet sockets"
	done
	run --net host -- readlink /proc/self/ns/net
	gave 0 "$host"; point "--net host is the host's"
	run --net bogus -- true
	refused "bogus" "loopback"; point "--net with another word gives 125"
}

# ------------------------------------------------------ properties, report

properties()
{
	run --require pid,seccomp,host_processes -- true
	gave 0 ""; point "--require what a full sandbox has"
	run --require pid,bogus -- true
	refused '"bogus"' "host_processes"; point "--require of no property lists them"
	run --require label -- true
	refused "label"; point "--require label is refused and named: there is no module"
	run --userns none -- true
	if [ "$MODE" = userns ]; then
		refused "without caisson-helper it is built of them"
	else
		gave 0 ""
	fi
	point "--userns none"
	run --userns none --require userns -- true
	refused "userns\|user namespace"; point "--userns none --require userns is refused"
	run --userns required -- true
	if [ "$MODE" = none ] || [ "$MODE" = userns ] || [ "$MODE" = userns-clone-0 ]; then
		gave 0 ""; point "--userns required"
	else
		refused "user namespace\|user_namespaces\|userns" 
		point "--userns required is refused where nobody can make one"
	fi
	run --userns bogus -- true
	refused "bogus" "required"; point "--userns with another word gives 125"
}

report()
{
	run --report "$T/report" -- true
	gave 0 "" && reports "$T/report" '{"schema":1,' && reports "$T/report" '"full":true,' &&
		reports "$T/report" '"pid":{"enforced":true,' && [ "$(tail -n 1 "$T/report")" = "}" ]
	point "--report FILE"
	if command -v python3 >/dev/null; then
		python3 -m json.tool "$T/report" >/dev/null 2>"$T/err"
		point "the report is JSON"
	else
		skip "the report is JSON" "there is no python3"
	fi
	run --report - -- true
	gave 0 "" && reports "$T/err" '{"schema":1'; point "--report - is standard error"
	run --userns none --report "$T/report" -- true
	if [ "$MODE" = userns ]; then
		skip "the report says that there is no user namespace" "there always are two of them"
	else
		gave 0 "" && reports "$T/report" '"userns":{"enforced":false,'
		point "the report says that there is no user namespace"
	fi
	head -c 20000 /dev/zero | tr '\0' x >"$T/report"
	run --report "$T/report" --ro "$T/nothing" -- true
	refused "nothing" && grep -q '^{"schema":1,"full":false,"error":{"errno":2,' "$T/report" &&
		[ "$(wc -c <"$T/report")" -lt 5000 ]
	point "the report of a failure replaces what was in FILE"
	if command -v python3 >/dev/null; then
		python3 -m json.tool "$T/report" >/dev/null 2>"$T/err"
		point "the report of a failure is JSON"
	else
		skip "the report of a failure is JSON" "there is no python3"
	fi
	run --report "$T/report" --ro "$T/$(printf 'a"b\\\\c\n\t\377\303\251'):/x" -- true
	if command -v python3 >/dev/null; then
		refused . && python3 -m json.tool "$T/report" >/dev/null 2>"$T/err"
		point "whatever bytes a path has, the report is JSON"
	else
		skip "whatever bytes a path has, the report is JSON" "there is no python3"
	fi
	run --report "$T/no/such/dir" --rw "$T/rw:/w" -- touch /w/ran
	refused "no/such/dir" && [ ! -e "$T/rw/ran" ]
	point "an unwritable report stops the program from running"
}

# ---------------------------------------------------- streams and signals

streams()
{
	echo piped | timeout 30 "$CAISSON" run -- cat >"$T/out" 2>"$T/err"
	RC=$?
	gave 0 piped; point "standard input from a pipe"
	echo filed >"$T/in"
	timeout 30 "$CAISSON" run -- cat <"$T/in" >"$T/out" 2>"$T/err"
	RC=$?
	gave 0 filed; point "standard input from a file"
	timeout 30 "$CAISSON" run --landlock processes -- sh -c 'echo more >>/proc/self/fd/0' <"$T/in" 2>"$T/err" &&
		[ "$(tail -n 1 "$T/in")" = more ]
	point "--landlock processes: the program opens that file anew for writing"
	run --report - -- true
	if grep -q '"landlock_files": true' "$T/err"; then
		timeout 30 "$CAISSON" run -- sh -c 'cat /dev/stdin >&2; (echo less >/dev/stdin) 2>/dev/null ||
			echo kept >/dev/stdout' <"$T/in" >"$T/out" 2>"$T/err"
		RC=$?
		gave 0 kept && [ "$(tail -n 1 "$T/in")" = more ] && cmp "$T/in" "$T/err"
		point "with a Landlock domain for files only for reading, and standard output for writing"
	else
		skip "a file that is opened anew" "no Landlock domain for files here"
	fi
	printf 'filed\n' >"$T/in"
	[ "$(timeout 30 "$CAISSON" run -- sh -c 'echo o; echo e >&2' 2>"$T/err")" = o ] &&
		[ "$(cat "$T/err")" = e ]
	point "standard output to a pipe, standard error to a file"
	timeout 30 "$CAISSON" run -- sh -c 'read x || echo end' <&- >"$T/out" 2>"$T/err"
	RC=$?
	gave 0 end; point "a closed standard input is an empty one"
	timeout 30 "$CAISSON" run -- true </tmp >"$T/out" 2>"$T/err"
	RC=$?
	refused "standard input is a directory" "what to do: .*--ro.*</dev/null"
	point "a directory as standard input is refused, and named"
	timeout 30 "$CAISSON" run -- true 2>&1 >/dev/null </dev/null 1</tmp | cat >"$T/err"
	grep -q "standard output is a directory" "$T/err"
	point "and so is one as standard output"
	head -c 3000000 /dev/zero | timeout 30 "$CAISSON" run -- cat 2>"$T/err" | wc -c >"$T/out"
	[ "$(tr -d ' ' <"$T/out")" = 3000000 ]; point "three megabytes pass through"
	exec 7<"$T/in"
	run -- sh -c 'ls /proc/self/fd | tr "\n" " "'
	exec 7<&-
	case $(cat "$T/out") in "0 1 2 "*) [ "$(wc -w <"$T/out")" -le 4 ] ;; *) false ;; esac
	point "no other descriptor is passed"
}

# start ARG...: in the background, signals as in a foreground process; waits for "ready".
start()
{
	: >"$T/out"
	env --default-signal=INT,QUIT "$CAISSON" run -- "$@" >"$T/out" 2>"$T/err" </dev/null &
	PID=$!
	wait_for grep -q ready "$T/out"
}

loop='echo ready; while :; do sleep 0.02; done'

signals()
{
	for signal in INT TERM HUP QUIT USR1 USR2 WINCH; do
		start sh -c "trap 'echo got; exit 3' $signal; $loop" "$TOKEN"
		kill -s $signal $PID
		wait $PID
		RC=$?
		[ $RC = 3 ] && grep -q got "$T/out"; point "SIG$signal reaches the program"
	done
	start sh -c "$loop" "$TOKEN"
	kill -s TERM $PID
	wait $PID
	RC=$?
	[ $RC = 143 ]; point "SIGTERM ends a program that does not handle it: 143"
	start sh -c "trap 'echo continued' CONT; $loop" "$TOKEN"
	kill -s CONT $PID
	wait_for grep -q continued "$T/out"; point "SIGCONT reaches the program"
	if orphaned; then
		skip "SIGTSTP stops caisson" "this process group is orphaned: the kernel discards SIGTSTP"
	else
		kill -s TSTP $PID
		wait_for grep -q '^State:.*stopped' "/proc/$PID/status"; point "SIGTSTP stops caisson"
	fi
	kill -s CONT $PID
	wait_for grep -q '^State:.*sleeping' "/proc/$PID/status"
	kill -s TERM $PID
	wait $PID
	RC=$?
	[ $RC = 143 ]; point "and SIGCONT goes on with it and with the program"
	: >"$T/out"
	(trap '' HUP; exec "$CAISSON" run -- sh -c "trap 'echo got' HUP; $loop" "$TOKEN") \
		>"$T/out" 2>"$T/err" </dev/null &
	PID=$!
	wait_for grep -q ready "$T/out"
	kill -s HUP $PID
	sleep 0.3
	alive && ! grep -q got "$T/out"; point "an ignored SIGHUP is not passed on"
	kill -s KILL $PID
	wait $PID 2>/dev/null
	wait_for gone; point "kill -9 of caisson ends the sandbox"
	start sh -c "sleep 600 $TOKEN & echo ready; sleep 600; :" "$TOKEN"
	run -- true
	kill -s KILL $PID
	wait $PID 2>/dev/null
	wait_for gone; point "its background processes, too"
	run -- sh -c "sleep 600 & echo started; exit 5" "$TOKEN"
	gave 5 started && wait_for gone
	point "what the program leaves behind ends with it"
}

# ------------------------------------------------------------ bad helpers

bad_helpers()
{
	run --via helper --helper "/nonexistent/$TOKEN" -- true
	refused "/nonexistent/$TOKEN" "install"; point "a missing helper: 125 and a remedy"
	cp "$HELPER" "$T/helper" && chmod 755 "$T/helper"
	if [ "$MODE" = userns ] && [ -z "$KERNEL" ]; then
		skip "a helper that lacks something" "no_new_privs is what is in its way here"
	else
		run --via helper --helper "$T/helper" -- true
		refused "privilege" "chmod 4755"; point "a helper that is not setuid: 125 and a remedy"
		chmod 4755 "$T/helper"
		run --via helper --helper "$T/helper" -- true
		refused "setuid\|root" "chmod\|chown\|install"
		point "a helper that is setuid, but not root's: 125 and a remedy"
	fi
	run --helper /usr/bin/true -- true
	refused "/usr/bin/true ended with status 0 and without an answer" "decided by: --helper"
	point "another program as the helper: 125, which, and how it ended"
	printf '#!/bin/sh\nkill -9 $$\n' >"$T/killed" && chmod 755 "$T/killed"
	run --via helper --helper "$T/killed" -- true
	refused "killed ended without an answer: signal 9" "kernel log"
	point "one that is killed: 125, and by which signal"
	run --via helper --helper "$T" -- true
	refused .; point "a directory as the helper: 125"
	if command -v setpriv >/dev/null; then
		timeout 30 setpriv --no-new-privs "$CAISSON" run --via helper -- true >"$T/out" 2>"$T/err" </dev/null
		RC=$?
		refused "no_new_privs" "NoNewPrivileges\|without"
		point "a caller under no_new_privs: 125 and a remedy"
	else
		skip "a caller under no_new_privs" "there is no setpriv"
	fi
}

doctor()
{
	timeout 30 "$CAISSON" doctor >"$T/out" 2>"$T/err"
	RC=$?
	# Linux 5.10 without a user namespace has one barrier only, and that is a warning.
	if grep -q 'WARNING: Only the seccomp filter' "$T/out"; then fine=1; else fine=0; fi
	[ $RC = $fine ] && [ ! -s "$T/err" ] && grep -q '^sandbox  *full' "$T/out" &&
		! grep -q "$(printf '\033')" "$T/out"
	point "doctor: a full sandbox, no colours in a pipe"
	case $MODE in
	none | userns) grep -q '^user namespaces  *open' "$T/out" ;;
	seccomp) grep -q '^user namespaces  *denied.*seccomp' "$T/out" ;;
	nested | max-userns-0) grep -q '^user namespaces  *denied.*max_user_namespaces' "$T/out" ;;
	userns-clone-0) grep -q '^user namespaces  *denied.*unprivileged_userns_clone' "$T/out" ;;
	esac
	point "doctor: what denies user namespaces"
	timeout 30 "$CAISSON" doctor --json >"$T/out" 2>"$T/err"
	RC=$?
	[ $RC = $fine ] && grep -q '^  "schema": 2,' "$T/out" && grep -q '"full": true' "$T/out"
	point "doctor --json"
	if command -v python3 >/dev/null; then
		python3 -m json.tool "$T/out" >/dev/null 2>"$T/err"
		point "doctor --json is JSON"
	else
		skip "doctor --json is JSON" "there is no python3"
	fi
	timeout 30 "$CAISSON" doctor --helper /nonexistent/helper >"$T/out" 2>"$T/err"
	RC=$?
	case $MODE in
	none | userns) [ $RC = 0 ] && grep -q '^helper  *missing' "$T/out" && ! grep -q PROBLEM "$T/out" &&
		grep -q '  do: install' "$T/out" && ! grep -q 'for other programs: install' "$T/out" &&
		grep -q '^sandbox  *full .*without caisson-helper' "$T/out" ;;
	*) [ $RC = 2 ] && grep -q '^helper  *missing' "$T/out" && grep -q '  do: install' "$T/out" &&
		grep -q '^sandbox  *refused' "$T/out" ;;
	esac
	point "doctor without a helper: can the sandbox be had nevertheless?"
	if command -v setpriv >/dev/null; then
		timeout 30 setpriv --no-new-privs "$CAISSON" doctor >"$T/out" 2>"$T/err"
		RC=$?
		case $MODE in none | userns) want=0 ;; *) want=2 ;; esac
		[ $RC = $want ] && grep -q '^no_new_privs  *set' "$T/out" && grep -q NoNewPrivileges "$T/out"
		point "doctor under no_new_privs: $want and a remedy"
	else
		skip "doctor under no_new_privs" "there is no setpriv"
	fi
	timeout 30 "$CAISSON" doctor extra >"$T/out" 2>"$T/err"
	RC=$?
	[ $RC = 125 ]; point "doctor with an argument: 125"
}

echo "$TOKEN" >"$T/token"
cat /proc/self/mountinfo >"$T/mounts-before"
exit_statuses
help_and_version
binds
layout
surroundings
network
properties
report
streams
signals
bad_helpers
doctor
cat /proc/self/mountinfo >"$T/mounts-after"
cmp -s "$T/mounts-before" "$T/mounts-after"; point "no mount is left behind"
wait_for gone; point "no process is left behind"
echo "1..$N"
