# Files, accounts, folders, programs: everything but mail. Sourced by build-layer.sh.

files() {
	copy_files "$here/common/root"
	for era in $eras; do
		[ ! -f "$here/eras/$era/gone" ] || (cd "$LAYER" && xargs rm -f) <"$here/eras/$era/gone"
		[ ! -d "$here/eras/$era/root" ] || copy_files "$here/eras/$era/root"
	done
	# Whatever umask the sources were checked out under.
	chmod -R u+rwX,go+rX,go-w "$LAYER"
	accounts
	changelist
	folders
	programs
	hidden
	own_folders
}

copy_files() {
	(cd "$1" && tar -cf - .) | tar -xf - -C "$LAYER" --no-same-owner
}

accounts() {
	passwords=$(newest master.passwd)
	install_file 600 "$passwords" etc/master.passwd
	install_file 644 "$(newest group)" etc/group
	awk -F: -v OFS=: '{ print $1, "*", $3, $4, $8, $9, $10 }' "$passwords" \
		>"$LAYER/etc/passwd"
	# For Debian's C library only.
	awk -F: '{ print $1 ":*:::::::" }' "$passwords" >"$LAYER/etc/shadow"
	: >"$LAYER/etc/gshadow"
	chmod 600 "$LAYER/etc/shadow" "$LAYER/etc/gshadow"
	awk -F: '$3 >= 1000 && $3 < 2000 { print $1, $3, $4 }' "$passwords" |
		while read -r user uid gid; do
			folder 755 "$uid:$gid" "home/$user"
		done
}

# changelist(5), as far as a test host may have the files: each era adds some and drops others.
changelist() {
	{
		echo '# Files that security(8) compares with what they were the day before; of one with a +, its checksum.'
		for era in $eras; do
			[ ! -f "$here/eras/$era/changelist" ] || cat "$here/eras/$era/changelist"
		done | awk '
			$1 == "add" { listed[$2] = 1 }
			$1 == "drop" { delete listed[$2] }
			END { for (path in listed) print path }
		' | sed 's/^+\(.*\)/\1 +/' | sort | sed 's/^\(.*\) +$/+\1/'
	} >"$LAYER/etc/changelist"
}

folders() {
	folder 700 0:0 root
	folder 755 0:0 etc
	# OpenBSD has /var/run and no /run; Debian's programs that say /run mean the same place.
	folder 755 0:0 var/run
	folder 755 0:0 var/run/sshd
	ln -s var/run "$LAYER/run"
	folder 1777 0:0 tmp
	folder 1777 0:0 var/tmp
	folder 755 0:0 var/mail
	folder 555 0:0 var/empty
	folder 755 0:0 var/empty/dev
	folder 755 0:0 var/log
	folder 700 0:0 var/backups
	folder 755 0:0 var/db
	folder 755 0:0 var/db/pkg
	folder 755 0:0 var/spool
	folder 1730 0:66 var/cron/tabs
	folder 555 0:0 var/cron
	chown 0:66 "$LAYER/var/cron/tabs/root"
	chmod 600 "$LAYER/var/cron/tabs/root"
	folder 755 0:0 var/www/htdocs
	# Where a chrooted web server looks for the log, until sendsyslog(2) made that needless.
	[ "$(conf sendsyslog)" = yes ] || folder 755 0:0 var/www/dev
	[ "$(conf rc_d)" = no ] || folder 755 0:0 etc/rc.d
	for name in bin sbin lib libexec libdata include info man share share/doc share/examples \
		share/misc; do
		folder 755 0:0 "usr/local/$name"
	done
	for section in 1 2 3 3p 4 5 6 7 8 9; do
		folder 755 0:0 "usr/local/man/man$section"
	done
	# Those that are no package's (pkg_check(8)).
	for tree in "$BASE" "$LAYER"; do
		(cd "$tree" && find usr/local -mindepth 1 | sed 's|^|/|')
	done | sort -u >"$LAYER/usr/libdata/testhost/local-folders"
	# syslogd(8) creates no files.
	for log in authlog:640 daemon:640 lpd-errs:640 maillog:640 messages:644 secure:600 \
		xferlog:640; do
		: >"$LAYER/var/log/${log%:*}"
		chmod "${log#*:}" "$LAYER/var/log/${log%:*}"
	done
	: >"$LAYER/var/cron/log"
	chmod 600 "$LAYER/var/cron/log"
	ln -sfn /usr/share/zoneinfo/UTC "$LAYER/etc/localtime"
	# doas(1) wants its rules unreadable to others; there are some where there is a doas.
	[ ! -f "$LAYER/etc/doas.conf" ] || chmod 600 "$LAYER/etc/doas.conf"
}

programs() {
	for module in "$here"/lib/*.pm; do
		install_file 644 "$module" "usr/libdata/testhost/${module##*/}"
	done
	# Every program that binds a mailer's port is answered as on OpenBSD (testing/image/build-postfix.sh).
	install_file 755 "$PKGROOT/testhost/bind.so" usr/libexec/testhost/bind.so
	echo /usr/libexec/testhost/bind.so >"$LAYER/etc/ld.so.preload"
	for tool in uname crontab ftp stat; do
		install_file 755 "$here/tools/$tool" "usr/bin/$tool"
	done
	for tool in sysctl reboot shutdown mailwrapper syslogd cron pkg_add pkg_delete pkg_info user newsyslog; do
		install_file 755 "$here/tools/$tool" "usr/sbin/$tool"
	done
	mv "$LAYER/usr/sbin/newsyslog" "$LAYER/usr/bin/newsyslog"
	chmod 4555 "$LAYER/usr/bin/crontab"
	ln -s reboot "$LAYER/usr/sbin/halt"
	chown 0:5 "$LAYER/usr/sbin/shutdown"
	chmod 4550 "$LAYER/usr/sbin/shutdown"
	for name in useradd userdel groupadd groupdel; do
		ln -s user "$LAYER/usr/sbin/$name"
	done
	install_file 755 "$here/tools/machine" usr/bin/machine
	ln -s machine "$LAYER/usr/bin/arch"
	install_file 755 "$here/tools/sha256" usr/bin/sha256
	for name in md5 sha1 sha512; do
		ln -s sha256 "$LAYER/usr/bin/$name"
	done
	# A shell script of /etc, to 4.9.
	if [ "$(conf security_revision)" = sh ]; then
		install_file 755 "$here/tools/security" usr/libexec/testhost/security
		printf '%s\n' '#!/bin/sh -' '# security(8), as `sh /etc/security`.' \
			'exec /usr/bin/perl /usr/libexec/testhost/security' >"$LAYER/etc/security"
	else
		install_file 755 "$here/tools/security" usr/libexec/security
	fi
	[ "$(conf pkg_check_revision)" = no ] || install_file 755 "$here/tools/pkg_check" usr/sbin/pkg_check
	[ "$(conf rcctl_revision)" = no ] || install_file 755 "$here/tools/rcctl" usr/sbin/rcctl
	install_file 755 "$here/tools/ps" usr/bin/ps
	install_file 755 "$here/tools/pgrep" usr/bin/pgrep
	ln -s pgrep "$LAYER/usr/bin/pkill"
	[ "$(conf rc_d)" != base ] || other_daemons
	ln -s /usr/sbin/mailwrapper "$LAYER/usr/sbin/sendmail"
	ln -s /usr/sbin/mailwrapper "$LAYER/usr/bin/mailq"
	ln -s /usr/sbin/mailwrapper "$LAYER/usr/bin/newaliases"
	ln -s /usr/sbin/mailwrapper "$LAYER/usr/sbin/makemap"
	for script in daily weekly monthly; do
		printf '# What cron(8) runs; a test host lives too short to need it.\n' >"$LAYER/etc/$script"
	done
}

# The base system's daemons that rc.conf(8) names: their scripts are there, and what they start is not.
other_daemons() {
	sed -n 's/^\([a-z]*\)_flags=.*/\1/p' "$LAYER/etc/rc.conf" | while read -r name; do
		script=$LAYER/etc/rc.d/$name
		[ -f "$script" ] || sed "s/^daemon=.*/daemon=\"\/usr\/sbin\/$name\"/; s/^# .*/# $name(8)/" \
			"$LAYER/etc/rc.d/cron" >"$script"
		chmod 755 "$script"
	done
}

hidden() {
	for name in base32 base64 bash chage chfn chrt chsh dash fallocate flock gpasswd \
		lsb_release md5sum nproc numfmt python3 rbash runuser setpriv sha1sum sha224sum sha256sum \
		sha384sum sha512sum shuf start-stop-daemon tac $(conf hidden); do
		for path in usr/bin/$name usr/sbin/$name; do
			[ -e "$BASE/$path" ] || [ -L "$BASE/$path" ] || continue
			mkdir -p "$LAYER/${path%/*}"
			: >"$LAYER/$path"
			chmod 0 "$LAYER/$path"
		done
	done
}

# OpenBSD's /bin and /sbin are folders of their own, and what is in them is not in /usr (docs/openbsd.md 11).
own_folders() {
	in_folder bin '[' cat chgrp chmod cksum cp csh date dd df domainname echo ed expr hostname kill ksh ln ls md5 mkdir \
		mv pax ps pwd rm rmdir sh sha1 sha256 sha512 sleep stty sync test
	in_folder sbin chown dmesg halt ifconfig mknod mount nologin ping reboot shutdown sysctl umount
	# Tools of the test host itself call this one where Debian has it.
	cp -p "$BASE/usr/bin/tar" "$LAYER/bin/tar"
}

# in_folder FOLDER NAME...: there, and nowhere else, as far as there is such a program at all
in_folder() {
	folder=$1
	shift
	mkdir -p "$LAYER/$folder"
	for name; do
		for path in usr/bin/$name usr/sbin/$name; do
			if [ -x "$LAYER/$path" ] || [ -L "$LAYER/$path" ]; then
				mv "$LAYER/$path" "$LAYER/$folder/$name"
			elif [ -x "$BASE/$path" ] && [ ! -e "$LAYER/$path" ]; then
				cp -pL "$BASE/$path" "$LAYER/$folder/$name"
			fi
			[ ! -e "$BASE/$path" ] && [ ! -L "$BASE/$path" ] && continue
			: >"$LAYER/$path"
			chmod 0 "$LAYER/$path"
		done
	done
}
