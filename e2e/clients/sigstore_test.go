package clients

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/aws"
)

// TestSigstore signs by the library that cosign signs with, and verifies without
// the service.
func TestSigstore(t *testing.T) {
	t.Parallel()
	key := newKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	newAlias(t, key, "alias/sigstore")
	signer, err := kms.Get(t.Context(), "awskms:///alias/sigstore", crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("an artifact")
	signature, err := signer.SignMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.VerifySignature(bytes.NewReader(signature), bytes.NewReader(message)); err != nil {
		t.Error(err)
	}
	public, err := signer.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(message)
	if !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest[:], signature) {
		t.Error("the signature does not verify outside")
	}
	disable(t, key)
	if _, err := signer.SignMessage(bytes.NewReader(message)); err == nil {
		t.Error("signed with a disabled key")
	}
}
