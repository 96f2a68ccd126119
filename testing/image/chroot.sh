#!/bin/sh
# Unpacks the bootstrap archive into an empty folder and runs a script in it, as root of a private
# mount namespace:
#
#   chroot.sh ARCHIVE FOLDER SCRIPT [ARGUMENT ...]
set -eu

umask 022
archive=$1 root=$2 script=$3
shift 3
tar -xf "$archive" -C "$root" --numeric-owner --exclude='./dev/*'
cp "$script" "$root/var/tmp/script"
mkdir -p "$root/dev" "$root/proc"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
  chroot "$root" sh /var/tmp/script "$@"
