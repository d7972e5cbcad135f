package house_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// floors names the folders of internal, lowest first. Code may import from its
// own floor and from those below it, never from above.
//
// This is a statement of policy, not a description of the code. If a build
// fails here, move the code; change the policy only on purpose, in a commit
// that says why. Tests are free to build a small world from any floor.
var floors = []string{"words", "ground", "kernel", "service", "edge", "simulate", "app"}

// apart lists floors whose rooms do not know each other.
var apart = []string{"service"}

// A permit says who may import what is dangerous to have everywhere. A path
// that ends in a slash covers the packages below it.
type permit struct {
	path      string
	why       string
	importers []string
}

// only lists the permits; the one that names a path most exactly counts.
// Packages of others (a path with a dot) need one, ours and those of the
// standard library are free unless they stand here.
var only = []permit{
	// Doors to the world outside.
	{"net/http", "HTTP ends at the edge", []string{
		"edge/httpfront", "app", "app/metrics", "cmd/claviger-bench",
		"edge/xksclient", // carries requests to the proxies of external key stores
		"edge/awskms",    // asks the key management service that wraps the root key
		"simulate",       // is a client
	}},
	{"net/http/", "test servers have no place in the binary", nil},
	{"net/http/pprof", "profiles are for the admin port; it also registers itself where nothing of ours is served", []string{"app"}},
	{"net/http/httptrace", "how far a request came", []string{"edge/xksclient"}},
	{"net", "sockets are opened at the edge", []string{
		"edge/httpfront", "edge/xksclient", "app", "cmd/claviger-bench",
		"ground/store/postgres",              // how connections to the database are kept
		"ground/store/postgres/postgrestest", // what comes between a client and its server
	}},
	{"crypto/tls", "TLS ends at the edge", []string{"edge/httpfront", "edge/xksclient", "edge/awskms"}},
	{"os", "files and the environment belong to what is kept on disk, and to start-up", []string{
		"ground/audit", "ground/sealed/root", "ground/store/sqlite", "app", "app/doctor", "cmd/claviger", "cmd/claviger-bench", "cmd/claviger-release",
		"ground/store/postgres/postgrestest", "ground/store/drivertest",
	}},
	{"os/exec", "the server starts no programs", []string{"cmd/claviger-bench", "cmd/claviger-release", "ground/store/postgres/postgrestest"}},
	{"os/signal", "signals are for who starts the server", []string{"app", "cmd/claviger-bench"}},
	{"log/slog", "rooms keep records, not logs", []string{
		"app",
		"words/confidential", // LogValue, so that a secret in a log is a mask
	}},
	{"log", "log/slog is the one logger", nil},
	{"flag", "flags are read at the start", []string{"cmd/claviger-bench", "cmd/claviger-release"}},

	// What the type system or the garbage collector can't see through.
	{"unsafe", "memory safety is not ours to trade", nil},
	{"syscall", "few need to know which system they run on", []string{
		"ground/audit",                       // locks, preallocation, synced writes
		"ground/sealed/root",                 // who owns the file of the root key
		"app/doctor",                         // who owns the files of a server
		"app",                                // signals
		"ground/store/postgres/postgrestest", // kills the processes of a server
		"cmd/claviger-bench",
	}},
	{"C", "the binary is built without cgo", nil},
	{"plugin", "what the binary offers is what its source says", nil},
	{"encoding/gob", "stored and sent formats are specified, not derived", nil},
	{"testing", "tests are for tests", []string{"ground/store/storetest", "ground/store/drivertest", "ground/store/postgres/postgrestest"}},

	// Cryptography.
	{"crypto/cipher", "one package seals and opens", []string{
		"ground/sealed",
		"ground/sealed/kwp",                  // RFC 5649
		"ground/attestation/attestationtest", // opens what an attested environment is sent
		"service/kms/xksproxytest",           // stands for somebody else's key manager
	}},
	{"crypto/aes", "one package seals and opens", []string{
		"ground/sealed", "ground/sealed/kwp", "ground/attestation/attestationtest", "service/kms/xksproxytest",
	}},
	{"crypto/ed25519", "one package holds signing keys; the trail verifies", []string{"ground/sealed", "ground/audit"}},
	{"crypto/md5", "broken", nil},
	{"crypto/sha1", "broken", []string{
		"ground/sealed", // RSAES_OAEP_SHA_1 is in the public API, and OAEP does not rest on collisions
		"ground/totp",   // RFC 6238 as all devices have it, and HMAC does not either
	}},
	{"crypto/des", "broken", nil},
	{"crypto/rc4", "broken", nil},
	{"crypto/dsa", "broken", nil},
	{"math/rand", "randomness is crypto/rand", nil},
	{"math/rand/v2", "randomness is crypto/rand", nil},

	// Our own.
	{internal + "words/confidential/reveal", "importing it is the permission to read secrets", []string{
		"words/confidential",                      // declares Reveal
		"ground/sealed",                           // encrypts plaintexts and makes root keys of bytes
		"ground/sealed/root",                      // writes shares and what they give back to files
		"ground/sealed/root/token", "edge/awskms", // have root keys wrapped
		"edge/sigv4",      // checks signatures against secret access keys
		"edge/xksclient",  // signs with the credentials of key stores
		"service/kms/hsm", // gives its password to a token
		"edge/awsjson",    // answers Decrypt and GenerateDataKey
		"edge/awsquery",   // answers CreateAccessKey and AssumeRole
		"service/iam",     // keeps secret access keys in rows that the store seals
	}},
	{internal + "ground/store", "protocols can't read behind the policies' back", []string{"ground/", "kernel/", "service/", "app"}},
	{internal + "ground/store/", "databases are chosen at the start", []string{"ground/store/", "app", "app/doctor"}},
	{internal + "ground/store/driver", "it has the words in which tables are declared", []string{
		"ground/store", "ground/store/", "service/", "app",
		"ground/backup",  // has rows as they are stored
		"kernel/lastuse", // declares the table of its marks
	}},
	{internal + "ground/sealed", "keys are used by what keeps them", []string{
		"ground/", "service/", "app",
		"kernel/session",     // seals session tokens
		"kernel/explanation", // seals authorization messages
	}},
	{internal + "ground/sealed/root", "the root key is read at the start", []string{"app", "ground/sealed/root/token"}},
	{internal + "ground/sealed/root/token", "the root key is read at the start", []string{"app"}},
	{internal + "ground/attestation", "who is attested is asked where policies need it", []string{"service/kms", "app"}},
	{internal + "app/doctor", "what is examined is found out at the start", []string{"app"}},
	{internal + "app/metrics", "what is shown to whom is decided at the start", []string{"app"}},
	{internal + "ground/audit", "records are kept by the kernel and read by their service", []string{"kernel/", "service/trail", "app"}},
	{internal + "kernel/pipeline", "a room does not call the corridor", []string{"edge/", "app"}},
	{internal + "service/", "protocols see operations, not services", []string{"service/", "app"}},
	{internal + "app", "the house is put together once", []string{"cmd/claviger"}},
	{internal + "house", "tests are for tests", nil},

	// Work of others; docs/dependencies.md says why each is here.
	{"github.com/alecthomas/kong", "the command line", []string{"app"}},
	{"github.com/prometheus/client_golang/", "what watches servers", []string{"app/metrics"}},
	{"github.com/prometheus/client_model/go", "what watches servers", []string{"app/metrics"}},
	{"github.com/tidwall/btree", "ordered tables in memory", []string{"ground/store/memory"}},
	{"github.com/aws/aws-sdk-go-v2/aws", "credentials of simulated services, and of the root key's", []string{"simulate", "app", "edge/awskms"}},
	{"github.com/aws/aws-sdk-go-v2/aws/signer/v4", "calls of ours are signed as those of real services are", []string{"simulate", "edge/awskms"}},
	{"github.com/miekg/pkcs11", "tokens, in a build of their own with cgo", []string{"service/kms/hsm", "ground/sealed/root/token"}},
	{"github.com/jackc/pgx/v5", "the shared database", []string{"ground/store/postgres"}},
	{"github.com/jackc/pgx/v5/", "the shared database", []string{"ground/store/postgres", "ground/store/postgres/postgrestest"}},
	{"filippo.io/mldsa", "signatures of ML-DSA keys", []string{"ground/sealed"}},
	{"filippo.io/mldsa/mldsacrypto", "signatures of ML-DSA keys", []string{"ground/sealed"}},
	{"github.com/cloudflare/circl/kem/mlkem/mlkem512", "ML-KEM-512", []string{"ground/sealed"}},
	{"github.com/decred/dcrd/dcrec/secp256k1/v4", "secp256k1", []string{"ground/sealed"}},
	{"github.com/decred/dcrd/dcrec/secp256k1/v4/", "secp256k1", []string{"ground/sealed"}},
	{"github.com/emmansun/gmsm/", "SM2 and SM3", []string{"ground/sealed"}},
	{"golang.org/x/crypto/argon2", "passphrases and passwords", []string{"ground/sealed/root", "service/iam"}},
	{"golang.org/x/crypto/cryptobyte", "encodings of keys", []string{"ground/sealed", "ground/sealed/pkcs8"}},
	{"golang.org/x/crypto/cryptobyte/", "encodings of keys", []string{"ground/sealed", "ground/sealed/pkcs8"}},
	{"golang.org/x/sys/", "few need to know which system they run on", []string{
		"ground/audit",          // locks
		"ground/host",           // disks, limits, clocks
		"ground/sealed",         // memory that is locked and not dumped
		"ground/sealed/process", // no core dumps, no tracing
		"ground/sealed/root",    // which descriptors were handed over
		"ground/store/sqlite",   // locks, free space
	}},
	{"golang.org/x/term", "prompts", []string{"ground/sealed/root", "app"}},
	{"rsc.io/qr", "seeds of MFA devices as devices read them", []string{"service/iam"}},
	{"pgregory.net/rapid", "tests are for tests", []string{"ground/store/storetest"}},
	{"modernc.org/sqlite", "the embedded database", []string{"ground/store/sqlite"}},
	{"modernc.org/sqlite/", "the embedded database", []string{"ground/store/sqlite"}},
	{"database/sql", "the embedded database", []string{"ground/store/sqlite"}},
}

func TestFloors(t *testing.T) {
	hold(t, rule{
		check: wrongFloors,
		bad: []example{
			bad("stands above", "internal/ground/store/a.go", `package store; import "claviger/internal/kernel/authz"`),
			bad("stands above", "internal/words/arn/a.go", `package arn; import "claviger/internal/ground/policy"`),
			bad("stands above", "internal/kernel/operation/a.go", `package operation; import "claviger/internal/service/kms"`),
			bad("has no floor", "internal/util/a.go", `package util`),
			bad("has no floor", "internal/a.go", `package internal`),
			bad("has no floor", "pkg/a.go", `package pkg`),
			bad("for tests", "internal/app/a.go", `package app; import "claviger/internal/ground/store/storetest"`),
			bad("not know", "internal/service/secretsmanager/a.go", `package secretsmanager; import "claviger/internal/service/kms"`),
			bad("internal/app alone", "cmd/claviger/main.go", `package main; import "claviger/internal/ground/store"`),
		},
		good: []example{
			good("internal/ground/store/a.go", `package store; import "claviger/internal/words/arn"`),
			good("internal/service/kms/a.go", `package kms; import "claviger/internal/service/kms/state"`),
			good("internal/ground/store/a_test.go", `package store_test; import "claviger/internal/app"`),
			good("internal/app/a_test.go", `package app; import "claviger/internal/ground/store/storetest"`),
			good("internal/house/doc.go", `package house`),
			good("cmd/claviger/main.go", `package main; import "claviger/internal/app"`),
		},
	})
}

func wrongFloors(t tree) []string {
	var found []string
	for _, f := range t.source() {
		from, inside := strings.CutPrefix(f.path, "internal/")
		if !inside {
			found = append(found, outside(f)...)
			continue
		}
		floor, room := floorOf(from)
		if floor < 0 && f.pkg() != "house" {
			found = append(found, fmt.Sprintf("%s has no floor to stand on: internal holds %v", f.path, floors))
			continue
		}
		for _, p := range f.imports() {
			to, ours := strings.CutPrefix(p, internal)
			if !ours {
				continue
			}
			toFloor, toRoom := floorOf(to + "/")
			switch {
			case strings.HasSuffix(to, "test") && !strings.HasSuffix(f.pkg(), "test"):
				found = append(found, fmt.Sprintf("%s imports %s, which is for tests", f.path, to))
			case toFloor > floor:
				found = append(found, fmt.Sprintf("%s imports %s, which stands above it", f.path, to))
			case toFloor == floor && toRoom != room && slices.Contains(apart, floors[floor]):
				found = append(found, fmt.Sprintf("%s imports %s: rooms of floor %s do not know each other", f.path, to, floors[floor]))
			}
		}
	}
	return found
}

// outside checks a file that is not below internal: commands, which may know
// the assembled house and nothing of its rooms.
func outside(f *file) []string {
	if !strings.HasPrefix(f.path, "cmd/") {
		return []string{f.path + " has no floor to stand on: code is below cmd or internal"}
	}
	var found []string
	for _, p := range f.imports() {
		if strings.HasPrefix(p, internal) && p != internal+"app" {
			found = append(found, fmt.Sprintf("%s imports %s: a command imports internal/app alone", f.path, p))
		}
	}
	return found
}

// floorOf returns the floor of a path below internal, -1 if it has none, and
// the room on it.
func floorOf(p string) (floor int, room string) {
	name, rest, _ := strings.Cut(p, "/")
	room, _, _ = strings.Cut(rest, "/")
	return slices.Index(floors, name), room
}

func TestOnly(t *testing.T) {
	hold(t, rule{
		check: withoutPermit,
		bad: []example{
			bad("net/http", "internal/service/kms/a.go", `package kms; import "net/http"`),
			bad("reveal", "internal/service/kms/a.go", `package kms; import "claviger/internal/words/confidential/reveal"`),
			bad("pipeline", "internal/service/kms/a.go", `package kms; import "claviger/internal/kernel/pipeline"`),
			bad("databases", "internal/service/kms/a.go", `package kms; import "claviger/internal/ground/store/postgres"`),
			bad("databases", "internal/service/kms/a.go", `package kms; import "claviger/internal/ground/store/memory"`),
			bad("store", "internal/edge/awsjson/a.go", `package awsjson; import "claviger/internal/ground/store"`),
			bad("service/kms", "internal/edge/awsjson/a.go", `package awsjson; import "claviger/internal/service/kms"`),
			bad("crypto/cipher", "internal/ground/audit/a.go", `package audit; import "crypto/cipher"`),
			bad("log/slog", "internal/kernel/authz/a.go", `package authz; import "log/slog"`),
			bad("os/exec", "internal/app/a.go", `package app; import "os/exec"`),
			bad("unsafe", "internal/ground/sealed/a.go", `package sealed; import "unsafe"`),
			bad("math/rand", "internal/words/ident/a.go", `package ident; import "math/rand/v2"`),
			bad("is the work of others", "internal/app/a.go", `package app; import "example.org/left/pad"`),
			bad("internal/app", "cmd/other/a.go", `package main; import "claviger/internal/app"`),
		},
		good: []example{
			good("internal/edge/httpfront/a.go", `package httpfront; import "net/http"`),
			good("internal/service/kms/a.go", `package kms; import "claviger/internal/ground/store/driver"`),
			good("internal/service/kms/a_test.go", `package kms_test; import "claviger/internal/ground/store/memory"`),
			good("internal/ground/store/memory/a.go", `package memory; import "claviger/internal/ground/store/driver"`),
		},
	})
}

func withoutPermit(t tree) []string {
	var found []string
	for _, f := range t.source() {
		for _, p := range f.imports() {
			permit, ok := permitFor(p)
			host, _, _ := strings.Cut(p, "/")
			switch {
			case ok && !covers(permit.importers, f.pkg()):
				found = append(found, fmt.Sprintf("%s imports %s without a permit: %s", f.path, p, permit.why))
			case !ok && strings.Contains(host, "."):
				found = append(found, fmt.Sprintf("%s imports %s, which is the work of others and has no permit", f.path, p))
			}
		}
	}
	return found
}

// permitFor returns the permit that names a path most exactly.
func permitFor(importPath string) (permit, bool) {
	best := permit{}
	for _, p := range only {
		if covers([]string{p.path}, importPath) && len(p.path) > len(best.path) {
			best = p
		}
	}
	return best, best.path != ""
}

// A permit that nobody uses any more is one too many.
func TestPermitsAreUsed(t *testing.T) {
	t.Parallel()
	tr, err := house()
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range unusedPermits(tr, only) {
		t.Error(sentence)
	}
	f, err := parse("internal/app/a.go", `package app; import "net"`)
	if err != nil {
		t.Fatal(err)
	}
	if found := unusedPermits(tree{f}, []permit{{"net", "", []string{"app", "edge/httpfront"}}}); len(found) != 1 {
		t.Errorf("about an unused permit the rule said %q", found)
	}
}

func unusedPermits(t tree, permits []permit) []string {
	var found []string
	for _, p := range permits {
		for _, importer := range p.importers {
			if !slices.ContainsFunc(t.source(), func(f *file) bool {
				return covers([]string{importer}, f.pkg()) && slices.ContainsFunc(f.imports(), func(imported string) bool {
					return covers([]string{p.path}, imported)
				})
			}) {
				found = append(found, fmt.Sprintf("%s may import %s and does not: withdraw its permit", importer, p.path))
			}
		}
	}
	return found
}
