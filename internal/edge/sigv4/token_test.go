package sigv4_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/session"
	"claviger/internal/words/fault"
)

const exampleToken = "EXAMPLE-token_0123456789"

// sessionSigner signs with the example's temporary credentials.
func sessionSigner(service, token string) reference {
	s := signer(service)
	s.token = token
	return s
}

func sessionVerifier(token string) *sigv4.Verifier {
	v := verifier()
	v.Credentials = lender{exampleID: temporary(exampleID, exampleSecret, token)}
	return v
}

// whoami is a request that may be presigned.
func whoami() *message.Request {
	return &message.Request{Method: "GET", Path: "/", Query: "Action=GetCallerIdentity&Version=2011-06-15", Host: "sts.us-east-1.amazonaws.com"}
}

// TestToken: a session token stands once, in the place of the signature's form,
// signed, and with the access key that it belongs to.
func TestToken(t *testing.T) {
	t.Parallel()
	const invalid = "The security token included in the request is invalid."
	header := func(token string) *message.Request {
		r := encrypt()
		sessionSigner("kms", token).sign(r)
		return r
	}
	query := func(token string) *message.Request {
		r := whoami()
		sessionSigner("sts", token).presign(r, "60")
		return r
	}
	for name, c := range map[string]struct {
		request *message.Request
		change  func(r *message.Request)
		code    fault.Code // "" where the request is taken
		text    string
	}{
		"header":               {header(exampleToken), nil, "", ""},
		"header, none":         {header(""), nil, fault.UnrecognizedClient, invalid},
		"header, another":      {header(exampleToken + "x"), nil, fault.UnrecognizedClient, invalid},
		"header, another case": {header(strings.ToLower(exampleToken)), nil, fault.UnrecognizedClient, invalid},
		"header, removed":      {header(exampleToken), drop("x-amz-security-token"), fault.UnrecognizedClient, invalid},
		"header, empty":        {header(exampleToken), set("x-amz-security-token", ""), fault.UnrecognizedClient, invalid},
		"header, blank":        {header(exampleToken), set("x-amz-security-token", " \t"), fault.UnrecognizedClient, invalid},
		"header, altered":      {header(exampleToken), set("x-amz-security-token", exampleToken+"="), fault.UnrecognizedClient, invalid},
		"header, twice":        {header(exampleToken), add("x-amz-security-token", exampleToken), fault.UnrecognizedClient, invalid},
		"header, and in the query": {header(exampleToken), func(r *message.Request) {
			r.Query = "X-Amz-Security-Token=" + exampleToken
		}, fault.UnrecognizedClient, invalid},
		"header, empty in the query": {header(exampleToken), func(r *message.Request) { r.Query = "X-Amz-Security-Token" }, fault.UnrecognizedClient, invalid},
		"header, unsigned":           {header(exampleToken), edit(";x-amz-security-token", ""), fault.InvalidSignature, "'x-amz-security-token' must be a 'SignedHeader'"},
		"header, signed by nobody":   {header(exampleToken), edit("Signature=", "Signature=0"), fault.InvalidSignature, "does not match"},
		"query":                      {query(exampleToken), nil, "", ""},
		"query, none":                {query(""), nil, fault.UnrecognizedClient, invalid},
		"query, another":             {query(exampleToken + "x"), nil, fault.UnrecognizedClient, invalid},
		"query, twice": {query(exampleToken), func(r *message.Request) {
			r.Query += "&X-Amz-Security-Token=" + exampleToken
		}, fault.IncompleteSignature, "must not be repeated"},
		"query, empty": {query(""), func(r *message.Request) { r.Query += "&X-Amz-Security-Token=" }, fault.UnrecognizedClient, invalid},
		"query, added to what was signed": {query(""), func(r *message.Request) {
			r.Query += "&X-Amz-Security-Token=" + exampleToken
		}, fault.InvalidSignature, "does not match"},
		"query, and in the header": {query(exampleToken), add("x-amz-security-token", exampleToken), fault.UnrecognizedClient, invalid},
		"query, under another name": {query(""), func(r *message.Request) {
			r.Query += "&x-amz-security-token=" + exampleToken
		}, fault.UnrecognizedClient, invalid},
	} {
		if c.change != nil {
			c.change(c.request)
		}
		_, _, err := sessionVerifier(exampleToken).Verify(context.Background(), c.request, noon)
		t.Run(name, func(t *testing.T) {
			if c.code != "" {
				wantFault(t, err, c.code, c.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTokenElsewhere: the token in the other form's place counts for nothing,
// though it is signed there too.
func TestTokenElsewhere(t *testing.T) {
	t.Parallel()
	r := encrypt()
	r.Query = "X-Amz-Security-Token=" + exampleToken
	signer("kms").sign(r)
	_, _, err := sessionVerifier(exampleToken).Verify(context.Background(), r, noon)
	wantFault(t, err, fault.UnrecognizedClient, "security token")

	r = whoami()
	r.Header = []message.Field{{Name: "x-amz-security-token", Value: exampleToken}}
	signer("sts").presign(r, "60")
	_, _, err = sessionVerifier(exampleToken).Verify(context.Background(), r, noon)
	wantFault(t, err, fault.UnrecognizedClient, "security token")
}

// TestTokenOfLongTermKey: an access key without a session knows no token.
func TestTokenOfLongTermKey(t *testing.T) {
	t.Parallel()
	r := encrypt()
	sessionSigner("kms", exampleToken).sign(r)
	_, _, err := verifier().Verify(context.Background(), r, noon)
	wantFault(t, err, fault.UnrecognizedClient, "The security token included in the request is invalid.")
}

// TestEmptyToken: an empty token is not none, also of a key that has none.
func TestEmptyToken(t *testing.T) {
	t.Parallel()
	r := encrypt()
	r.Header = append(r.Header, message.Field{Name: "x-amz-security-token", Value: ""})
	signer("kms").sign(r)
	_, _, err := verifier().Verify(context.Background(), r, noon)
	wantFault(t, err, fault.UnrecognizedClient, "security token")

	r = whoami()
	r.Query += "&X-Amz-Security-Token="
	signer("sts").presign(r, "60")
	_, _, err = verifier().Verify(context.Background(), r, noon)
	wantFault(t, err, fault.UnrecognizedClient, "security token")
}

// A counter counts what it is asked, and knows nobody.
type counter struct{ asked []string }

func (c *counter) Credential(_ context.Context, _, token string) (*authz.Credential, error) {
	c.asked = append(c.asked, token)
	return nil, fault.New(fault.UnrecognizedClient, "nobody")
}

// TestTokenBound: the longest token is taken, and one that is longer is nobody's
// before anybody is asked.
func TestTokenBound(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("t", session.TokenMax)
	for _, presigned := range []bool{false, true} {
		sign := func(token string) *message.Request {
			r := whoami()
			if presigned {
				sessionSigner("sts", token).presign(r, "60")
			} else {
				sessionSigner("sts", token).sign(r)
			}
			return r
		}
		if _, _, err := sessionVerifier(longest).Verify(context.Background(), sign(longest), noon); err != nil {
			t.Errorf("presigned %t: %v", presigned, err)
		}
		nobody := new(counter)
		v := &sigv4.Verifier{Credentials: nobody}
		_, _, err := v.Verify(context.Background(), sign(longest+"t"), noon)
		wantFault(t, err, fault.UnrecognizedClient, "security token")
		if len(nobody.asked) != 0 {
			t.Errorf("presigned %t: somebody was asked about %d tokens", presigned, len(nobody.asked))
		}
		_, _, err = v.Verify(context.Background(), sign("short"), noon)
		wantFault(t, err, fault.UnrecognizedClient, "security token")
		if !slices.Equal(nobody.asked, []string{"short"}) {
			t.Errorf("presigned %t: asked about %q", presigned, nobody.asked)
		}
	}
}

// TestPeekLeavesTokens: a token that is nobody's keeps no request from being
// refused in its own protocol.
func TestPeekLeavesTokens(t *testing.T) {
	t.Parallel()
	r := encrypt()
	sessionSigner("kms", exampleToken).sign(r)
	r.Header = append(r.Header, message.Field{Name: "x-amz-security-token", Value: ""})
	if scope, err := sigv4.Peek(r); err != nil || scope.Service != "kms" {
		t.Errorf("peeked %v, %v", scope, err)
	}
}

// TestSessionsOfOneKey: one access key id with one secret and several tokens has
// the caller of the token that was sent, warm as cold.
func TestSessionsOfOneKey(t *testing.T) {
	t.Parallel()
	credentials := sessions{}
	for _, token := range []string{"one", "two"} {
		credentials[token] = temporary(exampleID, exampleSecret, token)
	}
	v := &sigv4.Verifier{Credentials: credentials}
	for range 3 {
		for token, want := range credentials {
			r := encrypt()
			sessionSigner("kms", token).sign(r)
			if got, _, err := v.Verify(context.Background(), r, noon); err != nil || got != want {
				t.Errorf("%s: lent %p, want %p: %v", token, got, want, err)
			}
		}
	}
	_, _, err := v.Verify(context.Background(), encryptWith("three"), noon)
	wantFault(t, err, fault.UnrecognizedClient, "security token")
}

func encryptWith(token string) *message.Request {
	r := encrypt()
	sessionSigner("kms", token).sign(r)
	return r
}

// sessions lends credentials by session token.
type sessions map[string]*authz.Credential

func (s sessions) Credential(_ context.Context, _, token string) (*authz.Credential, error) {
	if c := s[token]; c != nil {
		return c, nil
	}
	return nil, fault.New(fault.UnrecognizedClient, "Nobody has this token.")
}

// TestVerifyLendsTheRefused: who may do nothing any more is still known by a
// signature, so that the call can be recorded.
func TestVerifyLendsTheRefused(t *testing.T) {
	t.Parallel()
	ended := temporary(exampleID, exampleSecret, exampleToken)
	ended.Refusal = fault.New(fault.AccessDenied, "It is over.")
	v := &sigv4.Verifier{Credentials: lender{exampleID: ended}}
	if got, _, err := v.Verify(context.Background(), encryptWith(exampleToken), noon); err != nil || got != ended {
		t.Errorf("lent %p: %v", got, err)
	}
	r := encryptWith(exampleToken)
	r.Body[0]++
	_, _, err := v.Verify(context.Background(), r, noon)
	wantFault(t, err, fault.InvalidSignature, "does not match")
}
