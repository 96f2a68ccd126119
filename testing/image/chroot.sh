#!/bin/sh
# Unpacks the bootstrap archive into an empty folder and runs a script in it, as root of a private
# mount namespace:
#
#   chroot.sh ARCHIVE FOLDER SCRIPT
set -eu

umask 022
tar -xf "$1" -C "$2" --numeric-owner --exclude='./dev/*'
cp "$3" "$2/var/tmp/script"
mkdir -p "$2/dev" "$2/proc"
mount --rbind /dev "$2/dev"
mount -t proc proc "$2/proc"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C chroot "$2" sh /var/tmp/script
