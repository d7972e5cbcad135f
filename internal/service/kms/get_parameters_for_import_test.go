package kms_test

import (
	"crypto/fips140"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

func parametersFor(key kms.KeyMetadata, algorithm, spec string) *kms.GetParametersForImportInput {
	return &kms.GetParametersForImportInput{KeyID: str(key.KeyID), WrappingAlgorithm: str(algorithm), WrappingKeySpec: str(spec)}
}

func TestGetParametersForImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	out := must[kms.GetParametersForImportOutput](owner, parametersFor(key, "RSAES_OAEP_SHA_256", "RSA_2048"))
	w.recorded(`{"keyId":"`+key.KeyID+`","wrappingAlgorithm":"RSAES_OAEP_SHA_256","wrappingKeySpec":"RSA_2048"}`, `null`, `{}`, ofKey(key))
	if want := w.now.Truncate(time.Millisecond).Add(24 * time.Hour); out.KeyID != key.ARN || !out.ParametersValidTo.Equal(want) {
		t.Errorf("for %s until %v, want %v", out.KeyID, out.ParametersValidTo, want)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	ok(t, err)
	if n := public.(*rsa.PublicKey).N.BitLen(); n != 2048 || len(out.ImportToken) > 6144 {
		t.Errorf("a key of %d bits, a token of %d bytes", n, len(out.ImportToken))
	}
	// Two sets are in use at once.
	other := must[kms.GetParametersForImportOutput](owner, parametersFor(key, "RSAES_OAEP_SHA_256", "RSA_2048"))
	in := w.importing(key, material(1))
	for _, set := range []*kms.GetParametersForImportOutput{out, other, out} {
		in.ImportToken, in.EncryptedKeyMaterial = set.ImportToken, wrap(t, set.PublicKey, false, material(1))
		owner.may("import", in)
	}
	in.EncryptedKeyMaterial = wrap(t, other.PublicKey, false, material(1)) // of the other set
	owner.refused(in, kms.InvalidCiphertext, "")
}

// TestWrappingKeySpecs: the largest token is small enough, and each spec and
// algorithm opens what is wrapped for it. Drawing the keys takes long.
func TestWrappingKeySpecs(t *testing.T) {
	t.Parallel()
	if os.Getenv("CLAVIGER_LONG") == "" {
		t.Skip("needs CLAVIGER_LONG")
	}
	w := newWorld(t)
	owner := w.root(home)
	for spec, bits := range map[string]int{"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096} {
		key := owner.external()
		out := must[kms.GetParametersForImportOutput](owner, parametersFor(key, "RSAES_OAEP_SHA_256", spec))
		public, err := x509.ParsePKIXPublicKey(out.PublicKey)
		ok(t, err)
		if n := public.(*rsa.PublicKey).N.BitLen(); n != bits || len(out.ImportToken) > 6144 {
			t.Errorf("%s: a key of %d bits, a token of %d bytes", spec, n, len(out.ImportToken))
		}
		in := w.importing(key, material(1))
		in.ImportToken, in.EncryptedKeyMaterial = out.ImportToken, wrap(t, out.PublicKey, false, material(1))
		owner.may("import", in)
		owner.encrypt(key.KeyID, "x")
	}
}

func TestGetParametersForImportRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, guest := w.root(home), w.user(abroad, "guest", everything)
	made, key := owner.createKey(), owner.createExternal("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", delegated(abroad))
	owner.refused(parametersFor(made, "RSAES_OAEP_SHA_256", "RSA_2048"), fault.UnsupportedOperation, made.ARN+" origin is AWS_KMS which is not valid for this operation.")
	for _, c := range [][2]string{{"RSAES_PKCS1_V1_5", "RSA_2048"}, {"RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"}, {"SM2PKE", "SM2"}, {"RSAES_OAEP_SHA_256", "SM2"}} {
		owner.refused(parametersFor(key, c[0], c[1]), fault.UnsupportedOperation,
			fmt.Sprintf("The wrapping algorithm %s and the wrapping key spec %s are not supported for key material of the spec SYMMETRIC_DEFAULT.", c[0], c[1]))
	}
	owner.refused(parametersFor(key, "RSA", "RSA_2048"), fault.Validation, "1 validation error detected: Value 'RSA' at 'wrappingAlgorithm' failed to satisfy constraint: "+
		"Member must satisfy enum value set: [RSAES_PKCS1_V1_5, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, RSA_AES_KEY_WRAP_SHA_1, RSA_AES_KEY_WRAP_SHA_256, SM2PKE]")
	owner.refused(parametersFor(key, "RSAES_OAEP_SHA_256", "RSA_1024"), fault.Validation, "1 validation error detected: Value 'RSA_1024' at 'wrappingKeySpec' failed to satisfy constraint: "+
		"Member must satisfy enum value set: [RSA_2048, RSA_3072, RSA_4096, SM2]")
	owner.refused(&kms.GetParametersForImportInput{KeyID: str(key.KeyID)}, fault.Validation, "2 validation errors detected: "+
		"Value null at 'wrappingAlgorithm' failed to satisfy constraint: Member must not be null; "+
		"Value null at 'wrappingKeySpec' failed to satisfy constraint: Member must not be null")
	in := parametersFor(key, "RSAES_OAEP_SHA_256", "RSA_2048")
	in.KeyID = str(key.ARN)
	guest.denied(in, "kms:GetParametersForImport", key.ARN, noResource("kms:GetParametersForImport"))
	if w.apart != 0 {
		t.Errorf("for calls that were refused %d keys were drawn", w.apart)
	}
}

// TestWrappable walks the table of the public guide.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html
func TestWrappable(t *testing.T) {
	t.Parallel()
	oaep := []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
	twice := []string{"RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}
	cases := 0
	for _, partition := range []string{"aws", "aws-cn"} {
		for spec, usage := range map[string]string{
			"SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT", "HMAC_224": "GENERATE_VERIFY_MAC", "HMAC_512": "GENERATE_VERIFY_MAC",
			"RSA_2048": "SIGN_VERIFY", "RSA_4096": "ENCRYPT_DECRYPT", "ECC_NIST_P256": "KEY_AGREEMENT", "ECC_NIST_P384": "SIGN_VERIFY",
			"ECC_NIST_P521": "SIGN_VERIFY", "ECC_SECG_P256K1": "SIGN_VERIFY", "ECC_NIST_EDWARDS25519": "SIGN_VERIFY", "SM2": "SIGN_VERIFY",
		} {
			for _, under := range kms.WrappingKeySpecs {
				for _, algorithm := range kms.WrappingAlgorithms {
					var want bool
					switch curve := strings.HasPrefix(spec, "ECC_"); {
					case under == "SM2":
						want = algorithm == "SM2PKE" && partition == "aws-cn" && !curve && !strings.HasPrefix(spec, "RSA_")
					case spec == "ECC_NIST_P521" && under == "RSA_2048", strings.HasPrefix(spec, "RSA_"):
						want = slices.Contains(twice, algorithm)
					default:
						want = slices.Contains(oaep, algorithm) || curve && slices.Contains(twice, algorithm)
					}
					if fips140.Enabled() && (under == "SM2" || strings.HasSuffix(algorithm, "_SHA_1")) {
						want = false
					}
					if got := kms.Wrappable(partition, spec, usage, algorithm, under); got != want {
						t.Errorf("%s, %s with %s under %s: %v", partition, spec, algorithm, under, got)
					}
					cases++
				}
			}
		}
	}
	if fips140.Enabled() {
		owner := newWorld(t).root(home)
		owner.refused(parametersFor(owner.external(), "RSAES_OAEP_SHA_1", "RSA_2048"), fault.UnsupportedOperation,
			"Wrapping with the algorithm RSAES_OAEP_SHA_1 is not approved in FIPS 140-3 mode.")
	}
	if cases != 2*11*4*6 {
		t.Errorf("%d cases", cases)
	}
}
