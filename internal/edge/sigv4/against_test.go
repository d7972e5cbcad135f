package sigv4_test

import (
	"context"
	"testing"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// proxyRequest is a call of the external key store proxy interface whose
// signature another implementation computed. Its Content-Type is not signed.
func proxyRequest() *message.Request {
	return &message.Request{
		Method: "POST", Path: "/example/uri/path/prefix/kms/xks/v1/health", Host: "xks.example.com",
		Body: []byte(`{"requestMetadata":{"kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae","kmsOperation":"KmsHealthCheck"}}`),
		Header: []message.Field{
			{Name: "content-type", Value: "application/json"},
			{Name: "x-amz-date", Value: "20260101T120000Z"},
			{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=XKSTESTACCESSKEY234567/20260101/us-east-1/kms-xks-proxy/aws4_request, " +
				"SignedHeaders=host;x-amz-date, Signature=c48e7b1dc412572c1b2ef18182f99cc30e9122eda8c6353b2a23ba713e1608c4"},
		},
	}
}

func TestBareContentType(t *testing.T) {
	t.Parallel()
	const id = "XKSTESTACCESSKEY234567"
	lent := lender{id: &authz.Credential{
		AccessKeyID: id, Secret: confidential.New([]byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ")), Caller: &authz.Caller{},
	}}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	bare := &sigv4.Verifier{BareContentType: true}
	credential, scope, err := bare.VerifyAgainst(context.Background(), lent, proxyRequest(), now)
	if err != nil || credential != lent[id] || scope.Service != "kms-xks-proxy" || scope.Region != "us-east-1" {
		t.Fatalf("%+v, %v", scope, err)
	}
	// What is signed is held to it all the same, and so is everything else of AWS.
	r := proxyRequest()
	r.Header = append(r.Header, message.Field{Name: "x-amz-target", Value: "TrentService.Decrypt"})
	_, _, err = bare.VerifyAgainst(context.Background(), lent, r, now)
	wantFault(t, err, fault.InvalidSignature, "'x-amz-target' must be a 'SignedHeader'")
	r = proxyRequest()
	r.Body[0] = ' '
	_, _, err = bare.VerifyAgainst(context.Background(), lent, r, now)
	wantFault(t, err, fault.InvalidSignature, "does not match the signature you provided")

	strict := &sigv4.Verifier{}
	_, _, err = strict.VerifyAgainst(context.Background(), lent, proxyRequest(), now)
	wantFault(t, err, fault.InvalidSignature, "'content-type' must be a 'SignedHeader'")
	_, _, err = bare.VerifyAgainst(context.Background(), lender{}, proxyRequest(), now)
	wantFault(t, err, fault.UnrecognizedClient, "The security token included in the request is invalid.")
}
