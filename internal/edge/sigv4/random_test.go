package sigv4_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
)

// requests draws requests that HTTP lets through, with much in them that canonicalisation must treat.
func requests() *rapid.Generator[*message.Request] {
	return rapid.Custom(func(t *rapid.T) *message.Request {
		r := &message.Request{
			Method: rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE"}).Draw(t, "method"),
			Path:   "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"", ".", "..", "a", "tags", "%3A", "%2F", "b%20c", "~x", "*", "ü", "a+b"}), 0, 6).Draw(t, "path"), "/"),
			Query:  strings.Join(rapid.SliceOfN(rapid.StringMatching(`[a-cA-C\-]{0,2}(=([a-c ~=/]|%[2-7][0-9A-Fa-f]|\+|é){0,3})?`), 0, 5).Draw(t, "query"), "&"),
			Host:   rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{1,8}){0,3}(:[0-9]{2,4})?`).Draw(t, "host"),
			Body:   rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body"),
		}
		for range rapid.IntRange(0, 6).Draw(t, "fields") {
			f := message.Field{
				Name:  rapid.SampledFrom([]string{"content-type", "x-amz-target", "x-amz-a", "amz-sdk-request", "user-agent", "via"}).Draw(t, "name"),
				Value: rapid.StringMatching(`[ \t]{0,2}[!-~]{0,4}( {0,3}[!-~]{1,4}){0,2} {0,2}`).Draw(t, "value"),
			}
			once := f.Name == "content-type" || strings.HasPrefix(f.Name, "x-amz-")
			if !once || !slices.ContainsFunc(r.Header, func(other message.Field) bool { return other.Name == f.Name }) {
				r.Header = append(r.Header, f)
			}
		}
		return r
	})
}

// What the plain reference signs is verified, warm and cold, in both forms.
func TestAgreesWithReference(t *testing.T) {
	t.Parallel()
	both := func() *sigv4.Verifier {
		return &sigv4.Verifier{Credentials: lender{
			exampleID:     credential(exampleID, exampleSecret),
			"ASIAEXAMPLE": temporary("ASIAEXAMPLE", exampleSecret, exampleToken),
		}}
	}
	warm := both()
	rapid.Check(t, func(t *rapid.T) {
		r := requests().Draw(t, "request")
		s := signer(rapid.SampledFrom([]string{"kms", "iam", "sts"}).Draw(t, "service"))
		if rapid.Bool().Draw(t, "temporary") {
			s.id, s.token = "ASIAEXAMPLE", exampleToken
		}
		if rapid.Bool().Draw(t, "presigned") {
			s.presign(r, "300")
		} else {
			s.sign(r)
		}
		for _, v := range []*sigv4.Verifier{warm, both()} {
			if _, _, err := v.Verify(context.Background(), r, noon); err != nil {
				t.Fatalf("%v: canonical by the reference:\n%s", err, s.canonicalRequest(r, s.signed(r)))
			}
		}
		if len(r.Body) > 0 {
			r.Body[0]++
			if _, _, err := warm.Verify(context.Background(), r, noon); err == nil {
				t.Fatal("another body is taken")
			}
		}
	})
}

// Many keys at once, used concurrently, never one in place of another.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	const keys = 200
	credentials := make(lender)
	ids := make([]string, keys)
	for i := range ids {
		ids[i] = fmt.Sprintf("AKID%06d", i)
		credentials[ids[i]] = credential(ids[i], "secret of "+ids[i])
	}
	v := &sigv4.Verifier{Credentials: credentials}
	var wg sync.WaitGroup
	for worker := range 2 {
		wg.Go(func() {
			own := slices.Clone(ids)
			if worker == 1 {
				slices.Reverse(own)
			}
			for i, id := range own {
				r := encrypt()
				s := signer("kms")
				s.id, s.secret = id, "secret of "+id
				s.sign(r)
				got, _, err := v.Verify(context.Background(), r, noon)
				if err != nil || got.AccessKeyID != id {
					t.Errorf("%s: %v", id, err)
					return
				}
				if i%8 != 0 {
					continue
				}
				r = encrypt()
				s.secret = "another secret"
				s.sign(r)
				if _, _, err := v.Verify(context.Background(), r, noon); err == nil {
					t.Errorf("%s: another secret is taken", id)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzVerify(f *testing.F) {
	r := encrypt()
	signer("kms").sign(r)
	authorization := r.Header[len(r.Header)-1].Value
	f.Add("POST", "/", "", r.Host, authorization, "20150830T123600Z", "x-amz-target", "TrentService.Encrypt", exampleToken, r.Body)
	f.Add("GET", "/a/../b", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=%", "h", "", "", "date", "Sun, 30 Aug 2015 12:36:00 GMT", "", []byte(nil))
	f.Add("GET", "*", "&&=&a", "", "AWS4-HMAC-SHA256 Credential=a/20150830/b/c/aws4_request,SignedHeaders=host,Signature=0", "20150830T123600Z", "host", "", "", []byte(nil))
	f.Add("POST", "/", "", "h", strings.Repeat("=,", 50), "2015", "x-amz-\x00", "\xff", "", []byte("x"))
	presigned := whoami()
	sessionSigner("sts", exampleToken).presign(presigned, "60")
	f.Add("GET", "/", presigned.Query, presigned.Host, "", "", "", "", "", []byte(nil))
	f.Add("GET", "/", presigned.Query+"&X-Amz-Security-Token=", presigned.Host, authorization, "", "x-amz-security-token", exampleToken, strings.Repeat("t", 20000), []byte(nil))
	secret := lender{exampleID: temporary(exampleID, "a secret that nothing here was signed with", exampleToken)}
	f.Fuzz(func(t *testing.T, method, path, query, host, authorization, date, name, value, token string, body []byte) {
		r := &message.Request{Method: method, Path: path, Query: query, Host: host, Body: body, Header: []message.Field{
			{Name: "x-amz-date", Value: date}, {Name: name, Value: value}, {Name: "authorization", Value: authorization},
		}}
		if token != "" {
			r.Header = append(r.Header, message.Field{Name: "x-amz-security-token", Value: token})
		}
		scope, peeked := sigv4.Peek(r)
		v := &sigv4.Verifier{Credentials: secret}
		got, _, err := v.Verify(context.Background(), r, noon)
		if err == nil || got != (*authz.Credential)(nil) {
			t.Fatalf("a request that nobody signed is verified as %v", scope)
		}
		if peeked != nil && peeked.Error() != err.Error() {
			t.Fatalf("Peek says %v, Verify says %v", peeked, err)
		}
	})
}
