package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"claviger/internal/edge/message"
)

const (
	signedMax = 64  // header fields that a signature may name
	nameMax   = 128 // bytes of the name of a signed header field
)

// splitSigned appends the names of a SignedHeaders list. They stand in order,
// in lower case and each once: of several spellings of one list only one is taken.
func splitSigned(dst []string, list string) ([]string, error) {
	for more := true; more; {
		var name string
		name, list, more = strings.Cut(list, ";")
		if len(dst) == signedMax || !composed(name, nameMax, isFieldName) || len(dst) > 0 && dst[len(dst)-1] >= name {
			return nil, incomplete("SignedHeaders must be a sorted list of header names in lower case, separated by semicolons.")
		}
		dst = append(dst, name)
	}
	return dst, nil
}

// isFieldName is a character of a header's name in lower case, RFC 9110 section 5.6.2.
func isFieldName(c byte) bool {
	return isDigit(c) || isLower(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// checkSigned refuses a request that leaves unsigned what gives it its meaning:
// the host, the content type unless it may be bare, the date that counts, and all
// fields of AWS. None
// of them may stand twice: several values are signed as one with commas, and are
// not read as one.
func checkSigned(r *message.Request, c *claim, names []string, bare bool) error {
	if !contains(names, "host") {
		return unsigned("host")
	}
	dated := c.expires > 0
	for i := range r.Header {
		name := r.Header[i].Name
		switch {
		case name == "content-type" || strings.HasPrefix(name, "x-amz-"):
			if !composed(name, nameMax, isFieldName) {
				return mismatch() // nobody can have signed it, and it is no text to repeat
			}
			if !contains(names, name) && (name != "content-type" || !bare) {
				return unsigned(name)
			}
			if _, n := only(r, name); n > 1 {
				return mismatch()
			}
			dated = dated || name == "x-amz-date"
		case name == "host" && r.Header[i].Value != r.Host:
			return mismatch()
		}
	}
	if !dated && !contains(names, "date") {
		return unsigned("date")
	}
	return nil
}

// contains is slices.Contains; names are few and mostly differ in length.
func contains(names []string, name string) bool {
	for i := range names {
		if names[i] == name {
			return true
		}
	}
	return false
}

// appendRequest appends the canonical request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func appendRequest(dst []byte, r *message.Request, c *claim, body [sha256.Size]byte, names []string) ([]byte, error) {
	if !composed(r.Method, 16, isUpper) || r.Path != "" && r.Path[0] != '/' {
		return dst, mismatch()
	}
	dst = append(append(dst, r.Method...), '\n')
	dst = append(appendPath(dst, r.Path), '\n')
	dst = append(c.query.appendCanonical(dst), '\n')
	for _, name := range names {
		var ok bool
		dst = append(append(dst, name...), ':')
		if dst, ok = appendField(dst, r, name); !ok {
			return dst, mismatch()
		}
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(append(dst, c.signed...), '\n')
	start := len(dst)
	dst = hex.AppendEncode(dst, body[:])
	return dst, checkPayload(r, c, dst[start:])
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// checkPayload refuses a declared hash that is not the body's, and with it all
// declarations that stand for a body which isn't signed whole.
func checkPayload(r *message.Request, c *claim, sum []byte) error {
	for i := range r.Header {
		if r.Header[i].Name == "x-amz-content-sha256" && trim(r.Header[i].Value) != string(sum) {
			return invalid("The value of 'x-amz-content-sha256' is not the SHA-256 of the body.")
		}
	}
	for i := range c.query {
		if c.query[i].name == "X-Amz-Content-Sha256" && c.query[i].value != string(sum) {
			return invalid("The value of 'X-Amz-Content-Sha256' is not the SHA-256 of the body.")
		}
	}
	return nil
}

// appendPath appends a path as it arrived, still escaped, without its empty and
// dot segments, and each segment escaped once more.
func appendPath(dst []byte, path string) []byte {
	start := len(dst)
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			// Back to before the slash of the last segment, if there is one.
			end := len(dst)
			for end > start && dst[end-1] != '/' {
				end--
			}
			dst = dst[:max(start, end-1)]
		default:
			dst = appendEscaped(append(dst, '/'), segment)
		}
	}
	if len(dst) == start || path[len(path)-1] == '/' {
		dst = append(dst, '/')
	}
	return dst
}

// appendField appends all values of a header field. It reports false where
// there is none, or one with a character that could make two requests look alike.
func appendField(dst []byte, r *message.Request, name string) ([]byte, bool) {
	if name == "host" {
		return appendValue(dst, r.Host)
	}
	found, ok := false, true
	for i := range r.Header {
		if r.Header[i].Name != name {
			continue
		}
		if found {
			dst = append(dst, ',')
		}
		found = true
		if dst, ok = appendValue(dst, r.Header[i].Value); !ok {
			return dst, false
		}
	}
	return dst, found
}

// appendValue appends a value without surrounding white space and with each
// run of spaces as one. It reports false unless the value is printable ASCII and tabs.
func appendValue(dst []byte, value string) ([]byte, bool) {
	value = trim(value)
	for i := range len(value) {
		c := value[i]
		if !isVisible(c) && c != '\t' {
			return dst, false
		}
		if c == ' ' && value[i-1] == ' ' {
			continue
		}
		dst = append(dst, c)
	}
	return dst, true
}
