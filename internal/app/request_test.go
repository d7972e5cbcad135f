package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/sts"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/optional"
)

// A userRequest is a request on the wire, to this server or to somebody else. Its
// path and query are taken to be canonical.
type userRequest struct {
	method, uri, body string
	header            []message.Field
}

func newRequest(method, uri, body string) *userRequest {
	return &userRequest{method: method, uri: uri, body: body, header: []message.Field{{Name: "host", Value: "documents.example.com"}, {Name: "user-agent", Value: "browser/1"}}}
}

// with adds a field of the header, or replaces it.
func (r *userRequest) with(name, value string) *userRequest {
	r.header = slices.DeleteFunc(r.header, func(f message.Field) bool { return f.Name == name })
	r.header = append(r.header, message.Field{Name: name, Value: value})
	return r
}

// signedBy signs the request with AWS Signature Version 4, all of its header.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (r *userRequest) signedBy(c *authz.Credential, service, region string, at time.Time) *userRequest {
	stamp := at.UTC().Format("20060102T150405Z")
	r.with("x-amz-date", stamp)
	if c.Token != "" {
		r.with("x-amz-security-token", c.Token)
	}
	slices.SortFunc(r.header, func(a, b message.Field) int { return strings.Compare(a.Name, b.Name) })
	var names []string
	var fields strings.Builder
	for _, f := range r.header {
		names = append(names, f.Name)
		fmt.Fprintf(&fields, "%s:%s\n", f.Name, f.Value)
	}
	path, query, _ := strings.Cut(r.uri, "?")
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.method, path, query, fields.String(), signed, r.hash()}, "\n")
	scope := []string{stamp[:8], region, service, "aws4_request"}
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, strings.Join(scope, "/"), hex.EncodeToString(sum[:])}, "\n")
	key := append([]byte("AWS4"), c.Secret.Reveal(reveal.Token{})...)
	for _, part := range append(scope, text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return r.with("authorization", "AWS4-HMAC-SHA256 Credential="+c.AccessKeyID+"/"+strings.Join(scope, "/")+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
}

// hash is the SHA-256 of the body, in hexadecimal digits.
func (r *userRequest) hash() string {
	sum := sha256.Sum256([]byte(r.body))
	return hex.EncodeToString(sum[:])
}

// message is the request as the gateway gets it.
func (r *userRequest) message() *message.Request {
	path, query, _ := strings.Cut(r.uri, "?")
	m := &message.Request{Method: r.method, Path: path, Query: query, Header: r.header, Body: bytes.Clone([]byte(r.body))}
	m.Host = m.Get("host")
	return m
}

// documentsSigning is the signing name of the service of documents.
const documentsSigning = "documents"

// trading is the call by which a service trades a request.
func trading(r *userRequest) *sts.CreateForwardAccessSessionInput {
	in := &sts.CreateForwardAccessSessionInput{Method: optional.Some(r.method), URI: optional.Some(r.uri), BodySHA256: optional.Some(r.hash())}
	for _, f := range r.header {
		in.Headers = append(in.Headers, sts.Header{Name: f.Name, Value: f.Value})
	}
	return in
}
