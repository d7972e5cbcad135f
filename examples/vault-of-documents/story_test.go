package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/examples/vault-of-documents/vault"
)

// keyPolicy lets people use the key through the vault service and no other way,
// and services for the bank's own vaults only.
const keyPolicy = `{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + bank + `:root"},"Action":"kms:*","Resource":"*"},
  {"Effect":"Deny","Principal":{"AWS":"*"},"Action":["kms:CreateGrant","kms:GenerateDataKey","kms:Decrypt"],"Resource":"*",
   "Condition":{"StringNotEquals":{"kms:ViaService":"vault.us-east-1.example.com"},"Bool":{"aws:PrincipalIsAWSService":"false"}}},
  {"Effect":"Deny","Principal":{"AWS":"*"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*",
   "Condition":{"ArnNotLike":{"aws:SourceArn":"arn:aws:vault:us-east-1:` + bank + `:vault/*"},"Bool":{"aws:PrincipalIsAWSService":"true"}}},
  {"Effect":"Deny","Principal":{"AWS":"*"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*",
   "Condition":{"StringNotEquals":{"aws:SourceAccount":"` + bank + `"},"Bool":{"aws:PrincipalIsAWSService":"true"}}}]}`

// userPolicy is what a person needs who makes vaults.
const userPolicy = `{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":["kms:CreateGrant","kms:DescribeKey","kms:GenerateDataKey","kms:Decrypt"],"Resource":"*",
   "Condition":{"StringEquals":{"kms:ViaService":"vault.us-east-1.example.com"}}}]}`

// A scene is the service at work: Claviger, the service, its customer's key.
type scene struct {
	*claviger
	own      aws.CredentialsProvider
	dir      string
	service  *httptest.Server
	root     *person // of the bank
	ann, bob *person // of the bank; bob has no permissions
	key      string
	failing  atomic.Pointer[string] // operation whose answer gets lost
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{claviger: start(t), dir: filepath.Join(t.TempDir(), "vaults")}
	s.own = s.claviger.service(principal, "vault")
	s.root = s.claviger.root(bank)
	s.ann = s.user(s.root, "ann", userPolicy)
	s.bob = s.user(s.root, "bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:*","Resource":"*"}]}`)
	key, err := s.root.kms.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: aws.String(keyPolicy)})
	if err != nil {
		t.Fatal(err)
	}
	s.key = *key.KeyMetadata.Arn
	s.restart()
	t.Cleanup(func() { s.service.Close() })
	return s
}

// restart starts the service anew on the same directory.
func (s *scene) restart() {
	s.t.Helper()
	if s.service != nil {
		s.service.Close()
	}
	server, err := vault.New(vault.Options{
		Principal: principal, Credentials: s.own, Endpoint: s.endpoint, Region: region, Dir: s.dir,
		HTTP: &http.Client{Timeout: time.Minute, Transport: lossy{s}},
		Log:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.service = httptest.NewServer(server)
	s.t.Cleanup(func() { _ = server.Close() })
}

// lossy is a network that can lose the answers to one operation: Claviger has
// done its work, and the service does not learn of it. To the service's
// directory that is the same as dying at that moment.
type lossy struct{ *scene }

func (l lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if failing := l.failing.Load(); failing != nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+*failing) && err == nil {
		response.Body.Close()
		return nil, errors.New("the answer got lost")
	}
	return response, err
}

func (s *scene) losing(operation string, f func()) {
	s.failing.Store(&operation)
	defer s.failing.Store(nil)
	f()
}

// ask sends a request that a person signed for a service.
func (s *scene) askAs(who *person, scope, method, path string, body []byte) (int, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.service.URL+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if who != nil {
		sum := sha256.Sum256(body)
		if err := v4.NewSigner().SignHTTP(s.t.Context(), who.credentials, r, hex.EncodeToString(sum[:]), scope, region, time.Now()); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.send(r)
}

func (s *scene) send(r *http.Request) (int, []byte) {
	s.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, answer
}

func (s *scene) ask(who *person, method, path, body string) (int, string) {
	s.t.Helper()
	status, answer := s.askAs(who, "vault", method, path, []byte(body))
	return status, string(answer)
}

// must demands a status and, of the answer, a part of its text.
func (s *scene) must(who *person, method, path, body string, status int, text string) string {
	s.t.Helper()
	got, answer := s.ask(who, method, path, body)
	if got != status || !strings.Contains(answer, text) {
		s.t.Errorf("%s %s answers %d %s, want %d with %q", method, path, got, answer, status, text)
	}
	return answer
}

func (s *scene) keyIn() string { return `{"KeyArn":"` + s.key + `"}` }

// grants lists the ids of the grants on the key.
func (s *scene) grants() (ids []string) {
	s.t.Helper()
	out, err := s.root.kms.ListGrants(s.t.Context(), &kms.ListGrantsInput{KeyId: &s.key})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, g := range out.Grants {
		if *g.GranteePrincipal != principal || *g.RetiringPrincipal != principal || len(g.Operations) != 3 || len(g.Constraints.EncryptionContextSubset) != 1 {
			s.t.Errorf("there is a grant of another kind: %+v", g)
		}
		ids = append(ids, *g.GrantId)
	}
	return ids
}

// someGrants demands that there are n grants.
func (s *scene) someGrants(n int) []string {
	s.t.Helper()
	ids := s.grants()
	if len(ids) != n {
		s.t.Errorf("the key has %d grants, want %d", len(ids), n)
	}
	return ids
}

const (
	plans   = "the bank's plans for the year"
	figures = "the bank's figures of the year"
)

// TestStory: a customer's documents are readable exactly as long as the customer
// lets the service use the key, and none is lost meanwhile.
func TestStory(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx := t.Context()

	// Ann makes a vault under the bank's key and puts two documents into it.
	s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 200, `"State":"ready"`)
	s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 200, `"State":"ready"`)
	s.someGrants(1)
	s.must(s.ann, "PUT", "/vaults/board/documents/plans", plans, 204, "")
	s.must(s.ann, "PUT", "/vaults/board/documents/figures", figures, 204, "")
	s.must(s.ann, "GET", "/vaults/board/documents/plans", "", 200, plans)
	s.must(s.ann, "GET", "/vaults/board/documents/none", "", 404, "no such document")
	s.sealed()

	// She can't use the key herself, nor can the service without a vault's context.
	if _, err := s.ann.kms.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &s.key, KeySpec: "AES_256"}); err == nil {
		t.Error("ann uses the key without the service")
	}

	// The bank revokes: everything is refused, and nothing is lost.
	broken := func(code string) {
		t.Helper()
		s.must(s.ann, "GET", "/vaults/board/documents/plans", "", 403, code)
		s.must(s.ann, "GET", "/vaults/board/documents/figures", "", 403, code)
		s.must(s.ann, "PUT", "/vaults/board/documents/plans", "changed", 403, code)
	}
	readable := func() {
		t.Helper()
		s.must(s.ann, "GET", "/vaults/board/documents/plans", "", 200, plans)
		s.must(s.ann, "GET", "/vaults/board/documents/figures", "", 200, figures)
	}
	if _, err := s.root.kms.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &s.key, GrantId: &s.someGrants(1)[0]}); err != nil {
		t.Fatal(err)
	}
	s.someGrants(0)
	broken("AccessDeniedException")
	s.must(s.bob, "POST", "/vaults/board/authorize", "", 403, "AccessDeniedException")
	broken("AccessDeniedException")

	// The bank allows again, and all is there, also after a restart.
	s.must(s.ann, "POST", "/vaults/board/authorize", "", 200, `"State":"ready"`)
	s.must(s.ann, "POST", "/vaults/board/authorize", "", 200, `"State":"ready"`)
	s.someGrants(1)
	readable()
	s.restart()
	readable()

	// So it is with the key itself.
	if _, err := s.root.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &s.key}); err != nil {
		t.Fatal(err)
	}
	broken("DisabledException")
	s.must(s.ann, "PUT", "/vaults/another", s.keyIn(), 403, "DisabledException")
	s.must(s.ann, "GET", "/vaults/another", "", 404, "no such vault")
	s.must(s.ann, "POST", "/vaults/board/authorize", "", 403, "DisabledException")
	if _, err := s.root.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &s.key}); err != nil {
		t.Fatal(err)
	}
	readable()

	// What is deleted is gone, and the service has given the grant back.
	s.must(s.ann, "DELETE", "/vaults/board", "", 204, "")
	s.someGrants(0)
	s.must(s.ann, "GET", "/vaults/board", "", 404, "no such vault")
	s.must(s.ann, "DELETE", "/vaults/board", "", 404, "no such vault")
	if left, err := filepath.Glob(filepath.Join(s.dir, "*", "*")); err != nil || len(left) != 0 {
		t.Errorf("of the vault there is left: %q, %v", left, err)
	}
	s.trailTells()
}

// sealed demands that no file of the service holds a document in clear.
func (s *scene) sealed() {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("the bank's")) {
			s.t.Errorf("%s holds a document in clear", path)
		}
		return err
	})
	if err != nil || files != 3 {
		s.t.Errorf("the service has %d files, want the vault and two documents: %v", files, err)
	}
}

// trailTells: who did what stands in the trail: the user through the service,
// and the service in its own name.
func (s *scene) trailTells() {
	s.t.Helper()
	var trades, asUser, asService, refused int
	for _, r := range s.trail() {
		switch id := r.UserIdentity; {
		case r.EventName == "CreateForwardAccessSession":
			trades++
			if id.Type != "AWSService" || id.InvokedBy != principal {
				s.t.Errorf("a trade is recorded as of %+v", id)
			}
		case r.EventName == "CreateGrant":
			asUser++
			if id.Type != "IAMUser" || id.InvokedBy != principal {
				s.t.Errorf("CreateGrant is recorded as of %+v", id)
			}
		case (r.EventName == "Decrypt" || r.EventName == "GenerateDataKey") && id.Type == "AWSService":
			asService++
			if id.InvokedBy != principal {
				s.t.Errorf("%s is recorded as of %+v", r.EventName, id)
			}
			if r.ErrorCode != "" {
				refused++
			}
		}
	}
	if trades < 20 || asUser < 5 || asService < 15 || refused < 9 {
		s.t.Errorf("the trail has %d trades, %d calls for users, %d of the service's own, %d of those refused", trades, asUser, asService, refused)
	}
}

// TestStrangers: whoever is not of the customer's account, or can't prove it to
// this very service, gets nowhere.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 200, "")
	s.must(s.ann, "PUT", "/vaults/board/documents/plans", plans, 204, "")
	const path = "/vaults/board/documents/plans"

	rivalRoot := s.claviger.root(rival)
	if _, err := rivalRoot.kms.ListKeys(t.Context(), nil); err != nil { // the account is made on first sight
		t.Fatal(err)
	}
	s.must(rivalRoot, "GET", path, "", 404, "no such vault")
	s.must(rivalRoot, "DELETE", "/vaults/board", "", 404, "no such vault")
	s.must(rivalRoot, "PUT", "/vaults/mine", s.keyIn(), 403, "")
	s.must(s.bob, "PUT", "/vaults/mine", s.keyIn(), 403, "AccessDeniedException")
	s.must(s.claviger.person("AKIAUNKNOWNUNKNOWN00", "secret"), "GET", path, "", 403, "security token included in the request is invalid")
	s.must(&person{credentials: aws.Credentials{AccessKeyID: s.ann.credentials.AccessKeyID, SecretAccessKey: "wrong"}}, "GET", path, "", 403, "not accepted as evidence")
	if status, answer := s.askAs(nil, "", "GET", path, nil); status != 403 {
		t.Errorf("an unsigned request answers %d %s", status, answer)
	}
	for _, scope := range []string{"kms", "sts", "s3", "other"} {
		if status, answer := s.askAs(s.ann, scope, "GET", path, nil); status != 403 {
			t.Errorf("a request signed for %s answers %d %s", scope, status, answer)
		}
	}

	// What was signed is what is done.
	r, err := http.NewRequest("PUT", s.service.URL+path, strings.NewReader("forged"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(plans))
	if err := v4.NewSigner().SignHTTP(t.Context(), s.ann.credentials, r, hex.EncodeToString(sum[:]), "vault", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.send(r); status != 403 {
		t.Errorf("a forged body answers %d %s", status, answer)
	}
	s.must(s.ann, "GET", path, "", 200, plans)

	// Names are no paths.
	for _, id := range []string{"..%2fvault.json", "%2e%2e", ".hidden", "a%00b", strings.Repeat("a", 129)} {
		if status, answer := s.ask(s.ann, "PUT", "/vaults/board/documents/"+id, "x"); status != 400 && status != 404 {
			t.Errorf("a document named %s answers %d %s", id, status, answer)
		}
	}
	if status, _ := s.ask(s.ann, "PUT", path, strings.Repeat("a", vault.DocumentMax+1)); status != 413 {
		t.Errorf("too large a document answers %d", status)
	}
	s.must(s.ann, "PUT", path, strings.Repeat("a", vault.DocumentMax), 204, "")
}

// TestSwappedDocuments: a document opens only where it was put, and unchanged.
func TestSwappedDocuments(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, name := range []string{"board", "archive"} {
		s.must(s.ann, "PUT", "/vaults/"+name, s.keyIn(), 200, "")
		s.must(s.ann, "PUT", "/vaults/"+name+"/documents/plans", plans, 204, "")
		s.must(s.ann, "PUT", "/vaults/"+name+"/documents/figures", figures, 204, "")
	}
	file := func(name, id string) string { return filepath.Join(s.dir, bank, name, "documents", id) }
	original, err := os.ReadFile(file("board", "plans"))
	if err != nil {
		t.Fatal(err)
	}
	var parts struct{ DataKey, Text []byte }
	if err := json.Unmarshal(original, &parts); err != nil {
		t.Fatal(err)
	}
	parts.Text[len(parts.Text)-1] ^= 1
	changed, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	for _, swap := range []struct {
		name, id string
		text     []byte
	}{{"board", "figures", original}, {"archive", "plans", original}, {"board", "plans", changed}} {
		if err := os.WriteFile(file(swap.name, swap.id), swap.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if status, answer := s.ask(s.ann, "GET", "/vaults/"+swap.name+"/documents/"+swap.id, ""); status == 200 {
			t.Errorf("the document put in place of %s/%s reads %s", swap.name, swap.id, answer)
		}
	}
	s.must(s.ann, "GET", "/vaults/archive/documents/figures", "", 200, figures)
}

// TestLostAnswers: when the service does not learn whether Claviger did what it
// was asked, or dies at that moment, doing it again loses nothing and leaves
// nothing.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.losing("CreateGrant", func() {
		s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 502, "")
	})
	first := s.someGrants(1)
	s.restart()
	s.must(s.ann, "GET", "/vaults/board", "", 200, `"State":"creating"`)
	s.must(s.ann, "PUT", "/vaults/board/documents/plans", plans, 409, "creating")
	s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 200, first[0])
	s.someGrants(1)
	s.must(s.ann, "PUT", "/vaults/board/documents/plans", plans, 204, "")

	s.losing("RetireGrant", func() {
		s.must(s.ann, "DELETE", "/vaults/board", "", 502, "")
	})
	s.someGrants(0)
	s.restart()
	s.must(s.ann, "GET", "/vaults/board/documents/plans", "", 409, "deleting")
	s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 409, "deleted")
	s.must(s.ann, "DELETE", "/vaults/board", "", 204, "")
	s.must(s.ann, "GET", "/vaults/board", "", 404, "")

	// A grant whose id was never learnt is found again and retired.
	s.losing("CreateGrant", func() {
		s.must(s.ann, "PUT", "/vaults/board", s.keyIn(), 502, "")
	})
	s.someGrants(1)
	s.restart()
	s.must(s.ann, "DELETE", "/vaults/board", "", 204, "")
	s.someGrants(0)
}
