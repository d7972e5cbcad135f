#!/bin/sh
# Fuzzes every target of the modules that have any, the given minutes (10) shared evenly; with 0
# each has a second. What it finds stands in the package's testdata/fuzz, to be
# kept with the fix.
set -eu

minutes=${1:-10}
targets=
for module in . client; do
	listed=$(cd "$module" && go test -list '^Fuzz' ./...)
	targets="$targets$(printf '%s\n' "$listed" | awk -v module="$module" '
		/^Fuzz/ { names[n++] = $1 }
		/^ok/   { for (i = 0; i < n; i++) print module, $2, names[i]; n = 0 }')
"
done
count=$(printf '%s\n' "$targets" | grep -c .) || {
	echo 'fuzz: no targets found'
	exit 1
}
seconds=$((minutes * 60 / count))
[ "$seconds" -ge 1 ] || seconds=1
echo "fuzz: $count targets, $seconds seconds each"

# A run that ends at its time can end with "context deadline exceeded" though
# nothing was found: what was found is always written down.
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
while read -r module package name; do
	[ -n "$name" ] || continue
	echo "fuzz: $package $name"
	(cd "$module" && go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" -fuzzminimizetime 1x "$package") </dev/null >"$output" 2>&1 && continue
	if grep -q 'context deadline exceeded' "$output" && ! grep -q 'Failing input written' "$output"; then
		continue
	fi
	cat "$output"
	status=1
done <<END
$targets
END
exit $status
