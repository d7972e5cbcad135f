package app

import (
	"context"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/sts"
)

// evidence verifies requests that were sent to services of others. The clocks of
// their users may be five minutes off.
type evidence struct {
	verifier sigv4.Verifier
}

func newEvidence(credentials sigv4.Credentials) *evidence {
	return &evidence{sigv4.Verifier{Credentials: credentials}}
}

// Verify implements sts.Signatures.
func (e *evidence) Verify(ctx context.Context, r *sts.SignedRequest, now time.Time) (*authz.Credential, string, string, error) {
	m := &message.Request{Method: r.Method, Path: r.Path, Query: r.Query, Header: make([]message.Field, len(r.Header))}
	for i, h := range r.Header {
		m.Header[i] = message.Field{Name: h.Name, Value: h.Value}
	}
	by, scope, err := e.verifier.VerifyEvidence(ctx, m, r.Body, now)
	return by, scope.Service, scope.Region, err
}
