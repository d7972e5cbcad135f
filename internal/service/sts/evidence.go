package sts

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// Signatures verifies requests that somebody else has received.
type Signatures interface {
	// Verify returns whose credentials signed r, and the service and Region for
	// which. Presigned requests are refused. What is wrong with r or with its
	// author is a fault, which repeats no signature; any other error is a failure
	// to find out.
	Verify(ctx context.Context, r *SignedRequest, now time.Time) (by *authz.Credential, service, region string, err error)
}

// A SignedRequest is a request as it stood on the wire, with the hash of its body
// in place of the body.
type SignedRequest struct {
	Method string
	Path   string // raw, still escaped
	Query  string // raw, without "?"
	Header []Header
	Body   [32]byte // SHA-256
}

// A Header is a field of a signed request. Its value may be a signature or a
// token that is still good: no record, refusal or log may show it.
type Header struct {
	Name  string `aws:"Name"` // in any case
	Value string `aws:"Value"`
}

const (
	methodMax      = 16
	uriMax         = 8 << 10
	headersMax     = 128
	headerNameMax  = 128
	headerValueMax = 16 << 10
)

// checkEvidence demands what can stand on the wire: a value with a line end
// could be signed as two fields, and be read as one.
func (in *CreateForwardAccessSessionInput) checkEvidence(c *check.Checks) {
	if c.Required("method", in.Method.Set) {
		checkText(c, "method", in.Method, 1, methodMax, methodPattern)
	}
	if c.Required("uri", in.URI.Set) {
		c.Bytes("uri", true, len(in.URI.V), 1, uriMax)
		if !strings.HasPrefix(in.URI.V, "/") || strings.ContainsFunc(in.URI.V, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			c.Refuse(fault.New(fault.Validation, "Uri must be the path and query of a request line, beginning with a slash."))
		}
	}
	if c.Required("bodySha256", in.BodySHA256.Set) {
		checkText(c, "bodySha256", in.BodySHA256, 64, 64, hashPattern)
	}
	if c.Required("headers", in.Headers != nil) {
		c.Items("headers", true, len(in.Headers), 1, headersMax)
	}
	for i, h := range in.Headers {
		c.Bytes(element("headers", i)+".name", true, len(h.Name), 1, headerNameMax)
		c.Bytes(element("headers", i)+".value", true, len(h.Value), 0, headerValueMax)
		if strings.ContainsFunc(h.Name+h.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			c.Refuse(fault.New(fault.Validation, "Headers must not contain control characters."))
		}
	}
}

// signedRequest reads the evidence, which has been checked.
func (in *CreateForwardAccessSessionInput) signedRequest() *SignedRequest {
	r := &SignedRequest{Method: in.Method.V, Header: in.Headers}
	r.Path, r.Query, _ = strings.Cut(in.URI.V, "?")
	if _, err := hex.Decode(r.Body[:], []byte(in.BodySHA256.V)); err != nil {
		panic("sts: a hash that was checked is none: " + err.Error())
	}
	return r
}

// agent is the user agent of the request, as far as there is one.
func (r *SignedRequest) agent() string {
	const most = 1 << 10 // as records have it
	for _, h := range r.Header {
		if strings.EqualFold(h.Name, "user-agent") {
			return strings.ToValidUTF8(h.Value[:min(len(h.Value), most)], "")
		}
	}
	return ""
}

// A proof is evidence that has been accepted.
type proof struct {
	by     *authz.Credential
	region string
	agent  string
}

// accept verifies evidence for a service. Whatever is wrong with it is an
// AccessDenied, which says as much as the user would have been told.
func (s *Service) accept(ctx context.Context, r *SignedRequest, service *authz.Registration, partition string, now time.Time) (*proof, error) {
	by, signedFor, region, err := s.signatures.Verify(ctx, r, now)
	if err != nil {
		var known *fault.Fault
		if !errors.As(err, &known) || known.Code == fault.InternalFailure {
			return nil, fmt.Errorf("verifying evidence: %w", err)
		}
		return nil, noEvidence(known.Message)
	}
	switch p := &by.Caller.Principal; {
	case by.Refusal != nil:
		return nil, noEvidence(by.Refusal.Message)
	case signedFor != service.SigningName:
		return nil, noEvidence("Credential should be scoped to correct service: '" + service.SigningName + "'.")
	case arn.Partition(region) != partition:
		return nil, noEvidence("Credential should be scoped to a valid region.")
	case by.Caller.Via != nil:
		return nil, noEvidence("It is signed with credentials of forward access.")
	case p.Kind != principal.Root && p.Kind != principal.User && p.Kind != principal.RoleSession && p.Kind != principal.FederatedUser, isInfrastructure(p):
		return nil, noEvidence("It is not signed by a user.")
	}
	return &proof{by: by, region: region, agent: r.agent()}, nil
}

func noEvidence(why string) error {
	return fault.New(fault.AccessDenied, "The request is not accepted as evidence: %s", why)
}
