package forwardaccess_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"claviger/client/forwardaccess"
)

// The root user of an account of a development server.
const (
	customer = "111122223333"
	secret   = "test"
)

// A claviger is a development server with a service that is registered there.
type claviger struct {
	t        *testing.T
	endpoint string
	socket   string
	binary   string
}

// start builds Claviger and starts a development server.
func start(t *testing.T) *claviger {
	t.Helper()
	c := &claviger{t: t, binary: filepath.Join(t.TempDir(), "claviger")}
	build := exec.Command("go", "build", "-trimpath", "-o", c.binary, "./cmd/claviger")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building claviger: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, c.binary, "dev", "--listen", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = []string{"TMPDIR=" + t.TempDir()} // where it is killed it leaves its socket
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	var ready struct {
		Endpoint string
		Socket   string `json:"admin_socket"`
	}
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("claviger did not start: %v\n%s", err, line)
	}
	c.endpoint, c.socket = ready.Endpoint, ready.Socket
	return c
}

func (c *claviger) operate(args ...string) []byte {
	c.t.Helper()
	cmd := exec.Command(c.binary, append(args, "--socket", c.socket)...)
	cmd.Env = []string{"TMPDIR=" + os.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("claviger %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// service registers a service and returns a client of it.
func (c *claviger) service(label string) *forwardaccess.Client {
	c.t.Helper()
	var key struct{ AccessKeyID, SecretAccessKey string }
	out := c.operate("service-principal", "create", label+".example.com", "--signing-name", label, "--actions", "kms:DescribeKey", "--json")
	if err := json.Unmarshal(out, &key); err != nil || key.SecretAccessKey == "" {
		c.t.Fatalf("service-principal create printed %q: %v", out, err)
	}
	return c.client(key.AccessKeyID, key.SecretAccessKey)
}

func (c *claviger) client(id, secret string) *forwardaccess.Client {
	return &forwardaccess.Client{Endpoint: c.endpoint, Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}
}

func (c *claviger) kms(provider aws.CredentialsProvider) *kms.Client {
	return kms.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &c.endpoint, Credentials: provider,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
}

// A letter is a request of the customer's to a service.
type letter struct {
	method, path, body string
	scope, secret      string
	at                 time.Time
	presigned          bool
	change             func(*http.Request) // on its way
}

// received sends a letter and returns what the service captures of it.
func (l letter) received(t *testing.T) (*forwardaccess.Evidence, error) {
	t.Helper()
	var evidence *forwardaccess.Evidence
	var captured error
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		evidence, captured = forwardaccess.Capture(r, bodyMax)
	}))
	defer service.Close()
	r, err := http.NewRequest(l.method, service.URL+l.path, strings.NewReader(l.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Add("X-Note", "two  spaces")
	r.Header.Add("X-Note", "and another")
	r.Header.Set("Content-Type", "text/plain")
	sum := sha256.Sum256([]byte(l.body))
	hash, keys := hex.EncodeToString(sum[:]), aws.Credentials{AccessKeyID: customer, SecretAccessKey: l.secret}
	if l.presigned {
		uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), keys, r, hash, l.scope, "eu-west-1", l.at)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = r.URL.Parse(uri); err != nil {
			t.Fatal(err)
		}
		// It takes a service that wants to, to get such a request past Capture.
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=x")
	} else if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, hash, l.scope, "eu-west-1", l.at); err != nil {
		t.Fatal(err)
	}
	if l.change != nil {
		l.change(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return evidence, captured
}

// TestAgainstClaviger: what this package captures is what Claviger accepts, and
// what it makes of the answer works.
func TestAgainstClaviger(t *testing.T) {
	t.Parallel()
	c := start(t)
	ctx := t.Context()
	vault := c.service("vault")
	own := c.kms(credentials.NewStaticCredentialsProvider(customer, secret, ""))
	key, err := own.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	good := letter{method: "PUT", path: "/a%20b/%C3%A9?x=%2F&y=+&z", body: "text", scope: "vault", secret: secret, at: time.Now()}

	evidence, err := good.received(t)
	if err != nil {
		t.Fatal(err)
	}
	o := forwardaccess.Options{Duration: time.Minute, SourceIP: netip.MustParseAddr("192.0.2.1")}
	s, err := vault.Trade(ctx, evidence, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.User() != "arn:aws:iam::"+customer+":root" || s.Account() != customer {
		t.Errorf("the session is %s's", s.User())
	}
	if left := time.Until(s.Expires()); left > time.Minute || left < 30*time.Second {
		t.Errorf("the session lasts %v", left)
	}
	for name, provider := range map[string]aws.CredentialsProvider{"session": s, "cache": aws.NewCredentialsCache(s), "provider": vault.Provider(evidence, o)} {
		described, err := c.kms(provider).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyMetadata.Arn})
		if err != nil || *described.KeyMetadata.Arn != *key.KeyMetadata.Arn {
			t.Errorf("%s: %v", name, err)
		}
		_, err = c.kms(provider).Encrypt(ctx, &kms.EncryptInput{KeyId: key.KeyMetadata.Arn, Plaintext: []byte("x")})
		if api := smithy.APIError(nil); !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
			t.Errorf("%s calls what was not registered: %v", name, err)
		}
	}

	other := c.service("other")
	tests := map[string]struct {
		by     *forwardaccess.Client
		letter letter
		want   string
	}{
		"another service's evidence": {other, good, "AccessDenied"},
		"for kms":                    {vault, good.with(func(l *letter) { l.scope = "kms" }), "AccessDenied"},
		"wrong secret":               {vault, good.with(func(l *letter) { l.secret = "wrong" }), "AccessDenied"},
		"too old":                    {vault, good.with(func(l *letter) { l.at = l.at.Add(-6 * time.Minute) }), "AccessDenied"},
		"of the future":              {vault, good.with(func(l *letter) { l.at = l.at.Add(6 * time.Minute) }), "AccessDenied"},
		"presigned":                  {vault, good.with(func(l *letter) { l.presigned = true }), "AccessDenied"},
		"another path":               {vault, good.with(func(l *letter) { l.change = func(r *http.Request) { r.URL.RawQuery += "&more" } }), "AccessDenied"},
		"another host":               {vault, good.with(func(l *letter) { l.change = func(r *http.Request) { r.Host = "other" } }), "AccessDenied"},
		"another method":             {vault, good.with(func(l *letter) { l.change = func(r *http.Request) { r.Method = "POST" } }), "AccessDenied"},
		"a field more":               {vault, good.with(func(l *letter) { l.change = func(r *http.Request) { r.Header.Add("X-Note", "more") } }), "AccessDenied"},
		"an unsigned field":          {vault, good.with(func(l *letter) { l.change = func(r *http.Request) { r.Header.Add("X-Amz-More", "more") } }), "AccessDenied"},
		"no service":                 {c.client(customer, secret), good, "AccessDenied"},
		"no such access key":         {c.client("AKIAUNKNOWNUNKNOWN00", "x"), good, "InvalidClientTokenId"},
	}
	for name, test := range tests {
		evidence, err := test.letter.received(t)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = test.by.Trade(ctx, evidence, forwardaccess.Options{})
		var refused *forwardaccess.Error
		if !errors.As(err, &refused) || refused.Code != test.want || refused.Status != http.StatusForbidden || refused.RequestID == "" || refused.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if len(tests) < 13 {
		t.Errorf("only %d refusals", len(tests))
	}

	// What was disabled is over at once.
	c.operate("service-principal", "disable", "vault.example.com")
	if _, err := c.kms(s).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyMetadata.Arn}); err == nil {
		t.Error("a session of a disabled service goes on")
	}
}

func (l letter) with(change func(*letter)) letter {
	change(&l)
	return l
}
