# The ports tree and the compiler set, which no host has from the start: kept beside it until
# `/usr/libexec/testhost/sets ports comp` unpacks them. Sourced by build-layer.sh.

tree=usr/libdata/testhost/sets/ports/usr/ports
comp=usr/libdata/testhost/sets/comp/usr

sets() {
	install_file 755 "$here/ports/sets" usr/libexec/testhost/sets
	install_file 755 "$here/tools/make" "$comp/bin/make"
	install_file 755 "$here/ports/cc" "$comp/bin/cc"
	install_file 644 "$here/ports/bsd.port.mk" "$tree/infrastructure/mk/bsd.port.mk"
	# Where bsd.port.mk(5) puts things unless told otherwise: 5.0 and later have a folder for all work.
	case $RELEASE in
	4.*) printf '%s\n' 'LINKS = ftp cdrom' ;;
	*) printf '%s\n' 'WRKOBJDIR = /usr/ports/pobj' 'PLIST_REPOSITORY = /usr/ports/plist' ;;
	esac >"$LAYER/$tree/mail/postfix/Makefile.inc"
	case $RELEASE in
	5.0 | 5.1) echo 'FLAVORS = sasl2 ldap mysql pgsql db4 sqlite' ;;
	*) echo 'FLAVORS = sasl2 ldap mysql pgsql db4' ;;
	esac >>"$LAYER/$tree/mail/postfix/Makefile.inc"
}

# port NAME PKGPATH DEPENDENCY...: what the package of this name is built from, by the files that are staged for it
port() {
	name=$1 pkgpath=$2
	shift 2
	folder=$LAYER/$tree/${pkgpath%%,*}
	mkdir -p "$folder/pkg"
	case $pkgpath in
	*,*,*) ;;
	*,*) echo "DEPENDS-${pkgpath#*,} = $*" >>"$folder/Makefile" ;;
	*)
		printf '%s\n' "DISTNAME = $name" "DEPENDS = $*" >>"$folder/Makefile"
		cp "$stage/+CONTENTS" "$folder/pkg/PLIST"
		cp "$stage/+DESC" "$folder/pkg/DESCR"
		cp "$stage/+DISPLAY" "$folder/pkg/MESSAGE"
		cp "$stage/+PAYLOAD" "$folder/pkg/PAYLOAD"
		;;
	esac
}
