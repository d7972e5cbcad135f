#!/bin/sh
# Looks at the source of all modules without running it, then runs the tests
# that read the source tree.
set -eu

unformatted=$(gofmt -l cmd internal e2e client examples)
if [ -n "$unformatted" ]; then
	echo "not formatted (gofmt -w):"
	echo "$unformatted"
	exit 1
fi
go vet ./...
go tool staticcheck ./...
(cd e2e && go vet ./...)
staticcheck=$(go tool -n staticcheck) # of this module; the others don't name the tool
for module in client examples/vault-of-documents; do
	(cd "$module" && go vet ./... && "$staticcheck" ./...)
done
go test ./internal/house
