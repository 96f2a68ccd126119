#!/bin/sh
# Makes the layer that turns the base root into a host that looks and behaves like one release of
# OpenBSD. Run once per release as root (or mapped root) with
#
#   RELEASE  a folder of releases/, for example 7.8
#   LAYER    an empty folder: becomes the overlay's layer above the base
#   BASE     the base root (read only)
#   PKGROOT  the files of the Postfix package, below /usr/local
#
# What is where:
#   common/root, releases/R/root   files as they are on the host
#   releases/R/release.conf        what the tools ask: how this release differs
#   releases/R/master.passwd       accounts; passwd and shadow are made from it
#   lib, tools                     the programs only OpenBSD has, one implementation for all releases
#   package                        what makes the Postfix tree into the port's packages
#
# On the host: the mirror is /mirror/pub/OpenBSD, what no OpenBSD has is in /usr/libexec/testhost and
# /usr/libdata/testhost, users are alice, bob, op (may use doas(1)), nobodyspecial (1000 to 1003).
# sshd_config.d/path.conf gives commands the release's PATH. The machinery runs /etc/rc at boot and
# `/etc/rc shutdown` if it wants an orderly end; sshd is not started by it.
#
# A layer cannot delete what the base has. Debian's programs that no OpenBSD has are covered by empty
# files that cannot be executed: no PATH search finds them.
set -eu

: "${RELEASE:?}" "${LAYER:?}" "${BASE:?}" "${PKGROOT:?}"
here=$(cd "$(dirname "$0")" && pwd)
release=$here/releases/$RELEASE
[ -f "$release/release.conf" ] || {
	echo "build-layer.sh: no such release: $RELEASE" >&2
	exit 1
}
umask 022
export LC_ALL=C

conf() {
	sed -n "s/^$1=//p" "$release/release.conf"
}

# install_file MODE SOURCE TARGET
install_file() {
	mkdir -p "$LAYER/$(dirname "$3")"
	install -m "$1" "$2" "$LAYER/$3"
}

# folder MODE OWNER:GROUP PATH, owner and group as numbers
folder() {
	mkdir -p "$LAYER/$3"
	chown "$2" "$LAYER/$3"
	chmod "$1" "$LAYER/$3"
}

# Runs a program of the base without entering it, so that it can write outside.
in_base() {
	program=$1
	shift
	libraries=$(echo "$BASE"/usr/lib/*-linux-gnu)
	for loader in "$libraries"/ld-linux-*.so.*; do
		"$loader" --library-path "$libraries" "$program" "$@"
		return
	done
	echo "build-layer.sh: no dynamic loader in $BASE" >&2
	return 1
}

. "$here/build/files.sh"
. "$here/build/mailers.sh"
. "$here/build/packages.sh"

files
case $(conf base_mailer) in
smtpd) base_smtpd ;;
sendmail) base_sendmail ;;
esac
packages
