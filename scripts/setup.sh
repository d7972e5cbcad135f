#!/bin/sh
# Installs what the tests can use beyond Go, git and make: as root on Debian.
# Elsewhere it says what is missing and what is skipped without it.
set -eu

missing=
need() { # package, command that tells whether it is there, what is skipped without it
	if sh -c "$2" >/dev/null 2>&1; then
		return
	fi
	missing="$missing $1"
	echo "missing: $1 ($3)"
}

need gcc '$(go env CC) --version' 'without it the tests run without the race detector'
need awscli '/usr/bin/aws --version' 'without it the tests with the AWS CLI are skipped'
need python3-boto3 '/usr/bin/python3 -c "import boto3"' 'without it the tests with boto3 are skipped'
need curl '/usr/bin/curl --version' 'without it the README of the example is not run'
need postgresql 'ls /usr/lib/postgresql/*/bin/initdb || command -v initdb' 'without it the tests of the PostgreSQL store are skipped'
need openssl 'openssl version' 'without it pages that make certificates are not run'
need softhsm2 'softhsm2-util --version' 'without it key stores on PKCS #11 tokens are not tested'
need nodejs 'node --version' 'without Node.js 20 or newer the tests with the SDK for JavaScript are skipped'
need npm 'npm --version' 'without it the tests with the SDK for JavaScript are skipped'
need strace 'strace -V' 'without it the tests that watch system calls are skipped'
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! [ -f /etc/debian_version ]; then
	echo 'setup: not root on Debian, so nothing is installed and what is missing is skipped'
	exit 0
fi
case $missing in *gcc*) missing="$missing libc6-dev" ;; esac
export DEBIAN_FRONTEND=noninteractive
# Without a network the tests still run, with what there is.
# shellcheck disable=SC2086 # one word per package
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; }; then
	echo "setup: apt-get could not install$missing: what needs it is skipped"
fi
