#!/bin/sh
# Looks at the source of both modules without running it, then runs the tests
# that read the source tree.
set -eu

unformatted=$(gofmt -l cmd internal e2e)
if [ -n "$unformatted" ]; then
	echo "not formatted (gofmt -w):"
	echo "$unformatted"
	exit 1
fi
go vet ./...
go tool staticcheck ./...
(cd e2e && go vet ./...)
go test ./internal/house
