#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# caisson doctor: its JSON as docs/doctor.md has it, what it says under each restriction, that it
# leaves nothing behind, and that docs/troubleshooting.md has what other programs print
# here. As an unprivileged user. TAP.
# Environment: CAISSON_PREFIX, CAISSON_TEST_RESTRICTION.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
needs_user
command -v python3 >/dev/null || cannot "there is no python3 to read JSON with"

CAISSON=${CAISSON_PREFIX:?}/bin/caisson
DOCS=$(dirname "$0")/../../docs
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1
case $DOCS in /*) ;; *) DOCS=$OLDPWD/$DOCS ;; esac

# json EXPRESSION: true of the report, which is d there.
json()
{
	python3 - "$T/json" "$1" >"$T/err" 2>&1 <<-'EOF2'
	import json, sys
	d = json.load(open(sys.argv[1]))
	f = {x["topic"]: x for x in d["findings"]}
	value = eval("(%s)" % sys.argv[2])
	print(sys.argv[2], "is", value)
	sys.exit(0 if value else 1)
	EOF2
}

cat /proc/self/mountinfo >"$T/mounts-before"
ls -A /tmp /dev/shm >"$T/files-before" 2>/dev/null
"$CAISSON" doctor --json >"$T/json" 2>"$T/err"
RC=$?
[ $RC = 0 ] && [ ! -s "$T/err" ]
point "a full sandbox: status 0"

json 'set(d) >= {"schema", "version", "full", "severity", "restriction", "host", "user_namespace",
	"sysctls", "ways", "properties", "findings"} and d["schema"] == 2 and d["full"] is True'
point "the members that docs/doctor.md names"
json 'all(set(x) == {"topic", "severity", "value", "evidence", "restriction", "cause", "remedy",
	"cost", "doc"} and x["severity"] in ("ok", "note", "warning", "problem")
	and all(isinstance(v, str) for v in x.values()) for x in d["findings"])'
point "every finding has its members"
for topic in kernel platform container "user namespaces" sysctls no_new_privs seccomp capabilities \
	"security module" Landlock memory "CPU lane" "huge pages" /dev/shm GPU "CUDA lane" helper sandbox; do
	json "'$topic' in f" || break
done
point "every topic is there"
json 'all((x["restriction"] == "none") or (x["cause"] and x["remedy"] and
	x["doc"].startswith("docs/")) for x in d["findings"])'
point "a restriction comes with cause, remedy and document"
json 'd["sysctls"]["user.max_user_namespaces"].isdigit()'
point "sysctls with their present values"

case $MODE in
seccomp) json 'd["restriction"] == "seccomp" and d["user_namespace"]["clone"] == "EPERM"
	and d["user_namespace"]["map"] == "untried" and "system_calls" in d["host"]["withheld"]' ;;
nested | max-userns-0) json 'd["restriction"] == "max_user_namespaces"
	and d["user_namespace"]["clone"] == "ENOSPC" and d["sysctls"]["user.max_user_namespaces"] == "0"' ;;
userns-clone-0) json 'd["restriction"] == "unprivileged_userns_clone"
	and d["user_namespace"]["clone"] == "EPERM"' ;;
*) json 'd["restriction"] == "none" and all(v == "works" for v in d["user_namespace"].values())' ;;
esac
point "what denies user namespaces, and at which stage"
case $KERNEL in
"") ;;
5.10) json 'f["kernel"]["severity"] == "ok" and "mount_setattr" in f["kernel"]["evidence"]'
	point "the kernel: what serves with older calls" ;;
*) json 'f["kernel"]["severity"] == "note" and all(call in f["kernel"]["evidence"] for call in
	("openat2", "close_range", *("open_tree move_mount fsopen fsconfig fsmount pidfd_open".split()
	if "'"$KERNEL"'" == "4.18" else ()))) and d["ways"]["userns"]'
	point "the kernel: each call that the helper lacks, and the way without it" ;;
esac
json 'd["properties"]["pid"]["way"] in ("helper_userns", "helper", "userns")
	and d["ways"][d["properties"]["pid"]["way"]] and all(p["way"] != "none"
	for p in d["properties"].values() if p["in_full"])'
point "every property of a full sandbox has a way"
case $MODE in
seccomp | nested | max-userns-0) json 'd["ways"]["helper"] and not d["ways"]["helper_userns"]' ;;
userns) json 'd["ways"]["userns"] and not d["ways"]["helper"] and not d["ways"]["helper_userns"]' ;;
none) json 'd["ways"]["helper"] and d["ways"]["helper_userns"] and d["ways"]["userns"]' ;;
*) json 'd["ways"]["helper"] and d["ways"]["helper_userns"] and not d["ways"]["userns"]' ;;
esac
point "every way was tried"

"$CAISSON" doctor --json --helper "$T/none" >"$T/json" 2>"$T/err"
RC=$?
case $MODE in
none | userns) [ $RC = 0 ] && json 'd["full"] and d["severity"] == "note" and d["restriction"] == "none"
	and f["helper"]["restriction"] == "helper" and f["helper"]["severity"] == "note"
	and d["properties"]["pid"]["way"] == "userns"'
	point "without a helper: status 0, since user namespaces are open" ;;
*) [ $RC = 2 ] && json 'not d["full"] and d["severity"] == "problem" and d["restriction"] == "helper"
	and f["helper"]["restriction"] == "helper" and f["sandbox"]["value"] == "refused"'
	point "without a helper: status 2, restriction helper" ;;
esac
if command -v setpriv >/dev/null; then
	setpriv --no-new-privs "$CAISSON" doctor --json >"$T/json" 2>"$T/err"
	RC=$?
	case $MODE in
	none | userns) [ $RC = 0 ] && json 'd["full"] and d["properties"]["pid"]["way"] == "userns"
		and f["no_new_privs"]["severity"] == "note" and "setuid_programs" in d["host"]["withheld"]
		and "allowPrivilegeEscalation" in f["no_new_privs"]["remedy"]'
		point "under no_new_privs: status 0, since user namespaces are open" ;;
	*) [ $RC = 2 ] && json 'd["restriction"] == "no_new_privs" and "setuid_programs" in d["host"]["withheld"]
		and "allowPrivilegeEscalation" in f["no_new_privs"]["remedy"]'
		point "under no_new_privs: status 2, restriction no_new_privs" ;;
	esac
else
	skip "under no_new_privs" "there is no setpriv"
fi

cat /proc/self/mountinfo >"$T/mounts-after"
ls -A /tmp /dev/shm >"$T/files-after" 2>/dev/null
diff "$T/mounts-before" "$T/mounts-after" >"$T/out" 2>"$T/err"
point "no mount is left"
# Others use these folders too: what is of this user counts, but for the folders of other tests.
find /tmp /dev/shm -maxdepth 1 -user "$(id -u)" ! -name "tmp.*" ! -name "caisson-*-??????" ! -path "$HOME" -newer "$T/mounts-before" >"$T/out" 2>/dev/null
[ ! -s "$T/out" ]
point "no file is left"
! pgrep -P $$ caisson >"$T/out"
point "no process is left"

if command -v script >/dev/null && command -v setsid >/dev/null; then
	script -qec "$CAISSON doctor" /dev/null </dev/null >"$T/out" 2>"$T/err"
	grep -q "$(printf '\033')" "$T/out"
	point "colours on a terminal"
	NO_COLOR=1 script -qec "$CAISSON doctor" /dev/null </dev/null >"$T/out" 2>"$T/err"
	! grep -q "$(printf '\033')" "$T/out"
	point "no colours with NO_COLOR"
else
	skip "colours on a terminal" "there is no script(1)"
	skip "no colours with NO_COLOR" "there is no script(1)"
fi

# found PROGRAM...: what it prints where it is blocked stands in the page, word by word.
found()
{
	name=$1
	if ! command -v "$1" >/dev/null; then
		skip "what $name prints is in troubleshooting.md" "there is no $name"
		return
	fi
	if "$@" >"$T/out" 2>"$T/err"; then
		skip "what $name prints is in troubleshooting.md" "nothing blocks it here"
		return
	fi
	line=$(tail -n 1 "$T/err" | sed 's/ See <.*//') # Debian names its own page
	[ -n "$line" ] && grep -qF -- "$line" "$DOCS/troubleshooting.md"
	point "what $name prints is in troubleshooting.md: $line"
}
found unshare --user true
found bwrap --unshare-user --ro-bind / / true
echo "1..$N"
