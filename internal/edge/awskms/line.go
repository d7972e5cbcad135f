package awskms

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// answerMax bounds an answer, in bytes: a ciphertext has 6,144 at most.
const answerMax = 64 << 10

// A line is one place to send to, as one caller.
type line struct {
	endpoint *url.URL
	region   string
	who      aws.Credentials
	now      func() time.Time
	http     *http.Client
}

// send sends a request once. again says that the next try may fare better.
func (l *line) send(ctx context.Context, operation string, body []byte, out *answer) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("addressing the service: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, l.who, r, hex.EncodeToString(sum[:]), "kms", l.region, l.now()); err != nil {
		return false, fmt.Errorf("signing a request: %w", err)
	}
	response, err := l.http.Do(r)
	if err != nil {
		return true, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerMax))
	if err != nil {
		return true, fmt.Errorf("reading an answer: %w", err)
	}
	defer clear(text)
	if response.StatusCode != http.StatusOK {
		refusal := readRefusal(response.Status, text)
		return response.StatusCode >= 500 || refusal.Code == "ThrottlingException", refusal
	}
	if err := json.Unmarshal(text, out); err != nil {
		return false, fmt.Errorf("reading an answer: %w", err)
	}
	return false, nil
}

// readRefusal reads an error of the protocol, of which only the code is certain,
// if that.
func readRefusal(status string, text []byte) *refused {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Other   string `json:"Message"`
	}
	if err := json.Unmarshal(text, &body); err != nil || body.Type == "" {
		return &refused{status, "without a reason"}
	}
	_, code, found := strings.Cut(body.Type, "#")
	if !found {
		code = body.Type
	}
	if body.Message == "" {
		body.Message = body.Other
	}
	return &refused{code, body.Message}
}
