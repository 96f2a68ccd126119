#!/bin/sh
# Runs a program, and sees to it that nothing of it is left behind:
#
#   guard.sh FOLDER PROGRAM [ARGUMENT ...]
#
# FOLDER becomes the working folder of the program; it is made if it is not there. Descriptors: 0 to 2
# are the program's. 3 is the life line: a pipe whose other end the process that started this holds, and
# that closes when that process ends, for whatever reason, SIGKILL included. Then the program is ended,
# and FOLDER removed. A line on it is the number of a process that is to be ended too, negative for a
# group of processes (kill(1)); the last line counts, and 0 takes it back.
set -u
umask 077

folder=$1
shift
mkdir -p "$folder" && cd "$folder" || exit 1

# A process in the background would get /dev/null as its input.
exec 4<&0 </dev/null
"$@" <&4 3<&- 4<&- &
program=$!
# The program alone holds these, so that whoever reads them sees its end.
exec 4<&- >/dev/null 2>&1

# A signal ends the reading too.
trap : HUP INT TERM
other=0
while read -r line <&3; do
  other=$line
done

kill -TERM "$program"
[ "$other" = 0 ] || kill -TERM "$other"
(
  count=0
  while [ "$count" -lt 50 ]; do
    sleep 0.1
    count=$((count + 1))
  done
  kill -KILL "$program"
) &
killer=$!
wait "$program"
kill -KILL "$killer"
wait "$killer"
[ "$other" = 0 ] || kill -KILL "$other"
cd /
rm -rf -- "$folder"
