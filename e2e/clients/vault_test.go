package clients

import (
	"testing"

	wrapping "github.com/hashicorp/go-kms-wrapping/v2"
	"github.com/hashicorp/go-kms-wrapping/wrappers/awskms/v2"
)

// TestVaultSeal wraps and unwraps by the library that is the "awskms" seal of
// Vault and OpenBao, configured as their seal stanza configures it.
func TestVaultSeal(t *testing.T) {
	t.Parallel()
	key := symmetricKey(t)
	seal := awskms.NewWrapper()
	if _, err := seal.SetConfig(t.Context(), wrapping.WithConfigMap(map[string]string{
		"kms_key_id": key, "region": "us-east-1", "endpoint": endpoint, "access_key": "test", "secret_key": "test",
	})); err != nil {
		t.Fatal(err)
	}
	wrapped, err := seal.Encrypt(t.Context(), []byte("root key of a vault"))
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := seal.Decrypt(t.Context(), wrapped); err != nil || string(plaintext) != "root key of a vault" {
		t.Errorf("unwrapped %q, %v", plaintext, err)
	}
	disable(t, key)
	if _, err := seal.Decrypt(t.Context(), wrapped); err == nil {
		t.Error("unwrapped under a disabled key")
	}
}
