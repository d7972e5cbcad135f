package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"claviger/internal/edge/gateway"
	"claviger/internal/edge/message"
)

// sign signs a JSON request to KMS as an account's root user of the
// development server.
func sign(account, target, body string, at time.Time) *message.Request {
	return signWith(account, "test", target, body, at)
}

func signWith(id, secret, target, body string, at time.Time) *message.Request {
	stamp := at.UTC().Format("20060102T150405Z")
	scope := stamp[:8] + "/us-east-1/kms/aws4_request"
	const signed = "content-type;host;x-amz-date;x-amz-target"
	canonical := fmt.Sprintf("POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:localhost\nx-amz-date:%s\nx-amz-target:%s\n\n%s\n%s",
		stamp, target, signed, hash(body))
	key := []byte("AWS4" + secret)
	for _, part := range []string{stamp[:8], "us-east-1", "kms", "aws4_request"} {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hash(canonical)))
	return &message.Request{
		Method: "POST", Path: "/", Host: "localhost", Body: []byte(body),
		Header: []message.Field{
			{Name: "content-type", Value: "application/x-amz-json-1.1"},
			{Name: "x-amz-date", Value: stamp},
			{Name: "x-amz-target", Value: target},
			{Name: "user-agent", Value: "aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/kms#1.62.4"},
			{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=" + id + "/" + scope + ", SignedHeaders=" + signed + ", Signature=" + signature},
		},
	}
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// BenchmarkEncrypt is a whole call without HTTP, from signed bytes to encoded
// answer, on a server in memory.
func BenchmarkEncrypt(b *testing.B) { benchmarkEncrypt(b, true) }

// BenchmarkEncryptUncounted is the same without metrics of calls.
func BenchmarkEncryptUncounted(b *testing.B) { benchmarkEncrypt(b, false) }

func benchmarkEncrypt(b *testing.B, counted bool) {
	w := newWorld(b)
	settings := common{Region: "us-east-1"}
	if err := settings.check(); err != nil {
		b.Fatal(err)
	}
	options := w.server.gatewayOptions(&settings, w.server.services)
	if !counted {
		options.Meter = nil
	}
	g := gateway.New(options)
	body := fmt.Sprintf(`{"KeyId":"%s","Plaintext":"%s","EncryptionContext":{"purpose":"bench"}}`,
		w.key(), base64.StdEncoding.EncodeToString(make([]byte, 32)))
	r := sign(owner, "TrentService.Encrypt", body, time.Now())
	b.ReportAllocs()
	for b.Loop() {
		if answer := g.Handle(context.Background(), r); answer.Status != 200 {
			b.Fatalf("%d %s", answer.Status, answer.Body)
		}
	}
}
