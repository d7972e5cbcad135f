package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The credentials, time and signature are those of case post-vanilla of the
// public Signature Version 4 test suite.
func TestSignatureOfTheTestSuite(t *testing.T) {
	t.Parallel()
	now := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	s := newSigner(credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, "us-east-1", "service", now)
	stamp := stampOf(now)
	fields := []field{{"host", "example.amazonaws.com"}, {"x-amz-date", stamp}}
	for range 2 { // scratch is used again
		got := string(s.append(nil, stamp, fields, nil))
		want := "POST / HTTP/1.1\r\nhost: example.amazonaws.com\r\nx-amz-date: 20150830T123600Z\r\n" +
			"authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
			"SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b\r\n\r\n"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestRequestsDiffer(t *testing.T) {
	t.Parallel()
	w := newWriter(newSigner(credentials{"AKIDEXAMPLE", "secret"}, region, "kms", time.Unix(0, 0)), "localhost:1", jsonType, target+"Encrypt")
	const n = 1000
	seen := make(map[string]bool)
	for range n {
		request := string(w.append(nil, "19700101T000000Z", []byte("{}")))
		_, after, ok := strings.Cut(request, "Signature=")
		if !ok {
			t.Fatalf("no signature in %q", request)
		}
		seen[after[:64]] = true
	}
	if len(seen) != n {
		t.Errorf("%d requests have %d signatures", n, len(seen))
	}
}

func TestInvocationID(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]string{
		0:          "00000000-0000-4000-8000-000000000000",
		0x1f:       "00000000-0000-4000-8000-00000000001f",
		0x1234abcd: "00000000-0000-4000-8000-00001234abcd",
	} {
		if got := invocationID(n); got != want {
			t.Errorf("invocationID(%d) = %s, want %s", n, got, want)
		}
	}
}

// What is written is what the standard library reads.
func TestRequestIsHTTP(t *testing.T) {
	t.Parallel()
	s := newSigner(credentials{"AKIDEXAMPLE", "secret"}, region, "kms", time.Unix(0, 0))
	raw := newWriter(s, "localhost:1", jsonType, target+"Encrypt").append(nil, "19700101T000000Z", []byte(`{"a":1}`))
	r, err := readRequest(raw)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	if r.Method != http.MethodPost || r.Host != "localhost:1" || r.Header.Get("X-Amz-Target") != "TrentService.Encrypt" || body.String() != `{"a":1}` {
		t.Errorf("read %s %s %v %q", r.Method, r.Host, r.Header, &body)
	}
}
