package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// TestRotation: what Terraform and an operator do with a key that is rotated.
func TestRotation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	owner := dev(t).account(bank)
	key := must[*kms.CreateKeyOutput](t)(owner.kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata
	status := func() *kms.GetKeyRotationStatusOutput {
		t.Helper()
		return must[*kms.GetKeyRotationStatusOutput](t)(owner.kms.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: key.KeyId}))
	}
	if s := status(); s.KeyRotationEnabled || s.RotationPeriodInDays != nil || s.NextRotationDate != nil {
		t.Errorf("before: %+v", s)
	}
	must[*kms.EnableKeyRotationOutput](t)(owner.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: key.KeyId, RotationPeriodInDays: ptr(int32(90))}))
	s := status()
	if !s.KeyRotationEnabled || *s.RotationPeriodInDays != 90 || *s.KeyId != *key.Arn || time.Until(*s.NextRotationDate).Hours() > 90*24 || time.Until(*s.NextRotationDate).Hours() < 90*24-1 {
		t.Errorf("enabled: %+v", s)
	}
	encrypt := func(text string) []byte {
		t.Helper()
		return must[*kms.EncryptOutput](t)(owner.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: key.KeyId, Plaintext: []byte(text)})).CiphertextBlob
	}
	blobs := [][]byte{encrypt("0")}
	for i := 1; i < 4; i++ {
		out := must[*kms.RotateKeyOnDemandOutput](t)(owner.kms.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: key.KeyId}))
		if *out.KeyId != *key.Arn {
			t.Errorf("rotated %s", *out.KeyId)
		}
		blobs = append(blobs, encrypt(itoa(i)))
	}
	var listed []types.RotationsListEntry
	pages := kms.NewListKeyRotationsPaginator(owner.kms, &kms.ListKeyRotationsInput{KeyId: key.KeyId, Limit: ptr(int32(3)), IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial})
	for pages.HasMorePages() {
		listed = append(listed, must[*kms.ListKeyRotationsOutput](t)(pages.NextPage(ctx)).Rotations...)
	}
	if len(listed) != 4 || listed[0].RotationDate != nil || listed[3].RotationType != types.RotationTypeOnDemand || listed[3].KeyMaterialState != types.KeyMaterialStateCurrent {
		t.Fatalf("listed %+v", listed)
	}
	for i, blob := range blobs {
		got := must[*kms.DecryptOutput](t)(owner.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob}))
		if string(got.Plaintext) != itoa(i) || *got.KeyMaterialId != *listed[i].KeyMaterialId {
			t.Errorf("%d decrypts to %q with %s", i, got.Plaintext, *got.KeyMaterialId)
		}
	}
	must[*kms.DisableKeyRotationOutput](t)(owner.kms.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: key.KeyId}))
	if s := status(); s.KeyRotationEnabled {
		t.Errorf("disabled: %+v", s)
	}
	must[*kms.DisableKeyOutput](t)(owner.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))
	_, err := owner.kms.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: key.KeyId})
	refused(t, err, "DisabledException", *key.Arn+" is disabled.")
	signer := must[*kms.CreateKeyOutput](t)(owner.kms.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify})).KeyMetadata
	_, err = owner.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: signer.KeyId})
	refused(t, err, "UnsupportedOperationException", "")
}

// external makes a key that awaits material.
func external(ctx context.Context, t *testing.T, c *client, spec types.KeySpec, usage types.KeyUsageType) *types.KeyMetadata {
	t.Helper()
	return must[*kms.CreateKeyOutput](t)(c.kms.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal, KeySpec: spec, KeyUsage: usage})).KeyMetadata
}

// parameters gets a token and the public key that belongs to it.
func parameters(ctx context.Context, t *testing.T, c *client, key *string, algorithm types.AlgorithmSpec) (token []byte, public *rsa.PublicKey) {
	t.Helper()
	out := must[*kms.GetParametersForImportOutput](t)(c.kms.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId: key, WrappingAlgorithm: algorithm, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	}))
	if left := time.Until(*out.ParametersValidTo); left > 24*time.Hour || left < 24*time.Hour-time.Minute {
		t.Errorf("the token is good for %v", left)
	}
	return out.ImportToken, must[any](t)(x509.ParsePKIXPublicKey(out.PublicKey)).(*rsa.PublicKey)
}

// imported makes the input that imports material under RSAES_OAEP_SHA_256 for good.
func imported(ctx context.Context, t *testing.T, c *client, key *string, material []byte) *kms.ImportKeyMaterialInput {
	t.Helper()
	token, public := parameters(ctx, t, c, key, types.AlgorithmSpecRsaesOaepSha256)
	return &kms.ImportKeyMaterialInput{
		KeyId: key, ImportToken: token, ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
		EncryptedKeyMaterial: must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, material, nil)),
	}
}

// TestImport: keys whose material is made elsewhere, with Go's standard library
// and with OpenSSL.
func TestImport(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	p := dev(t)
	owner := p.account(bank)
	key := external(ctx, t, owner, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt)
	_, err := owner.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: key.KeyId, Plaintext: []byte("x")})
	refused(t, err, "KMSInvalidStateException", *key.Arn+" is pending import.")
	material := bytes.Repeat([]byte{7}, 32)
	in := imported(ctx, t, owner, key.KeyId, material)
	in.KeyMaterialDescription = ptr("made elsewhere")
	first := must[*kms.ImportKeyMaterialOutput](t)(owner.kms.ImportKeyMaterial(ctx, in))
	blob := must[*kms.EncryptOutput](t)(owner.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: key.KeyId, Plaintext: []byte("old")})).CiphertextBlob

	// A second material, which expires.
	in = imported(ctx, t, owner, key.KeyId, bytes.Repeat([]byte{8}, 32))
	in.ImportType, in.ExpirationModel, in.ValidTo = types.ImportTypeNewKeyMaterial, types.ExpirationModelTypeKeyMaterialExpires, ptr(time.Now().Add(time.Hour))
	must[*kms.ImportKeyMaterialOutput](t)(owner.kms.ImportKeyMaterial(ctx, in))
	must[*kms.RotateKeyOnDemandOutput](t)(owner.kms.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: key.KeyId}))
	described := must[*kms.DescribeKeyOutput](t)(owner.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId})).KeyMetadata
	if described.ExpirationModel != types.ExpirationModelTypeKeyMaterialExpires || !described.ValidTo.Equal(in.ValidTo.Truncate(time.Millisecond)) || *described.CurrentKeyMaterialId == *first.KeyMaterialId {
		t.Errorf("described as %+v", described)
	}
	got := must[*kms.DecryptOutput](t)(owner.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob}))
	if string(got.Plaintext) != "old" || *got.KeyMaterialId != *first.KeyMaterialId {
		t.Errorf("decrypted %q with %s", got.Plaintext, *got.KeyMaterialId)
	}
	must[*kms.DeleteImportedKeyMaterialOutput](t)(owner.kms.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: key.KeyId, KeyMaterialId: first.KeyMaterialId}))
	_, err = owner.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})
	refused(t, err, "KMSInvalidStateException", *key.Arn+" is pending import.")
	_, err = owner.kms.ImportKeyMaterial(ctx, imported(ctx, t, owner, key.KeyId, bytes.Repeat([]byte{9}, 32)))
	refused(t, err, "IncorrectKeyMaterialException", "The key material is not one that was imported into the key before.")
	must[*kms.ImportKeyMaterialOutput](t)(owner.kms.ImportKeyMaterial(ctx, imported(ctx, t, owner, key.KeyId, material)))
	must[*kms.DecryptOutput](t)(owner.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob}))

	t.Run("openssl", func(t *testing.T) { importedWithOpenSSL(t, owner) })
}

// importedWithOpenSSL wraps an elliptic curve key twice, as the public guide does.
func importedWithOpenSSL(t *testing.T, owner *client) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl")
	}
	ctx, dir := t.Context(), t.TempDir()
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
		}
	}
	file := func(name string) []byte { return must[[]byte](t)(os.ReadFile(filepath.Join(dir, name))) }
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := external(ctx, t, owner, types.KeySpecEccNistP521, types.KeyUsageTypeSignVerify)
	pair := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	write("key.der", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(pair)))
	token, public := parameters(ctx, t, owner, key.KeyId, types.AlgorithmSpecRsaAesKeyWrapSha256)
	write("public.der", must[[]byte](t)(x509.MarshalPKIXPublicKey(public)))
	openssl("rand", "-out", "aes.bin", "32")
	openssl("enc", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(file("aes.bin")), "-iv", "A65959A6", "-in", "key.der", "-out", "key.wrapped")
	openssl("pkeyutl", "-encrypt", "-in", "aes.bin", "-out", "aes.wrapped", "-inkey", "public.der", "-keyform", "DER", "-pubin",
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256")
	must[*kms.ImportKeyMaterialOutput](t)(owner.kms.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{
		KeyId: key.KeyId, ImportToken: token, ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
		EncryptedKeyMaterial: append(file("aes.wrapped"), file("key.wrapped")...),
	}))
	signed := must[*kms.SignOutput](t)(owner.kms.Sign(ctx, &kms.SignInput{KeyId: key.KeyId, Message: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha512}))
	write("public-of-key.der", must[*kms.GetPublicKeyOutput](t)(owner.kms.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: key.KeyId})).PublicKey)
	write("signature", signed.Signature)
	write("message", []byte("x"))
	openssl("pkey", "-pubin", "-inform", "DER", "-in", "public-of-key.der", "-out", "verify.pem")
	openssl("dgst", "-sha512", "-verify", "verify.pem", "-signature", "signature", "message")
}
