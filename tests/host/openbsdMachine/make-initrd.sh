#!/bin/sh
# Makes initial RAM disks, and puts the kernel beside them:
#
#   make-initrd.sh PACKAGES OUT NAME INIT [NAME INIT ...]
#
# PACKAGES is a folder with Debian's packages of a kernel and of busybox-static. Writes OUT/vmlinuz, and OUT/NAME with
# INIT as its first program. The work is done in the working folder.
set -eu

packages=$1 out=$2
shift 2
mkdir -p "$out" unpacked root/bin root/dev root/proc root/root
for deb in "$packages"/*.deb; do
  dpkg-deb -x "$deb" unpacked
done
cp unpacked/boot/vmlinuz-* "$out/vmlinuz"
cp unpacked/bin/busybox root/bin/busybox

# Each module after those that it needs: modules.dep(5) names them in the reverse order.
modules=$(echo unpacked/lib/modules/*)
root/bin/busybox depmod -b unpacked "${modules##*/}"
for name in virtio_pci virtio_blk virtio_net virtio-rng; do
  awk -v name="/$name.ko" '
    index($1, name ":") || index($1, name ".xz:") {
      sub(/:$/, "", $1)
      for (i = NF; i >= 1; i--) print $i
    }' "$modules/modules.dep"
done | awk '!seen[$0]++' >root/modules
[ -s root/modules ]
while read -r module; do
  mkdir -p "root/$(dirname "$module")"
  cp "$modules/$module" "root/$module"
done <root/modules
while [ $# -gt 0 ]; do
  cp "$2" root/init
  chmod 755 root/init
  (cd root && find . | bin/busybox cpio -o -H newc 2>/dev/null) >"$out/$1"
  shift 2
done
