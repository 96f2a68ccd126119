#!/bin/sh
# Prints the tree that a host of some release starts with (tree.pl), every file with its hash:
#
#   index.sh BASE LAYER MOUNT-POINT OVERLAY-OPTIONS TREE-SCRIPT
set -eu

exec 5<"$5"
mount -t overlay overlay "$3" -o "lowerdir=$2:$1$4"
exec chroot "$3" /usr/bin/perl - 0 <&5
