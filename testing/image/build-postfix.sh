#!/bin/sh
#   build-postfix.sh older|newer
#
# Compiles the older or the newer Postfix that was fetched with the choices of the OpenBSD port and leaves
# what the port's package holds under /stage/usr/local, and in /stage/testhost a library that has bind(2) of
# Linux answer mailers as OpenBSD's does. Runs inside a throw-away copy of the bootstrap root, where the compiler
# is; needs no network. The package's own scripts (postfix-install, postfix-enable, postfix-disable)
# and what varies from release to release are not made here.
#
# The source is the upstream archive without the distribution's patches, which move files about.
set -eu

which=$1

DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Sandbox::User=root install \
  --no-download --no-install-recommends gcc make libc6-dev libdb-dev libpcre2-dev libssl-dev \
  >/var/tmp/compiler.log 2>&1 || {
  tail -30 /var/tmp/compiler.log >&2
  exit 1
}

sources=$(printf '%s\n' /var/tmp/fetched/postfix_*.orig.tar.gz | sort -V)
case $which in
older) source=$(echo "$sources" | head -1) ;;
newer) source=$(echo "$sources" | tail -1) ;;
esac
jobs=$(getconf _NPROCESSORS_ONLN)
rm -rf /var/tmp/postfix /stage
mkdir -p /var/tmp/postfix /stage
tar -xzf "$source" -C /var/tmp/postfix --strip-components=1
cd /var/tmp/postfix

# src/util/sys_defs.h describes the system. Give Linux the values that its OpenBSD section has:
# aliases in /etc/mail, and flock(2) for mailboxes.
sed -i -e 's|":/etc/aliases"|":/etc/mail/aliases"|' \
  -e 's|DEF_MAILBOX_LOCK[[:space:]]*"fcntl, dotlock"|DEF_MAILBOX_LOCK "flock, dotlock"|' \
  src/util/sys_defs.h

# makedefs asks uname(1); a kernel newer than this Postfix knows would stop it.
sed -i 's/RELEASE=`(uname -r) 2>\/dev\/null`/RELEASE=6.1/' makedefs

# 3.0+ ports mark the chrooted services with an explicit "y", older ones leave "-", which meant the
# same; the release layer makes the latter from this file. Not chrooted: what upstream never
# chroots, and every pipe and spawn entry.
awk '
  /^#?[a-z0-9.:]+ +(inet|unix|pass|fifo|unix-dgram) +[-yn] +[-yn] +n +/ {
    if ($1 !~ /^#?(proxymap|proxywrite|local|virtual|postlog)$/ && $NF !~ /^(pipe|spawn)$/) {
      match($0, /^#?[a-z0-9.:]+ +(inet|unix|pass|fifo|unix-dgram) +[-yn] +[-yn] +n/)
      $0 = substr($0, 1, RLENGTH - 1) "y" substr($0, RLENGTH + 1)
    }
  }
  { print }
' conf/master.cf > conf/master.cf.port
cat conf/master.cf.port > conf/master.cf

# The port says that OpenBSD has IPv6, in main.cf itself.
awk '
  { print }
  /^#inet_interfaces = \$myhostname, localhost$/ {
    print ""
    print "# OpenBSD has IPv6: use every address family there is."
    print "inet_protocols = all"
  }
' conf/main.cf | sed '/^inet_protocols = ipv4$/d' > conf/main.cf.port
cat conf/main.cf.port > conf/main.cf

local=/usr/local
paths="command_directory=$local/sbin daemon_directory=$local/libexec/postfix
  data_directory=/var/postfix mailq_path=$local/sbin/mailq newaliases_path=$local/sbin/newaliases
  sendmail_path=$local/sbin/sendmail manpage_directory=$local/man
  html_directory=$local/share/doc/postfix/html readme_directory=$local/share/doc/postfix/readme
  queue_directory=/var/spool/postfix mail_owner=_postfix setgid_group=_postdrop"

# -fno-merge-constants: each string stands alone, so that the layer of an older release can shorten one
# (its version) without cutting the end off another that the linker put inside.
# -DNO_EAI: as the port is built, so that smtputf8_enable is "no" by default.
# -DNO_NIS: OpenBSD's port has none of it, and it would want one more library.
make makefiles shared=no dynamicmaps=no pie=no DEBUG= OPT="-O1 -fno-merge-constants" $paths \
  CCARGS="-DUSE_TLS -DUSE_SASL_AUTH -DHAS_PCRE=2 -DNO_EAI -DNO_NIS \
    -DHAS_DB -DDEF_DB_TYPE=\\\"hash\\\"" \
  AUXLIBS="-ldb -lssl -lcrypto -lresolv" AUXLIBS_PCRE="-lpcre2-8" >/var/tmp/postfix.log 2>&1 &&
  make -j"$jobs" >>/var/tmp/postfix.log 2>&1 || {
  tail -30 /var/tmp/postfix.log >&2
  exit 1
}

# postfix-install looks the owner up.
getent group _postfix >/dev/null || groupadd -g 507 _postfix
getent group _postdrop >/dev/null || groupadd -g 508 _postdrop
getent passwd _postfix >/dev/null ||
  useradd -u 507 -g 507 -d /var/empty -M -s /sbin/nologin _postfix

# shellcheck disable=SC2086 # $paths is a list of words
sh postfix-install -non-interactive install_root=/stage config_directory=/etc/postfix $paths \
  >>/var/tmp/postfix.log 2>&1 || {
  tail -30 /var/tmp/postfix.log >&2
  exit 1
}

examples=/stage$local/share/examples/postfix
mkdir -p "$examples"
mv /stage/etc/postfix/* "$examples"
install -m 755 auxiliary/qshape/qshape.pl "/stage$local/sbin/qshape"
install -m 644 man/man1/qshape.1 "/stage$local/man/man1/qshape.1"
rm -rf /stage/etc /stage/var

# With SO_REUSEADDR, which every mailer sets, OpenBSD lets one listen on all addresses and another on one of
# them, and refuses only the same address twice (docs/openbsd.md 8). Linux refuses both, unless both set
# SO_REUSEPORT, and then it refuses neither.
mkdir -p /stage/testhost
cat >/var/tmp/bind.c <<'SOURCE'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Whether somebody listens on this very address: /proc/net/tcp has it as hexadecimal words and port, state 0A. */
static int is_taken(const char *file, const unsigned int *words, int count, unsigned port)
{
	char line[512], wanted[64];
	int at = 0, found = 0;
	FILE *in = fopen(file, "r");

	if (in == NULL)
		return 0;
	for (int i = 0; i < count; i++)
		at += snprintf(wanted + at, sizeof wanted - at, "%08X", words[i]);
	snprintf(wanted + at, sizeof wanted - at, ":%04X", port);
	while (!found && fgets(line, sizeof line, in) != NULL) {
		char local[64], remote[64], state[8];

		found = sscanf(line, "%*s %63s %63s %7s", local, remote, state) == 3 &&
		    strcmp(local, wanted) == 0 && strcmp(state, "0A") == 0;
	}
	fclose(in);
	return found;
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	static int (*next)(int, const struct sockaddr *, socklen_t);
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	int type = 0, before = errno, yes = 1, taken = 0;
	unsigned port = 0;
	socklen_t size = sizeof type;

	if (next == NULL)
		next = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
	if (address != NULL && (address->sa_family == AF_INET || address->sa_family == AF_INET6) &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) {
		port = ntohs(address->sa_family == AF_INET ? four->sin_port : six->sin6_port);
		if (port == 25 || port == 465 || port == 587) {
			taken = address->sa_family == AF_INET
			    ? is_taken("/proc/net/tcp", &four->sin_addr.s_addr, 1, port)
			    : is_taken("/proc/net/tcp6", (const unsigned int *)&six->sin6_addr, 4, port);
			if (taken) {
				errno = EADDRINUSE;
				return -1;
			}
			setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
		}
	}
	errno = before;
	return next(fd, address, length);
}
SOURCE
cc -O1 -shared -fPIC -o /stage/testhost/bind.so /var/tmp/bind.c
find "/stage$local/sbin" "/stage$local/libexec/postfix" -type f -exec strip {} + 2>/dev/null || true
