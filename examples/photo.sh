#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# photo.sh OUT: a photograph that a Debian package ships. The package is
# unpacked, not installed. CAISSON_PHOTO names another JPEG.
set -u
out=${1:?usage: photo.sh OUT}

if [ -n "${CAISSON_PHOTO:-}" ]; then
	cp "$CAISSON_PHOTO" "$out"
	exit
fi
for file in /usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg \
	/usr/share/doc/facedetect/examples/grace_hopper_512x512.jpg; do
	[ ! -s "$file" ] || { cp "$file" "$out" && exit; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for package in python-matplotlib-data facedetect; do
	cd "$work" && rm -rf -- * || exit 1
	apt-get -q -o APT::Sandbox::User=root download "$package" >apt.log 2>&1 || continue
	dpkg-deb -x ./*.deb . || continue
	find . -name 'grace_hopper*.jpg' -type f -exec cp {} photo.jpg \; 2>/dev/null
	if [ -s photo.jpg ]; then
		mkdir -p "$(dirname "$out")" && cp photo.jpg "$out"
		exit
	fi
done
echo "no photograph: install python-matplotlib-data, or set CAISSON_PHOTO" >&2
exit 1
