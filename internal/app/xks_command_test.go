package app

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"claviger/internal/edge/xksproxy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/service/xks"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// xksCommands returns a function that runs a command line which must succeed.
func xksCommands(t *testing.T, socket string) func(line string) string {
	t.Helper()
	return func(line string) string {
		t.Helper()
		out, err := operatorCommand(socket, strings.Fields(line)...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return out
	}
}

// TestXksCommands is the operator's story, from the first key store to the last.
func TestXksCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must := xksCommands(t, serveAdmin(t, w))
	_, from := w.records(1)

	text := must("xks-store create prod/eu --accounts 123456789012 --regions us-east-1,us-east-2")
	var first, second, third xksConfiguration
	if err := json.Unmarshal([]byte(text), &first); err != nil || !strings.Contains(text, "\n  ") {
		t.Fatalf("%s: %v", text, err)
	}
	credential := first.XksProxyAuthenticationCredential
	if first.XksProxyURIPath != "/prod/eu/kms/xks/v1" || !regexp.MustCompile(`^[A-Z2-7]{20,30}$`).MatchString(credential.AccessKeyID) ||
		!regexp.MustCompile(`^[A-Za-z0-9+/=]{43,64}$`).MatchString(credential.RawSecretAccessKey) {
		t.Errorf("%+v", first)
	}
	if err := json.Unmarshal([]byte(must("xks-store add-credential prod/eu --json")), &second); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(must("xks-store rotate-credential prod/eu --json")), &third); err != nil {
		t.Fatal(err)
	}
	ids := []string{credential.AccessKeyID, second.XksProxyAuthenticationCredential.AccessKeyID, third.XksProxyAuthenticationCredential.AccessKeyID}
	table := must("xks-store list")
	if lines := strings.Split(strings.TrimSpace(table), "\n"); len(lines) != 2 || strings.Contains(table, ids[0]) ||
		!regexp.MustCompile(`^prod/eu +0 +`+ids[1]+","+ids[2]+` +20\S+Z +accounts=123456789012 regions=us-east-1,us-east-2$`).MatchString(lines[1]) {
		t.Errorf("list printed\n%s", table)
	}

	if text := must("xks-store limit prod/eu --principals *:user/ann --operations Encrypt,Decrypt --via-services ebs --vpcs vpc-1"); text !=
		"the key store prod/eu has as limits principals=*:user/ann operations=Encrypt,Decrypt via-services=ebs vpcs=vpc-1\n" {
		t.Errorf("limit printed %q", text)
	}
	if text := must("xks-store limit prod/eu"); text != "the key store prod/eu has as limits none\n" {
		t.Errorf("limit printed %q", text)
	}

	if text := must("xks-key create prod/eu hsm.1 --no-decrypt --kms-keys " + kmsKeyOne); text != "hsm.1\n" {
		t.Errorf("create printed %q", text)
	}
	random := strings.TrimSpace(must("xks-key create prod/eu"))
	must("xks-key rotate prod/eu " + random)
	if text := must("xks-key disable prod/eu " + random); text != "the external key "+random+" of the key store prod/eu is disabled\n" {
		t.Errorf("disable printed %q", text)
	}
	var listed xksKeysAnswer
	text = must("xks-key list prod/eu --json")
	if err := json.Unmarshal([]byte(text), &listed); err != nil || len(listed.ExternalKeys) != 2 {
		t.Fatalf("list printed %s: %v", text, err)
	}
	for _, k := range listed.ExternalKeys {
		hsm := k.ExternalKeyID == "hsm.1"
		if hsm != (k.KeyStatus == "ENABLED") || hsm != (k.Version == 1) || hsm != (strings.Join(k.KeyUsage, " ") == "ENCRYPT") ||
			hsm != (strings.Join(k.KmsKeys, " ") == kmsKeyOne) || k.KeyStore != "prod/eu" || k.CreateDate == 0 {
			t.Errorf("%+v", k)
		}
	}
	must("xks-key enable prod/eu " + random)
	must("xks-key allow prod/eu " + random + " --kms-keys *")
	if table := must("xks-key list prod/eu"); !regexp.MustCompile(`(?m)^` + random + ` +ENABLED +ENCRYPT,DECRYPT +2 +20\S+Z +\*$`).MatchString(table) {
		t.Errorf("list printed\n%s", table)
	}
	must("xks-key disable prod/eu hsm.1")
	must("xks-key delete prod/eu hsm.1")
	must("xks-key disable prod/eu " + random)
	must("xks-key delete prod/eu " + random + " --json")
	must("xks-store remove-credential prod/eu " + ids[1])
	must("xks-store delete prod/eu")

	checkOperatorRecords(t, w, from, []string{
		"CreateExternalKeyStore", "CreateExternalKeyStoreCredential", "RotateExternalKeyStoreCredential", "ListExternalKeyStores",
		"LimitExternalKeyStore", "LimitExternalKeyStore",
		"CreateExternalKey", "CreateExternalKey", "RotateExternalKey", "DisableExternalKey", "ListExternalKeys", "EnableExternalKey",
		"AllowExternalKey", "ListExternalKeys", "DisableExternalKey", "DeleteExternalKey", "DisableExternalKey", "DeleteExternalKey",
		"DeleteExternalKeyStoreCredential", "DeleteExternalKeyStore",
	}, credential.RawSecretAccessKey, second.XksProxyAuthenticationCredential.RawSecretAccessKey)
	if rows := w.dump(); strings.Contains(rows, "xks_") {
		t.Error("a row is left of what was deleted")
	}
}

func TestXksCommandsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	must := xksCommands(t, socket)
	must("xks-store create a")
	must("xks-store create full")
	must("xks-store add-credential full")
	must("xks-key create a foo")
	must("xks-store create " + strings.Repeat("p", 116))
	must("xks-key create a " + strings.Repeat("k", 128))
	before := w.dump()
	for line, want := range map[string]string{
		"xks-store create":                                           `expected "<prefix>"`,
		"xks-store create a":                                         "There is a key store with the prefix a.",
		"xks-store create /a":                                        "at 'prefix' failed to satisfy constraint: Member must satisfy regular expression",
		"xks-store create a//b":                                      "at 'prefix' failed to satisfy constraint: Member must satisfy regular expression",
		"xks-store create a.b":                                       "at 'prefix' failed to satisfy constraint: Member must satisfy regular expression",
		"xks-store create a/kms/xks/v1":                              "A prefix can't contain /kms/xks/v1",
		"xks-store create " + strings.Repeat("p", 117):               "Member must have length less than or equal to 116",
		"xks-store create b --accounts 1":                            "at 'limits.accounts' failed to satisfy constraint",
		"xks-store create b --regions US":                            "at 'limits.regions' failed to satisfy constraint",
		"xks-store create b --operations kms:Encrypt":                "at 'limits.operations' failed to satisfy constraint",
		"xks-store limit a --via-services e_b_s":                     "at 'limits.viaServices' failed to satisfy constraint",
		"xks-store limit a --vpcs subnet-1":                          "at 'limits.vpcs' failed to satisfy constraint",
		"xks-store limit none --vpcs vpc-1":                          "There is no key store with the prefix none.",
		"xks-store limit a --principals " + strings.Repeat("p", 257): "at 'limits.principals' failed to satisfy constraint",
		"xks-store add-credential full":                              "has 2 credentials, which is the most",
		"xks-store add-credential none":                              "There is no key store with the prefix none.",
		"xks-store rotate-credential none":                           "There is no key store with the prefix none.",
		"xks-store remove-credential a XKSANONE":                     "The key store a has no credential XKSANONE.",
		"xks-store remove-credential none XKSANONE":                  "There is no key store with the prefix none.",
		"xks-store delete a":                                         "The key store a has 2 external keys.",
		"xks-store delete none":                                      "There is no key store with the prefix none.",
		"xks-key create none":                                        "There is no key store with the prefix none.",
		"xks-key create a foo":                                       "The key store a has an external key foo.",
		"xks-key create a ..":                                        ".. is no id",
		"xks-key create a x/y":                                       "at 'externalKeyId' failed to satisfy constraint",
		"xks-key create a " + strings.Repeat("k", 129):               "Member must have length less than or equal to 128",
		"xks-key create a b --kms-keys x":                            "x is not the ARN of a KMS key",
		"xks-key create a b --kms-keys *," + kmsKeyOne:               "* is not the ARN of a KMS key",
		"xks-key list none":                                          "There is no key store with the prefix none.",
		"xks-key rotate a none":                                      "The key store a has no external key none.",
		"xks-key rotate none none":                                   "There is no key store with the prefix none.",
		"xks-key disable a none":                                     "The key store a has no external key none.",
		"xks-key allow a none":                                       "The key store a has no external key none.",
		"xks-key delete a none":                                      "The key store a has no external key none.",
		"xks-key delete a foo":                                       "The external key foo is enabled. Disable it first.",
	} {
		out, err := operatorCommand(socket, strings.Fields(line)...)
		wrong := usageError{}
		if err == nil || !strings.Contains(err.Error(), want) || errors.As(err, &wrong) != strings.HasPrefix(want, "expected") {
			t.Errorf("%s: %v, want %s\n%s", line, err, want, out)
		}
	}
	if w.dump() != before {
		t.Error("refused commands changed the store")
	}
}

// TestPrefixes: what may be made can be called, and nothing else.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{
		"a", "A_-9", "a/b/c", "kms/xks", "kms/xks/v1x", strings.Repeat("p", 116), strings.Repeat("p", 117), "", "/", "/a", "a/", "a//b",
		"a.b", "a b", "ä", "a%2fb", "kms/xks/v1", "a/kms/xks/v1/b", "a\n", "health",
	} {
		op := &xks.CreateExternalKeyStoreInput{Prefix: optional.Some(prefix)}
		var checks check.Checks
		op.Validate(&checks)
		if made, called := checks.Err() == nil, xksproxy.IsKeyStore(prefix); made != called {
			t.Errorf("%q can be made: %v, and called: %v", prefix, made, called)
		}
	}
}

// TestXksDestroyed: no file keeps the row of an external key that was deleted.
func TestXksDestroyed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	must := xksCommands(t, serveAdmin(t, w))
	must("xks-store create a")
	must("xks-key create a foo")
	must("xks-key disable a foo")
	row := w.row("xks_external_key")
	if !strings.Contains(files(dir), row) {
		t.Fatal("the search does not find a row that is there")
	}
	must("xks-key delete a foo")
	if strings.Contains(files(dir), row) {
		t.Error("a file keeps what was destroyed")
	}
}

// row returns the body of the only row of a table, as the driver keeps it.
func (w *world) row(table string) string {
	w.t.Helper()
	ctx := context.Background()
	snapshot, err := w.driver.Snapshot(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer snapshot.Close()
	var bodies []string
	for _, schema := range store.Schemas(tables()) {
		if schema.Name != table {
			continue
		}
		err := snapshot.Scan(ctx, schema, "", nil, nil, 2, func(r driver.Row) error {
			bodies = append(bodies, string(r.Body))
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if len(bodies) != 1 {
		w.t.Fatalf("%s has %d rows", table, len(bodies))
	}
	return bodies[0]
}
