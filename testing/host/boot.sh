#!/bin/sh
# Process 1 of a test host until its root is mounted; then it becomes init.pl.
#
#   boot.sh BASE LAYER RUN OVERLAY-OPTIONS INIT
#
# Runs in new mount, pid, network, uts and ipc namespaces (and a user namespace for an ordinary
# user), with the cache folder as working folder; BASE, LAYER and RUN are relative to it, so that no
# character of the folder's name can upset the mount options. Descriptors: 0 and 1 the keeper's,
# 4 the console log.
set -eu
umask 022

base=$1 layer=$2 run=$3 options=$4 init=$5
root=$run/root
exec 4>>"$run/console.log" 5<"$init"

# This /proc still is the outer one: its "self" is the number by which others know this process.
read -r pid _ < /proc/self/stat
echo "pid $pid"

overlay() {
  mount -t overlay overlay "$root" \
    -o "lowerdir=$layer:$base,upperdir=$1/upper,workdir=$1/work,volatile$options"
}
mkdir -p "$root" "$run/upper" "$run/work"
# A cache folder that is itself on an overlay cannot hold the upper layer; memory can.
overlay "$run" 2>"$run/overlay.log" || {
  mkdir -p "$run/memory"
  mount -t tmpfs -o mode=755 tmpfs "$run/memory"
  mkdir "$run/memory/upper" "$run/memory/work"
  overlay "$run/memory"
}

# Device nodes are bound from outside: making them is not allowed in a user namespace.
mkdir -p "$root/dev" "$root/proc"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/.outside"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
chmod 1777 "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# The machine's own settings are no test's business.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/sys"

if [ -s "$root/etc/myname" ]; then
  read -r name < "$root/etc/myname"
  hostname "$name"
fi

cd "$root"
if pivot_root . dev/.outside 2>/dev/null; then
  cd /
  /sbin/umount -l /dev/.outside
  rmdir /dev/.outside
  exec /usr/bin/perl /dev/fd/5
fi
# The machine runs from its initial RAM disk, which cannot be pivoted away from.
rmdir dev/.outside
mount --move . /
exec chroot . /usr/bin/perl /dev/fd/5
