#!/bin/sh
# The extra "flavors" of one release: a layer in which the packages of Postfix with the flavors mysql and sasl2
# hold programs that were compiled with both (build-flavors.sh). All other packages stay as they are.
#
#   RELEASE  a row of releases.table
#   LAYER    an empty folder: becomes the layer
#   WHOLE    an empty folder for work, such as a release's whole layer with that Postfix, of which LAYER is taken
#   BASE, PKGROOT, SCRIPT   as for SCRIPT, which is build-layer.sh
set -eu

: "${RELEASE:?}" "${LAYER:?}" "${WHOLE:?}" "${SCRIPT:?}" "${PKGROOT:?}"
umask 022
# Some of these programs run while the layer is made, on a base that has their libraries. The mount's folders are
# relative, so that no character of the cache folder's name can upset its options.
merged=$WHOLE/merged
mkdir "$merged"
cd "${BASE%/*}"
mount -t overlay overlay "$merged" -o "ro,lowerdir=${PKGROOT##*/}/libraries:${BASE##*/}"
mkdir "$WHOLE/layer"
LAYER=$WHOLE/layer BASE=$merged sh "$SCRIPT"
umount "$merged"
WHOLE=$WHOLE/layer

plain=postfix-$RELEASE
flavored=$plain-flavors
data=usr/libdata/testhost
behind=usr/libexec/testhost
(cd "$PKGROOT/libraries" && tar -cf - .) | tar -xf - -C "$LAYER"
mkdir -p "$LAYER/$data" "$LAYER/$behind" "$LAYER/.work"
cp -a "$WHOLE/$behind/$plain" "$LAYER/$behind/$flavored"

# Both kinds of packages may be on the mirror of one host, so what stands behind this one has a name of its own.
root=$LAYER/.work/root
mkdir "$root"
tar -xzpf "$WHOLE/$data/$plain.tgz" -C "$root" --numeric-owner
grep -rlI "$behind/$plain" "$root" | while read -r file; do
  sed -i "s#$behind/$plain#$behind/$flavored#g" "$file"
done
# Of the two flavors, a package has only those that its name says.
postconf=$root/usr/local/sbin/postconf
sed -i 's/^    push @types, grep { \$flavor{\$_} }.*/    @types = grep { !\/^(mysql|cyrus)$\/ } @types;\n&/' "$postconf"
grep -q 'mysql|cyrus' "$postconf" || {
  echo "flavors-layer.sh: postconf has changed" >&2
  exit 1
}
(cd "$root" && find . -mindepth 1 ! -type d | sed 's|^\./||' | sort >../files &&
  tar -czf "$LAYER/$data/$flavored.tgz" --owner=0 --group=7 --numeric-owner -T ../files)
perl "${SCRIPT%/*}/build/digests" "$root" <"$LAYER/.work/files" >"$LAYER/$data/$flavored.digests"

cd "$WHOLE"
for package in mirror/pub/OpenBSD/*/packages*/*/postfix-*; do
  case ${package##*/} in
  *-mysql* | *-sasl2*) ;;
  *) continue ;;
  esac
  rm -rf "$LAYER/.work/package"
  mkdir -p "$LAYER/.work/package" "$LAYER/${package%/*}"
  tar -xzf "$package" -C "$LAYER/.work/package"
  echo "/$data/$flavored.tgz" >"$LAYER/.work/package/+PAYLOAD"
  tar -czf "$LAYER/$package" -C "$LAYER/.work/package" --owner=0 --group=0 --numeric-owner \
    +CONTENTS +DESC +DISPLAY +PAYLOAD
done
rm -rf "$LAYER/.work"
