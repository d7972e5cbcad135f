package xksproxy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"testing"
)

func unbase(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestIntegrityValue has the vectors of the published description, version 1.0.3,
// appendix C, and two more.
func TestIntegrityValue(t *testing.T) {
	t.Parallel()
	const aad, metadata = "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n", "a2V5X3ZlcnNpb249MQ=="
	for _, v := range []struct{ aad, metadata, iv, ciphertext, tag, want string }{
		{aad, metadata, "HMrlRw85cAJUd5Ax", "ghxkK1txeDNn3q8Y", "vBxN2ncH1oEkR8WVXpmyYQ==", "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="},
		{aad, metadata, "AAECAwQFBgcICQoL", "D2e6d6rFlXT/LfOq", "z16Jpi+YEVrPfy7xOkRNVw==", "f3I7NWF4DGjk7+jfvjeSU5DvQJDKZ/RQztaBma/YHso="},
		{"", "", "AAECAwQFBgcICQoL", "D2e6d6rFlXT/LfOq", "+DX8ZJOvQVMTeK7gwOAsdg==", "doMOaf+m+SLxEOfkUsWQLZ7ogxHdDMkxCl3238JWldo="},
	} {
		s := &Sealed{Metadata: unbase(t, v.metadata), IV: unbase(t, v.iv), Ciphertext: unbase(t, v.ciphertext), Tag: unbase(t, v.tag)}
		if got := s.integrity(unbase(t, v.aad)); base64.StdEncoding.EncodeToString(got[:]) != v.want {
			t.Errorf("integrity value %x, want %s", got, v.want)
		}
	}
}

// TestBase64 takes the one spelling of the protocol.
func TestBase64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`"AAECAw=="`: true, `""`: true, `"+/+/"`: true,
		`"-_-_"`: false, `"AAECAw"`: false, `"AAECAx=="`: false, `"AAEC\nAw=="`: false, `"AAECAw==="`: false, `1`: false, `["AA=="]`: false,
	} {
		var e encoded
		if err := json.Unmarshal([]byte(text), &e); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestRequest is the health check of the published description, to the byte: it
// is what is signed.
func TestRequest(t *testing.T) {
	t.Parallel()
	var sent *Request
	p := &Proxy{Path: "/example/uri/path/prefix/kms/xks/v1", Send: func(_ context.Context, r *Request) (int, []byte, error) {
		sent = r
		return 0, nil, ErrTimeout
	}}
	about := About{RequestID: "4112f4d6-db54-4af4-ae30-c55a22a8dfae", Operation: "KmsHealthCheck"}
	if f := p.Health(t.Context(), about); f != ErrTimeout {
		t.Errorf("failed with %v", f)
	}
	const body = `{"requestMetadata":{"kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae","kmsOperation":"KmsHealthCheck"}}`
	if sent.Path != "/example/uri/path/prefix/kms/xks/v1/health" || string(sent.Body) != body {
		t.Errorf("sent %s to %s", sent.Body, sent.Path)
	}
	if len(failures) != 12 {
		t.Errorf("%d failures that a proxy can name", len(failures))
	}
	for name, f := range failures {
		if f.text == "" || f.store == "" || f.key == "" || f.connection == "" {
			t.Errorf("%s is incomplete", name)
		}
	}
}

// FuzzAnswer reads whatever a proxy may say. What is taken for an answer keeps
// the limits that the rest relies on.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"ciphertext":"AAECAw==","initializationVector":"AAECAwQFBgcICQoL","authenticationTag":"z16Jpi+YEVrPfy7xOkRNVw=="}`))
	f.Add(200, []byte(`{"keySpec":"AES_256","keyUsage":["ENCRYPT","DECRYPT"],"keyStatus":"ENABLED"}`))
	f.Add(200, []byte(`{"xksProxyFleetSize":1,"xksProxyVendor":"a","xksProxyModel":"b","ekmVendor":"c","ekmFleetDetails":[{"healthStatus":"ACTIVE"}]}`))
	f.Add(400, []byte(`{"errorName":"ValidationException"}`))
	f.Add(302, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, got []byte) {
		p := &Proxy{Send: func(context.Context, *Request) (int, []byte, error) { return status, got, nil }}
		plaintext := []byte("0123")
		if s, f := p.Encrypt(t.Context(), About{}, "key", plaintext, nil); f == nil {
			want := s.integrity(nil)
			if len(s.Ciphertext) != 4 || len(s.Tag) != TagSize || len(s.Metadata) > MetadataMax || !bytes.Contains(got, []byte(base64.StdEncoding.EncodeToString(want[:]))) {
				t.Errorf("took %q", got)
			}
		}
		if b, f := p.Decrypt(t.Context(), About{}, "key", &Sealed{Ciphertext: plaintext}, nil); f == nil && len(b) != 4 {
			t.Errorf("took %q", got)
		}
		if f := p.Health(t.Context(), About{}); f == nil && status != statusOK {
			t.Errorf("took %d for an answer", status)
		}
		if f := p.Describe(t.Context(), About{}, "key"); f == nil && !bytes.Contains(got, []byte("ENABLED")) {
			t.Errorf("took %q", got)
		}
	})
}
