#!/bin/sh
# Fuzzes every target of all modules, the given minutes (10) shared evenly; with
# 0 each has a second. There are as many packages at work as processors, and one
# target of each. What is found stands in the package's testdata/fuzz, to be kept
# with the fix.
set -eu

if [ "${1:-}" != package ]; then
	minutes=${1:-10}
	cd "$(dirname "$0")/.."
	packages=$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u)
	count=$(grep -rh --include='*_test.go' '^func Fuzz' . | grep -c .) || {
		echo 'fuzz: no targets found'
		exit 1
	}
	jobs=$(getconf _NPROCESSORS_ONLN)
	seconds=$((minutes * 60 * jobs / count))
	[ "$seconds" -ge 1 ] || seconds=1
	echo "fuzz: $count targets, $seconds seconds each"
	printf '%s\n' "$packages" | xargs -P "$jobs" -n 1 sh scripts/fuzz.sh package "$seconds"
	exit
fi

seconds=$2
cd "$3"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
go test -c -fuzz . -o "$scratch/test" .
cache=$(go env GOCACHE)/fuzz/$(go list)
status=0
for name in $("$scratch/test" -test.list '^Fuzz'); do
	echo "fuzz: $3 $name"
	"$scratch/test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "${seconds}s" -test.fuzzminimizetime 1x \
		-test.fuzzcachedir "$cache" -test.parallel 1 >"$scratch/output" 2>&1 && continue
	# A run that ends at its time can end with "context deadline exceeded" though
	# nothing was found: what was found is always written down.
	if grep -q 'context deadline exceeded' "$scratch/output" && ! grep -q 'Failing input written' "$scratch/output"; then
		continue
	fi
	cat "$scratch/output"
	status=1
done
exit $status
