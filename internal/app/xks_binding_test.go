package app

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/service/xks"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// by makes a message come for another KMS key.
func (m object) by(kmsKey string) object {
	return m.with("requestMetadata", m["requestMetadata"].(object).with("kmsKeyArn", kmsKey))
}

// TestProxyBinding: who may use an external key.
func TestProxyBinding(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	text := encryption([]byte("x"))
	meta := object{"requestMetadata": metadata("CreateKey")}
	_, from := p.w.records(1)

	// The first use binds; looking and failing do not.
	p.key("first")
	p.want("metadata for the other", "keys/first/metadata", meta.by(kmsKeyTwo), 200, "")
	p.want("decrypt for the other", "keys/first/decrypt", decryption(&proxyAnswer{body: map[string]any{
		"ciphertext": "eA==", "initializationVector": "eA==", "authenticationTag": "eA==", "ciphertextMetadata": "eA==",
	}}).by(kmsKeyTwo), 400, "InvalidCiphertextException")
	a := p.want("the first use", "keys/first/encrypt", text, 200, "")
	p.want("again", "keys/first/encrypt", text, 200, "")
	p.want("encrypt for another", "keys/first/encrypt", text.by(kmsKeyTwo), 403, "AccessDeniedException")
	p.want("decrypt for another", "keys/first/decrypt", decryption(a).by(kmsKeyTwo), 403, "AccessDeniedException")
	p.want("metadata for another", "keys/first/metadata", meta.by(kmsKeyTwo), 403, "AccessDeniedException")
	p.want("metadata for none", "keys/first/metadata", object{"requestMetadata": metadata("CreateKey").with("kmsKeyArn", nil)}, 200, "")
	p.want("what may be policy elsewhere", "keys/first/encrypt", text.by("*"), 403, "AccessDeniedException")
	checkBinding(t, p, from)

	// A disabled key, and one that may not do it, is not bound by trying.
	p.key("disabled")
	p.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some("disabled")})
	p.want("disabled", "keys/disabled/encrypt", text, 400, "InvalidStateException")
	p.w.operate("EnableExternalKey", &xks.EnableExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some("disabled")})
	p.want("enabled, for another", "keys/disabled/encrypt", text.by(kmsKeyTwo), 200, "")
	p.want("enabled, for the one who tried", "keys/disabled/encrypt", text, 403, "AccessDeniedException")

	// What the operator says counts in place of the first use.
	allow := func(id string, keys ...string) {
		p.w.operate("AllowExternalKey", &xks.AllowExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some(id), KMSKeys: keys})
	}
	p.key("listed", func(in *xks.CreateExternalKeyInput) { in.KMSKeys = []string{kmsKeyTwo} })
	p.want("not listed", "keys/listed/encrypt", text, 403, "AccessDeniedException")
	p.want("listed", "keys/listed/encrypt", text.by(kmsKeyTwo), 200, "")
	allow("listed", kmsKeyOne, kmsKeyTwo)
	p.want("listed now", "keys/listed/encrypt", text, 200, "")
	allow("listed", "*")
	p.want("all", "keys/listed/encrypt", text.by("anything ${aws:username} at * all"), 200, "")
	allow("listed")
	p.want("the next one", "keys/listed/encrypt", text.by("anything ${aws:username} at * all"), 200, "")
	p.want("not the next one", "keys/listed/encrypt", text.by("anything ${aws:username} at all"), 403, "AccessDeniedException")
}

// checkBinding wants one record of a binding, which names both keys.
func checkBinding(t *testing.T, p *provider, from uint64) {
	t.Helper()
	records, _ := p.w.records(from)
	bound := 0
	for _, e := range records {
		if !bytes.Contains(e.Record, []byte(`"eventName":"BindExternalKey"`)) {
			continue
		}
		bound++
		for _, part := range []string{`"eventSource":"kms-xks-proxy"`, `"eventType":"AwsServiceEvent"`, kmsKeyOne, "arn:aws:kms-xks-proxy:::key-store/team/a/key/first"} {
			if !strings.Contains(string(e.Record), part) {
				t.Errorf("the record of a binding lacks %s: %s", part, e.Record)
			}
		}
	}
	if bound != 1 {
		t.Errorf("%d records of a binding", bound)
	}
}

// TestProxyBindingRace: of two KMS keys that use an external key for the first
// time at once, one stays.
func TestProxyBindingRace(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for range 5 {
		id := p.w.fresh("race")
		p.key(id)
		var wait sync.WaitGroup
		answers := make([]*proxyAnswer, 8)
		for i := range answers {
			wait.Go(func() {
				answers[i] = p.call("keys/"+id+"/encrypt", encryption([]byte("x")).by([]string{kmsKeyOne, kmsKeyTwo}[i%2]))
			})
		}
		wait.Wait()
		winner := slices.IndexFunc(answers, func(a *proxyAnswer) bool { return a.status == 200 })
		if winner < 0 {
			t.Fatalf("nobody won: %v", answers[0].body)
		}
		for i, a := range answers {
			if won := i%2 == winner%2; won != (a.status == 200) || !won && a.name() != "AccessDeniedException" {
				t.Errorf("%d: %d %v, while %d won", i, a.status, a.body, winner)
			}
		}
	}
}

// TestProxyLimits: what the operator set for the whole key store.
func TestProxyLimits(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("any", func(in *xks.CreateExternalKeyInput) { in.KMSKeys = []string{"*"} })
	text := encryption([]byte("x"))
	saying := func(name string, value any) object {
		return text.with("requestMetadata", text["requestMetadata"].(object).with(name, value))
	}
	const garbage = "not an ARN at all"
	health := object{"requestMetadata": metadata("KmsHealthCheck").with("kmsKeyArn", kmsKeyTwo)}
	look := object{"requestMetadata": metadata("CreateKey")}
	limit := func(l xks.Limits) {
		p.w.operate("LimitExternalKeyStore", &xks.LimitExternalKeyStoreInput{Prefix: optional.Some(p.prefix), Limits: l})
		p.want("health", "health", health, 200, "")
		p.want("metadata without a KMS key", "keys/any/metadata", object{"requestMetadata": metadata("CreateKey").with("kmsKeyArn", nil)},
			map[bool]int{true: 200, false: 403}[len(l.Regions) == 0 || slices.Contains(l.Regions, "us-east-1")],
			map[bool]string{true: "", false: "AccessDeniedException"}[len(l.Regions) == 0 || slices.Contains(l.Regions, "us-east-1")])
	}
	const encrypt, denied = "keys/any/encrypt", "AccessDeniedException"

	limit(xks.Limits{Accounts: []string{"123456789012", "999999999999"}})
	a := p.want("one of the accounts", encrypt, text, 200, "")
	p.want("another account", encrypt, text.by(kmsKeyTwo), 403, denied)
	p.want("decrypt of another account", "keys/any/decrypt", decryption(a).by(kmsKeyTwo), 403, denied)
	p.want("no account", encrypt, text.by(garbage), 403, denied)
	p.want("metadata for another account", "keys/any/metadata", look.by(kmsKeyTwo), 403, denied)

	limit(xks.Limits{Regions: []string{"us-east-1", "eu-west-1"}}) // requests are signed for us-east-1
	p.want("one of the Regions", encrypt, text.by(kmsKeyTwo), 200, "")
	p.want("another Region", encrypt, text, 403, denied)
	p.want("no Region", encrypt, text.by(garbage), 403, denied)
	limit(xks.Limits{Regions: []string{"us-east-2"}})
	p.want("signed for another Region", encrypt, text, 403, denied)

	limit(xks.Limits{Principals: []string{"arn:aws:iam::123456789012:user/*", "AWS Internal"}})
	p.want("one of the principals", encrypt, text, 200, "")
	p.want("another one", encrypt, saying("awsPrincipalArn", "AWS Internal"), 200, "")
	p.want("a stranger", encrypt, saying("awsPrincipalArn", "arn:aws:iam::210987654321:user/Alice"), 403, denied)
	p.want("metadata for a stranger", "keys/any/metadata", look.with("requestMetadata", metadata("CreateKey").with("awsPrincipalArn", "x")), 200, "")
	limit(xks.Limits{Operations: []string{"Encrypt", "Decrypt"}})
	p.want("one of the operations", encrypt, text, 200, "")
	p.want("another operation", encrypt, saying("kmsOperation", "GenerateDataKey"), 403, denied)
	limit(xks.Limits{ViaServices: []string{"ebs"}})
	p.want("through the service", encrypt, text, 200, "")
	p.want("through another", encrypt, saying("kmsViaService", "rds"), 403, denied)
	p.want("through none", encrypt, saying("kmsViaService", nil), 403, denied)
	limit(xks.Limits{VPCs: []string{"vpc-1a2b"}})
	p.want("from the VPC", encrypt, saying("awsSourceVpc", "vpc-1a2b"), 200, "")
	p.want("from another", encrypt, saying("awsSourceVpc", "vpc-1a2c"), 403, denied)
	p.want("from nowhere", encrypt, text, 403, denied)
	limit(xks.Limits{})
	p.want("without limits", encrypt, text.by(garbage), 200, "")
}

// TestProxyKeyLife: disabling, rotating and deleting count at once.
func TestProxyKeyLife(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	p.key("other")
	prefix, foo := optional.Some(p.prefix), optional.Some("foo")
	text := encryption([]byte("x"))
	old := p.want("encrypt", "keys/foo/encrypt", text, 200, "")
	p.want("decrypt under another key", "keys/other/decrypt", decryption(old), 400, "InvalidCiphertextException")

	p.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: prefix, ExternalKeyID: foo})
	p.want("disabled", "keys/foo/encrypt", text, 400, "InvalidStateException")
	p.want("disabled", "keys/foo/decrypt", decryption(old), 400, "InvalidStateException")
	if a := p.want("disabled", "keys/foo/metadata", object{"requestMetadata": metadata("CreateKey")}, 200, ""); a.body["keyStatus"] != "DISABLED" {
		t.Errorf("%v", a.body)
	}
	p.w.operate("EnableExternalKey", &xks.EnableExternalKeyInput{KeyStore: prefix, ExternalKeyID: foo})
	p.want("enabled", "keys/foo/decrypt", decryption(old), 200, "")

	for version := byte(2); version <= 4; version++ {
		p.w.operate("RotateExternalKey", &xks.RotateExternalKeyInput{KeyStore: prefix, ExternalKeyID: foo})
		a := p.want("rotated", "keys/foo/encrypt", text, 200, "")
		if m := a.blob(t, "ciphertextMetadata"); !bytes.Equal(m[:4], []byte{1, 0, 0, version}) {
			t.Errorf("version %d: metadata %x", version, m)
		}
		p.want("of this version", "keys/foo/decrypt", decryption(a), 200, "")
		p.want("of the first version", "keys/foo/decrypt", decryption(old), 200, "")
		next := a.blob(t, "ciphertextMetadata")
		next[3]++
		p.want("of a version to come", "keys/foo/decrypt", decryption(a).with("ciphertextMetadata", next), 400, "InvalidCiphertextException")
	}

	p.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: prefix, ExternalKeyID: foo})
	p.w.operate("DeleteExternalKey", &xks.DeleteExternalKeyInput{KeyStore: prefix, ExternalKeyID: foo})
	p.want("deleted", "keys/foo/decrypt", decryption(old), 404, "KeyNotFoundException")
	p.key("foo") // is another key of the same name
	p.want("of the one before", "keys/foo/decrypt", decryption(old), 400, "InvalidCiphertextException")

	for _, id := range []string{"foo", "other"} {
		p.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: prefix, ExternalKeyID: optional.Some(id)})
		p.w.operate("DeleteExternalKey", &xks.DeleteExternalKeyInput{KeyStore: prefix, ExternalKeyID: optional.Some(id)})
	}
	p.w.operate("DeleteExternalKeyStore", &xks.DeleteExternalKeyStoreInput{Prefix: prefix})
	p.want("a deleted key store", "health", object{"requestMetadata": metadata("x")}, 404, "InvalidUriPathException")
	again := p.w.provide(p.prefix, p.url)
	again.want("made anew", "health", object{"requestMetadata": metadata("x")}, 200, "")
	p.want("a credential of the one before", "health", object{"requestMetadata": metadata("x")}, 401, "AuthenticationFailedException")
}

// TestProxyVersions: an external key has a hundred versions at most.
func TestProxyVersions(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	old := p.want("encrypt", "keys/foo/encrypt", encryption([]byte("x")), 200, "")
	in := &xks.RotateExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some("foo")}
	for range 99 {
		p.w.operate("RotateExternalKey", in)
	}
	_, err := p.w.server.operate(t.Context(), "RotateExternalKey", func(to any) { assign(to, in) })
	if !fault.Is(err, fault.LimitExceeded) {
		t.Errorf("a version more: %v", err)
	}
	a := p.want("encrypt", "keys/foo/encrypt", encryption([]byte("x")), 200, "")
	if version := a.blob(t, "ciphertextMetadata")[3]; version != 100 {
		t.Errorf("version %d encrypts", version)
	}
	p.want("the first version", "keys/foo/decrypt", decryption(old), 200, "")
}

// TestProxyRestart: key stores, external keys and what they are bound to outlive
// the server.
func TestProxyRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	p := w.provide("team/a", w.serve())
	p.key("foo")
	a := p.want("encrypt", "keys/foo/encrypt", encryption([]byte("x")), 200, "")
	w.restarted(dir, time.Now)
	p.url = w.serve()
	p.want("after a restart", "keys/foo/decrypt", decryption(a), 200, "")
	p.want("another KMS key after a restart", "keys/foo/decrypt", decryption(a).by(kmsKeyTwo), 403, "AccessDeniedException")
}

// TestProxyRecords: a record for each call, with what the request said of itself
// and the outcome, and without anything that was in it.
func TestProxyRecords(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo", func(in *xks.CreateExternalKeyInput) { in.KMSKeys = []string{kmsKeyOne} })
	_, from := p.w.records(1)
	secret := []byte("what nobody may read in a record")
	a := p.want("encrypt", "keys/foo/encrypt", encryption(secret).with("additionalAuthenticatedData", []byte("as little as the AAD")), 200, "")
	p.want("decrypt", "keys/foo/decrypt", decryption(a), 400, "InvalidCiphertextException")
	p.want("refused", "keys/foo/encrypt", encryption(secret).by(kmsKeyTwo), 403, "AccessDeniedException")
	p.want("health", "health", object{"requestMetadata": metadata("KmsHealthCheck")}, 200, "")
	p.want("malformed", "keys/foo/encrypt", []int{}, 400, "ValidationException")
	forger := *p
	forger.credential.SecretAccessKey += "x"
	forger.want("a stranger", "health", object{"requestMetadata": metadata("x")}, 401, "AuthenticationFailedException")

	records, _ := p.w.records(from)
	var got []string
	for _, e := range records {
		var r struct {
			EventSource, EventName, ErrorCode, AWSRegion, SourceIPAddress string
			UserIdentity                                                  struct{ Type, PrincipalID, AccessKeyID string }
			RequestParameters                                             struct {
				KeyStore, ExternalKeyID string
				RequestMetadata         struct{ KmsRequestID, KmsOperation, AwsPrincipalArn, KmsKeyArn, KmsViaService string }
			}
			Resources []struct{ ARN string }
		}
		if err := json.Unmarshal(e.Record, &r); err != nil {
			t.Fatal(err)
		}
		m := r.RequestParameters.RequestMetadata
		if r.EventSource != "kms-xks-proxy" || r.AWSRegion != "us-east-1" || r.SourceIPAddress != "127.0.0.1" ||
			r.UserIdentity.PrincipalID != "kms-xks-proxy/team/a" || r.UserIdentity.AccessKeyID != p.credential.AccessKeyID ||
			m.KmsOperation != "" && (m.KmsRequestID == "" || m.AwsPrincipalArn == "" || m.KmsViaService != "ebs" || r.RequestParameters.KeyStore != "team/a") {
			t.Errorf("recorded %s", e.Record)
		}
		got = append(got, strings.Join([]string{r.EventName, r.ErrorCode, m.KmsOperation, r.RequestParameters.ExternalKeyID, m.KmsKeyArn}, " "))
	}
	want := []string{
		"Encrypt  Encrypt foo " + kmsKeyOne,
		"Decrypt InvalidCiphertextException Decrypt foo " + kmsKeyOne,
		"Encrypt AccessDeniedException Encrypt foo " + kmsKeyTwo,
		"GetHealthStatus  KmsHealthCheck  " + kmsKeyOne,
		"Encrypt ValidationException   ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, hidden := range [][]byte{secret, []byte("as little as the AAD"), []byte(p.credential.SecretAccessKey), a.blob(t, "ciphertext")} {
		if where := p.w.find(hidden, "", nil); where != "" {
			t.Errorf("%q stands in %s", hidden, where)
		}
	}
}
