package e2e

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// An externalStore is an external key store of a server, as the key management
// service that uses it sees it.
type externalStore struct {
	t           *testing.T
	server      *process
	endpoint    string // of the interface, where it is not the server's
	http        *http.Client
	path        string
	credentials aws.Credentials
}

// newExternalStore makes a key store with one external key, foo, by the
// operator's commands.
func newExternalStore(t *testing.T, p *process, prefix string) *externalStore {
	t.Helper()
	s := &externalStore{t: t, server: p, http: http.DefaultClient}
	s.configure("create", prefix)
	s.operate("xks-key", "create", prefix, "foo")
	return s
}

// operate runs a command of the operator's and returns what it printed.
func (s *externalStore) operate(args ...string) string {
	s.t.Helper()
	out, errs, code := command(s.t, append(args, "--socket", s.server.admin))
	if code != 0 {
		s.t.Fatalf("%v ended with %d:\n%s%s", args, code, out, errs)
	}
	return out
}

// configure takes what a command prints for AWS KMS.
func (s *externalStore) configure(command, prefix string) {
	s.t.Helper()
	var c struct {
		XksProxyUriPath                  string
		XksProxyAuthenticationCredential struct{ AccessKeyId, RawSecretAccessKey string }
	}
	if err := json.Unmarshal([]byte(s.operate("xks-store", command, prefix)), &c); err != nil {
		s.t.Fatal(err)
	}
	s.path = c.XksProxyUriPath
	s.credentials = aws.Credentials{
		AccessKeyID: c.XksProxyAuthenticationCredential.AccessKeyId, SecretAccessKey: c.XksProxyAuthenticationCredential.RawSecretAccessKey,
	}
}

// call calls the interface and returns the status and the answer.
func (s *externalStore) call(call string, body map[string]any) (int, map[string]any) {
	s.t.Helper()
	status, text := s.send(call, body)
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		s.t.Fatalf("answered %q: %v", text, err)
	}
	return status, answer
}

// send is call without reading the answer.
func (s *externalStore) send(call string, body map[string]any) (int, []byte) {
	s.t.Helper()
	body["requestMetadata"] = map[string]string{
		"kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae", "kmsOperation": "Encrypt", "awsPrincipalArn": "AWS Internal",
		"kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, cmp.Or(s.endpoint, s.server.endpoint)+s.path+call, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(text)
	if err := v4.NewSigner().SignHTTP(s.t.Context(), s.credentials, r, hex.EncodeToString(sum[:]), "kms-xks-proxy", "us-east-1", time.Now()); err != nil {
		s.t.Fatal(err)
	}
	response, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err = io.ReadAll(response.Body); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, text
}

func (s *externalStore) must(call string, body map[string]any) map[string]any {
	s.t.Helper()
	status, answer := s.call(call, body)
	if status != 200 {
		s.t.Fatalf("%s: %d %v", call, status, answer)
	}
	return answer
}

// encrypt encrypts a text; decrypt wants it back.
func (s *externalStore) encrypt(text string) map[string]any {
	s.t.Helper()
	sealed := s.must("/keys/foo/encrypt", map[string]any{"encryptionAlgorithm": "AES_GCM", "plaintext": []byte(text)})
	sealed["encryptionAlgorithm"] = "AES_GCM"
	return sealed
}

func (s *externalStore) decrypt(sealed map[string]any, text string) {
	s.t.Helper()
	want, err := json.Marshal([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	if got := s.must("/keys/foo/decrypt", sealed)["plaintext"]; `"`+got.(string)+`"` != string(want) {
		s.t.Errorf("decrypted to %v, not %s", got, want)
	}
}

// TestExternalKeyStore is the life of an external key store, on a development
// server and on one that keeps things and is killed.
func TestExternalKeyStore(t *testing.T) {
	t.Parallel()
	t.Run("dev", func(t *testing.T) {
		t.Parallel()
		s := newExternalStore(t, dev(t), "team/a")
		s.must("/health", map[string]any{})
		s.decrypt(s.encrypt("in memory"), "in memory")
	})
	t.Run("serve", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "data")
		p := serve(t, dir)
		s := newExternalStore(t, p, "team/a")
		old := s.encrypt("before all")
		s.operate("xks-key", "rotate", "team/a", "foo")
		s.decrypt(old, "before all")
		newer := s.encrypt("after the rotation")

		before := s.credentials
		s.configure("rotate-credential", "team/a")
		s.decrypt(old, "before all")
		s.operate("xks-key", "disable", "team/a", "foo")
		if status, answer := s.call("/keys/foo/decrypt", old); status != 400 || answer["errorName"] != "InvalidStateException" {
			t.Errorf("while the key is disabled: %d %v", status, answer)
		}
		p.kill()
		s.server = serve(t, dir)
		if status, answer := s.call("/keys/foo/decrypt", old); status != 400 || answer["errorName"] != "InvalidStateException" {
			t.Errorf("still disabled: %d %v", status, answer)
		}
		s.operate("xks-key", "enable", "team/a", "foo")
		s.decrypt(old, "before all")
		s.decrypt(newer, "after the rotation")
		s.operate("xks-store", "remove-credential", "team/a", before.AccessKeyID)
		after := s.credentials
		s.credentials = before
		if status, answer := s.call("/health", map[string]any{}); status != 401 || answer["errorName"] != "AuthenticationFailedException" {
			t.Errorf("with a credential that was removed: %d %v", status, answer)
		}
		s.credentials = after
		s.must("/health", map[string]any{})
		if code := s.server.stop(); code != 0 {
			t.Errorf("the server ended with %d:\n%s", code, s.server.output())
		}
		if out, errs, code := command(t, []string{"audit", "verify", "--data", dir}); code != 0 {
			t.Errorf("audit verify ended with %d:\n%s%s", code, out, errs)
		}
	})
}
