#!/bin/sh
# Makes the tree of a host that does not run into that of another release, as an upgrade does (upgrade.pl):
#
#   upgrade.sh OLD-LAYER OLD-BASE NEW-LAYER NEW-BASE RUN OVERLAY-OPTIONS SCRIPT
#
# Runs in a mount namespace of its own with the cache folder as working folder; all paths but the script's
# are relative to it. Nothing of the host is touched before the new upper layer is whole.
set -eu
umask 022

old=$1:$2 new=$3:$4 run=$5 options=$6 script=$7
work=$run/upgrade
rm -rf "$work"
mkdir -p "$work/before" "$work/was" "$work/after" "$work/upper" "$work/work"
mount -t overlay overlay "$work/was" -o "ro,lowerdir=$old$options"
mount -t overlay overlay "$work/before" -o "ro,lowerdir=$run/upper:$old$options"
mount -t overlay overlay "$work/after" -o "lowerdir=$new,upperdir=$work/upper,workdir=$work/work$options"
perl "$script" "$work/was" "$work/before" "$work/after"
umount "$work/after" "$work/before" "$work/was"
rm -rf "$run/upper" "$run/work"
mv "$work/upper" "$run/upper"
rm -rf "$work"
