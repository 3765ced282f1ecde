#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The build itself, as TAP: what is installed and with which mode, that an
# instrumented helper never is, and that C and CMake users find the library.
# Environment: CAISSON_BUILD (a built tree), CAISSON_INSTRUMENTED (ON or OFF),
# CAISSON_MODE (CAISSON_INSTALL_MODE of that tree), CMAKE, CC.
set -u
export LC_ALL=C

source=$(cd "$(dirname "$0")/../.." && pwd)
build=${CAISSON_BUILD:?}
cmake=${CMAKE:-cmake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0

# ok NAME COMMAND...: its output is shown if it fails
ok() {
	local name=$1 rc=0
	shift
	n=$((n + 1))
	"$@" >"$work/log" 2>&1 || rc=$?
	if [ "$rc" -eq 0 ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$work/log"
		failed=$((failed + 1))
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

configure() {
	local dir=$1
	shift
	"$cmake" -S "$source" -B "$work/$dir" -DCMAKE_C_COMPILER="${CC:-cc}" -DBUILD_TESTING=OFF \
		-DCAISSON_EXAMPLES=OFF "$@" >"$work/$dir.log" 2>&1
}

# Nothing setuid below a folder; find's own failure is one.
nothing_setuid() {
	local found
	found=$(find "$1" -perm /6000) && [ -z "$found" ]
}

# An instrumented build must say why, and leave nothing of the helper behind,
# whether the component is asked for or everything is.
refuses() {
	local dir=$1 how
	shift
	configure "$dir" "$@" || { cat "$work/$dir.log"; return 1; }
	for how in "--component helper" ""; do
		# shellcheck disable=SC2086 # two words
		if "$cmake" --install "$work/$dir" --prefix "$work/$dir-prefix" $how; then
			echo "the installation succeeded"
			return 1
		fi >"$work/install.log" 2>&1
		grep -q 'caisson-helper is not installed from a sanitizer' "$work/install.log" ||
			{ cat "$work/install.log"; return 1; }
		mkdir -p "$work/$dir-prefix"
		[ -z "$(find "$work/$dir-prefix" -type f)" ] || { find "$work/$dir-prefix"; return 1; }
	done
}

rejects_windows() {
	! configure windows -DCMAKE_SYSTEM_NAME=Windows &&
		tr -s '[:space:]' ' ' <"$work/windows.log" |
		grep -q 'Caisson needs Linux; on other POSIX systems only the library builds'
}

# Without musl's specs: "auto" does without, and says so; "musl" stops.
without_musl() {
	configure without-musl -DCAISSON_MUSL_SPECS= -DCAISSON_HELPER_LIBC="$1"
	local rc=$?
	cat "$work/without-musl.log"
	[ "$rc" -eq "$2" ] && tr -s '[:space:]' ' ' <"$work/without-musl.log" | grep -q "$3"
}

installs() {
	DESTDIR=$work/dest "$cmake" --install "$build" --prefix /opt/caisson
}

mode_is() {
	local mode
	mode=$(stat -c %a "$work/dest/opt/caisson/$1") || return 1
	echo "$1 has mode $mode"
	[ "$mode" = "$2" ]
}

# Exactly one file is setuid, and it is the helper.
only_helper_is_setuid() {
	local found
	found=$(cd "$work/dest" && find . -perm /6000) || return 1
	echo "setuid: $found"
	[ "$found" = ./opt/caisson/libexec/caisson/caisson-helper ]
}

find_installed() {
	find "$work/dest/opt/caisson" -name "$1" | grep .
}

# The helper of $build, installed in another way. STAGED: as a package is made.
# way MODE GROUP STAGED
way() {
	local dir=way-$1${2:+-$2}${3:+-staged} at=
	at=$work/$dir-prefix
	configure "$dir" -DCAISSON_INSTALL_MODE="$1" -DCAISSON_INSTALL_GROUP="$2" || { cat "$work/$dir.log"; return 1; }
	mkdir -p "$work/$dir/helper" "$work/$dir/init" &&
		cp -p "$build/helper/caisson-helper" "$work/$dir/helper/" &&
		cp -p "$build/init/caisson-init" "$work/$dir/init/"
	# What an earlier one left on the file must not stay.
	mkdir -p "$at/libexec/caisson" && cp -p "$build/helper/caisson-helper" "$at/libexec/caisson/" || return 1
	if [ -z "${3:-}" ]; then
		setcap cap_kill=p "$at/libexec/caisson/caisson-helper" || return 1
		"$cmake" --install "$work/$dir" --prefix "$at" --component helper
	else
		DESTDIR=$at "$cmake" --install "$work/$dir" --prefix / --component helper
	fi || return 1
	stat -c '%a %G' "$at/libexec/caisson/caisson-helper"
	getcap "$at/libexec/caisson/caisson-helper" | sed 's/.* //'
}

# is_way "MODE GROUP [CAPABILITIES]" WAY...: so it came out; the order of capabilities is getcap's.
is_way() {
	local want=$1 got
	shift
	way "$@" >"$work/way.log" 2>&1 || { cat "$work/way.log"; return 1; }
	got=$(grep -v '^--' "$work/way.log" | tr ',=\n' '  \n' | awk '{ $1 = $1; print }' | tr '\n' ' ')
	cat "$work/way.log"
	[ "$(tr ' ' '\n' <<<"$got" | sort | xargs)" = "$(tr ' ' '\n' <<<"$want" | sort | xargs)" ]
}

says() {
	local pattern=$1
	shift
	way "$@" 2>&1 | tr -s '[:space:]' ' ' | grep -- "$pattern"
}

mode_needs_group() {
	! configure no-group -DCAISSON_INSTALL_MODE=group &&
		grep -q 'CAISSON_INSTALL_GROUP has to name the group' "$work/no-group.log"
}

unknown_mode() {
	! configure unknown -DCAISSON_INSTALL_MODE=suid &&
		grep -q 'CAISSON_INSTALL_MODE is suid: setuid, group, capabilities or none' "$work/unknown.log"
}

consumer_source() {
	mkdir -p "$work/consumer"
	cat >"$work/consumer/main.c" <<-EOF
		#include <caisson.h>
		#include <stdio.h>
		int main(void) { return puts(caisson_version()) < 0; }
	EOF
	cat >"$work/consumer/CMakeLists.txt" <<-EOF
		cmake_minimum_required(VERSION 3.18)
		project(consumer C)
		find_package(Caisson 0.1 REQUIRED)
		add_executable(consumer main.c)
		target_link_libraries(consumer PRIVATE Caisson::caisson)
		if(NOT IS_ABSOLUTE "\${Caisson_HELPER}")
			message(FATAL_ERROR "Caisson_HELPER: \${Caisson_HELPER}")
		endif()
	EOF
}

consumer_by_cmake() {
	consumer_source
	"$cmake" -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_C_COMPILER="${CC:-cc}" \
		-DCMAKE_PREFIX_PATH="$work/dest/opt/caisson" &&
		"$cmake" --build "$work/consumer/build" && "$work/consumer/build/consumer"
}

consumer_by_pkg_config() {
	local pc flags
	consumer_source
	pc=$(find_installed caisson.pc) || return 1
	# The prefix it was configured for is not where this test put it.
	flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config \
		--define-variable=prefix="$work/dest/opt/caisson" --cflags --libs caisson) || return 1
	echo "$flags"
	# shellcheck disable=SC2086 # several words
	"${CC:-cc}" "$work/consumer/main.c" -o "$work/consumer/main" $flags &&
		LD_LIBRARY_PATH=$(dirname "$(find_installed libcaisson.so)") "$work/consumer/main"
}

ok "address sanitizer: the helper is not installed" \
	refuses asan -DCAISSON_SANITIZE=address,undefined
ok "coverage: the helper is not installed" refuses coverage -DCAISSON_COVERAGE=ON
ok "sanitizer flags given by hand: the helper is not installed" \
	refuses byhand -DCMAKE_C_FLAGS=-fsanitize=address
ok "instrumented and without privilege: the helper is not installed" \
	refuses plain -DCAISSON_COVERAGE=ON -DCAISSON_INSTALL_MODE=none
ok "Windows is refused in one line" rejects_windows
ok "the mode group without a group is refused" mode_needs_group
ok "a mode that there is not is refused" unknown_mode
if echo '__GLIBC__' | "${CC:-cc}" -E -P -include features.h -x c - | grep -q __GLIBC__; then
	skip "a helper of musl where there is no musl" "it is the compiler's own C library"
else
	ok "no musl: the helper is of glibc" without_musl auto 0 'caisson-helper: .*PIE .*glibc.* musl'
	ok "no musl, and it was demanded: refused" without_musl musl 1 'CAISSON_HELPER_LIBC is musl, but'
fi

if [ "${CAISSON_INSTRUMENTED:-OFF}" = ON ]; then
	skip "what is installed" "an instrumented build installs nothing setuid"
else
	ok "everything installs" installs
	case ${CAISSON_MODE:-setuid} in
	setuid)
		ok "the helper is 4755" mode_is libexec/caisson/caisson-helper 4755
		ok "nothing else is setuid" only_helper_is_setuid
		;;
	*) ok "nothing is setuid" nothing_setuid "$work/dest" ;;
	esac
	ok "the command is 755" mode_is bin/caisson 755
	caps=$("$source/packaging/helper-caps" | tr ',=' '  ')
	if [ "$(id -u)" -ne 0 ] || ! command -v setcap >/dev/null; then
		skip "the ways to install the helper" "it takes root and setcap"
	else
		root=$(id -gn) group=$(getent group | grep -v "^$(id -gn):" | head -n 1 | cut -d: -f1)
		ok "setuid" is_way "4755 $root" setuid ""
		ok "setuid for a group" is_way "4750 $group" group "$group"
		ok "file capabilities" is_way "755 $root $caps" capabilities ""
		ok "file capabilities for a group" is_way "750 $group $caps" capabilities "$group"
		ok "without privilege" is_way "755 $root" none ""
		ok "staged, setuid" is_way "4755 $root" setuid "" staged
		ok "staged, for a group: without privilege" is_way "750 $root" group no-such-group staged
		ok "and what the package has to do is said" says \
			"the package has to: chgrp no-such-group; chmod 4750" group no-such-group staged
		ok "staged, file capabilities: without privilege" is_way "755 $root" capabilities "" staged
		ok "and what the package has to do is said" says \
			"the package has to: setcap cap_.*=p" capabilities "" staged
		ok "a group that there is not is an error" says \
			"CMake Error.*caisson-helper has no privilege:.*chgrp no-such-group" group no-such-group
	fi
	for file in caisson.h libcaisson.so libcaisson.so.0 caisson.pc CaissonConfig.cmake; do
		ok "$file is installed" find_installed "$file"
	done
	ok "a C program builds with find_package(Caisson)" consumer_by_cmake
	ok "a C program builds with pkg-config caisson" consumer_by_pkg_config
fi
echo "1..$n"
[ "$failed" -eq 0 ]
