package clients

import (
	"testing"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	esdk "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	esdktypes "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"
)

// TestEncryptionSDK encrypts a message by the AWS Encryption SDK, whose data key
// is generated under one key and encrypted under a second.
func TestEncryptionSDK(t *testing.T) {
	t.Parallel()
	first, second := symmetricKey(t), symmetricKey(t)
	providers, err := mpl.NewClient(mpltypes.MaterialProvidersConfig{})
	if err != nil {
		t.Fatal(err)
	}
	keyring := func(key string) mpltypes.IKeyring {
		ring, err := providers.CreateAwsKmsKeyring(t.Context(), mpltypes.CreateAwsKmsKeyringInput{KmsClient: client(), KmsKeyId: key})
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	both, err := providers.CreateMultiKeyring(t.Context(), mpltypes.CreateMultiKeyringInput{
		Generator: keyring(first), ChildKeyrings: []mpltypes.IKeyring{keyring(second)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := esdk.NewClient(esdktypes.AwsEncryptionSdkConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sdk.Encrypt(t.Context(), esdktypes.EncryptInput{
		Plaintext: []byte("hello"), EncryptionContext: map[string]string{"purpose": "test"}, Keyring: both,
	})
	if err != nil {
		t.Fatal(err)
	}
	open := func(key string) (string, error) {
		out, err := sdk.Decrypt(t.Context(), esdktypes.DecryptInput{Ciphertext: sealed.Ciphertext, Keyring: keyring(key)})
		if err != nil {
			return "", err
		}
		return string(out.Plaintext), nil
	}
	for _, key := range []string{first, second} {
		if plaintext, err := open(key); err != nil || plaintext != "hello" {
			t.Errorf("decrypted %q under %s, %v", plaintext, key, err)
		}
	}
	disable(t, first)
	if _, err := open(first); err == nil {
		t.Error("decrypted under a disabled key")
	}
	if plaintext, err := open(second); err != nil || plaintext != "hello" {
		t.Errorf("decrypted %q under the second key, %v", plaintext, err)
	}
	if _, err := open(symmetricKey(t)); err == nil {
		t.Error("decrypted under a stranger's key")
	}
}
