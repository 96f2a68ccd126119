#!/bin/sh
# First stage of the test host's image, the only one that uses the network:
#
#   bootstrap.sh SUITE SOURCES OUT POSTFIX-SUITES [APT-OPTION ...]
#
# writes OUT, a tar archive of a Debian root file system (mmdebstrap(1)) with the parts a host is
# made of, the compiler that the Postfix stage needs as packages not yet installed, and, in
# /var/tmp/fetched, the sources of Postfix and the packages that are only taken apart later. Postfix
# comes from each of POSTFIX-SUITES, a word each. SOURCES is a file in the format of sources.list(5). As an ordinary user mmdebstrap works in a user
# namespace; the archive is the same.
set -eu

suite=$1 sources=$2 out=$3 postfix_suites=$4
shift 4

mode=root
[ "$(id -u)" = 0 ] || mode=unshare
for option; do
  set -- "$@" "--aptopt=$option"
  shift
done

# mailx and the base mailers want to be, or to have, the machine's one mail server: they are fetched
# and unpacked, never installed. m4 makes sendmail's configuration.
packages="csh diffutils ed inetutils-syslogd m4 mksh mount netcat-openbsd opendoas openssh-server
  openssl perl procps tzdata"
unpacked="bsd-mailx opensmtpd sendmail-base sendmail-bin sendmail-cf"
compiler="gcc make libc6-dev libdb-dev libpcre2-dev libssl-dev"

# Runs outside the new root, with apt told to work on it.
# shellcheck disable=SC2016 # expanded by the hook's own shell
fetch='
  set -eu
  export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
  get() { apt-get -q -y -o APT::Sandbox::User=root "$@" >&2; }
  mkdir -p "$1/var/tmp/fetched"
  cd "$1/var/tmp/fetched"
  for suite in '"$postfix_suites"'; do get source --download-only "postfix/$suite"; done
  # What the unpacked ones need besides themselves, by simulation; a mail server that apt would add
  # to satisfy mailx is left out.
  for package in '"$(echo $unpacked)"'; do
    apt-get -s install --no-install-recommends "$package" | sed -n "s/^Inst \([^ ]*\).*/\1/p"
  done | sort -u | grep -v "^exim" > wanted
  xargs apt-get -q -o APT::Sandbox::User=root download < wanted >&2
  get install --download-only --no-install-recommends '"$(echo $compiler)"'
'

exec mmdebstrap --mode="$mode" --variant=apt --format=tar \
  --skip=cleanup/apt --skip=cleanup/tmp \
  --include="$(echo $packages | tr ' ' ',')" \
  --customize-hook="$fetch" \
  "$@" "$suite" "$out" "$sources"
