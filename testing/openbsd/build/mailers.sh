# The mail servers of the base system, of Debian's parts in OpenBSD's places. Sourced by build-layer.sh.

# OpenSMTPD looks for /etc/smtpd.conf, and OpenBSD's is in /etc/mail, which is a longer string; a link
# of the same length leads there.
base_smtpd() {
	from=$BASE/usr/libexec/debian-mailers/opensmtpd
	install_file 555 "$from/usr/sbin/smtpd" usr/sbin/smtpd
	install_file 2555 "$from/usr/sbin/smtpctl" usr/sbin/smtpctl
	chmod 755 "$LAYER/usr/sbin/smtpd" "$LAYER/usr/sbin/smtpctl"
	perl "$here/build/patch" "$LAYER/usr/sbin/smtpd" /etc/smtpd.conf /usr/lib/sm.cf \
		/var/lib/opensmtpd/empty /var/empty opensmtpd _smtpd opensmtpq _smtpq
	[ "$(conf smtpd_names)" = old ] || perl "$here/build/patch" "$LAYER/usr/sbin/smtpd" \
		klondike crypto "pony express" dispatcher
	perl "$here/build/patch" "$LAYER/usr/sbin/smtpctl" /etc/smtpd.conf /usr/lib/sm.cf \
		opensmtpq _smtpq
	chmod 555 "$LAYER/usr/sbin/smtpd"
	chown 0:103 "$LAYER/usr/sbin/smtpctl"
	chmod 2555 "$LAYER/usr/sbin/smtpctl"
	# The name by which it is called makes it one or the other; they were two programs to 5.8.
	install_file 555 "$LAYER/usr/sbin/smtpctl" usr/libexec/smtpd/makemap
	mkdir -p "$LAYER/usr/lib"
	ln -s /etc/mail/smtpd.conf "$LAYER/usr/lib/sm.cf"
	for program in mail.local mail.maildir mail.mboxfile mail.mda mail.lmtp lockspool encrypt; do
		install_file 555 "$from/usr/libexec/opensmtpd/$program" "usr/libexec/opensmtpd/$program"
	done
	# mail.local runs as the recipient and has this one make the lock file.
	chmod 4555 "$LAYER/usr/libexec/opensmtpd/lockspool"
	folder 711 0:0 var/spool/smtpd
	folder 700 103:0 var/spool/smtpd/corrupt
	folder 700 103:0 var/spool/smtpd/incoming
	folder 770 0:103 var/spool/smtpd/offline
	folder 700 103:0 var/spool/smtpd/purge
	folder 700 103:0 var/spool/smtpd/queue
	folder 700 103:0 var/spool/smtpd/temporary
}

base_sendmail() {
	from=$BASE/usr/libexec/debian-mailers/sendmail
	for program in makemap praliases smrsh; do
		install_file 555 "$from/usr/libexec/sendmail/$program" "usr/libexec/sendmail/$program"
	done
	install_file 555 "$from/usr/libexec/sendmail/sendmail" usr/libexec/sendmail/sendmail
	chown 0:25 "$LAYER/usr/libexec/sendmail/sendmail"
	chmod 2555 "$LAYER/usr/libexec/sendmail/sendmail"
	# OpenBSD's own mail.local, which OpenSMTPD carries along.
	install_file 555 "$BASE/usr/libexec/debian-mailers/opensmtpd/usr/libexec/opensmtpd/mail.local" \
		usr/libexec/mail.local
	install_file 555 "$BASE/usr/libexec/debian-mailers/opensmtpd/usr/libexec/opensmtpd/lockspool" \
		usr/libexec/opensmtpd/lockspool
	chmod 4555 "$LAYER/usr/libexec/opensmtpd/lockspool"
	for name in hoststat purgestat; do
		ln -s /usr/sbin/mailwrapper "$LAYER/usr/bin/$name"
	done
	folder 700 0:0 var/spool/mqueue
	folder 770 25:25 var/spool/clientmqueue
	install_file 444 "$from/etc/mail/helpfile" etc/mail/helpfile
	printf 'hosts\tfiles\naliases\tfiles\n' >"$LAYER/etc/mail/service.switch"
	printf '# Names that this host receives mail for.\n' >"$LAYER/etc/mail/local-host-names"

	macros=/usr/libexec/debian-mailers/sendmail/usr/share/sendmail/cf
	# cfhead.m4 makes a file in /tmp, which every host would see that runs meanwhile: this one is for the build alone.
	mount -t tmpfs tmpfs "$BASE/tmp"
	for name in localhost sendmail submit; do
		chroot "$BASE" /usr/bin/m4 -D_CF_DIR_="$macros/" "$macros/m4/cf.m4" - \
			<"$LAYER/etc/mail/$name.mc" >"$LAYER/etc/mail/$name.cf"
		rm "$LAYER/etc/mail/$name.mc"
		chmod 444 "$LAYER/etc/mail/$name.cf"
	done
	umount "$BASE/tmp"

	# smtpd(8), where that serves, reads the text itself.
	[ "$(conf base_mailers)" != sendmail ] || aliases_database
}

# The database beside the aliases, as sendmail's newaliases leaves it.
aliases_database() {
	scratch=$LAYER/.aliases
	mkdir "$scratch"
	printf '%s\n' 'mail_owner = nobody' 'setgid_group = bin' 'default_privs = daemon' \
		'myhostname = localhost.localdomain' 'mydomain = localdomain' \
		"queue_directory = $scratch" 'inet_interfaces = 127.0.0.1' >"$scratch/main.cf"
	# Postfix waits for a main.cf that is only a moment old to settle.
	touch -t 200001010000 "$scratch/main.cf"
	in_base "$PKGROOT/usr/local/sbin/postalias" -c "$scratch" "hash:$LAYER/etc/mail/aliases"
	rm -r "$scratch"
	chmod 644 "$LAYER/etc/mail/aliases.db"
}
