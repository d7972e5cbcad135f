package simulate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// answerMax bounds an answer, in bytes.
const answerMax = 8 << 20

// A server is where a profile plays. Its requests are signed by the official
// SDK's signer: the server is tried with somebody else's work.
type server struct {
	endpoint string
	region   string
	http     *http.Client
	now      func() time.Time
}

// A refused is an error that the server answered with.
type refused struct {
	Code    string
	Message string
	Status  int
}

func (r *refused) Error() string {
	if r.Message == "" {
		return r.Code
	}
	return r.Code + ": " + r.Message
}

// kms calls an operation of KMS. A service says for which account it calls.
func (s *server) kms(ctx context.Context, who aws.Credentials, source, operation string, in any) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("writing the input of %s: %w", operation, err)
	}
	header := http.Header{
		"Content-Type": {"application/x-amz-json-1.1"},
		"X-Amz-Target": {"TrentService." + operation},
	}
	if source != "" {
		header.Set("X-Amz-Source-Account", source)
	}
	answer, err := s.send(ctx, who, "kms", header, body)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any)
	if len(answer) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", operation, err)
	}
	return out, nil
}

// versions of the services that speak the Query protocol.
var versions = map[string]string{"iam": "2010-05-08", "sts": "2011-06-15"}

// query calls an operation of IAM or STS and reads its answer into out, unless
// that is nil.
func (s *server) query(ctx context.Context, who aws.Credentials, service, operation string, in map[string]string, out any) error {
	form := url.Values{"Action": {operation}, "Version": {versions[service]}}
	for name, value := range in {
		form.Set(name, value)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	answer, err := s.send(ctx, who, service, header, []byte(form.Encode()))
	if err != nil || out == nil {
		return err
	}
	if err := xml.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", operation, err)
	}
	return nil
}

// send signs a request, sends it and returns the body of a good answer.
func (s *server) send(ctx context.Context, who aws.Credentials, service string, header http.Header, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("addressing the server: %w", err)
	}
	r.Header = header
	if err := s.sign(ctx, who, r, service, body); err != nil {
		return nil, err
	}
	response, err := s.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("calling the server: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerMax))
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response.StatusCode, answer)
	}
	return answer, nil
}

func (s *server) sign(ctx context.Context, who aws.Credentials, r *http.Request, service string, body []byte) error {
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, who, r, hex.EncodeToString(sum[:]), service, s.region, s.now()); err != nil {
		return fmt.Errorf("signing a request: %w", err)
	}
	return nil
}

// refusal reads an error in the form of either protocol.
func refusal(status int, body []byte) *refused {
	var j struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	if json.Unmarshal(body, &j) == nil && j.Type != "" {
		_, code, namespaced := strings.Cut(j.Type, "#")
		if !namespaced {
			code = j.Type
		}
		return &refused{Code: code, Message: j.Message + j.Upper, Status: status}
	}
	var x struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(body, &x) == nil && x.Code != "" {
		return &refused{Code: x.Code, Message: x.Message, Status: status}
	}
	return &refused{Code: "UnknownError", Message: http.StatusText(status), Status: status}
}

// issued are temporary credentials as STS answers them.
type issued struct {
	AccessKeyID string `xml:"AccessKeyId"`
	Secret      string `xml:"SecretAccessKey"`
	Token       string `xml:"SessionToken"`
	Expiration  string `xml:"Expiration"`
}

func (i *issued) credentials() (aws.Credentials, error) {
	expires, err := time.Parse(time.RFC3339, i.Expiration)
	if err != nil || i.AccessKeyID == "" || i.Secret == "" || i.Token == "" {
		return aws.Credentials{}, errors.New("the server answered with incomplete credentials")
	}
	return aws.Credentials{AccessKeyID: i.AccessKeyID, SecretAccessKey: i.Secret, SessionToken: i.Token, CanExpire: true, Expires: expires}, nil
}

// assume gives who a session of a role.
func (s *server) assume(ctx context.Context, who aws.Credentials, roleARN, name string) (aws.Credentials, error) {
	var out struct {
		Credentials issued `xml:"AssumeRoleResult>Credentials"`
	}
	in := map[string]string{"RoleArn": roleARN, "RoleSessionName": name}
	if err := s.query(ctx, who, "sts", "AssumeRole", in, &out); err != nil {
		return aws.Credentials{}, err
	}
	return out.Credentials.credentials()
}

// evidence is a signed request to a service, as the service shows it.
type evidence struct {
	method, path string
	header       http.Header
	sum          [sha256.Size]byte
}

// ask signs a request of who to a service. It is sent nowhere: what the service
// would do with it is the profile's business.
func (s *server) ask(ctx context.Context, who aws.Credentials, signingName string) (*evidence, error) {
	body := []byte("Action=Simulate")
	host := signingName + "." + s.region + ".amazonaws.com"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("addressing a service: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if err := s.sign(ctx, who, r, signingName, body); err != nil {
		return nil, err
	}
	// What net/http would send of itself, and the signature covers.
	r.Header.Set("Host", host)
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return &evidence{method: r.Method, path: "/", header: r.Header, sum: sha256.Sum256(body)}, nil
}

// trade exchanges evidence for credentials of forward access, for the service
// whose credentials are given. pass is the ARN of a role that the author must be
// allowed to pass to it, if any.
func (s *server) trade(ctx context.Context, service aws.Credentials, e *evidence, pass string) (aws.Credentials, error) {
	in := map[string]string{
		"Method":     e.method,
		"Uri":        e.path,
		"BodySha256": hex.EncodeToString(e.sum[:]),
	}
	n := 0
	for name, values := range e.header {
		for _, value := range values {
			n++
			member := "Headers.member." + strconv.Itoa(n)
			in[member+".Name"], in[member+".Value"] = name, value
		}
	}
	if pass != "" {
		in["PassRoleArn"] = pass
	}
	var out struct {
		Credentials issued `xml:"CreateForwardAccessSessionResult>Credentials"`
	}
	if err := s.query(ctx, service, "sts", "CreateForwardAccessSession", in, &out); err != nil {
		return aws.Credentials{}, err
	}
	return out.Credentials.credentials()
}
