#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The library for POSIX without Linux: it builds on Linux with the Linux parts off, its tests pass, and
# it needs nothing that only Linux has. Windows is refused at configure time, in one line. TAP.
# Environment: CMAKE, SOURCE.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
SHOWN=log
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT

CMAKE=${CMAKE:-cmake}
"$CMAKE" -S "${SOURCE:?}" -B "$T/build" -G Ninja -DCAISSON_PLATFORM=posix -DCMAKE_BUILD_TYPE=Release \
	-DCMAKE_INSTALL_PREFIX="$T/prefix" -DCMAKE_INSTALL_LIBDIR=lib >"$T/log" 2>&1
point "it is configured"
"$CMAKE" --build "$T/build" --parallel 2 >"$T/log" 2>&1
point "it builds"
(cd "$T/build" && ctest --output-on-failure) >"$T/log" 2>&1
point "its tests pass"
nm -D --undefined-only "$T/build/libclient/libcaisson.so" | awk '{ sub(/@.*/, "", $2); print $2 }' >"$T/needed"
! grep -xE 'prctl|syscall|memfd_create|mount|umount2|unshare|clone|setns|signalfd|eventfd|epoll_.*|pidfd_.*|pipe2|accept4|getxattr|statfs.*' \
	"$T/needed" >"$T/log"
point "it calls nothing that only Linux has"
nm -D --defined-only "$T/build/libclient/libcaisson.so" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$T/has"
{
	sed -n 's/^	\(caisson_[a-z_0-9]*\);$/\1/p' "$SOURCE/libclient/libcaisson.map"
	echo caisson_spec_run_unsandboxed
} | sort >"$T/wanted"
diff "$T/wanted" "$T/has" >"$T/log"
point "it has every function that it has on Linux, and one more"
"$CMAKE" --install "$T/build" >"$T/log" 2>&1 && [ -e "$T/prefix/include/caisson_posix.h" ] &&
	! find "$T/prefix" -perm /6000 | grep -q . && [ ! -e "$T/prefix/bin" ] && [ ! -e "$T/prefix/libexec" ]
point "it installs the library and nothing else"
"$CMAKE" -S "$SOURCE" -B "$T/windows" -G Ninja -DCMAKE_SYSTEM_NAME=Windows >"$T/log" 2>&1
[ $? = 1 ] && [ "$(grep -c 'Caisson needs Linux; on other POSIX systems only the library builds.' "$T/log")" = 1 ]
point "Windows is refused at configure time, in one line"
echo "1..$N"
