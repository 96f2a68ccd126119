#!/bin/busybox sh
# Imitates OpenBSD's installer, as far as its console, a response file and a server see it: the questions of install.sub
# (as of 7.8) in their order, the rule by which it finds answers, the choice of sets, and what it does with one that is
# not in the signed list. Process 1 of the machine that pxeboot starts. What it unpacks is the file tree of a test host,
# onto a file system that takes all of the disk. It does not verify the signature of the list. An answer that no question
# asks for, which OpenBSD's installer passes over, is an error here.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
while read -r module; do
  $b insmod "/$module"
done </modules
$b mkdir -p /tmp/ai /mnt
until $b ip link show eth0 >/dev/null 2>&1 && [ -b /dev/vda ]; do
  $b sleep 0.1
done
$b ip addr add 10.0.2.15/24 dev eth0
$b ip link set eth0 up
version=78

# Prints the answer to a question, and takes it from the file.
lookup() {
  QUESTION=$1 $b awk '
    function asks(key,  gone, at, before, after) {
      while ((at = index(substr(question, gone + 1), key)) > 0) {
        at += gone
        before = at == 1 ? " " : substr(question, at - 1, 1)
        after = substr(question, at + length(key), 1)
        if (before ~ /[ \t]/ && after ~ /^[ \t?]?$/) return 1
        gone = at
      }
      return 0
    }
    BEGIN { question = tolower(ENVIRON["QUESTION"]) }
    !found && match($0, /^[^#=][^=]*=[ \t]*/) && length($0) > RLENGTH {
      key = tolower(substr($0, 1, RLENGTH))
      sub(/[ \t]*=[ \t]*$/, "", key)
      if (asks(key)) {
        print substr($0, RLENGTH + 1)
        found = 1
        next
      }
    }
    { print >"/tmp/ai/rest" }' /tmp/ai/ai.conf
}

give_up() {
  echo "$1"
  echo "failed; check /tmp/ai/ai.log"
  menu
}

# ask QUESTION [DEFAULT]: the answer is in $resp.
ask() {
  : >/tmp/ai/rest
  printf '%s' "$1 ${2:+[$2] }"
  resp=$(lookup "$1")
  $b mv /tmp/ai/rest /tmp/ai/ai.conf
  resp=${resp:-${2-}}
  [ -n "$resp" ] || give_up "Question has no answer in response file: \"$1\""
  echo "$resp"
}

ask_yn() {
  ask "$1" "${2:-no}"
  case $resp in
  y | yes) return 0 ;;
  n | no) return 1 ;;
  esac
  give_up "'$resp' is not a valid choice."
}

# one_of WORD...: the answer is one of these.
one_of() {
  for word; do
    [ "$resp" != "$word" ] || return 0
  done
  give_up "'$resp' is not a valid choice."
}

fetch() {
  $b wget -q -O "$1" "$2"
}

choose_sets() {
  chosen=$1
  while :; do
    ask "Set name(s)? (or 'abort' or 'done')" done
    [ "$resp" != done ] || return 0
    set -f
    for word in $resp; do
      set +f
      pattern=${word#-}
      [ "$pattern" != all ] || pattern='*'
      for name in $available; do
        # shellcheck disable=SC2254 # a pattern
        case $name in $pattern) ;; *) continue ;; esac
        others=
        for other in $chosen; do
          [ "$other" = "$name" ] || others="$others $other"
        done
        chosen=$others
        case $word in -*) ;; *) chosen="$chosen $name" ;; esac
      done
    done
    set +f
  done
}

install_http() {
  ask "HTTP proxy URL? (e.g. 'http://proxy:8080', or 'none')" none
  ask "HTTP Server? (hostname or 'done')"
  case $resp in
  http://*) server=$resp ;;
  *) give_up "'$resp': the imitation takes http only." ;;
  esac
  ask "Server directory?" "pub/OpenBSD/7.8/amd64"
  url=$server/$resp
  fetch /tmp/SHA256.sig "$url/SHA256.sig" || give_up "no SHA256.sig"
  $b sed -n 's/^SHA256 (\(.*\)).*$/\1/p' /tmp/SHA256.sig >/tmp/files
  ! fetch /tmp/index.txt "$url/index.txt" || $b sed -En 's/^.* ([a-zA-Z][a-zA-Z0-9._-]+)$/\1/p' /tmp/index.txt >>/tmp/files
  defaults="bsd bsd.rd base$version.tgz comp$version.tgz man$version.tgz game$version.tgz"
  available=
  preselected=
  for name in $defaults "site$version.tgz"; do
    $b grep -Fqx "$name" /tmp/files || continue
    available="$available $name"
    [ "$name" = "site$version.tgz" ] || preselected="$preselected $name"
  done
  $b grep -Fqx INSTALL.amd64 /tmp/files || ask_yn "INSTALL.amd64 not found. Use sets found here anyway?" || give_up "no"
  choose_sets "$preselected"
  ! $b grep -Fqx BUILDINFO /tmp/files || chosen="$chosen BUILDINFO"
  unverified=
  for name in $chosen; do
    echo "Get/Verify $name"
    if ! fetch "/mnt/sets/$name" "$url/$name"; then
      ask_yn "Fetching of $name failed. Continue anyway?" || give_up "no"
      continue
    fi
    sum=$($b sha256sum "/mnt/sets/$name")
    $b grep -Fqx "SHA256 ($name) = ${sum%% *}" /tmp/SHA256.sig && continue
    ask_yn "Checksum test for $name failed. Continue anyway?" || give_up "no"
    unverified="$unverified $name"
  done
  [ -z "$unverified" ] || ask_yn "Unverified sets:$unverified. Continue without verification?" || give_up "no"
  for name in $chosen; do
    case $name in
    *.tgz)
      echo "Installing $name"
      $b tar -xzpf "/mnt/sets/$name" -C /mnt || give_up "Installation of $name failed."
      ;;
    esac
  done
  $b mkdir -p /mnt/etc
  echo "${url%/7.8/amd64}" >/mnt/etc/installurl
}

install() {
  ask "Terminal type?" vt220
  ask "System hostname? (short form, e.g. 'foo')"
  hostname=$resp
  ask "Network interface to configure? (name, lladdr, '?', or 'done')" vio0
  ask "IPv4 address for vio0? (or 'autoconf' or 'none')" autoconf
  ask "IPv6 address for vio0? (or 'autoconf' or 'none')" autoconf
  ask "Network interface to configure? (name, lladdr, '?', or 'done')" done
  ask "Password for root account?"
  [ "$resp" = '*************' ] || give_up "a password that somebody could log in with"
  ask "Public ssh key for root account?" none
  key=$resp
  ask_yn "Start sshd(8) by default?" yes || give_up "no sshd"
  ! ask_yn "Do you expect to run the X Window System?" yes || ask_yn "Do you want the X Window System to be started by xenodm(1)?"
  if ask_yn "Change the default console to com0?" yes; then
    ask "Which speed should com0 use?" 115200
    one_of 9600 19200 38400 57600 115200
  fi
  ask "Setup a user? (enter a lower-case loginname, or 'no')" no
  ask "Allow root ssh login? (yes, no, prohibit-password)" no
  one_of yes no prohibit-password
  [ "$resp" != no ] || give_up "no login of root"
  ask "What timezone are you in? ('?' for list)"
  one_of UTC Europe/Stockholm
  ask "Which disk is the root disk? ('?' for details)" sd0
  ask "Encrypt the root disk with a (p)assphrase or (k)eydisk?" no
  ask "Use (W)hole disk MBR, whole disk (G)PT or (E)dit?" whole
  ask "URL to autopartitioning template for disklabel?" none
  ask "Use (A)uto layout, (E)dit auto layout, or create (C)ustom layout?" a
  $b mke2fs -F /dev/vda >/dev/null
  $b mount /dev/vda /mnt || give_up "the disk cannot be mounted"
  $b mkdir -p /mnt/sets
  ask "Location of sets? (disk http nfs or 'done')" http
  one_of http
  install_http
  ask "Location of sets? (disk http nfs or 'done')" done
  one_of done
  echo "$hostname.my.domain" >/mnt/etc/myname
  $b mkdir -p -m 700 /mnt/root/.ssh
  [ "$key" = none ] || (
    umask 077
    echo "$key" >>/mnt/root/.ssh/authorized_keys
  )
  $b rm -rf /mnt/sets
  $b mount -t devtmpfs dev /mnt/dev
  if [ -x /mnt/install.site ]; then
    $b chroot /mnt /install.site || give_up "install.site failed"
  fi
  $b umount /mnt/dev
  [ ! -s /tmp/ai/ai.conf ] || give_up "Nobody asked for this: $($b cat /tmp/ai/ai.conf)"
  $b umount /mnt
  echo
  echo "CONGRATULATIONS! Your OpenBSD install has been successfully completed!"
  $b reboot -f
}

autoinstall() {
  # Started from the network, but not by the name that autoinstall(8) wants.
  echo "Could not determine auto mode."
  printf '%s' "Response file location? [http://10.0.2.2/install.conf] "
  read -r location
  echo "Fetching $location"
  if ! fetch /tmp/ai/ai.conf "${location:-http://10.0.2.2/install.conf}"; then
    echo "No response file found; non-interactive mode aborted."
    menu
  fi
  echo "Performing non-interactive install..."
  install
}

menu() {
  while :; do
    printf '%s' "(I)nstall, (U)pgrade, (A)utoinstall or (S)hell? "
    read -r reply
    case $reply in
    [aA]*) autoinstall ;;
    esac
  done
}

echo
echo "Welcome to the OpenBSD/amd64 7.8 installation program."
menu
