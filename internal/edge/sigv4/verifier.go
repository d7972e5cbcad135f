// Package sigv4 tells who signed a request (AWS Signature Version 4).
//
// Of all spellings that a request might be signed in, one is accepted: the
// canonical form in which the SDKs sign for services other than S3. What would
// be ambiguous is refused, never guessed.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
)

// Credentials lends what signatures are checked against. An unknown or
// inactive access key is a fault UnrecognizedClient, and so is a session token
// that is not the access key's; token is empty where none was presented. As long
// as nothing of a credential has changed, the same pointer should be lent: a key
// derived from the secret is kept with it.
type Credentials interface {
	Credential(ctx context.Context, accessKeyID, token string) (*authz.Credential, error)
}

// A Verifier verifies requests. It is safe for concurrent use, and must not be
// copied after its first use.
type Verifier struct {
	Credentials Credentials
	// Skew returns how far the clocks of client and server may be apart, by
	// service. A nil Skew stands for five minutes.
	Skew func(service string) time.Duration
	// BareContentType lets a request leave its Content-Type unsigned. It is for
	// protocols that have one form of body and read no type.
	BareContentType bool

	keys keyring
}

// Verify checks r's signature at time now over its raw bytes, its body
// included, and returns who signed and for which scope. Whether that scope is
// one that the endpoint serves is for the caller to compare, before or after
// (Scope.Require).
//
// A request is refused for the first reason in this order: a malformed claim
// (MissingAuthentication, IncompleteSignature), an access key that is unknown,
// inactive or sent without its session token or with another's
// (UnrecognizedClient, always the same text), the day of its scope, its time,
// what it left unsigned, its body's hash, and last its signature (all
// InvalidSignature). So a stranger learns of a key whether it is in use, as on
// AWS, and nothing else. Any error that is not a fault came from Credentials.
//
// Whoever has signed may be refused everything all the same: the credential's
// Refusal is for the caller to see.
func (v *Verifier) Verify(ctx context.Context, r *message.Request, now time.Time) (*authz.Credential, Scope, error) {
	return v.VerifyAgainst(ctx, v.Credentials, r, now)
}

// VerifyAgainst is Verify for an endpoint that has credentials of its own. An
// access key id must mean the same credential wherever it is lent.
func (v *Verifier) VerifyAgainst(ctx context.Context, lent Credentials, r *message.Request, now time.Time) (*authz.Credential, Scope, error) {
	var c claim
	if err := c.parse(r); err != nil {
		return nil, Scope{}, err
	}
	return v.verify(ctx, lent, r, &c, sha256.Sum256(r.Body), now)
}

func (v *Verifier) verify(ctx context.Context, lent Credentials, r *message.Request, c *claim, body [sha256.Size]byte, now time.Time) (*authz.Credential, Scope, error) {
	if err := c.parseToken(r); err != nil {
		return nil, Scope{}, err
	}
	credential, err := borrow(ctx, lent, c)
	if err != nil {
		return nil, Scope{}, err
	}
	if err := v.timely(c, now.Truncate(time.Second)); err != nil {
		return nil, Scope{}, err
	}
	if err := v.check(r, c, body, credential); err != nil {
		return nil, Scope{}, err
	}
	return credential, c.scope, nil
}

// borrow returns the credential that the claim names.
func borrow(ctx context.Context, lent Credentials, c *claim) (*authz.Credential, error) {
	id := c.scope.AccessKeyID
	credential, err := lent.Credential(ctx, id, c.token)
	if err != nil {
		if fault.Is(err, fault.UnrecognizedClient) {
			return nil, unrecognized()
		}
		return nil, fmt.Errorf("reading the credential of access key %s: %w", id, err)
	}
	if credential == nil || credential.AccessKeyID != id || credential.Token != c.token || credential.Secret.Len() == 0 {
		return nil, errors.New("sigv4: was lent a credential that is not the one of access key " + id)
	}
	return credential, nil
}

// timely refuses a claim that is not of today, too old, or of the future.
func (v *Verifier) timely(c *claim, now time.Time) error {
	if day := c.stamp[:len(c.scope.Date)]; c.scope.Date != day {
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			c.scope.Date + "' != '" + day + "', from '" + c.stamp + "'.")
	}
	skew := 5 * time.Minute
	if v.Skew != nil {
		skew = v.Skew(c.scope.Service)
	}
	if c.time.After(now.Add(skew)) {
		return early(c.stamp, now, skew)
	}
	life := skew
	if c.expires > 0 {
		life = c.expires
	}
	if c.time.Before(now.Add(-life)) {
		return expired(c.stamp, now, life)
	}
	return nil
}

// check computes the signature that r should have, and compares.
func (v *Verifier) check(r *message.Request, c *claim, body [sha256.Size]byte, credential *authz.Credential) error {
	s := benches.Get().(*bench)
	defer s.release()
	var err error
	if s.names, err = splitSigned(s.names[:0], c.signed); err != nil {
		return err
	}
	if err := checkSigned(r, c, s.names, v.BareContentType); err != nil {
		return err
	}
	if s.text, err = appendRequest(s.text[:0], r, c, body, s.names); err != nil {
		return err
	}
	s.text = appendStringToSign(s.text[:0], c, sha256.Sum256(s.text))
	key := v.keys.get(&c.scope, credential)
	fresh := key == nil
	if fresh {
		key = derive(credential, &c.scope)
	}
	s.mac = key.sign(s.hash, s.text, s.mac)
	s.want = hex.AppendEncode(s.want[:0], s.mac)
	s.got = append(s.got[:0], c.signature...)
	if subtle.ConstantTimeCompare(s.want, s.got) != 1 {
		return mismatch()
	}
	if fresh {
		// Kept only now: a stranger can't fill the ring.
		v.keys.put(&c.scope, key)
	}
	return nil
}

func appendStringToSign(dst []byte, c *claim, request [sha256.Size]byte) []byte {
	dst = append(dst, algorithm+"\n"...)
	dst = append(append(dst, c.stamp...), '\n')
	dst = append(append(dst, c.scope.Date...), '/')
	dst = append(append(dst, c.scope.Region...), '/')
	dst = append(append(dst, c.scope.Service...), '/')
	dst = append(dst, terminator+"\n"...)
	return hex.AppendEncode(dst, request[:])
}

// A bench is the memory that one verification works in.
type bench struct {
	names          []string
	text           []byte
	mac, want, got []byte
	hash           hash.Hash
}

var benches = sync.Pool{New: func() any { return &bench{hash: sha256.New()} }}

// release gives the bench back without what it knows of the request, and
// without memory that only an unusual request needs.
func (s *bench) release() {
	const textMax = 16 << 10
	clear(s.names[:cap(s.names)])
	clear(s.want)
	clear(s.mac)
	s.hash.Reset()
	if cap(s.text) > textMax || cap(s.got) > textMax {
		s.text, s.got = nil, nil
	}
	benches.Put(s)
}
