package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
)

// shown is a request as its receiver shows it: the host among the header's
// fields, and of the body nothing.
func shown(r *message.Request) *message.Request {
	return &message.Request{
		Method: r.Method, Path: r.Path, Query: r.Query,
		Header: append([]message.Field{{Name: "host", Value: r.Host}}, r.Header...),
	}
}

// document is what a user sends to a service of somebody else.
func document() *message.Request {
	return &message.Request{
		Method: "PUT",
		Path:   "/documents/a%20b",
		Query:  "owner=ann&draft",
		Host:   "vault.example.org:8443",
		Header: []message.Field{
			{Name: "content-type", Value: "text/plain"},
			{Name: "x-amz-meta", Value: "blue"},
			{Name: "user-agent", Value: "cli"},
		},
		Body: []byte("It was a dark and stormy night."),
	}
}

func TestVerifyEvidence(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *message.Request){
		"as it was sent": func(*message.Request) {},
		"names as people write them": func(r *message.Request) {
			for i := range r.Header {
				words := strings.Split(r.Header[i].Name, "-")
				for j, word := range words {
					words[j] = strings.ToUpper(word[:1]) + word[1:]
				}
				r.Header[i].Name = strings.Join(words, "-")
			}
		},
		"names in capitals": func(r *message.Request) {
			for i := range r.Header {
				r.Header[i].Name = strings.ToUpper(r.Header[i].Name)
			}
		},
		"another order":         func(r *message.Request) { slices.Reverse(r.Header) },
		"space around the host": func(r *message.Request) { r.Header[0].Value = " " + r.Header[0].Value + "\t" },
		"a field that nobody signs": func(r *message.Request) {
			r.Header = append(r.Header, message.Field{Name: "X-Forwarded-For", Value: "192.0.2.1"})
		},
		"a host beside the header": func(r *message.Request) { r.Host = "elsewhere.example.org" },
		"a body beside its hash":   func(r *message.Request) { r.Body = []byte("nobody's") },
	} {
		for _, token := range []string{"", exampleToken} {
			r := document()
			body := sha256.Sum256(r.Body)
			sessionSigner("vault", token).sign(r)
			r = shown(r)
			change(r)
			given := *r
			given.Header = slices.Clone(r.Header)
			got, scope, err := sessionVerifier(token).VerifyEvidence(context.Background(), r, body, noon)
			if err != nil || got.AccessKeyID != exampleID || scope.Service != "vault" {
				t.Errorf("%s: signed for %v: %v", name, scope, err)
			}
			if !slices.Equal(given.Header, r.Header) || given.Host != r.Host {
				t.Errorf("%s: the evidence was changed", name)
			}
		}
	}
}

// TestVerifyEvidenceRefuses has every way in which evidence may differ from what
// was signed, each with its reason.
func TestVerifyEvidenceRefuses(t *testing.T) {
	t.Parallel()
	const differs = "does not match the signature you provided"
	resign := func(change func(s *reference)) func(r *message.Request) {
		return func(r *message.Request) {
			s := sessionSigner("vault", exampleToken)
			change(&s)
			*r = *document()
			s.sign(r)
			*r = *shown(r)
		}
	}
	cases := map[string]struct {
		change func(r *message.Request)
		code   fault.Code
		text   string
	}{
		"method":                  {func(r *message.Request) { r.Method = "GET" }, fault.InvalidSignature, differs},
		"method's case":           {func(r *message.Request) { r.Method = "put" }, fault.InvalidSignature, differs},
		"no method":               {func(r *message.Request) { r.Method = "" }, fault.InvalidSignature, differs},
		"path":                    {func(r *message.Request) { r.Path += "c" }, fault.InvalidSignature, differs},
		"path with the query":     {func(r *message.Request) { r.Path, r.Query = r.Path+"?"+r.Query, "" }, fault.InvalidSignature, differs},
		"absolute path":           {func(r *message.Request) { r.Path = "https://vault.example.org:8443" + r.Path }, fault.InvalidSignature, differs},
		"query":                   {func(r *message.Request) { r.Query += "=1" }, fault.InvalidSignature, differs},
		"no query":                {func(r *message.Request) { r.Query = "" }, fault.InvalidSignature, differs},
		"broken query":            {func(r *message.Request) { r.Query = "%" }, fault.IncompleteSignature, "percent-encoded"},
		"both forms":              {func(r *message.Request) { r.Query += "&X-Amz-Credential=0" }, fault.IncompleteSignature, "not by both"},
		"host":                    {set("host", "vault.example.com:8443"), fault.InvalidSignature, differs},
		"host without its port":   {set("host", "vault.example.org"), fault.InvalidSignature, differs},
		"no host":                 {drop("host"), fault.IncompleteSignature, "must have one Host header"},
		"empty host":              {set("host", " "), fault.IncompleteSignature, "must have one Host header"},
		"host twice":              {add("Host", "vault.example.org:8443"), fault.IncompleteSignature, "must have one Host header"},
		"host unsigned":           {edit(";host", ""), fault.InvalidSignature, "'Host' or ':authority' must be a 'SignedHeader'"},
		"content type":            {set("content-type", "text/html"), fault.InvalidSignature, differs},
		"content type unsigned":   {edit("content-type;", ""), fault.InvalidSignature, "'content-type' must be a 'SignedHeader'"},
		"content type twice":      {add("Content-Type", "text/plain"), fault.InvalidSignature, differs},
		"no content type":         {drop("content-type"), fault.InvalidSignature, differs},
		"field":                   {set("x-amz-meta", "red"), fault.InvalidSignature, differs},
		"no field":                {drop("x-amz-meta"), fault.InvalidSignature, differs},
		"field twice":             {add("X-Amz-Meta", "blue"), fault.InvalidSignature, differs},
		"field more":              {add("X-Amz-Source-Account", "111122223333"), fault.InvalidSignature, "'x-amz-source-account' must be a 'SignedHeader'"},
		"plain field":             {set("user-agent", "other"), fault.InvalidSignature, differs},
		"plain field twice":       {add("User-Agent", "cli"), fault.InvalidSignature, differs},
		"no plain field":          {drop("user-agent"), fault.InvalidSignature, differs},
		"line in a field":         {set("user-agent", "cli\nx-amz-meta:red"), fault.InvalidSignature, differs},
		"name of no field":        {add("x-amz-meta ", "blue"), fault.IncompleteSignature, "a name that none can have"},
		"name with a Kelvin sign": {add("x-amz-security-to\u212aen", "x"), fault.IncompleteSignature, "a name that none can have"},
		"no name":                 {add("", "x"), fault.IncompleteSignature, "a name that none can have"},
		"long name":               {add(strings.Repeat("x", 129), "x"), fault.IncompleteSignature, "a name that none can have"},
		"declared hash":           {add("X-Amz-Content-Sha256", strings.Repeat("0", 64)), fault.InvalidSignature, "'x-amz-content-sha256' must be a 'SignedHeader'"},
		"date":                    {set("x-amz-date", "20150830T123601Z"), fault.InvalidSignature, differs},
		"date unsigned":           {edit(";x-amz-date", ""), fault.InvalidSignature, "'x-amz-date' must be a 'SignedHeader'"},
		"date twice":              {add("X-Amz-Date", "20150830T123600Z"), fault.IncompleteSignature, "requires existence of either"},
		"no date":                 {drop("x-amz-date"), fault.IncompleteSignature, "requires existence of either"},
		"another day":             {edit("/20150830/", "/20150831/"), fault.InvalidSignature, "Date in Credential scope does not match"},
		"region":                  {edit("/us-east-1/", "/eu-west-1/"), fault.InvalidSignature, differs},
		"service":                 {edit("/vault/", "/kms/"), fault.InvalidSignature, differs},
		"terminator":              {edit("aws4_request", "aws5_request"), fault.IncompleteSignature, "valid terminator"},
		"access key":              {edit("AKIDEXAMPLE", "AKIDEXAMPLF"), fault.UnrecognizedClient, "security token"},
		"algorithm":               {edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), fault.IncompleteSignature, "Unsupported AWS 'algorithm'"},
		"signature":               {edit("Signature=", "Signature=0"), fault.InvalidSignature, differs},
		"signature of another":    {resign(func(s *reference) { s.secret = "another secret" }), fault.InvalidSignature, differs},
		"no signature":            {drop("authorization"), fault.MissingAuthentication, "Request is missing Authentication Token"},
		"two signatures":          {add("Authorization", "x"), fault.IncompleteSignature, "one Authorization header"},
		"token":                   {set("x-amz-security-token", exampleToken+"x"), fault.UnrecognizedClient, "security token"},
		"no token":                {drop("x-amz-security-token"), fault.UnrecognizedClient, "security token"},
		"token twice":             {add("X-Amz-Security-Token", exampleToken), fault.UnrecognizedClient, "security token"},
		"token unsigned":          {edit(";x-amz-security-token", ""), fault.InvalidSignature, "'x-amz-security-token' must be a 'SignedHeader'"},
		"token in the query":      {func(r *message.Request) { r.Query += "&X-Amz-Security-Token=" + exampleToken }, fault.UnrecognizedClient, "security token"},
		"expired":                 {resign(func(s *reference) { s.date = "20150830T123059Z" }), fault.InvalidSignature, "Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)"},
		"of the future":           {resign(func(s *reference) { s.date = "20150830T124101Z" }), fault.InvalidSignature, "Signature not yet current"},
		"many fields":             {func(r *message.Request) { r.Header = append(r.Header, many("x-a", 300)...) }, fault.IncompleteSignature, "too many"},
		"endless fields":          {func(r *message.Request) { r.Header = append(r.Header, many("x-a", 1<<16)...) }, fault.IncompleteSignature, "too large"},
		"endless path":            {func(r *message.Request) { r.Path += strings.Repeat("/a", 1<<15) }, fault.IncompleteSignature, "too large"},
		"endless query":           {func(r *message.Request) { r.Query += strings.Repeat("a", 1<<16) }, fault.IncompleteSignature, "too large"},
		"endless value":           {set("user-agent", strings.Repeat("a", 1<<16)), fault.IncompleteSignature, "too large"},
	}
	for name, c := range cases {
		r := document()
		body := sha256.Sum256(r.Body)
		sessionSigner("vault", exampleToken).sign(r)
		r = shown(r)
		c.change(r)
		got, scope, err := sessionVerifier(exampleToken).VerifyEvidence(context.Background(), r, body, noon)
		if got != nil || scope != (sigv4.Scope{}) {
			t.Errorf("%s: was lent a credential", name)
		}
		t.Run(name, func(t *testing.T) { wantFault(t, err, c.code, c.text) })
	}
	if len(cases) != 59 {
		t.Errorf("%d cases ran", len(cases))
	}
}

func many(name string, n int) []message.Field {
	return slices.Repeat([]message.Field{{Name: name}}, n)
}

// TestEvidenceBody: the hash that is given is the one that was signed, whatever
// the header declares.
func TestEvidenceBody(t *testing.T) {
	t.Parallel()
	own := sha256.Sum256(document().Body)
	for name, c := range map[string]struct {
		declared string
		given    [sha256.Size]byte
		text     string // "" where the evidence is taken
	}{
		"not declared":          {"", own, ""},
		"declared":              {hex.EncodeToString(own[:]), own, ""},
		"another is declared":   {strings.Repeat("0", 64), own, "'x-amz-content-sha256' is not the SHA-256 of the body"},
		"declared, not given":   {hex.EncodeToString(own[:]), sha256.Sum256([]byte("x")), "'x-amz-content-sha256' is not the SHA-256 of the body"},
		"another is given":      {"", sha256.Sum256([]byte("x")), "does not match"},
		"nothing is given":      {"", [sha256.Size]byte{}, "does not match"},
		"body was not signed":   {"UNSIGNED-PAYLOAD", own, "'x-amz-content-sha256' is not the SHA-256 of the body"},
		"body was signed later": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", own, "'x-amz-content-sha256' is not the SHA-256 of the body"},
	} {
		r := document()
		if c.declared != "" {
			r.Header = append(r.Header, message.Field{Name: "x-amz-content-sha256", Value: c.declared})
		}
		signer("vault").sign(r)
		_, _, err := verifier().VerifyEvidence(context.Background(), shown(r), c.given, noon)
		if c.text == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.text != "" {
			t.Run(name, func(t *testing.T) { wantFault(t, err, fault.InvalidSignature, c.text) })
		}
	}
}

// TestPresignedIsNoEvidence: a URL proves nothing of who shows it.
func TestPresignedIsNoEvidence(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", exampleToken} {
		r := &message.Request{Method: "GET", Path: "/documents", Host: "vault.example.org"}
		sessionSigner("vault", token).presign(r, "60")
		v := sessionVerifier(token)
		if _, _, err := v.Verify(context.Background(), r, noon); err != nil {
			t.Fatal(err)
		}
		_, _, err := v.VerifyEvidence(context.Background(), shown(r), sha256.Sum256(nil), noon)
		wantFault(t, err, fault.IncompleteSignature, "presigned request is no evidence")
	}
}

// TestEvidenceHoldsTheClock: the window is that of the service for which the
// evidence was signed.
func TestEvidenceHoldsTheClock(t *testing.T) {
	t.Parallel()
	r := document()
	body := sha256.Sum256(r.Body)
	signer("vault").sign(r)
	for late, ok := range map[time.Duration]bool{-5 * time.Minute: true, 5 * time.Minute: true, 301 * time.Second: false, -301 * time.Second: false} {
		if _, _, err := verifier().VerifyEvidence(context.Background(), shown(r), body, noon.Add(late)); (err == nil) != ok {
			t.Errorf("%v late: %v", late, err)
		}
	}
}

// TestEvidenceOfTheRefused: credentials that are good for nothing any more prove
// nothing either.
func TestEvidenceOfTheRefused(t *testing.T) {
	t.Parallel()
	ended := credential(exampleID, exampleSecret)
	ended.Refusal = fault.New(fault.AccessDenied, "It is over.")
	r := document()
	body := sha256.Sum256(r.Body)
	signer("vault").sign(r)
	v := &sigv4.Verifier{Credentials: lender{exampleID: ended}}
	got, scope, err := v.VerifyEvidence(context.Background(), shown(r), body, noon)
	if got != nil || scope != (sigv4.Scope{}) {
		t.Error("was lent a credential")
	}
	wantFault(t, err, fault.AccessDenied, "It is over.")
	_, _, err = v.VerifyEvidence(context.Background(), shown(r), sha256.Sum256(nil), noon)
	wantFault(t, err, fault.InvalidSignature, "does not match") // a stranger does not learn of it
}

func TestEvidenceTrustsNoBrokenLender(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	r := document()
	signer("vault").sign(r)
	for _, b := range []broken{{err: cause}, {}, {credential: credential("AKIDOTHER", exampleSecret)}, {credential: temporary(exampleID, exampleSecret, "x")}} {
		v := &sigv4.Verifier{Credentials: b}
		_, _, err := v.VerifyEvidence(context.Background(), shown(r), sha256.Sum256(r.Body), noon)
		if fault.From(err).Code != fault.InternalFailure || b.err != nil && !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
	}
}

// Evidence is taken exactly where the request itself was.
func TestEvidenceAgreesWithVerify(t *testing.T) {
	t.Parallel()
	v := sessionVerifier(exampleToken)
	rapid.Check(t, func(t *rapid.T) {
		r := requests().Draw(t, "request")
		sessionSigner("vault", rapid.SampledFrom([]string{exampleToken, exampleToken, ""}).Draw(t, "token")).sign(r)
		body := sha256.Sum256(r.Body)
		if i := rapid.IntRange(-len(r.Header), len(r.Header)-1).Draw(t, "spoiled"); i >= 0 {
			r.Header[i].Value += rapid.SampledFrom([]string{"x", " ", "  x", ""}).Draw(t, "by")
		}
		want, wantScope, wantErr := v.Verify(context.Background(), r, noon)
		e := shown(r)
		for i := range e.Header {
			if rapid.Bool().Draw(t, "capitals") {
				e.Header[i].Name = strings.ToUpper(e.Header[i].Name)
			}
		}
		got, scope, err := v.VerifyEvidence(context.Background(), e, body, noon)
		if got != want || scope != wantScope || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("evidence: %v, %v; request: %v, %v", scope, err, wantScope, wantErr)
		}
	})
}

func FuzzVerifyEvidence(f *testing.F) {
	r := document()
	sessionSigner("vault", exampleToken).sign(r)
	authorization := r.Get("authorization")
	f.Add("PUT", r.Path, r.Query, r.Host, authorization, "20150830T123600Z", "X-Amz-Meta", "blue", exampleToken, []byte("x"))
	f.Add("GET", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=1", "", "", "", "Host", "h", "", []byte(nil))
	f.Add("PUT", "//", "X-Amz-Security-Token", "h", authorization, "", "date", "Sun, 30 Aug 2015 12:36:00 GMT", "", []byte(nil))
	f.Add("", "", "", "", strings.ToUpper(authorization), "2015", "x-amz-to\u212aen", "\xff", strings.Repeat("t", 20000), []byte(nil))
	secret := lender{exampleID: temporary(exampleID, "a secret that nothing here was signed with", exampleToken)}
	f.Fuzz(func(t *testing.T, method, path, query, host, authorization, date, name, value, token string, body []byte) {
		r := &message.Request{Method: method, Path: path, Query: query, Header: []message.Field{
			{Name: "Host", Value: host}, {Name: "X-Amz-Date", Value: date}, {Name: name, Value: value},
			{Name: "Authorization", Value: authorization}, {Name: "X-Amz-Security-Token", Value: token},
		}}
		v := &sigv4.Verifier{Credentials: secret}
		got, scope, err := v.VerifyEvidence(context.Background(), r, sha256.Sum256(body), noon)
		if err == nil || got != (*authz.Credential)(nil) {
			t.Fatalf("a request that nobody signed is verified as %v", scope)
		}
		if fault.From(err).Code == fault.InternalFailure {
			t.Fatalf("refused with %v", err)
		}
	})
}
