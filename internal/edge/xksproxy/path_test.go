package xksproxy_test

import (
	"strings"
	"testing"

	"claviger/internal/edge/xksproxy"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const prefix = "example/uri/path/prefix"
	longest := strings.Repeat("p", 116) // 128 with what stands around it
	key := strings.Repeat("k", 128)
	good := map[string]xksproxy.Target{
		"/" + prefix + "/kms/xks/v1/health":             {KeyStore: prefix, Operation: "GetHealthStatus"},
		"/a/kms/xks/v1/keys/foo/metadata":               {KeyStore: "a", ExternalKey: "foo", Operation: "GetKeyMetadata"},
		"/A_-9/kms/xks/v1/keys/a.b-c_D9/encrypt":        {KeyStore: "A_-9", ExternalKey: "a.b-c_D9", Operation: "Encrypt"},
		"/a/kms/xks/v1/keys/" + key + "/decrypt":        {KeyStore: "a", ExternalKey: key, Operation: "Decrypt"},
		"/" + longest + "/kms/xks/v1/health":            {KeyStore: longest, Operation: "GetHealthStatus"},
		"/a/kms/xks/v1/keys/health/encrypt":             {KeyStore: "a", ExternalKey: "health", Operation: "Encrypt"},
		"/kms/xks/kms/xks/v1/keys/kms/encrypt":          {KeyStore: "kms/xks", ExternalKey: "kms", Operation: "Encrypt"},
		"/" + longest + "/kms/xks/v1/keys/..a/metadata": {KeyStore: longest, ExternalKey: "..a", Operation: "GetKeyMetadata"},
	}
	for path, want := range good {
		if got, ok := xksproxy.Parse(path); !ok || got != want || !xksproxy.Recognises(path) {
			t.Errorf("%s: %+v, %v", path, got, ok)
		}
	}
	for _, path := range []string{
		"", "/", "/health", "/kms/xks/v1/health", "//kms/xks/v1/health", "a/kms/xks/v1/health", "/a/kms/xks/v1", "/a/kms/xks/v1/",
		"/a/kms/xks/v2/health", "/a/kms/xks/v1/health/", "/a/kms/xks/v1/Health", "/a//b/kms/xks/v1/health", "/a/kms/xks/v1//health",
		"/a/kms/xks/v1/keys", "/a/kms/xks/v1/keys/", "/a/kms/xks/v1/keys/encrypt", "/a/kms/xks/v1/keys//encrypt",
		"/a/kms/xks/v1/keys/foo", "/a/kms/xks/v1/keys/foo/", "/a/kms/xks/v1/keys/foo/sign", "/a/kms/xks/v1/keys/foo/encrypt/",
		"/a/kms/xks/v1/keys/../encrypt", "/a/kms/xks/v1/keys/./encrypt", "/a/kms/xks/v1/keys/f%6fo/encrypt", "/a%2fb/kms/xks/v1/health",
		"/a.b/kms/xks/v1/health", "/a/kms/xks/v1/keys/" + key + "k/decrypt", "/" + longest + "p/kms/xks/v1/health",
		"/a/kms/xks/v1/keys/foo bar/encrypt", "/a/kms/xks/v1/b/kms/xks/v1/health", "/ä/kms/xks/v1/health",
	} {
		if got, ok := xksproxy.Parse(path); ok {
			t.Errorf("%s names %+v", path, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/example/uri/path/prefix/kms/xks/v1/keys/foo/encrypt")
	f.Add("/a/kms/xks/v1/health")
	f.Add("/kms/xks/v1/kms/xks/v1/keys//../decrypt")
	f.Fuzz(func(t *testing.T, path string) {
		got, ok := xksproxy.Parse(path)
		if !ok {
			return
		}
		last := map[string]string{"GetHealthStatus": "health", "GetKeyMetadata": "metadata", "Encrypt": "encrypt", "Decrypt": "decrypt"}[got.Operation]
		if got.ExternalKey != "" {
			last = "keys/" + got.ExternalKey + "/" + last
		}
		if again := "/" + got.KeyStore + "/kms/xks/v1/" + last; again != path || !xksproxy.Recognises(path) || !xksproxy.IsKeyStore(got.KeyStore) {
			t.Errorf("%q names %+v, which is %q", path, got, again)
		}
	})
}
