#!/bin/sh
# Makes a copy-on-write overlay over a disk, in the working folder, and becomes the program that uses it:
#
#   overlay.sh QEMU-IMG DISK FORMAT PROGRAM [ARGUMENT ...]
set -eu
"$1" create -q -f qcow2 -F "$3" -b "$2" overlay.qcow2
shift 3
exec "$@"
