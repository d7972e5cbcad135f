package sigv4_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// reference signs, as plainly as the public description reads:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// It shares nothing with the package.
type reference struct {
	id, secret, region, service string
	date                        string // yyyymmddThhmmssZ
	token                       string // session token, "" for none
}

func (s reference) scope() string {
	return s.date[:8] + "/" + s.region + "/" + s.service + "/aws4_request"
}

func (s reference) canonicalPath(path string) string {
	var kept []string
	for _, segment := range strings.Split(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, strings.ReplaceAll(url.QueryEscape(segment), "+", "%20"))
		}
	}
	out := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		out += "/"
	}
	return out
}

func (s reference) canonicalQuery(query string) string {
	values, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if err != nil {
		panic(err)
	}
	values.Del("X-Amz-Signature")
	type pair struct{ k, v string }
	var pairs []pair
	encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	for k, list := range values {
		for _, v := range list {
			pairs = append(pairs, pair{encode(k), encode(v)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return slices.Compare([]string{a.k, a.v}, []string{b.k, b.v})
	})
	var out []string
	for _, p := range pairs {
		out = append(out, p.k+"="+p.v)
	}
	return strings.Join(out, "&")
}

func (s reference) canonicalRequest(r *message.Request, signed []string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + s.canonicalPath(r.Path) + "\n" + s.canonicalQuery(r.Query) + "\n")
	for _, name := range signed {
		var values []string
		if name == "host" {
			values = []string{r.Host}
		}
		for _, f := range r.Header {
			if f.Name == name {
				v := strings.Trim(f.Value, " \t")
				for strings.Contains(v, "  ") {
					v = strings.ReplaceAll(v, "  ", " ")
				}
				values = append(values, v)
			}
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	body := sha256.Sum256(r.Body)
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + hex.EncodeToString(body[:]))
	return b.String()
}

func (s reference) signature(r *message.Request, signed []string) string {
	request := sha256.Sum256([]byte(s.canonicalRequest(r, signed)))
	text := "AWS4-HMAC-SHA256\n" + s.date + "\n" + s.scope() + "\n" + hex.EncodeToString(request[:])
	key := []byte("AWS4" + s.secret)
	for _, part := range []string{s.date[:8], s.region, s.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// signed names what a careful client signs: host and all fields that stand in r.
func (s reference) signed(r *message.Request) []string {
	names := []string{"host"}
	for _, f := range r.Header {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sign adds the header form to r.
func (s reference) sign(r *message.Request) {
	r.Header = append(r.Header, message.Field{Name: "x-amz-date", Value: s.date})
	if s.token != "" {
		r.Header = append(r.Header, message.Field{Name: "x-amz-security-token", Value: s.token})
	}
	s.authorize(r, s.signed(r))
}

// authorize adds an Authorization header over the given fields.
func (s reference) authorize(r *message.Request, signed []string) {
	r.Header = append(r.Header, message.Field{
		Name: "authorization",
		Value: "AWS4-HMAC-SHA256 Credential=" + s.id + "/" + s.scope() + ", SignedHeaders=" + strings.Join(signed, ";") +
			", Signature=" + s.signature(r, signed),
	})
}

// presign adds the query form to r.
func (s reference) presign(r *message.Request, expires string) {
	signed := s.signed(r)
	if r.Query != "" {
		r.Query += "&"
	}
	r.Query += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + url.QueryEscape(s.id+"/"+s.scope()) +
		"&X-Amz-Date=" + s.date + "&X-Amz-Expires=" + expires + "&X-Amz-SignedHeaders=" + url.QueryEscape(strings.Join(signed, ";"))
	if s.token != "" {
		r.Query += "&X-Amz-Security-Token=" + url.QueryEscape(s.token)
	}
	r.Query += "&X-Amz-Signature=" + s.signature(r, signed)
}

// lender lends credentials by access key id, as a service of identities would.
type lender map[string]*authz.Credential

func (l lender) Credential(_ context.Context, id, token string) (*authz.Credential, error) {
	if c := l[id]; c != nil && c.Token == token {
		return c, nil
	}
	return nil, fault.New(fault.UnrecognizedClient, "Nobody knows access key %s.", id)
}

func credential(id, secret string) *authz.Credential {
	return &authz.Credential{AccessKeyID: id, Secret: confidential.New([]byte(secret)), Caller: &authz.Caller{}}
}

// temporary is a credential with a session token.
func temporary(id, secret, token string) *authz.Credential {
	c := credential(id, secret)
	c.Token = token
	return c
}

const (
	exampleID     = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// noon is when the requests of the tests are signed.
var noon = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func signer(service string) reference {
	return reference{id: exampleID, secret: exampleSecret, region: "us-east-1", service: service, date: "20150830T123600Z"}
}

func verifier() *sigv4.Verifier {
	return &sigv4.Verifier{
		Credentials: lender{exampleID: credential(exampleID, exampleSecret)},
		Skew: func(service string) time.Duration {
			if service == "iam" || service == "sts" {
				return 15 * time.Minute
			}
			return 5 * time.Minute
		},
	}
}

// encrypt is a request as an SDK sends it, unsigned.
func encrypt() *message.Request {
	return &message.Request{
		Method: "POST",
		Path:   "/",
		Host:   "kms.us-east-1.amazonaws.com",
		Header: []message.Field{
			{Name: "content-type", Value: "application/x-amz-json-1.1"},
			{Name: "x-amz-target", Value: "TrentService.Encrypt"},
			{Name: "amz-sdk-invocation-id", Value: "5a1b2c3d-0000-4000-8000-1234567890ab"},
			{Name: "amz-sdk-request", Value: "attempt=1; max=3"},
			{Name: "content-length", Value: "96"},
		},
		Body: []byte(`{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}`),
	}
}

func wantFault(t *testing.T, err error, code fault.Code, text string) {
	t.Helper()
	f, ok := err.(*fault.Fault)
	if !ok || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("error is %v, want %s with %q", err, code, text)
	}
}
