package sigv4

import (
	"context"
	"crypto/sha256"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/kernel/authz"
)

// evidenceMax is how much of a request may be shown as evidence, in bytes as it
// stood on the wire without its body: no more than is read of a request itself.
const evidenceMax = 64 << 10

// VerifyEvidence checks the signature of a request that was sent to somebody
// else, who shows it: method, path, query, and the header with the host among its
// fields, their names in any case. Of the body only the SHA-256 is known. r.Host,
// r.Body and the connection of r count for nothing.
//
// The query form is refused: a presigned URL is made to be passed on, and proves
// nothing of who asks now. The errors are those of Verify and, where who signed
// may do nothing any more, that credential's Refusal. Whether the request was
// meant for whoever shows it, and whether its author may be acted for, is for the
// caller to say.
func (v *Verifier) VerifyEvidence(ctx context.Context, r *message.Request, body [sha256.Size]byte, now time.Time) (*authz.Credential, Scope, error) {
	e, err := evidence(r)
	if err != nil {
		return nil, Scope{}, err
	}
	var c claim
	if err := c.parse(e); err != nil {
		return nil, Scope{}, err
	}
	if c.presigned() {
		return nil, Scope{}, incomplete("A presigned request is no evidence.")
	}
	credential, scope, err := v.verify(ctx, v.Credentials, e, &c, body, now)
	if err != nil {
		return nil, Scope{}, err
	}
	if credential.Refusal != nil {
		return nil, Scope{}, credential.Refusal
	}
	return credential, scope, nil
}

// evidence returns r as the door would have made it of the same bytes: the names
// of its header's fields in lower case, and the host apart from them.
func evidence(r *message.Request) (*message.Request, error) {
	size := len(r.Method) + len(r.Path) + len(r.Query)
	for i := range r.Header {
		size += len(r.Header[i].Name) + len(": \r\n") + len(r.Header[i].Value)
	}
	if size > evidenceMax {
		return nil, incomplete("The evidence is too large.")
	}
	e := &message.Request{Method: r.Method, Path: r.Path, Query: r.Query, Header: make([]message.Field, 0, len(r.Header))}
	hosts := 0
	for _, f := range r.Header {
		name, ok := lowerName(f.Name)
		switch {
		case !ok:
			return nil, incomplete("The evidence has a header field with a name that none can have.")
		case name == "host":
			e.Host = trim(f.Value)
			hosts++
		default:
			e.Header = append(e.Header, message.Field{Name: name, Value: f.Value})
		}
	}
	if hosts != 1 || e.Host == "" {
		return nil, incomplete("The evidence must have one Host header.")
	}
	return e, nil
}

// lowerName returns the name of a header field in lower case. It reports false
// for what can be no name, so that no letter outside ASCII becomes one inside.
func lowerName(name string) (string, bool) {
	b := []byte(name)
	for i, c := range b {
		if isUpper(c) {
			b[i] = c | 0x20
		}
	}
	lower := string(b)
	return lower, composed(lower, nameMax, isFieldName)
}
