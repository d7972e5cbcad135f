package forwardaccess

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// What Capture refuses before anything is sent to Claviger.
var (
	// ErrNotSigned says that a request is not signed as evidence must be: with
	// AWS Signature Version 4 and an Authorization header.
	ErrNotSigned = errors.New("forwardaccess: the request has no Authorization header of AWS Signature Version 4")

	// ErrBodyTooLarge says that a body is larger than the service takes.
	ErrBodyTooLarge = errors.New("forwardaccess: the body of the request is too large")
)

// Evidence is a user's signed request, as it stood on the wire, with the hash
// in place of the body. It is immutable.
//
// Until the signature has grown too old, whoever holds both the evidence and the
// service's own access key can act for the user: keep it in memory only, and for
// no longer than the request lasts.
type Evidence struct {
	method string
	uri    string // path and query as on the request line
	fields []field
	body   [sha256.Size]byte
}

// A field of a header; its name is in lower case.
type field struct{ name, value string }

// String names the request without its signature.
func (e *Evidence) String() string { return e.method + " " + e.uri }

// Capture takes the evidence of a request that a server of net/http has
// received. It must see the request as it arrived: before any handler has
// changed its header, its Host, its RequestURI or read of its body.
//
// Capture reads the body, bodyMax bytes at most, and leaves r.Body with the same
// bytes for the handler. The hash is of what was read, not of what the client
// claims.
//
// Of the header it keeps what the signature covers and what Claviger wants
// covered. A cookie that is not signed stays with the service.
//
// The error is ErrNotSigned, ErrBodyTooLarge, or the one of reading the body,
// which is then lost. Whether the signature is good is for Claviger to say.
func Capture(r *http.Request, bodyMax int64) (*Evidence, error) {
	if !strings.HasPrefix(r.RequestURI, "/") {
		// An absolute request line replaces the Host that was signed.
		return nil, fmt.Errorf("%w: the request line holds no path", ErrNotSigned)
	}
	signed, err := signedNames(r.Header["Authorization"])
	if err != nil {
		return nil, err
	}
	body, err := readBody(r, bodyMax)
	if err != nil {
		return nil, err
	}
	return &Evidence{
		method: r.Method,
		uri:    r.RequestURI,
		fields: fieldsOf(r, signed),
		body:   sha256.Sum256(body),
	}, nil
}

// signedNames reads which fields of the header a signature covers. Nothing is
// decided by it but what is worth sending.
func signedNames(authorization []string) ([]string, error) {
	const algorithm = "AWS4-HMAC-SHA256 "
	if len(authorization) != 1 || !strings.HasPrefix(authorization[0], algorithm) {
		return nil, ErrNotSigned
	}
	for part := range strings.SplitSeq(authorization[0][len(algorithm):], ",") {
		if list, ok := strings.CutPrefix(strings.Trim(part, " "), "SignedHeaders="); ok {
			return strings.Split(list, ";"), nil
		}
	}
	return nil, ErrNotSigned
}

// readBody reads the body whole and gives it back.
func readBody(r *http.Request, bodyMax int64) ([]byte, error) {
	if r.ContentLength > bodyMax {
		return nil, ErrBodyTooLarge
	}
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax+1))
	if err != nil {
		return nil, fmt.Errorf("reading the body of the request: %w", err)
	}
	if int64(len(body)) > bodyMax {
		return nil, ErrBodyTooLarge
	}
	r.Body = restored{bytes.NewReader(body), r.Body}
	return body, nil
}

// restored is a body that has been read and is there again.
type restored struct {
	io.Reader
	io.Closer
}

// fieldsOf collects the header as it was on the wire, sorted by name; repeated
// fields keep their order. What net/http takes out of the header is put back,
// in the spelling that it accepts.
func fieldsOf(r *http.Request, signed []string) []field {
	fields := []field{{"host", r.Host}}
	seen := map[string]bool{"host": true}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if !slices.Contains(signed, name) && !wanted(name) {
			continue
		}
		seen[name] = true
		for _, value := range values {
			fields = append(fields, field{name, value})
		}
	}
	for _, name := range signed {
		if value, ok := takenOut(r, name); ok && !seen[name] {
			seen[name] = true
			fields = append(fields, field{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return fields
}

// wanted names fields that Claviger sees whether or not they are signed: it
// refuses a request that leaves some of them unsigned, and has uses for the rest.
func wanted(name string) bool {
	switch name {
	case "authorization", "content-type", "date", "user-agent":
		return true
	}
	return strings.HasPrefix(name, "x-amz-")
}

// takenOut returns the value of a field that net/http keeps elsewhere.
func takenOut(r *http.Request, name string) (string, bool) {
	switch name {
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10), r.ContentLength >= 0
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ", "), len(r.TransferEncoding) > 0
	}
	return "", false
}
