#!/bin/busybox sh
# Process 1 of an imitated machine until its disk is mounted. Devices get the names that they have in OpenBSD.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
while read -r module; do
  $b insmod "/$module"
done </modules
$b ip link set lo name lo0
$b ip link set lo0 up
until $b ip link show eth0 >/dev/null 2>&1; do
  $b sleep 0.1
done
$b ip link set eth0 name vio0
$b ip addr add 10.0.2.15/24 dev vio0
$b ip link set vio0 up
$b ip route add default via 10.0.2.2
until [ -b /dev/vda ]; do
  $b sleep 0.1
done
$b mount -t ext4 /dev/vda /root
$b mount -t proc proc /root/proc
$b mount -t devtmpfs dev /root/dev
$b mkdir -p /root/dev/pts /root/dev/shm
$b mount -t devpts -o ptmxmode=0666 devpts /root/dev/pts
$b mount -t tmpfs -o mode=1777 tmpfs /root/dev/shm
$b ln -s /proc/self/fd /root/dev/fd
$b ln -s fd/0 /root/dev/stdin
$b ln -s fd/1 /root/dev/stdout
$b ln -s fd/2 /root/dev/stderr
exec $b switch_root -c /dev/console /root /usr/bin/perl /usr/libexec/testhost/machine-init.pl
