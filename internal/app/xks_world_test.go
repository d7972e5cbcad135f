package app

import (
	"bytes"
	"context"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/xks"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// sampleStore is the prefix of the world's key store.
const sampleStore = "sample/store"

// operate calls an operation of the operator's.
func (w *world) operate(name string, in any) any {
	w.t.Helper()
	out, err := w.server.operate(context.Background(), name, func(to any) { assign(to, in) })
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// keyStore returns the credential of the world's key store, which it makes at
// first.
func (w *world) keyStore() *authz.Credential {
	w.t.Helper()
	if w.xks == "" {
		out := w.operate("CreateExternalKeyStore", &xks.CreateExternalKeyStoreInput{Prefix: optional.Some(sampleStore)})
		w.xks = out.(*xks.CreateExternalKeyStoreOutput).Configuration.Credential.AccessKeyID
	}
	c, err := w.server.proxy.KeyStoreCredential(context.Background(), sampleStore, w.xks, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// externalKey makes an external key in the world's key store, for all KMS keys,
// so that its first use changes nothing.
func (w *world) externalKey() string {
	w.t.Helper()
	w.keyStore()
	out := w.operate("CreateExternalKey", &xks.CreateExternalKeyInput{KeyStore: optional.Some(sampleStore), KMSKeys: []string{"*"}})
	return out.(*xks.CreateExternalKeyOutput).ExternalKey.ID
}

func requestMetadata(operation string) *xks.RequestMetadata {
	return &xks.RequestMetadata{
		AWSPrincipalARN: optional.Some("arn:aws:iam::" + owner + ":user/Alice"),
		KMSKeyARN:       optional.Some("arn:aws:kms:us-east-1:" + owner + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"),
		KMSOperation:    optional.Some(operation),
		KMSRequestID:    optional.Some("4112f4d6-db54-4af4-ae30-c55a22a8dfae"),
		KMSViaService:   optional.Some("ebs"),
	}
}

func (w *world) externalEncryption() *xks.EncryptInput {
	return &xks.EncryptInput{
		KeyStore: sampleStore, ExternalKeyID: w.externalKey(), RequestMetadata: requestMetadata("Encrypt"), Plaintext: canary(),
		AdditionalAuthenticatedData: []byte("what is bound to it"), EncryptionAlgorithm: optional.Some("AES_GCM"),
		IntegrityAlgorithm: optional.Some("SHA_256"),
	}
}

func (w *world) externalDecryption() *xks.DecryptInput {
	in := w.externalEncryption()
	in.Plaintext = confidential.New(bytes.Clone(secretBytes(in.Plaintext)))
	out := w.must(w.keyStore(), "kms-xks-proxy:Encrypt", in).(*xks.EncryptOutput)
	return &xks.DecryptInput{
		KeyStore: sampleStore, ExternalKeyID: in.ExternalKeyID, RequestMetadata: requestMetadata("Decrypt"),
		AdditionalAuthenticatedData: in.AdditionalAuthenticatedData, AuthenticationTag: out.AuthenticationTag, Ciphertext: out.Ciphertext,
		CiphertextMetadata: out.CiphertextMetadata, EncryptionAlgorithm: optional.Some("AES_GCM"), InitializationVector: out.InitializationVector,
	}
}
