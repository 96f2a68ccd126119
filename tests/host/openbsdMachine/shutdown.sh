#!/bin/sh
# shutdown(8), halt(8) and reboot(8), as far as process 1 of an imitated machine knows them.
signal=USR2
case ${0##*/} in
reboot) signal=INT ;;
shutdown)
	for word; do
		case $word in
		-*r*) signal=INT ;;
		esac
	done
	;;
esac
kill -"$signal" 1
