#!/bin/sh
# The extra "dovecot": makes /stage, a layer with Debian's Dovecot. Runs by extra.sh.
set -eu
. /var/tmp/scripts/extra-tree.sh

extra_tree /stage '*.deb'
