// Package forwardaccess lets a service act for its users on Claviger, as the
// services of AWS do: as the user, through the service, for a few minutes.
//
// A user signs a request to the service with AWS Signature Version 4, for the
// service's own signing name. The service can't check that signature, having no
// secret of the user's. It captures the request as Evidence and trades it for a
// Session, whose credentials are those of the user, limited to what the operator
// of Claviger lets this service do. docs/forward-access.md has the rules.
package forwardaccess

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// DurationMax is the longest that a session can last, and what it lasts where
// Options don't say. It may end earlier, with the user's own.
const DurationMax = 5 * time.Minute

// answerMax bounds an answer. A session token has 16 KiB at most.
const answerMax = 256 << 10

// A Client trades evidence for sessions. It is safe for concurrent use; its
// members must not change after its first use.
type Client struct {
	// Endpoint of Claviger, such as "https://claviger.example.com". Evidence and
	// credentials travel over it: beyond this machine it must be https.
	Endpoint string

	// Region that the service is in.
	Region string

	// Credentials are the service principal's own.
	Credentials aws.CredentialsProvider

	// HTTP sends the requests; http.DefaultClient where it is nil. Redirects are
	// never followed.
	HTTP *http.Client
}

// Options of a trade. The zero value asks for what is usual.
type Options struct {
	// Duration of the session, in whole seconds from one to DurationMax.
	// Zero stands for DurationMax.
	Duration time.Duration

	// SourceIP is the user's address as the service saw it. It stands in the
	// records of the session's calls and counts in no decision.
	SourceIP netip.Addr

	// PassRole is the ARN of a role that the service is about to assume because
	// the user named it. The trade is refused unless the user may pass that role
	// to this service (iam:PassRole with iam:PassedToService).
	PassRole string
}

// Trade asks Claviger whose evidence it is. What Claviger refuses is an *Error.
// Trading the same evidence again gives another session of the same user.
func (c *Client) Trade(ctx context.Context, e *Evidence, o Options) (*Session, error) {
	form, err := o.form(e)
	if err != nil {
		return nil, err
	}
	r, err := c.request(ctx, form)
	if err != nil {
		return nil, err
	}
	response, err := c.client().Do(r)
	if err != nil {
		return nil, fmt.Errorf("trading evidence for a session: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerMax+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer to a trade: %w", err)
	}
	if len(body) > answerMax {
		return nil, fmt.Errorf("reading the answer to a trade: it is larger than %d bytes", answerMax)
	}
	return parse(response.StatusCode, body)
}

// Provider returns credentials for the SDK that trade the evidence when they
// are first needed, and keep the session until it ends. After that they trade
// anew, which Claviger refuses once the evidence has grown too old.
func (c *Client) Provider(e *Evidence, o Options) aws.CredentialsProvider {
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		s, err := c.Trade(ctx, e, o)
		if err != nil {
			return aws.Credentials{}, err
		}
		return s.Retrieve(ctx)
	}))
}

// form spells the call in the protocol of STS.
func (o *Options) form(e *Evidence) (url.Values, error) {
	form := url.Values{
		"Action":     {"CreateForwardAccessSession"},
		"Version":    {"2011-06-15"},
		"Method":     {e.method},
		"Uri":        {e.uri},
		"BodySha256": {hex.EncodeToString(e.body[:])},
	}
	for i, f := range e.fields {
		member := "Headers.member." + strconv.Itoa(i+1)
		form.Set(member+".Name", f.name)
		form.Set(member+".Value", f.value)
	}
	if o.Duration != 0 {
		if o.Duration < time.Second || o.Duration > DurationMax || o.Duration%time.Second != 0 {
			return nil, fmt.Errorf("forwardaccess: a session lasts whole seconds up to %v, not %v", DurationMax, o.Duration)
		}
		form.Set("DurationSeconds", strconv.FormatInt(int64(o.Duration/time.Second), 10))
	}
	if o.SourceIP.IsValid() {
		form.Set("SourceIp", o.SourceIP.Unmap().WithZone("").String())
	}
	if o.PassRole != "" {
		form.Set("PassRoleArn", o.PassRole)
	}
	return form, nil
}

// request makes the signed request that carries form.
func (c *Client) request(ctx context.Context, form url.Values) (*http.Request, error) {
	if c.Credentials == nil {
		return nil, errors.New("forwardaccess: the client has no credentials")
	}
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("retrieving the service's credentials: %w", err)
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Endpoint, "/")+"/", strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("addressing Claviger: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "sts", c.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("signing a trade: %w", err)
	}
	// Sending a trade twice is harmless. An empty key says so to net/http, which
	// then tries again where a connection had been closed, and is not sent.
	r.Header["Idempotency-Key"] = nil
	return r, nil
}

// client returns the HTTP client, kept from taking evidence elsewhere.
func (c *Client) client() *http.Client {
	var h http.Client
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}
