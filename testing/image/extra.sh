#!/bin/sh
# Runs a build script of an extra in a throw-away copy of the bootstrap root, with packages beside it:
#
#   extra.sh ARCHIVE FOLDER PACKAGES SCRIPT ARGUMENT [APT-OPTION ...]
#
# unpacks the bootstrap archive into FOLDER, fetches PACKAGES, a word each, and those that they need and
# the root has not, into FOLDER/var/tmp/extra, and runs SCRIPT of this folder there. Runs as
# root of a private mount namespace.
set -eu

umask 022
archive=$1 root=$2 packages=$3 script=$4 argument=$5
shift 5
scripts=$(cd "$(dirname "$0")" && pwd)
tar -xf "$archive" -C "$root" --numeric-owner --exclude='./dev/*'
mkdir -p "$root/var/tmp/extra/partial" "$root/var/tmp/scripts" "$root/dev" "$root/proc"
cp "$scripts"/*.sh "$root/var/tmp/scripts"

# apt of this machine, told to work on the root, as mmdebstrap(1) does it: what it needs to reach a mirror is here.
cat >"$root/var/tmp/apt.conf" <<CONFIG
Dir "$root";
Dir::State::status "$root/var/lib/dpkg/status";
Dir::Cache::archives "$root/var/tmp/extra";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONFIG
for option; do
  echo "$option;" >>"$root/var/tmp/apt.conf"
done
get() {
  APT_CONFIG="$root/var/tmp/apt.conf" DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >&2
}
fetch() {
  # shellcheck disable=SC2086 # a list of words
  get install --download-only --no-install-recommends $packages
}
# The root's lists may name versions that the mirror has no longer.
fetch 2>"$root/var/tmp/apt.log" || {
  get update
  fetch
}

mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
  chroot "$root" sh "/var/tmp/scripts/$script" "$argument"
