package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"time"
)

// A field of a request's header. Fields are given in the order of their names,
// which are in lower case: the order in which Signature Version 4 wants them.
type field struct {
	name, value string
}

// credentials sign.
type credentials struct {
	accessKeyID, secret string
}

// A signer writes signed requests: POST to the root of one host, all fields
// signed. It is not safe for concurrent use.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signer struct {
	accessKeyID string
	date        string // yyyymmdd, the day of the key
	scope       string
	mac         hash.Hash // under the day's signing key
	canonical   []byte    // scratch
	signature   []byte    // scratch
}

func newSigner(c credentials, region, service string, now time.Time) *signer {
	date := now.UTC().Format("20060102")
	key := []byte("AWS4" + c.secret)
	for _, part := range []string{date, region, service, "aws4_request"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return &signer{
		accessKeyID: c.accessKeyID,
		date:        date,
		scope:       date + "/" + region + "/" + service + "/aws4_request",
		mac:         hmac.New(sha256.New, key),
	}
}

// append appends a request to dst. stamp is the time of x-amz-date, which must
// be among fields.
func (s *signer) append(dst []byte, stamp string, fields []field, body []byte) []byte {
	dst = append(dst, "POST / HTTP/1.1\r\n"...)
	for _, f := range fields {
		dst = append(dst, f.name...)
		dst = append(dst, ": "...)
		dst = append(dst, f.value...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, "authorization: AWS4-HMAC-SHA256 Credential="...)
	dst = append(dst, s.accessKeyID...)
	dst = append(dst, '/')
	dst = append(dst, s.scope...)
	dst = append(dst, ", SignedHeaders="...)
	dst = appendNames(dst, fields)
	dst = append(dst, ", Signature="...)
	dst = s.appendSignature(dst, stamp, fields, body)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

func (s *signer) appendSignature(dst []byte, stamp string, fields []field, body []byte) []byte {
	c := append(s.canonical[:0], "POST\n/\n\n"...)
	for _, f := range fields {
		c = append(c, f.name...)
		c = append(c, ':')
		c = append(c, f.value...)
		c = append(c, '\n')
	}
	c = append(c, '\n')
	c = appendNames(c, fields)
	c = append(c, '\n')
	sum := sha256.Sum256(body)
	c = hex.AppendEncode(c, sum[:])
	sum = sha256.Sum256(c)

	c = append(c[:0], "AWS4-HMAC-SHA256\n"...)
	c = append(c, stamp...)
	c = append(c, '\n')
	c = append(c, s.scope...)
	c = append(c, '\n')
	c = hex.AppendEncode(c, sum[:])
	s.canonical = c

	s.mac.Reset()
	s.mac.Write(c)
	s.signature = s.mac.Sum(s.signature[:0])
	return hex.AppendEncode(dst, s.signature)
}

func appendNames(dst []byte, fields []field) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(dst, f.name...)
	}
	return dst
}

// stampOf formats a time as x-amz-date does.
func stampOf(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// A writer writes the requests of one API as an SDK sends them, no two alike:
// each has an invocation id of its own.
type writer struct {
	signer     *signer
	fields     []field
	length     *string
	invocation *string
	stamp      *string
	next       uint64
}

// newWriter makes a writer. target is empty for an API that speaks awsQuery.
func newWriter(s *signer, host, contentType, target string) *writer {
	fields := []field{
		{"accept-encoding", "identity"},
		{"amz-sdk-invocation-id", ""},
		{"amz-sdk-request", "attempt=1; max=3"},
		{"content-length", ""},
		{"content-type", contentType},
		{"host", host},
		{"x-amz-date", ""},
	}
	if target != "" {
		fields = append(fields, field{"x-amz-target", target})
	}
	return &writer{
		signer: s, fields: fields,
		invocation: &fields[1].value, length: &fields[3].value, stamp: &fields[6].value,
	}
}

// append appends the next request to dst.
func (w *writer) append(dst []byte, stamp string, body []byte) []byte {
	w.next++
	*w.stamp = stamp
	*w.length = strconv.Itoa(len(body))
	*w.invocation = invocationID(w.next)
	return w.signer.append(dst, stamp, w.fields, body)
}

// invocationID forms a number as an SDK forms the id of an invocation.
func invocationID(n uint64) string {
	const digits = "0123456789abcdef"
	id := []byte("00000000-0000-4000-8000-000000000000")
	for i := len(id) - 1; n > 0 && id[i] != '-'; i-- {
		id[i] = digits[n&15]
		n >>= 4
	}
	return string(id)
}
