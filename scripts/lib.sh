# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the gates share. A gate exits 0 (fine), 1 (found something, printed) or
# 77 (cannot run here, and its last line says why).
set -euo pipefail
export LC_ALL=C

started_in=$PWD
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

skip() {
	printf '%s: %s\n' "${0##*/}" "$*"
	exit 77
}

need() {
	command -v "$1" >/dev/null || skip "$1 is not installed (Debian: ${2:-$1})"
}

# The build tree that a gate looks at: its first argument, or build/release.
build_tree() {
	build=$(cd "$started_in" && realpath -m -- "${1:-${CAISSON_BUILD:-$top/build/release}}")
	[ -f "$build/CMakeCache.txt" ] || die "$build is no build tree: give one as the argument"
}

# The project's own files, NUL-terminated: tracked, and not yet tracked.
project_files() {
	if git -C "$top" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard -- "$@" | sort -zu |
			while IFS= read -r -d '' file; do
				[ ! -f "$file" ] || printf '%s\0' "$file"
			done
	else
		[ $# -gt 0 ] || set -- '*'
		find . -path ./.git -prune -o -path ./build -prune -o -type f -print0 | sed -z 's|^\./||' |
			grep -zE "$(patterns "$@")"
	fi
}

# '*.c' '*.h' as one regular expression.
patterns() {
	printf '%s\n' "$@" | sed 's/[.]/\\./g; s/[*]/.*/g; s/.*/^&$/' | paste -sd'|'
}

# The C files of what is shipped, tests left out.
product_sources() {
	project_files 'helper/*.c' 'builder/*.c' 'libclient/*.c' 'cli/*.c' 'bwrap/*.c' 'policy/*.c' 'examples/*.c'
}
