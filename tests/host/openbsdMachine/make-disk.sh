#!/bin/sh
# Makes the disk of an imitated machine out of a test host's file tree, as root of a private mount namespace:
#
#   make-disk.sh LOWER-FOLDERS OVERLAY-OPTIONS DISK SET
#
# LOWER-FOLDERS are those of overlayfs, the uppermost first, relative to the working folder. No partitions: the
# file system is all of the disk. SET becomes an archive of the same tree, as an installer unpacks it: without keys.
set -eu

lower=$1 options=$2 disk=$3 set=$4
mount -t tmpfs -o mode=700 tmpfs /mnt
mkdir /mnt/root
mount -t overlay overlay -o "ro,lowerdir=$lower$options" /mnt/root
truncate -s 640M "$disk"
# A journal is of no use to a machine that is thrown away.
PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -O ^has_journal -d /mnt/root "$disk"
# Without what sshd(8) and uname(1) can do without, too: an emulated processor unpacks it.
tar -C /mnt/root --numeric-owner --exclude=./root/.ssh --exclude='./etc/ssh/ssh_host_*' \
  --exclude='./usr/lib/*/perl' --exclude='./usr/share/perl/*/pod' --exclude='./usr/share/perl/*/unicore' \
  --exclude=./usr/libexec/debian-mailers --exclude='./usr/libdata/testhost/postfix*' --exclude=./usr/share/zoneinfo \
  -cf - . | gzip -1 >"$set"
