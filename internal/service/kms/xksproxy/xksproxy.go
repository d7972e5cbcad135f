// Package xksproxy speaks to the proxy of an external key store, as the client
// that AWS KMS is: what is asked, what counts as an answer, and what becomes of a
// failure. How bytes travel is a Transport's business.
//
// A proxy is not trusted: whatever it answers is checked here, and what it
// decrypts is checked by the layer of encryption below its own.
// https://github.com/aws/aws-kms-xksproxy-api-spec
package xksproxy

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"claviger/internal/words/confidential"
)

// Limits of the protocol in bytes.
const (
	AnswerMax   = 32 << 10 // of a whole answer
	MetadataMax = 20
	TagSize     = 16
)

// A Request is one call, to be signed and sent.
type Request struct {
	To   *Proxy
	Path string // all of it
	Body []byte
}

// A Transport sends a request and returns status and body of the answer, of
// which it reads AnswerMax bytes and no more. It follows no redirects and takes
// no longer than a proxy has. Where there is no answer, the error is one of
// ErrTimeout, ErrUnreachable, ErrTLS and ErrResponse.
type Transport func(ctx context.Context, r *Request) (status int, answer []byte, err error)

// A Proxy is where an external key store is to be found.
type Proxy struct {
	Store       string // id; requests of one store share connections
	Endpoint    string // "https://" and a host name
	Service     string // VPC endpoint service through which it is reached; empty for a public endpoint
	Path        string // ends in /kms/xks/v1
	Region      string // from which it is called
	AccessKeyID string
	Secret      confidential.Bytes
	Send        Transport
}

// About says for whom a call is made: the proxy may decide by it, and log it.
type About struct {
	RequestID  string `json:"kmsRequestId"`
	Operation  string `json:"kmsOperation"`
	Principal  string `json:"awsPrincipalArn,omitempty"`
	KeyARN     string `json:"kmsKeyArn,omitempty"`
	ViaService string `json:"kmsViaService,omitempty"`
}

// A Sealed is what a proxy has encrypted.
type Sealed struct {
	Ciphertext []byte
	IV         []byte // 12 or 16 bytes
	Tag        []byte
	Metadata   []byte // at most MetadataMax bytes
}

// Health asks whether the proxy is there, takes the credential, and has at least
// one key manager that works.
func (p *Proxy) Health(ctx context.Context, about About) *Failure {
	var answer struct {
		FleetSize int    `json:"xksProxyFleetSize"`
		Vendor    string `json:"xksProxyVendor"`
		Model     string `json:"xksProxyModel"`
		EKMVendor string `json:"ekmVendor"`
		Fleet     []struct {
			ID     string `json:"id"`
			Model  string `json:"model"`
			Health string `json:"healthStatus"`
		} `json:"ekmFleetDetails"`
	}
	if f := p.call(ctx, "/health", request{About: about}, &answer); f != nil {
		return f
	}
	if answer.FleetSize < 1 || answer.Vendor == "" || answer.Model == "" || answer.EKMVendor == "" ||
		len(answer.Fleet) < 1 || len(answer.Fleet) > 10 {
		return ErrResponse
	}
	healthy := false
	for _, instance := range answer.Fleet {
		switch instance.Health {
		case "ACTIVE", "DEGRADED":
			healthy = true
		case "UNAVAILABLE":
		default:
			return ErrResponse
		}
	}
	if !healthy {
		return errUnhealthy
	}
	return nil
}

// Describe makes sure that an external key is an enabled AES-256 key that
// encrypts and decrypts.
func (p *Proxy) Describe(ctx context.Context, about About, key string) *Failure {
	var answer struct {
		Spec   string   `json:"keySpec"`
		Usage  []string `json:"keyUsage"`
		Status string   `json:"keyStatus"`
	}
	if f := p.call(ctx, "/keys/"+key+"/metadata", request{About: about}, &answer); f != nil {
		return f
	}
	switch {
	case answer.Spec == "" || len(answer.Usage) > 10 || answer.Status != "ENABLED" && answer.Status != "DISABLED":
		return ErrResponse
	case answer.Spec != "AES_256":
		return unfit("The key spec of the external key must be AES_256.")
	case answer.Status != "ENABLED":
		return unfit("The status of the external key must be ENABLED. The status of specified external key is " + answer.Status + ".")
	case !slices.Contains(answer.Usage, "ENCRYPT") || !slices.Contains(answer.Usage, "DECRYPT"):
		return unfit("The key usage of the external key must include ENCRYPT and DECRYPT.")
	}
	return nil
}

// unfit is the failure of a key that does not meet the requirements. AWS repeats
// what the proxy says of the key; this does not, but for a status that is known.
func unfit(text string) *Failure { return &Failure{text, invalidResponse, invalidKey, badResponse} }

// Encrypt has the proxy encrypt plaintext under an external key, bound to aad,
// and to vouch that it can be decrypted again.
func (p *Proxy) Encrypt(ctx context.Context, about About, key string, plaintext, aad []byte) (*Sealed, *Failure) {
	var answer struct {
		Ciphertext encoded `json:"ciphertext"`
		IV         encoded `json:"initializationVector"`
		Tag        encoded `json:"authenticationTag"`
		Metadata   encoded `json:"ciphertextMetadata"`
		Integrity  encoded `json:"ciphertextDataIntegrityValue"`
	}
	body := request{About: about, Algorithm: algorithm, AAD: aad, Plaintext: plaintext, Integrity: "SHA_256"}
	if f := p.call(ctx, "/keys/"+key+"/encrypt", body, &answer); f != nil {
		return nil, f
	}
	s := &Sealed{Ciphertext: answer.Ciphertext, IV: answer.IV, Tag: answer.Tag, Metadata: answer.Metadata}
	if len(s.Ciphertext) != len(plaintext) || len(s.IV) != 12 && len(s.IV) != 16 || len(s.Tag) != TagSize || len(s.Metadata) > MetadataMax {
		return nil, ErrResponse
	}
	if want := s.integrity(aad); subtle.ConstantTimeCompare(want[:], answer.Integrity) != 1 {
		return nil, ErrCorrupt
	}
	return s, nil
}

// integrity is the ciphertext data integrity value.
func (s *Sealed) integrity(aad []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range [][]byte{aad, s.Metadata, s.IV, s.Ciphertext, s.Tag} {
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// Decrypt has the proxy decrypt what it has encrypted. Whether what it returns
// is what it was given then is for the caller to find out.
func (p *Proxy) Decrypt(ctx context.Context, about About, key string, s *Sealed, aad []byte) ([]byte, *Failure) {
	var answer struct {
		Plaintext encoded `json:"plaintext"`
	}
	body := request{
		About: about, Algorithm: algorithm, AAD: aad,
		Ciphertext: s.Ciphertext, IV: s.IV, Tag: s.Tag, Metadata: s.Metadata,
	}
	if f := p.call(ctx, "/keys/"+key+"/decrypt", body, &answer); f != nil {
		return nil, f
	}
	if len(answer.Plaintext) != len(s.Ciphertext) {
		return nil, ErrResponse
	}
	return answer.Plaintext, nil
}

const algorithm = "AES_GCM"

// A request is the body of every call. encoding/json writes bytes in the
// Base64 that the protocol wants.
type request struct {
	About      About  `json:"requestMetadata"`
	Algorithm  string `json:"encryptionAlgorithm,omitempty"`
	AAD        []byte `json:"additionalAuthenticatedData,omitempty"`
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext []byte `json:"ciphertext,omitempty"`
	IV         []byte `json:"initializationVector,omitempty"`
	Tag        []byte `json:"authenticationTag,omitempty"`
	Metadata   []byte `json:"ciphertextMetadata,omitempty"`
	Integrity  string `json:"ciphertextDataIntegrityValueAlgorithm,omitempty"`
}

// encoded are bytes in Base64 of the standard alphabet with padding, in the one
// spelling that they have (RFC 4648 sections 3.5 and 4).
type encoded []byte

var spelling = base64.StdEncoding.Strict()

// UnmarshalJSON reads a string of Base64.
func (e *encoded) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	for i := range len(text) {
		if text[i] == '\r' || text[i] == '\n' { // the decoder would skip them
			return errors.New("xksproxy: a line break in Base64")
		}
	}
	var err error
	*e, err = spelling.DecodeString(text)
	return err
}

// call sends one request and reads its answer.
func (p *Proxy) call(ctx context.Context, path string, body request, answer any) *Failure {
	b, err := json.Marshal(body)
	if err != nil {
		panic("xksproxy: a request that can't be written: " + err.Error())
	}
	status, got, err := p.Send(ctx, &Request{To: p, Path: p.Path + path, Body: b})
	if err != nil {
		var f *Failure
		if errors.As(err, &f) {
			return f
		}
		return ErrUnreachable
	}
	return read(status, got, answer)
}

// statusOK is the HTTP status of a call that was answered.
const statusOK = 200

// read reads an answer.
func read(status int, got []byte, answer any) *Failure {
	if len(got) > AnswerMax {
		return ErrResponse
	}
	if status == statusOK {
		if json.Unmarshal(got, answer) != nil {
			return ErrResponse
		}
		return nil
	}
	var refusal struct {
		Name string `json:"errorName"`
	}
	if status < 400 || json.Unmarshal(got, &refusal) != nil {
		return ErrResponse
	}
	return named(refusal.Name)
}
