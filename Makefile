# What a newcomer needs: Go, git and make. `make help` lists the targets.

# The binary is static: no cgo, no paths of this machine inside.
GO_BUILD = CGO_ENABLED=0 go build -trimpath

# How long `make test-long` fuzzes, all targets together.
FUZZ_MINUTES = 4

# More flags for `make release`, such as RELEASE='-version 1.2.3'.
RELEASE =

# More flags for `make bench`, such as BENCH='-v -check'.
BENCH =

# Among how many users, roles and policies `make bench` measures at most.
CROWD = 100000

.PHONY: run demo build test test-long check golden bench release help

run: build ## build and start a server in memory; prints what to paste next
	bin/claviger dev

demo: build ## play a database volume's three grants against a fresh server, and print their trail
	sh scripts/demo.sh bin/claviger

build: ## build bin/claviger
	$(GO_BUILD) -o bin/claviger ./cmd/claviger

test: ## install what the tests need, then check, test and fuzz everything (at most ten minutes)
	sh scripts/setup.sh
	$(MAKE) check
	sh scripts/test.sh
	sh scripts/fuzz.sh 0

test-long: ## the same tests with crash and volume runs, again in FIPS 140-3 mode on PostgreSQL, builds for every system, load, fuzzing
	sh scripts/setup.sh
	CLAVIGER_LONG=1 sh scripts/test.sh
	sh scripts/crossbuild.sh
	$(MAKE) bench BENCH=-short CROWD=10000
	sh scripts/fuzz.sh $(FUZZ_MINUTES)

check: ## format, vet, staticcheck, and the tests that read the source tree
	sh scripts/check.sh

golden: ## write golden files and printed pages anew; review the difference
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' internal | xargs -n 1 dirname | sort -u | sed 's|^|./|') -update
	cd e2e && go test -run TestModel -update .

bench: build ## measure: ratios to a Go web server that does nothing
	go run ./cmd/claviger-bench -claviger bin/claviger $(BENCH)
	go test -run '^$$' -bench DecryptByGrant -benchtime 3x ./internal/service/kms
	go test -run '^$$' -bench TenPolicies -benchtime 5000x ./internal/ground/policy
	CLAVIGER_PRINCIPALS=$(CROWD) go test -run '^$$' -bench Crowd -benchtime 50x ./internal/service/iam
	go test -run '^$$' -bench Organization -benchtime 2000x ./internal/kernel/authz

release: ## archives for every system, with their sums, in dist; the same bytes whoever builds them
	go run ./cmd/claviger-release $(RELEASE)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
