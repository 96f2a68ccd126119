#!/bin/sh
# What `unshare --user --map-auto --map-root-user` does, for util-linux before 2.38, whose unshare(1)
# has no --map-auto:
#
#   map-ids.sh [UNSHARE-OPTION ...] -- PROGRAM [ARGUMENT ...]
#
# Root inside is the user; the ids from 1 on are the user's subordinate ones. Only a process outside
# may write that map: it waits until the namespace is there, and the program until the map is.
set -eu

range() {
  awk -F: -v name="$(id -un)" -v id="$(id -u)" '$1 == name || $1 == id { print $2, $3; exit }' "$1"
}
meeting=$(mktemp -d)
mkfifo "$meeting/there" "$meeting/mapped"
{
  read -r _ < "$meeting/there"
  # shellcheck disable=SC2046 # two words
  newuidmap $$ 0 "$(id -u)" 1 1 $(range /etc/subuid) &&
    newgidmap $$ 0 "$(id -g)" 1 1 $(range /etc/subgid) &&
    echo > "$meeting/mapped" ||
    kill $$
  rm -rf "$meeting"
} </dev/null >/dev/null &

options=
while [ "$1" != -- ]; do
  options="$options $1"
  shift
done
shift
# The shell that waits has no rights; the program it becomes is root of the namespace, and has all.
# shellcheck disable=SC2086,SC2016
exec unshare --user $options -- \
  sh -c 'echo > "$0/there"; read -r _ < "$0/mapped"; exec "$@"' "$meeting" "$@"
