# Sourced by the build scripts of extras: what a package brings, as a layer over a test host.

# extra_tree FOLDER PATTERN...: unpacks those of the fetched packages into FOLDER, without what only a Debian
# system has use for, and without folders that are links on a host.
extra_tree() {
  tree=$1
  shift
  mkdir -p "$tree"
  for pattern; do
    for deb in /var/tmp/extra/$pattern; do
      [ ! -f "$deb" ] || dpkg-deb -x "$deb" "$tree"
    done
  done
  if [ -d "$tree/lib" ]; then
    mkdir -p "$tree/usr/lib"
    cp -a "$tree/lib/." "$tree/usr/lib/"
  fi
  for folder in bin sbin lib lib64 etc run var usr/share/doc usr/share/man usr/share/locale usr/share/lintian \
    usr/share/doc-base usr/share/bug usr/share/bash-completion usr/share/apparmor usr/share/apport \
    usr/lib/systemd usr/lib/tmpfiles.d usr/lib/sysusers.d; do
    rm -rf "${tree:?}/$folder"
  done
}
