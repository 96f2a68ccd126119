#!/bin/sh
#   build-flavors.sh older|newer
#
# Compiles Postfix as build-postfix.sh does, and with it what the port's flavors mysql and sasl2 bring: the
# mysql map by libmariadb, and SASL by Cyrus. Leaves it in /stage as build-postfix.sh does, with the
# libraries that it needs on a host in /stage/libraries. Runs by extra.sh.
set -eu
. /var/tmp/scripts/extra-tree.sh

apt-get -q -y -o APT::Sandbox::User=root -o Dir::Cache::archives=/var/tmp/extra install --no-download \
  --no-install-recommends libmariadb-dev libsasl2-dev >/var/tmp/libraries.log 2>&1 || {
  tail -30 /var/tmp/libraries.log >&2
  exit 1
}

# build-postfix.sh stays as it is, so that nobody without this extra compiles Postfix again: this make(1)
# has more to say to makedefs.
mkdir /var/tmp/flavored
cat >/var/tmp/flavored/make <<'MAKE'
#!/bin/sh
for word; do
  shift
  case $word in
  CCARGS=*) word="$word -DHAS_MYSQL -I/usr/include/mariadb -DUSE_CYRUS_SASL -I/usr/include/sasl" ;;
  AUXLIBS=*) word="$word -lmariadb -lsasl2" ;;
  esac
  set -- "$@" "$word"
done
exec /usr/bin/make "$@"
MAKE
chmod 755 /var/tmp/flavored/make
PATH=/var/tmp/flavored:$PATH sh /var/tmp/scripts/build-postfix.sh "$1"
extra_tree /stage/libraries 'libmariadb3_*' 'libsasl2-2_*' 'libsasl2-modules_*' 'mariadb-common_*'
