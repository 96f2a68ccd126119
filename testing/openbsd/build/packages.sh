# The mirror with its packages, and the packages that are there from the start. Sourced by
# build-layer.sh.
#
# A package file holds its packing list, its description and its message, as on OpenBSD. The files of
# Postfix, equal for all of its packages, are kept once, and the package says where.

arch=$(conf arch)
mirror=mirror/pub/OpenBSD/$RELEASE
payload=usr/libdata/testhost/postfix-$RELEASE.tgz
# What a packing list says of each of these files: beside them, and once for all packages.
digests=${payload%.tgz}.digests
# What stands behind the programs that the package has to wrap; of the release, because an upgrade of the
# host leaves the package as it is.
behind=usr/libexec/testhost/postfix-$RELEASE

packages() {
	folder 755 0:0 "$mirror/packages/$arch"
	stage=$LAYER/.package
	mkdir "$stage"
	postfix_files
	postfix_packages "$(conf postfix_version)" mail/postfix/stable - '' $(conf flavors)
	[ -z "$(conf other_version)" ] || postfix_packages "$(conf other_version)" "$(conf other_path)" \
		"$(conf other_branch)" '' $(conf other_flavors)
	for name in pcre ldap mysql pgsql sasl2 sqlite; do
		set -- $(conf "depend_$name")
		[ $# -eq 0 ] || other_package "$1" "$2" packages
	done
	for package in $(conf others); do
		other_package "${package%%:*}" "${package#*:}" packages
	done
	for package in $(conf newer_others); do
		other_package "${package%%:*}" "${package#*:}" packages-stable
	done
	for package in $(conf depend_pcre | tr ' ' ':') $(conf installed); do
		installed_package "${package%%:*}" "${package#*:}"
	done
	rm -r "$stage"
}

# postfix_packages VERSION PKGPATH BRANCH FLAVORS...: one package for each set of flavors, "sasl2-mysql"
postfix_packages() {
	version=$1 port=$2 branch=$3
	shift 3
	for set; do
		dependencies=$(depends_on pcre)
		for flavor in $(echo "$set" | tr - ' '); do
			dependencies="$dependencies $(depends_on "$flavor")"
		done
		postfix_package "postfix-$version${set:+-$set}" "$port${set:+,$(echo "$set" | tr - ,)}" "$branch" \
			$dependencies
	done
}

depends_on() {
	conf "depend_$1" | cut -d ' ' -f 1
}

# What every package of Postfix installs, as the port of this release has it.
postfix_files() {
	root=$stage/root
	mkdir -p "$root" "$LAYER/$behind"
	(cd "$PKGROOT" && tar -cf - usr/local) | tar -xf - -C "$root"
	sbin=$root/usr/local/sbin
	libexec=$root/usr/local/libexec/postfix
	examples=$root/usr/local/share/examples/postfix
	# The samples say which version was built.
	built=$(sed -n 's/^# *mail_version *= *//p; s/^mail_version = //p' "$examples/main.cf.default" | head -1)
	: "${built:?no mail_version in the samples}"
	# pN is the port's own count.
	version=$(conf postfix_version | sed 's/p[0-9]*$//')
	for script in postfix-install postfix-enable postfix-disable; do
		awk -v notes="$(newest notes)" -v chroot="$(conf chroot_files)" -v version="$version" '
			$0 == "@NOTES@" { while ((getline line < notes) > 0) print line; next }
			{ gsub(/@CHROOT_FILES@/, chroot); gsub(/@VERSION@/, version); print }
		' "$here/package/$script" >"$sbin/$script"
		chmod 755 "$sbin/$script"
	done
	# The port has no folder for additions to this list, and no package an empty folder.
	sed -i "/postfix-files\.d/d" "$examples/postfix-files"
	rm -rf "$examples/postfix-files.d"
	if [ "$(conf rc_d)" = base ]; then
		mkdir -p "$root/etc/rc.d"
		install -m 755 "$here/package/$(conf package_rc)" "$root/etc/rc.d/postfix"
	fi
	[ "$(number "$version")" -ge 300 ] || absent sbin/posttls-finger libexec/postfix/postfix-tls-script
	wrap "$sbin/postconf"
	[ "$(conf sendsyslog)" = no ] || wrap "$libexec/master"
	# Scripts use options that an older postconf does not have, and need not wait for a wrapper.
	real=/$behind/postconf
	for script in post-install postfix-script postfix-wrapper postmulti-script; do
		sed -i -e "s#\$command_directory/postconf#$real#g" -e "s#=\"postconf\"#=$real#" \
			-e "s#\`postconf #\`$real #g" -e "s#|| postconf #|| $real #g" \
			-e "s#^\([ 	]*\)postconf #\1$real #" \
			"$libexec/$script"
	done
	[ "$version" = "$built" ] || as_old_postfix
	# The port's files are of group bin.
	(cd "$root" && find . -mindepth 1 -type d | sed 's|^\./||' | sort >"$stage/folders" &&
		find . -mindepth 1 ! -type d | sed 's|^\./||' | sort >"$stage/files" &&
		tar -czf "$LAYER/$payload" --owner=0 --group=7 --numeric-owner -T "$stage/files")
	perl "$here/build/digests" "$root" <"$stage/files" >"$LAYER/$digests"
}

# absent FILE...: files below /usr/local that this version does not have.
absent() {
	for name; do
		rm -rf "${root:?}/usr/local/$name"
		sed -i "/\/${name##*/}:/d" "$examples/postfix-files"
	done
}

# The real program moves out of the way of what stands in front of it.
wrap() {
	name=${1##*/}
	cp -p "$1" "$LAYER/$behind/$name"
	sed -e "s#@BEHIND@#/$behind#" -e "s#@VERSION@#$version#" -e "s#@SQLITE@#$(conf sqlite)#" "$here/package/$name" >"$1"
}

# The Postfix that was built in the place of an older one: its programs say that version, know the defaults
# that go with it, and the samples are what the port installed then.
as_old_postfix() {
	for file in "$sbin"/* "$libexec"/* "$LAYER/$behind"/*; do
		[ -f "$file" ] && [ ! -L "$file" ] && grep -q -a -F "$built" "$file" || continue
		case $(head -c 4 "$file" | tail -c 3) in
		ELF) perl "$here/build/old-postfix" "$file" "$built" "$version" ;;
		esac
	done
	perl "$here/build/old-samples" "$examples" "$version"
	case $version in
	2.* | 3.[0-3].*) perl "$here/build/old-post-install" "$libexec/post-install" "$version" ;;
	esac
	perl "$here/build/later-parameters" "$version" \
		<"$PKGROOT/usr/local/share/doc/postfix/html/postconf.5.html" \
		>"$LAYER/$behind/later-parameters"
}

# postfix NAME PKGPATH BRANCH DEPENDENCY...: BRANCH is "branch" where the packing list says is-branch
postfix_package() {
	name=$1 pkgpath=$2 branch=$3
	shift 3
	{
		echo "@name $name"
		echo "@comment pkgpath=$pkgpath ftp=yes"
		[ "$branch" != branch ] || echo "@option is-branch"
		echo "@arch $arch"
		echo "@conflict postfix-*"
		for dependency; do
			echo "@depend $dependency"
		done
		echo "@newgroup _postfix:507"
		echo "@newgroup _postdrop:508"
		echo "@newuser _postfix:507:_postfix:daemon:Postfix Daemon:/var/empty:/sbin/nologin"
		[ "$(conf rc_d)" != base ] || echo "@rcscript /etc/rc.d/postfix"
		echo "@cwd /usr/local"
		# Folders that the base system has are no part of the package.
		while read -r path; do
			case $path in
			usr/local/*) [ -d "$LAYER/$path" ] || echo "${path#usr/local/}/" ;;
			esac
		done <"$stage/folders"
		sed -n 's|^usr/local/||p' "$stage/files"
		for extra in /etc/postfix /var/postfix /var/spool/postfix; do
			echo "@extra $extra"
		done
		echo "@exec-add PREFIX=%D SYSCONFDIR=/etc %D/sbin/postfix-install install"
		echo "@exec-update PREFIX=%D SYSCONFDIR=/etc %D/sbin/postfix-install upgrade"
		[ "$(conf package_stops)" = no ] || echo "@unexec-delete /usr/local/sbin/postfix stop"
		echo "@unexec-delete /usr/local/sbin/postfix-disable"
		echo "@unexec-delete rm -f /etc/mailer.conf.postfix"
	} >"$stage/+CONTENTS"
	printf '%s\n' 'fast, secure sendmail replacement' \
		'Postfix is a mail server that is easy to administer and careful with its' \
		'privileges. SASL authentication by Dovecot is built in.' >"$stage/+DESC"
	sed "s|@DOCS@|$(conf package_docs)|" "$here/package/message" >"$stage/+DISPLAY"
	echo "/$payload" >"$stage/+PAYLOAD"
	pack "$mirror/packages/$arch/$name.tgz" +CONTENTS +DESC +DISPLAY +PAYLOAD
	port "$name" "$pkgpath" "$@"
}

# other NAME PKGPATH FOLDER: a package with nothing in it but its name
other_package() {
	mkdir -p "$LAYER/$mirror/$3/$arch"
	plain_record "$1" "$2"
	pack "$mirror/$3/$arch/$1.tgz" +CONTENTS +DESC
}

# installed NAME PKGPATH: there from the start, as on a host that has been used before
installed_package() {
	plain_record "$1" "$2"
	folder 755 0:0 "var/db/pkg/$1"
	install_file 644 "$stage/+CONTENTS" "var/db/pkg/$1/+CONTENTS"
	install_file 644 "$stage/+DESC" "var/db/pkg/$1/+DESC"
}

plain_record() {
	{
		printf '%s\n' "@name $1" "@comment pkgpath=$2 ftp=yes" "@arch $arch"
		case $1 in
		quirks-*) echo "@option always-update" ;;
		esac
	} >"$stage/+CONTENTS"
	printf '%s\n' "${2##*/}" "A package of the test host." >"$stage/+DESC"
}

pack() {
	target=$1
	shift
	tar -czf "$LAYER/$target" -C "$stage" --owner=0 --group=0 --numeric-owner "$@"
}
