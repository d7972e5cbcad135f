package xksclient

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"claviger/internal/words/confidential/reveal"
)

const (
	service = "kms-xks-proxy"
	signed  = "host;x-amz-date"
)

// sign signs a request with Signature Version 4, as proxies want it: with an
// empty query, and without a header for the hash of the body. Paths consist of
// characters that need no encoding.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func sign(request *http.Request, r *Request, now time.Time) {
	date := now.UTC().Format("20060102T150405Z")
	scope := strings.Join([]string{date[:8], r.Region, service, "aws4_request"}, "/")
	body := sha256.Sum256(r.Body)
	canonical := sha256.Sum256([]byte(strings.Join([]string{
		request.Method, r.Path, "",
		"host:" + request.URL.Host, "x-amz-date:" + date, "",
		signed, hex.EncodeToString(body[:]),
	}, "\n")))
	key := append([]byte("AWS4"), r.Secret.Reveal(reveal.Token{})...)
	for _, part := range strings.Split(scope, "/") {
		next := sum(key, part)
		clear(key)
		key = next
	}
	signature := sum(key, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(canonical[:])}, "\n"))
	clear(key)
	request.Header.Set("X-Amz-Date", date)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+r.AccessKeyID+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(signature))
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
