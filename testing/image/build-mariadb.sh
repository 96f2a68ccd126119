#!/bin/sh
# The extra "mariadb": makes /stage, a layer with Debian's MariaDB server and client, and in
# /usr/libexec/testhost/mariadb a database folder to start from. Runs by extra.sh.
set -eu
. /var/tmp/scripts/extra-tree.sh

# perl and the like of the client's helpers are no part of this: the base has its own.
rm -f /var/tmp/extra/perl* /var/tmp/extra/libperl*
extra_tree /stage '*.deb'
cp -a /stage/. /
ldconfig
mkdir -p /stage/usr/libexec/testhost
# A small log, so that a copy of the folder takes no time.
mariadb-install-db --no-defaults --user=root --datadir=/stage/usr/libexec/testhost/mariadb --skip-test-db \
  --auth-root-authentication-method=normal --innodb-log-file-size=4M >/var/tmp/mariadb.log 2>&1 || {
  tail -30 /var/tmp/mariadb.log >&2
  exit 1
}
