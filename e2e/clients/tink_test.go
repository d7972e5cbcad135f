package clients

import (
	"testing"

	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/aead"
)

// TestTink encrypts under a key of the service as Tink's key encryption key, and
// under data keys that it wraps.
func TestTink(t *testing.T) {
	t.Parallel()
	key := symmetricKey(t)
	uri := "aws-kms://" + key
	keeper, err := awskms.NewClientWithOptions(t.Context(), uri, awskms.WithKMS(client()))
	if err != nil {
		t.Fatal(err)
	}
	remote, err := keeper.GetAEAD(uri)
	if err != nil {
		t.Fatal(err)
	}
	envelope := aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), remote)
	ciphertext, err := envelope.Encrypt([]byte("hello"), []byte("associated"))
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := envelope.Decrypt(ciphertext, []byte("associated")); err != nil || string(plaintext) != "hello" {
		t.Errorf("decrypted %q, %v", plaintext, err)
	}
	if _, err := envelope.Decrypt(ciphertext, []byte("other")); err == nil {
		t.Error("decrypted under other associated data")
	}
	disable(t, key)
	if _, err := envelope.Decrypt(ciphertext, []byte("associated")); err == nil {
		t.Error("decrypted under a disabled key")
	}
}
