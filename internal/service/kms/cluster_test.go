package kms_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// clusters stand for hardware, by their ids.
type clusters map[string]*hardware

// hardware keeps keys.
type hardware struct {
	mu       sync.Mutex
	anchor   string
	password string
	gone     error // of every call
	keys     map[string]cipher.AEAD
}

const (
	clusterOne   = "cluster-a23b4cdefgh"
	clusterTwo   = "cluster-i23j4klmnop" // with the certificate of the first one
	clusterThree = "cluster-q23r4stuvwx"
	password     = "kmsPswd"
)

func certificate(text string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(text)}))
}

func newClusters() clusters {
	made := func(anchor string) *hardware {
		return &hardware{anchor: certificate(anchor), password: password, keys: make(map[string]cipher.AEAD)}
	}
	return clusters{clusterOne: made("one"), clusterTwo: made("one"), clusterThree: made("three")}
}

func (c clusters) TrustAnchor(id string) (string, bool) {
	if h := c[id]; h != nil {
		return h.anchor, true
	}
	return "", false
}

func (c clusters) Token(id string, password confidential.Bytes) kms.Token {
	return &login{c[id], shown(password)}
}

// login is hardware with a password.
type login struct {
	*hardware
	password string
}

func (l *login) LogIn(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone != nil {
		return l.gone
	}
	if l.password != l.hardware.password {
		return kms.ErrTokenPassword
	}
	return nil
}

func (l *login) Generate(ctx context.Context, label string) error {
	if err := l.LogIn(ctx); err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys[label], err = cipher.NewGCM(block)
	return err
}

func (l *login) key(ctx context.Context, label string) (cipher.AEAD, error) {
	if err := l.LogIn(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.keys[label]; k != nil {
		return k, nil
	}
	return nil, kms.ErrTokenKey
}

func (l *login) Seal(ctx context.Context, label string, plaintext, associated []byte) (iv, ciphertext []byte, err error) {
	k, err := l.key(ctx, label)
	if err != nil {
		return nil, nil, err
	}
	iv = make([]byte, 12)
	_, _ = rand.Read(iv)
	return iv, k.Seal(nil, iv, plaintext, associated), nil
}

func (l *login) Open(ctx context.Context, label string, iv, ciphertext, associated []byte) ([]byte, error) {
	k, err := l.key(ctx, label)
	if err != nil {
		return nil, err
	}
	if len(iv) != k.NonceSize() {
		return nil, kms.ErrTokenData
	}
	plaintext, err := k.Open(nil, iv, ciphertext, associated)
	if err != nil {
		return nil, kms.ErrTokenData
	}
	return plaintext, nil
}

func (l *login) Random(ctx context.Context, n int) (confidential.Bytes, error) {
	if err := l.LogIn(ctx); err != nil {
		return confidential.Bytes{}, err
	}
	return secret(strings.Repeat("r", n)), nil
}

func hardwareStore(name, cluster, anchor string) *kms.CreateCustomKeyStoreInput {
	return &kms.CreateCustomKeyStoreInput{
		CustomKeyStoreName: str(name), CloudHSMClusterID: str(cluster), TrustAnchorCertificate: str(certificate(anchor)), KeyStorePassword: secret(password),
	}
}

func inCluster(store string) *kms.CreateKeyInput {
	return &kms.CreateKeyInput{Origin: str("AWS_CLOUDHSM"), CustomKeyStoreID: str(store)}
}

// TestCloudHSMKeyStore is a store on a cluster with a key, as the owner sees both.
func TestCloudHSMKeyStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	owner.refused(hardwareStore("hardware", "cluster-222222222222", "one"), kms.CloudHSMClusterNotFound, "The CloudHSM cluster cluster-222222222222 is not found.")
	owner.refused(hardwareStore("hardware", clusterOne, "three"), kms.IncorrectTrustAnchor, "The certificate is not the trust anchor of the CloudHSM cluster "+clusterOne+".")
	store := must[kms.CreateCustomKeyStoreOutput](owner, hardwareStore("hardware", clusterOne, "one")).CustomKeyStoreID
	w.recorded(`{"customKeyStoreName":"hardware","clusterId":"`+clusterOne+`"}`, `{"customKeyStoreId":"`+store+`"}`, `{}`)
	if e := owner.describeStore(store); e.CustomKeyStoreType != "AWS_CLOUDHSM" || e.CloudHSMClusterID != str(clusterOne) || e.TrustAnchorCertificate != str(certificate("one")) || e.XksProxyConfiguration != nil {
		t.Errorf("the store is %+v", e)
	}
	for _, cluster := range []string{clusterOne, clusterTwo} {
		owner.refused(hardwareStore("again", cluster, "one"), kms.CloudHSMClusterInUse,
			"The cluster "+cluster+", or one that shares its backup history, is already associated with a custom key store.")
	}
	owner.connect(store)
	owner.connection(store, "CONNECTED", "")
	key := must[kms.CreateKeyOutput](owner, inCluster(store)).KeyMetadata
	if key.Origin != "AWS_CLOUDHSM" || key.CustomKeyStoreID != str(store) || key.CloudHSMClusterID != str(clusterOne) || key.XksKeyConfiguration != nil || key.KeyState != "Enabled" {
		t.Errorf("the key is %+v", key)
	}
	other := must[kms.CreateKeyOutput](owner, inCluster(store)).KeyMetadata
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("hello"), EncryptionContext: kmstest.Context}).CiphertextBlob
	w.recorded(`{"keyId":"`+key.KeyID+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"purpose":"sample"}}`, `null`, `{"customKeyStoreId":"`+store+`"}`, ofKey(key))
	decrypt := &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: kmstest.Context}
	if got := shown(must[kms.DecryptOutput](owner, decrypt).Plaintext); got != "hello" {
		t.Errorf("decrypted %q", got)
	}
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidCiphertext, "")
	flipped := bytes.Clone(blob)
	flipped[len(flipped)-1] ^= 1
	owner.refused(&kms.DecryptInput{CiphertextBlob: flipped, EncryptionContext: kmstest.Context}, kms.InvalidCiphertext, "")
	moved := must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: kmstest.Context, DestinationKeyID: str(other.KeyID)})
	if got := owner.decrypt(moved.CiphertextBlob); got != "hello" {
		t.Errorf("re-encrypted to %q", got)
	}
	random := &kms.GenerateRandomInput{NumberOfBytes: optional.Some(16), CustomKeyStoreID: str(store)}
	if got := shown(must[kms.GenerateRandomOutput](owner, random).Plaintext); got != strings.Repeat("r", 16) {
		t.Errorf("the cluster did not draw %q", got)
	}
	owner.disconnect(store)
	owner.refused(random, kms.CustomKeyStoreInvalidState, "The custom key store "+store+" is in the connection state DISCONNECTED, which does not permit this operation.")
	owner.refused(decrypt, kms.InvalidState, key.ARN+" is unavailable.")

	update := func(change func(*kms.UpdateCustomKeyStoreInput)) *kms.UpdateCustomKeyStoreInput {
		in := &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: str(store)}
		change(in)
		return in
	}
	owner.refused(update(func(in *kms.UpdateCustomKeyStoreInput) { in.CloudHSMClusterID = str(clusterThree) }), kms.CloudHSMClusterNotRelated,
		"The cluster "+clusterThree+" has another certificate than the cluster "+clusterOne+".")
	owner.refused(update(func(in *kms.UpdateCustomKeyStoreInput) { in.CloudHSMClusterID = str("cluster-222222222222") }), kms.CloudHSMClusterNotFound,
		"The CloudHSM cluster cluster-222222222222 is not found.")
	owner.refused(update(func(in *kms.UpdateCustomKeyStoreInput) { in.XksProxyURIPath = str("/kms/xks/v1") }), fault.Validation,
		"The members of an external key store proxy are not valid with the type AWS_CLOUDHSM.")
	must[kms.UpdateCustomKeyStoreOutput](owner, update(func(in *kms.UpdateCustomKeyStoreInput) { in.KeyStorePassword = secret("another") }))
	owner.connect(store)
	owner.connection(store, "FAILED", "INVALID_CREDENTIALS")
	owner.disconnect(store)
	w.clusters[clusterOne].password = "another"
	owner.connect(store)
	owner.connection(store, "CONNECTED", "")
	if got := shown(must[kms.DecryptOutput](owner, decrypt).Plaintext); got != "hello" {
		t.Errorf("decrypted %q", got)
	}
	// A cluster of the same backup history has the same keys.
	w.clusters[clusterTwo].keys, w.clusters[clusterTwo].password = w.clusters[clusterOne].keys, "another"
	owner.disconnect(store)
	must[kms.UpdateCustomKeyStoreOutput](owner, update(func(in *kms.UpdateCustomKeyStoreInput) { in.CloudHSMClusterID = str(clusterTwo) }))
	owner.connect(store)
	if m := owner.describe(key); m.CloudHSMClusterID != str(clusterTwo) {
		t.Errorf("the key is in cluster %s", m.CloudHSMClusterID.V)
	}
	if got := shown(must[kms.DecryptOutput](owner, decrypt).Plaintext); got != "hello" {
		t.Errorf("decrypted %q", got)
	}
}

// TestClusterFailures: what becomes of what a token may report.
func TestClusterFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	store := must[kms.CreateCustomKeyStoreOutput](owner, hardwareStore("hardware", clusterOne, "one")).CustomKeyStoreID
	idle := must[kms.CreateCustomKeyStoreOutput](owner, hardwareStore("idle", clusterThree, "three")).CustomKeyStoreID
	owner.connect(store)
	key := must[kms.CreateKeyOutput](owner, inCluster(store)).KeyMetadata
	blob := owner.encrypt(key.KeyID, "hello")
	of := "The cluster of the custom key store " + store
	cases := []struct {
		gone             error
		connection, text string
	}{
		{kms.ErrTokenPassword, "INVALID_CREDENTIALS", of + " does not accept its password."},
		{kms.ErrTokenLocked, "USER_LOCKED_OUT", "The user of the cluster of the custom key store " + store + " is locked out."},
		{kms.ErrTokenMissing, "CLUSTER_NOT_FOUND", of + " is not found."},
		{kms.ErrTokenKey, "INTERNAL_ERROR", of + " does not contain the key."},
	}
	for _, c := range cases {
		w.clusters[clusterOne].gone, w.clusters[clusterThree].gone = c.gone, c.gone
		owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, kms.InvalidState, c.text)
		owner.refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidState, c.text)
		owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(8), CustomKeyStoreID: str(store)}, kms.CustomKeyStoreInvalidState, c.text)
		owner.refused(inCluster(store), kms.CustomKeyStoreInvalidState, c.text)
		owner.connect(idle)
		owner.connection(idle, "FAILED", c.connection)
		owner.disconnect(idle)
	}
	if len(cases) != 4 {
		t.Errorf("%d cases", len(cases))
	}
	broken := errors.New("something of the token's own")
	w.clusters[clusterOne].gone, w.clusters[clusterThree].gone = broken, broken
	owner.failed(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, broken)
	owner.connect(idle)
	owner.connection(idle, "FAILED", "INTERNAL_ERROR")
	owner.disconnect(idle)
	// The operator takes the cluster away.
	delete(w.clusters, clusterOne)
	delete(w.clusters, clusterThree)
	owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, kms.InvalidState, of+" is not found.")
	owner.connect(idle)
	owner.connection(idle, "FAILED", "CLUSTER_NOT_FOUND")
}
