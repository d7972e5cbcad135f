#!/bin/sh
# Runs every test of all modules. With CLAVIGER_LONG set the long runs too,
# which are about time and volume: those do without the race detector.
set -u

race=
store=
if [ -n "${CLAVIGER_LONG:-}" ]; then
	echo 'test: long runs, with stores of SQLite where the short ones keep them in memory'
	store=sqlite
elif [ "$(go env CGO_ENABLED)" = 1 ]; then # the default where there is a C compiler
	race=-race
else
	echo 'test: no C compiler, so no race detector'
fi

status=0
# Each set runs to its end, so that one failure does not hide another. Tests
# outside the main module try a binary that they build, which go test does not
# see change: without -count it would take the outcome of before.
CLAVIGER_TEST_STORE=$store go test $race -timeout 20m ./... || status=1
if [ -z "${CLAVIGER_LONG:-}" ] && [ -n "$race" ]; then # the packages that need cgo
	tokens='./internal/service/kms/hsm ./internal/ground/sealed/root/token'
	# shellcheck disable=SC2086 # one word per package
	go vet -tags pkcs11 $tokens ./internal/app && go test $race -tags pkcs11 $tokens || status=1
fi
for module in client examples/vault-of-documents; do
	(cd "$module" && go test -count=1 $race -timeout 20m ./...) || status=1
done
(cd e2e && go test -count=1 -timeout 30m ./...) || status=1
if [ -n "${CLAVIGER_LONG:-}" ]; then # what others' clients bring along takes minutes to build
	(cd e2e/clients && go vet ./... && go test -count=1 -timeout 25m ./...) || status=1

	store=postgres
	if ! { ls /usr/lib/postgresql/*/bin/initdb || command -v initdb; } >/dev/null 2>&1; then
		store= # all that opens a database there would be skipped
	fi
	echo 'test: everything again in FIPS 140-3 mode, with stores of PostgreSQL where it is installed, without the long runs'
	for module in . client examples/vault-of-documents e2e; do
		(cd "$module" && CLAVIGER_LONG='' CLAVIGER_TEST_STORE=$store GODEBUG=fips140=on go test -count=1 -timeout 20m ./...) || status=1
	done
fi
exit $status
