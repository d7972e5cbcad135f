#!/bin/sh
# Plays a database volume's three grants against a fresh server, and prints the
# trail of it. Everything happens on this machine, and is gone afterwards.
# The argument is the claviger to use.
set -eu

claviger=$1
ready=$(mktemp)
log=$(mktemp)
"$claviger" dev --listen 127.0.0.1:0 --account 111122223333 --region us-west-2 --log-format json >"$ready" 2>"$log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" || true; rm -f "$ready" "$log"' EXIT

value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$ready"; }
until [ -n "$(value admin_socket)" ]; do
	if ! kill -0 "$server" 2>/dev/null; then
		cat "$log"
		echo 'demo: the server did not start'
		exit 1
	fi
	sleep 0.1
done

AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test "$claviger" simulate rds \
	--endpoint "$(value endpoint)" --region us-west-2 --socket "$(value admin_socket)" --trail
