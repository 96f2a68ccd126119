#!/bin/sh
# The extra "python": makes /stage, a layer with Debian's Python 3 where OpenBSD's package has it. Runs by extra.sh.
set -eu
. /var/tmp/scripts/extra-tree.sh

extra_tree /stage '*.deb'
mkdir -p /stage/usr/local/bin
ln -s /usr/bin/python3 /stage/usr/local/bin/python3
