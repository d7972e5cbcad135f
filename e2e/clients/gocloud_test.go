package clients

import (
	"testing"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"
)

// TestGoCloud keeps a secret by the URL of a key, as programs on the Go CDK do.
func TestGoCloud(t *testing.T) {
	t.Parallel()
	key := symmetricKey(t)
	newAlias(t, key, "alias/gocloud")
	keeper, err := secrets.OpenKeeper(t.Context(), "awskms://alias/gocloud?region=us-east-1&context_purpose=test")
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	ciphertext, err := keeper.Encrypt(t.Context(), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := keeper.Decrypt(t.Context(), ciphertext); err != nil || string(plaintext) != "hello" {
		t.Errorf("decrypted %q, %v", plaintext, err)
	}
	disable(t, key)
	if _, err := keeper.Decrypt(t.Context(), ciphertext); err == nil {
		t.Error("decrypted under a disabled key")
	}
}
