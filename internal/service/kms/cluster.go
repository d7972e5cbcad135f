package kms

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"

	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// Clusters are the hardware security modules that CloudHSM key stores are made
// on.
type Clusters interface {
	// TrustAnchor returns the certificate of a cluster, in PEM, and whether there
	// is such a cluster.
	TrustAnchor(cluster string) (certificate string, exists bool)

	// Token is a cluster as its user sees it, who logs in with a password when
	// need be.
	Token(cluster string, password confidential.Bytes) Token
}

// A Token keeps AES-256 keys that never leave it, by their labels. An error
// is one of those below, or something that nobody can do anything about.
type Token interface {
	// LogIn makes sure that the user can log in.
	LogIn(ctx context.Context) error

	// Generate makes a key.
	Generate(ctx context.Context, label string) error

	// Seal encrypts with AES-GCM: it returns an IV of 12 bytes, and the ciphertext
	// with its tag of 16 bytes behind it.
	Seal(ctx context.Context, label string, plaintext, associated []byte) (iv, ciphertext []byte, err error)

	// Open decrypts what Seal has encrypted.
	Open(ctx context.Context, label string, iv, ciphertext, associated []byte) ([]byte, error)

	// Random draws n bytes.
	Random(ctx context.Context, n int) (confidential.Bytes, error)
}

// What a Token may report.
var (
	ErrTokenPassword = errors.New("kms: the password of the token is wrong")
	ErrTokenLocked   = errors.New("kms: the user of the token is locked out")
	ErrTokenMissing  = errors.New("kms: the token is not there")
	ErrTokenKey      = errors.New("kms: the token does not have the key")
	ErrTokenData     = errors.New("kms: the token does not open the ciphertext")
)

// noClusters is what a build without hardware security modules has.
type noClusters struct{}

func (noClusters) TrustAnchor(string) (string, bool) { return "", false }

func (noClusters) Token(string, confidential.Bytes) Token { return nil }

func noCluster(id string) error {
	return fault.New(CloudHSMClusterNotFound, "The CloudHSM cluster %s is not found.", id)
}

// checkClusterOf refuses a cluster that does not exist, or not with the trust
// anchor of the store.
func checkClusterOf(clusters Clusters, rec *clusterRecord) error {
	anchor, exists := clusters.TrustAnchor(rec.ID)
	switch {
	case !exists:
		return noCluster(rec.ID)
	case !sameCertificate(anchor, rec.TrustAnchor):
		return fault.New(IncorrectTrustAnchor, "The certificate is not the trust anchor of the CloudHSM cluster %s.", rec.ID)
	}
	return nil
}

// sameCertificate reports whether two texts in PEM hold the same certificate.
func sameCertificate(a, b string) bool {
	x, _ := pem.Decode([]byte(a))
	y, _ := pem.Decode([]byte(b))
	return x != nil && y != nil && bytes.Equal(x.Bytes, y.Bytes)
}

// token returns the cluster of a store as its user sees it.
func (s *Service) token(k *keyStore) (Token, error) {
	password, err := s.storeSecrets.Kept(k.bound(clusterPassword), k.Cluster.Password)
	if err != nil {
		return nil, fmt.Errorf("opening the password of custom key store %s: %w", k.ID, err)
	}
	if _, exists := s.clusters.TrustAnchor(k.Cluster.ID); !exists {
		return missingToken{}, nil
	}
	return s.clusters.Token(k.Cluster.ID, password), nil
}

// missingToken is the cluster of a store that the operator has taken away.
type missingToken struct{}

func (missingToken) LogIn(context.Context) error            { return ErrTokenMissing }
func (missingToken) Generate(context.Context, string) error { return ErrTokenMissing }
func (missingToken) Seal(context.Context, string, []byte, []byte) (iv, ciphertext []byte, err error) {
	return nil, nil, ErrTokenMissing
}
func (missingToken) Open(context.Context, string, []byte, []byte, []byte) ([]byte, error) {
	return nil, ErrTokenMissing
}
func (missingToken) Random(context.Context, int) (confidential.Bytes, error) {
	return confidential.Bytes{}, ErrTokenMissing
}

// clusterFailures are the ConnectionErrorCode of a store and the text for a
// caller, by what a token reports.
var clusterFailures = []struct {
	err        error
	connection string
	text       string
}{
	{ErrTokenPassword, "INVALID_CREDENTIALS", "The cluster of the custom key store %s does not accept its password."},
	{ErrTokenLocked, "USER_LOCKED_OUT", "The user of the cluster of the custom key store %s is locked out."},
	{ErrTokenMissing, "CLUSTER_NOT_FOUND", "The cluster of the custom key store %s is not found."},
	{ErrTokenKey, "INTERNAL_ERROR", "The cluster of the custom key store %s does not contain the key."},
	{ErrTokenData, "INTERNAL_ERROR", "The cluster of the custom key store %s rejected the ciphertext."},
}

// clusterFailed is the fault for a caller whose call failed in a cluster.
func clusterFailed(code fault.Code, k *keyStore, err error) error {
	for _, f := range clusterFailures {
		if errors.Is(err, f.err) {
			return fault.New(code, f.text, k.ID)
		}
	}
	return fmt.Errorf("using the cluster of custom key store %s: %w", k.ID, err)
}

// logIn tries the password of a store and returns the ConnectionErrorCode.
func (s *Service) logIn(ctx context.Context, k *keyStore) (errorCode string, err error) {
	token, err := s.token(k)
	if err != nil {
		return "", err
	}
	if err = token.LogIn(ctx); err == nil {
		return "", nil
	}
	for _, f := range clusterFailures {
		if errors.Is(err, f.err) {
			return f.connection, nil
		}
	}
	return "INTERNAL_ERROR", nil
}
