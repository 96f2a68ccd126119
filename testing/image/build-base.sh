#!/bin/sh
# Makes the base root of the test hosts out of the bootstrap root it runs in (chroot, no network):
# unpacks what is not to be installed, makes mksh the shell, gives sshd its settings, and takes away
# what only a Debian system has use for, so that the tree is small. Everything that makes it look
# like OpenBSD is the release layer's part (testing/openbsd).
#
# What the release layer finds here:
#   /usr/libexec/debian-mailers/opensmtpd, .../sendmail   the packages as they unpack
#   their libraries, mailx and m4 in their usual places
#   /usr/libexec/sftp-server, /etc/ssh/sshd_config (which includes /etc/ssh/sshd_config.d/*.conf)
set -eu

fetched=/var/tmp/fetched
mailers=/usr/libexec/debian-mailers
mkdir -p /var/tmp/unpacked "$mailers/opensmtpd" "$mailers/sendmail"
for deb in "$fetched"/*.deb; do
  case ${deb##*/} in
    opensmtpd_*) dpkg-deb -x "$deb" "$mailers/opensmtpd" ;;
    sendmail-*) dpkg-deb -x "$deb" "$mailers/sendmail" ;;
    bsd-mailx_* | lib*) dpkg-deb -x "$deb" /var/tmp/unpacked ;;
  esac
done
# Libraries go where /lib leads: copying the folder itself would replace the link to usr/lib.
if [ -d /var/tmp/unpacked/lib ]; then
  cp -a /var/tmp/unpacked/lib/. /usr/lib/
  rm -rf /var/tmp/unpacked/lib
fi
cp -a /var/tmp/unpacked/. /
ln -sf bsd-mailx /usr/bin/mail
ln -sf bsd-mailx /usr/bin/mailx
ldconfig

ln -sf mksh /usr/bin/sh
ln -sf mksh /usr/bin/ksh
# A shell of the base system. Debian's own link leads through /etc/alternatives.
ln -sf bsd-csh /usr/bin/csh

mkdir -p /usr/libexec /etc/ssh/sshd_config.d /run/sshd /var/empty
# Debian's sshd wants its empty folder to be /run/sshd.
chmod 755 /run/sshd /var/empty
ln -sf /usr/lib/openssh/sftp-server /usr/libexec/sftp-server
rm -f /etc/ssh/ssh_host_*
cat > /etc/ssh/sshd_config <<'CONFIG'
Include /etc/ssh/sshd_config.d/*.conf
AuthorizedKeysFile .ssh/authorized_keys
HostKey /etc/ssh/ssh_host_ed25519_key
KbdInteractiveAuthentication no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintLastLog no
PrintMotd no
Subsystem sftp /usr/libexec/sftp-server
UseDNS no
UsePAM no
CONFIG
chmod 644 /etc/ssh/sshd_config

cd /
rm -rf etc/apt etc/cron.* etc/default etc/dpkg etc/init.d etc/kernel etc/logrotate.d etc/motd \
  etc/rc?.d etc/runit etc/systemd etc/terminfo etc/ucf.conf etc/ufw etc/update-motd.d etc/.pwd.lock \
  etc/debian_version etc/issue etc/issue.net etc/os-release etc/*-
rm -rf usr/share/bash-completion usr/share/bug usr/share/debconf usr/share/doc usr/share/doc-base \
  usr/share/gcc usr/share/gdb usr/share/info usr/share/keyrings usr/share/lintian usr/share/locale \
  usr/share/man usr/share/menu usr/share/pixmaps usr/share/runit usr/share/ucf usr/share/zsh \
  usr/share/dpkg usr/share/polkit-1 usr/share/python3
rm -rf usr/lib/apt usr/lib/dpkg usr/lib/init usr/lib/systemd usr/lib/udev usr/lib/sysusers.d \
  usr/lib/tmpfiles.d usr/lib/*/gconv usr/lib/runit-helper usr/lib/os-release usr/lib/modprobe.d \
  usr/lib/pcrlock.d usr/lib/kernel
rm -rf var/backups var/cache/* var/lib/apt var/lib/dpkg var/lib/systemd var/lib/ucf var/lib/pam \
  var/log/* var/local var/opt usr/games usr/local/games media mnt srv opt boot
rm -f usr/bin/apt* usr/bin/dpkg* usr/bin/deb* usr/bin/ucf* usr/bin/lcf usr/bin/update-alternatives \
  usr/bin/systemd* usr/sbin/invoke-rc.d usr/sbin/service usr/sbin/update-* usr/sbin/dpkg* \
  usr/sbin/policy-rc.d usr/bin/catchsegv
rm -rf var/tmp/* tmp/* tmp/.[!.]* run/lock run/user var/mail/*
