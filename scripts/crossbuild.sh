#!/bin/sh
# Compiles the binary and every test for the systems that we build for.
set -eu

for system in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
	echo "build: $system"
	CGO_ENABLED=0 GOOS=${system%/*} GOARCH=${system#*/} go build -trimpath -o /dev/null ./cmd/claviger
	CGO_ENABLED=0 GOOS=${system%/*} GOARCH=${system#*/} go vet ./...
done
