// Package xksproxy is the wire form of the external key store proxy interface:
// its paths and its errors. The bodies are JSON, which package awsjson reads and
// writes.
//
// https://github.com/aws/aws-kms-xksproxy-api-spec
package xksproxy

import "strings"

// base is where the interface stands below the prefix of a key store.
const base = "/kms/xks/v1/"

// Limits of the interface, in characters.
const (
	uriPathMax = 128 // of the path that is configured, which ends before the last slash of base
	keyIDMax   = 128
)

// A Target is what a path names: a call on a key store or on one of its keys.
type Target struct {
	KeyStore    string // its prefix, without slashes around it
	ExternalKey string // empty for a call on the key store
	Operation   string // such as Encrypt
}

// Recognises reports whether a path belongs to the interface, whether or not it
// names anything there.
func Recognises(path string) bool { return strings.Contains(path, base) }

// operations by the last segment of a path.
var (
	ofStore = map[string]string{"health": "GetHealthStatus"}
	ofKey   = map[string]string{"metadata": "GetKeyMetadata", "encrypt": "Encrypt", "decrypt": "Decrypt"}
)

// Parse reads the path of a request, as it stands in the request line. It
// reports false for what names nothing. No character of a path that names
// something needs escaping, so that none is unescaped.
func Parse(path string) (Target, bool) {
	i := strings.LastIndex(path, base)
	if i < 1 || !IsKeyStore(path[1:i]) || path[0] != '/' {
		return Target{}, false
	}
	t := Target{KeyStore: path[1:i]}
	rest := path[i+len(base):]
	if operation := ofStore[rest]; operation != "" {
		t.Operation = operation
		return t, true
	}
	rest, ok := strings.CutPrefix(rest, "keys/")
	if !ok {
		return Target{}, false
	}
	var last string
	t.ExternalKey, last, _ = strings.Cut(rest, "/")
	t.Operation = ofKey[last]
	if t.Operation == "" || !isKeyID(t.ExternalKey) {
		return Target{}, false
	}
	return t, true
}

// IsKeyStore reports whether s has the form of a key store's prefix: segments of
// letters, digits, - and _, with slashes between them.
func IsKeyStore(s string) bool {
	if len("/")+len(s)+len(base)-len("/") > uriPathMax || Recognises("/"+s+"/") {
		return false
	}
	for segment := range strings.SplitSeq(s, "/") {
		if !composed(segment, "-_") {
			return false
		}
	}
	return true
}

// isKeyID reports whether s has the form of an external key's id.
func isKeyID(s string) bool { return len(s) <= keyIDMax && composed(s, "-._") && s != "." && s != ".." }

// composed reports whether s is letters, digits and some more characters, at least one.
func composed(s, more string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return s != ""
}
