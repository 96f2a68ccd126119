#!/bin/sh
# Makes the layer that turns the base root into a host that looks and behaves like one release of
# OpenBSD. Run once per release as root (or mapped root) with
#
#   RELEASE  a row of releases.table, for example 7.8
#   LAYER    an empty folder: becomes the overlay's layer above the base
#   BASE     the base root (read only)
#   PKGROOT  the files of the Postfix package, below /usr/local, and testhost/bind.so
#
# What is where:
#   releases.table                 every release: what its Postfix is
#   eras/E/release.conf            what the tools ask, as far as it is new in release E
#   eras/E/root                    files as they are on the host since release E
#   eras/E/gone                    files that are no longer there
#   eras/E/master.passwd, group    accounts; passwd and shadow are made from the former
#   eras/E/changelist              what is added to changelist(5), and what is dropped from it
#   eras/E/notes                   what postfix-enable reminds of
#   common/root                    files of every release
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
umask 022
export LC_ALL=C

row=$(awk -v release="$RELEASE" '$1 == release' "$here/releases.table")
[ -n "$row" ] || {
	echo "build-layer.sh: no such release: $RELEASE" >&2
	exit 1
}

# "5.0" as a number: 500.
number() {
	echo "$1" | awk -F. '{ printf "%d%02d\n", $1, $2 }'
}

# The eras that this release takes, oldest first.
eras=$(for era in "$here"/eras/*; do
	era=${era##*/}
	[ "$(number "$era")" -gt "$(number "$RELEASE")" ] || echo "$(number "$era") $era"
done | sort -n | cut -d ' ' -f 2)

# The newest of an era's files of that name.
newest() {
	for era in $eras; do
		[ ! -f "$here/eras/$era/$1" ] || found=$here/eras/$era/$1
	done
	echo "$found"
}

conf() {
	sed -n "s/^$1=//p" "$LAYER/usr/libdata/testhost/release.conf"
}

# The release's own facts and those of its eras, each once: what comes later stands over what came before.
release_conf() {
	set -- $row
	built=$(perl -MTime::Local=timegm -MPOSIX=strftime -e \
		'my ($y, $m, $d) = split /-/, shift; print strftime "%a %b %e 12:00:00 UTC %Y", gmtime timegm(0, 0, 12, $d, $m - 1, $y)' "$2")
	{
		echo "release=$1"
		echo "build=#1: $built"
		echo "postfix_version=$3"
		echo "other_version=${4#-}"
		# The Postfix that stands in for one before 3.6 runs at a lower compatibility level and remarks on it,
		# which the old one did not.
		if [ "$(number "$3")" -lt 306 ]; then
			echo "syslogd_drop=using backwards-compatible default setting"
		else
			echo "syslogd_drop="
		fi
		for era in $eras; do
			[ ! -f "$here/eras/$era/release.conf" ] || cat "$here/eras/$era/release.conf"
		done
	} | awk -F= '
		/^#/ || !NF { next }
		!($1 in value) { order[++count] = $1 }
		{ value[$1] = substr($0, length($1) + 2) }
		END { for (i = 1; i <= count; i++) print order[i] "=" value[order[i]] }
	'
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

mkdir -p "$LAYER/usr/libdata/testhost"
release_conf >"$LAYER/usr/libdata/testhost/release.conf"
. "$here/build/files.sh"
. "$here/build/mailers.sh"
. "$here/build/packages.sh"
. "$here/build/ports.sh"

files
for mailer in $(conf base_mailers); do
	"base_$mailer"
done
packages
sets
