#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# demo.sh PREFIX BUILD
#
# Run as root. Takes user namespaces away in two ways, each time becomes an
# ordinary user, shows that bubblewrap fails there, and has a photograph decoded
# by an untrusted plug-in in a sandbox of Caisson's. PREFIX is where Caisson is
# installed, BUILD its build tree. The picture is left as BUILD/demo/MODE.png.
# Exit status: 0 if every check held.
#
# CAISSON_PHOTO names another JPEG; CAISSON_DEMO_UID another user.
set -u
export LC_ALL=C

PREFIX=${1:?usage: demo.sh PREFIX BUILD}
BUILD=$(cd "${2:?usage: demo.sh PREFIX BUILD}" && pwd) || exit 1
HERE=$(cd "$(dirname "$0")" && pwd)
WORK=
SECRET=
FAILED=0

die()
{
	echo "demo: $*" >&2
	exit 1
}

clean_up()
{
	[ -z "$SECRET" ] || rm -f -- "$SECRET"
	[ -z "$WORK" ] || rm -rf -- "$WORK"
}

# An ordinary user: who called sudo, or the first person in passwd, or nobody at all.
choose_user()
{
	uid=${CAISSON_DEMO_UID:-${SUDO_UID:-0}}
	[ "$uid" != 0 ] || uid=$(getent passwd |
		awk -F: '$3 >= 1000 && $3 < 60000 { print $3; exit }')
	[ -n "$uid" ] || uid=47110
	gid=$(id -g "$uid" 2>/dev/null) || gid=$uid
	home=$(getent passwd "$uid" | cut -d: -f6)
	if [ -z "$home" ] || ! as_user none test -O "$home" -a -w "$home"; then
		home=$WORK/home
		mkdir "$home" && chown "$uid:$gid" "$home" || die "no home for uid $uid"
	fi
}

as_user()
{
	restriction=$1
	shift
	"$WORK/restrict" "$restriction" --uid "$uid" --gid "$gid" -- "$@"
}

find_photo()
{
	[ -s "$BUILD/demo/photo.jpg" ] || "$HERE/photo.sh" "$BUILD/demo/photo.jpg" || exit 1
	cp "$BUILD/demo/photo.jpg" "$WORK/photo.jpg"
}

find_library()
{
	for dir in "$PREFIX"/lib "$PREFIX"/lib64 "$PREFIX"/lib/*-linux-*; do
		[ ! -e "$dir/libcaisson.so.0" ] || { echo "$dir" && return; }
	done
	die "there is no libcaisson.so.0 under $PREFIX: install Caisson there first"
}

prepare()
{
	[ "$(id -u)" = 0 ] || die "run it as root: it takes rights away from an ordinary user"
	WORK=$(mktemp -d /tmp/caisson-demo.XXXXXX) || die "no directory under /tmp"
	trap clean_up EXIT
	trap 'exit 1' INT TERM HUP
	chmod 755 "$WORK"
	mkdir -p "$BUILD/demo" "$WORK/out" || die "$BUILD/demo cannot be made"
	restrict=$BUILD/tests/lib/restrict
	if [ -x "$restrict" ]; then
		cp "$restrict" "$WORK/restrict"
	else
		${CC:-cc} -std=gnu17 -O2 -o "$WORK/restrict" \
			"$HERE"/../tests/lib/restrict.c "$HERE"/../tests/lib/old_kernel.c ||
			die "tests/lib/restrict.c does not build"
	fi
	chmod 755 "$WORK/restrict"
	cp "$BUILD/examples/jpeg-host" "$BUILD/examples/decode-jpeg" "$WORK" ||
		die "build the examples first: cmake -D CAISSON_EXAMPLES=ON"
	library=$(find_library) || exit 1
	choose_user
	chown "$uid:$gid" "$WORK/out"
	as_user none test -r "$library/libcaisson.so.0" -a -x "$PREFIX/bin/caisson" ||
		die "uid $uid cannot reach $PREFIX: install Caisson where everybody may look"
	find_photo
	SECRET=$home/.caisson-demo-secret.$$
	as_user none sh -c 'umask 077 && echo "a private key, say" >"$1"' sh "$SECRET" ||
		die "uid $uid cannot write to $home"
}

result()
{
	printf '  %-82s %s\n' "$1" "$2"
	[ "$2" = ok ] || FAILED=1
}

show_bubblewrap()
{
	if ! command -v bwrap >"$WORK/bwrap.path"; then
		result "bubblewrap fails here: it is not installed" FAILED
		return
	fi
	echo "  \$ bwrap --unshare-all --ro-bind / / true     ($(bwrap --version))"
	if as_user "$1" bwrap --unshare-all --ro-bind / / true >"$WORK/bwrap.log" 2>&1; then
		result "bubblewrap fails here" FAILED
	else
		sed 's/^/      /' "$WORK/bwrap.log"
		result "bubblewrap fails here" ok
	fi
}

show_doctor()
{
	echo "  \$ caisson doctor"
	as_user "$1" "$PREFIX/bin/caisson" doctor >"$WORK/doctor.log" 2>&1
	doctor=$?
	grep -E '^(user namespaces|helper|sandbox) |PROBLEM: ' "$WORK/doctor.log" | sed 's/^/      /'
	[ $doctor = 0 ] && result "caisson doctor: a full sandbox can be had" ok ||
		result "caisson doctor: a full sandbox can be had" FAILED
}

show()
{
	mode=$1
	echo
	echo "== $2 (tests/lib/restrict $mode, uid $uid)"
	show_bubblewrap "$mode"
	show_doctor "$mode"
	echo "  \$ ./jpeg-host decode-jpeg photo.jpg $SECRET out/$mode.png"
	cd "$WORK" || exit 1
	as_user "$mode" env LD_LIBRARY_PATH="$library" timeout 60 ./jpeg-host \
		decode-jpeg photo.jpg "$SECRET" "out/$mode.png" || FAILED=1
	cd / || exit 1
	# Read as the user: root follows no link that a user may have laid.
	if as_user none cat "$WORK/out/$mode.png" >"$BUILD/demo/$mode.png"; then
		echo "  a copy to look at: $BUILD/demo/$mode.png"
	else
		FAILED=1
	fi
}

prepare
echo "A photograph, $(stat -c %s "$WORK/photo.jpg") bytes of JPEG, is decoded by a plug-in that nobody trusts."
show seccomp "A system call filter denies user namespaces to everybody"
show nested "user.max_user_namespaces=0: nobody can make one, not even root"
echo
if [ $FAILED = 0 ]; then
	echo "demo: every check held; the pictures are in $BUILD/demo"
else
	echo "demo: something FAILED, see above" >&2
fi
exit $FAILED
