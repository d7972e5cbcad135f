package e2e

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // of RSAES_OAEP_SHA_1
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/cloudflare/circl/kem"
	kems "github.com/cloudflare/circl/kem/schemes"
	signing "github.com/cloudflare/circl/sign"
	signatures "github.com/cloudflare/circl/sign/schemes"
)

// A notary is a key of the server, and what others know of it.
type notary struct {
	t      *testing.T
	kms    *kms.Client
	id     string
	spec   types.KeySpec
	public []byte // SubjectPublicKeyInfo
}

// newNotary makes a key and demands that what describes it agrees.
func (s *stage) newNotary(t *testing.T, spec types.KeySpec, usage types.KeyUsageType) *notary {
	t.Helper()
	ctx, by := t.Context(), s.owner.kms
	made := must[*kms.CreateKeyOutput](t)(by.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})).KeyMetadata
	if made.KeySpec != spec || made.KeyUsage != usage || made.KeyState != types.KeyStateEnabled {
		t.Errorf("%s, %s: made %+v", spec, usage, made)
	}
	n := &notary{t: t, kms: by, id: *made.KeyId, spec: spec}
	if usage == types.KeyUsageTypeGenerateVerifyMac {
		return n
	}
	out := must[*kms.GetPublicKeyOutput](t)(by.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: made.KeyId}))
	if out.KeySpec != spec || out.KeyUsage != usage || *out.KeyId != *made.Arn || !slices.Equal(out.SigningAlgorithms, made.SigningAlgorithms) ||
		!slices.Equal(out.EncryptionAlgorithms, made.EncryptionAlgorithms) || !slices.Equal(out.KeyAgreementAlgorithms, made.KeyAgreementAlgorithms) ||
		!slices.Equal(out.EncapsulationAlgorithms, made.EncapsulationAlgorithms) {
		t.Errorf("%s, %s: the public key says %+v, the key %+v", spec, usage, out, made)
	}
	n.public = out.PublicKey
	return n
}

// sign has a message signed and verified by the server, and returns the signature.
func (n *notary) sign(algorithm types.SigningAlgorithmSpec, form types.MessageType, message []byte) []byte {
	n.t.Helper()
	out := must[*kms.SignOutput](n.t)(n.kms.Sign(n.t.Context(), &kms.SignInput{KeyId: &n.id, Message: message, MessageType: form, SigningAlgorithm: algorithm}))
	verified := must[*kms.VerifyOutput](n.t)(n.kms.Verify(n.t.Context(), &kms.VerifyInput{
		KeyId: &n.id, Message: message, MessageType: form, SigningAlgorithm: algorithm, Signature: out.Signature}))
	if !verified.SignatureValid {
		n.t.Errorf("%s, %s: not valid", n.spec, algorithm)
	}
	return out.Signature
}

// parsed is the public key as the standard library reads it.
func parsed[P any](n *notary) P {
	n.t.Helper()
	return must[any](n.t)(x509.ParsePKIXPublicKey(n.public)).(P)
}

// bits are those of the public key, for algorithms that the standard library
// does not know.
func (n *notary) bits() []byte {
	n.t.Helper()
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(n.public, &info); err != nil {
		n.t.Fatal(err)
	}
	return info.Key.Bytes
}

func hashed(h crypto.Hash, message []byte) []byte {
	f := h.New()
	f.Write(message)
	return f.Sum(nil)
}

// hashOf is the hash that the name of an algorithm ends in.
func hashOf[A ~string](algorithm A) crypto.Hash {
	name := string(algorithm)
	return map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512, "A_1": crypto.SHA1}[name[len(name)-3:]]
}

// openssl runs the command in a directory of its own, with files of the given
// contents. It reports whether there is such a command.
func openssl(t *testing.T, files map[string][]byte, args ...string) (stdout []byte, there bool) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Log("skipped: there is no openssl")
		return nil, false
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("openssl %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.Bytes())
	}
	return out, true
}

// verifies has OpenSSL verify a signature of a message.
func (n *notary) verifies(message, signature []byte, args ...string) {
	n.t.Helper()
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: n.public})
	openssl(n.t, map[string][]byte{"public.pem": public, "message": message, "signature": signature}, args...)
}

// TestEveryAlgorithm makes a key of every spec and uses every algorithm. What is
// signed or encrypted by the server, others verify or open, and back: the
// standard library, OpenSSL, and CIRCL for what those don't know.
func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	message := []byte("a message that everybody may see")
	t.Run("RSA signatures", func(t *testing.T) {
		t.Parallel()
		s.rsaSignatures(t, message)
	})
	t.Run("RSA encryption", func(t *testing.T) {
		t.Parallel()
		s.rsaEncryption(t, message)
	})
	t.Run("curves", func(t *testing.T) {
		t.Parallel()
		s.curveSignatures(t, message)
	})
	t.Run("lattices", func(t *testing.T) {
		t.Parallel()
		s.latticeSignatures(t, message)
		s.encapsulation(t)
	})
	t.Run("agreement", func(t *testing.T) {
		t.Parallel()
		s.agreement(t)
	})
	t.Run("MACs", func(t *testing.T) {
		t.Parallel()
		s.macs(t, message)
	})
	t.Run("data key pairs", func(t *testing.T) {
		t.Parallel()
		s.dataKeyPairs(t)
	})
}

func (s *stage) rsaSignatures(t *testing.T, message []byte) {
	for _, spec := range []types.KeySpec{types.KeySpecRsa2048, types.KeySpecRsa3072} {
		n := s.newNotary(t, spec, types.KeyUsageTypeSignVerify)
		public := parsed[*rsa.PublicKey](n)
		for _, algorithm := range []types.SigningAlgorithmSpec{
			"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
			"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
		} {
			hash := hashOf(algorithm)
			for form, m := range map[types.MessageType][]byte{types.MessageTypeRaw: message, types.MessageTypeDigest: hashed(hash, message)} {
				signature := n.sign(algorithm, form, m)
				pss := strings.Contains(string(algorithm), "PSS")
				err := rsa.VerifyPKCS1v15(public, hash, hashed(hash, message), signature)
				args := []string{"dgst", "-sha" + string(algorithm[len(algorithm)-3:]), "-verify", "public.pem", "-signature", "signature", "message"}
				if pss {
					err = rsa.VerifyPSS(public, hash, hashed(hash, message), signature, &rsa.PSSOptions{SaltLength: hash.Size()})
					args = slices.Insert(args, 2, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
				}
				if err != nil {
					t.Errorf("%s, %s, %s: %v", spec, algorithm, form, err)
				}
				n.verifies(message, signature, args...)
			}
		}
	}
}

// leftOut reports whether the mode of the tests, and so of their servers, leaves a
// spec or an algorithm out; see docs/fips.md.
func leftOut[T ~string](name T) bool {
	return fips140.Enabled() && slices.Contains([]string{
		"ECC_SECG_P256K1", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "RSAES_OAEP_SHA_1",
	}, string(name))
}

func (s *stage) rsaEncryption(t *testing.T, message []byte) {
	for _, spec := range []types.KeySpec{types.KeySpecRsa2048, types.KeySpecRsa4096} {
		n := s.newNotary(t, spec, types.KeyUsageTypeEncryptDecrypt)
		public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: n.public})
		for _, algorithm := range []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecRsaesOaepSha1, types.EncryptionAlgorithmSpecRsaesOaepSha256} {
			if leftOut(algorithm) {
				continue
			}
			hash := hashOf(algorithm)
			outside := must[[]byte](t)(rsa.EncryptOAEP(hash.New(), rand.Reader, parsed[*rsa.PublicKey](n), message, nil))
			inside := must[*kms.EncryptOutput](t)(n.kms.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &n.id, Plaintext: message, EncryptionAlgorithm: algorithm}))
			blobs := [][]byte{outside, inside.CiphertextBlob}
			name := strings.ToLower(strings.ReplaceAll(hash.String(), "-", ""))
			if blob, there := openssl(t, map[string][]byte{"public.pem": public, "message": message}, "pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", "-in", "message",
				"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+name, "-pkeyopt", "rsa_mgf1_md:"+name); there {
				blobs = append(blobs, blob)
			}
			for i, blob := range blobs {
				out := must[*kms.DecryptOutput](t)(n.kms.Decrypt(t.Context(), &kms.DecryptInput{KeyId: &n.id, CiphertextBlob: blob, EncryptionAlgorithm: algorithm}))
				if !bytes.Equal(out.Plaintext, message) || out.KeyMaterialId != nil {
					t.Errorf("%s, %s, ciphertext %d: %+v", spec, algorithm, i, out)
				}
			}
		}
	}
}

func (s *stage) curveSignatures(t *testing.T, message []byte) {
	for spec, algorithm := range map[types.KeySpec]types.SigningAlgorithmSpec{
		types.KeySpecEccNistP256:   types.SigningAlgorithmSpecEcdsaSha256,
		types.KeySpecEccNistP384:   types.SigningAlgorithmSpecEcdsaSha384,
		types.KeySpecEccNistP521:   types.SigningAlgorithmSpecEcdsaSha512,
		types.KeySpecEccSecgP256k1: types.SigningAlgorithmSpecEcdsaSha256,
	} {
		if leftOut(spec) {
			continue
		}
		n := s.newNotary(t, spec, types.KeyUsageTypeSignVerify)
		digest := hashed(hashOf(algorithm), message)
		for form, m := range map[types.MessageType][]byte{types.MessageTypeRaw: message, types.MessageTypeDigest: digest} {
			signature := n.sign(algorithm, form, m)
			if spec != types.KeySpecEccSecgP256k1 && !ecdsa.VerifyASN1(parsed[*ecdsa.PublicKey](n), digest, signature) {
				t.Errorf("%s, %s: wrong signature", spec, form)
			}
			n.verifies(message, signature, "dgst", "-sha"+string(algorithm[len(algorithm)-3:]), "-verify", "public.pem", "-signature", "signature", "message")
		}
	}

	n := s.newNotary(t, types.KeySpecEccNistEdwards25519, types.KeyUsageTypeSignVerify)
	signature := n.sign(types.SigningAlgorithmSpecEd25519Sha512, types.MessageTypeRaw, message)
	if !ed25519.Verify(parsed[ed25519.PublicKey](n), message, signature) {
		t.Error("ED25519_SHA_512: wrong signature")
	}
	n.verifies(message, signature, "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "message", "-sigfile", "signature")
	digest := hashed(crypto.SHA512, message)
	signature = n.sign(types.SigningAlgorithmSpecEd25519PhSha512, types.MessageTypeDigest, digest)
	if err := ed25519.VerifyWithOptions(parsed[ed25519.PublicKey](n), hashed(crypto.SHA512, digest), signature, &ed25519.Options{Hash: crypto.SHA512}); err != nil {
		t.Errorf("ED25519_PH_SHA_512: %v", err)
	}
}

func (s *stage) latticeSignatures(t *testing.T, message []byte) {
	for spec, name := range map[types.KeySpec]string{types.KeySpecMlDsa44: "ML-DSA-44", types.KeySpecMlDsa65: "ML-DSA-65", types.KeySpecMlDsa87: "ML-DSA-87"} {
		if leftOut(spec) {
			continue
		}
		n := s.newNotary(t, spec, types.KeyUsageTypeSignVerify)
		scheme := signatures.ByName(name)
		public := must[signing.PublicKey](t)(scheme.UnmarshalBinaryPublicKey(n.bits()))
		signature := n.sign(types.SigningAlgorithmSpecMlDsaShake256, types.MessageTypeRaw, message)
		if !scheme.Verify(public, message, signature, nil) {
			t.Errorf("%s: wrong signature", spec)
		}
	}
}

func (s *stage) encapsulation(t *testing.T) {
	for spec, name := range map[types.KeySpec]string{types.KeySpecMlKem512: "ML-KEM-512", types.KeySpecMlKem768: "ML-KEM-768", types.KeySpecMlKem1024: "ML-KEM-1024"} {
		if leftOut(spec) {
			continue
		}
		n := s.newNotary(t, spec, types.KeyUsageTypeEncapsulateDecapsulate)
		scheme := kems.ByName(name)
		public := must[kem.PublicKey](t)(scheme.UnmarshalBinaryPublicKey(n.bits()))
		ciphertext, secret, err := scheme.Encapsulate(public)
		if err != nil {
			t.Fatal(err)
		}
		open := func(ciphertext, secret []byte) {
			t.Helper()
			out := must[*kms.DecapsulateOutput](t)(n.kms.Decapsulate(t.Context(), &kms.DecapsulateInput{
				KeyId: &n.id, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpecMlKem, SharedSecretCiphertextBlob: ciphertext}))
			if !bytes.Equal(out.SharedSecret, secret) {
				t.Errorf("%s: another secret", spec)
			}
		}
		open(ciphertext, secret)
		out := must[*kms.EncapsulateOutput](t)(n.kms.Encapsulate(t.Context(), &kms.EncapsulateInput{
			KeyId: &n.id, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpecMlKem}))
		open(out.SharedSecretCiphertextBlob, out.SharedSecret)
	}
}

func (s *stage) agreement(t *testing.T) {
	for spec, curve := range map[types.KeySpec]ecdh.Curve{
		types.KeySpecEccNistP256: ecdh.P256(), types.KeySpecEccNistP384: ecdh.P384(), types.KeySpecEccNistP521: ecdh.P521(),
	} {
		n := s.newNotary(t, spec, types.KeyUsageTypeKeyAgreement)
		peer := must[*ecdh.PrivateKey](t)(curve.GenerateKey(rand.Reader))
		ours := must[*ecdh.PublicKey](t)(parsed[*ecdsa.PublicKey](n).ECDH())
		want := must[[]byte](t)(peer.ECDH(ours))
		out := must[*kms.DeriveSharedSecretOutput](t)(n.kms.DeriveSharedSecret(t.Context(), &kms.DeriveSharedSecretInput{
			KeyId: &n.id, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: must[[]byte](t)(x509.MarshalPKIXPublicKey(peer.PublicKey()))}))
		if !bytes.Equal(out.SharedSecret, want) || out.KeyOrigin != types.OriginTypeAwsKms {
			t.Errorf("%s: another secret, or %+v", spec, out)
		}
	}
}

// macs has no one outside who knows the keys.
func (s *stage) macs(t *testing.T, message []byte) {
	for spec, size := range map[types.KeySpec]int{types.KeySpecHmac224: 28, types.KeySpecHmac256: 32, types.KeySpecHmac384: 48, types.KeySpecHmac512: 64} {
		n := s.newNotary(t, spec, types.KeyUsageTypeGenerateVerifyMac)
		algorithm := types.MacAlgorithmSpec(strings.Replace(string(spec), "_", "_SHA_", 1))
		out := must[*kms.GenerateMacOutput](t)(n.kms.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: &n.id, Message: message, MacAlgorithm: algorithm}))
		if len(out.Mac) != size {
			t.Errorf("%s: %d bytes", spec, len(out.Mac))
		}
		verify := func(mac []byte) call {
			return func(ctx context.Context, by *caller) error {
				_, err := by.kms.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: &n.id, Message: message, MacAlgorithm: algorithm, Mac: mac})
				return err
			}
		}
		if err := verify(out.Mac)(t.Context(), s.owner); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		out.Mac[0] ^= 1
		if code, _ := ended(verify(out.Mac)(t.Context(), s.owner)); code != "KMSInvalidMacException" {
			t.Errorf("%s: a wrong MAC ends in %s", spec, code)
		}
	}
}

// dataKeyPairs has OpenSSL find the public keys that belong to private ones.
func (s *stage) dataKeyPairs(t *testing.T) {
	key := s.newKey()
	for _, spec := range types.DataKeyPairSpec("").Values() {
		if leftOut(spec) {
			continue
		}
		switch spec {
		case types.DataKeyPairSpecSm2: // in China alone
			continue
		case types.DataKeyPairSpecRsa3072, types.DataKeyPairSpecRsa4096: // slow, and not different
			continue
		}
		out := must[*kms.GenerateDataKeyPairOutput](t)(s.owner.kms.GenerateDataKeyPair(t.Context(), &kms.GenerateDataKeyPairInput{KeyId: &key, KeyPairSpec: spec}))
		opened := must[*kms.DecryptOutput](t)(s.owner.kms.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: out.PrivateKeyCiphertextBlob}))
		if !bytes.Equal(opened.Plaintext, out.PrivateKeyPlaintext) {
			t.Errorf("%s: the private key does not decrypt", spec)
		}
		if strings.HasPrefix(string(spec), "ML_KEM") { // not known to every OpenSSL
			continue
		}
		private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: out.PrivateKeyPlaintext})
		public, there := openssl(t, map[string][]byte{"private.pem": private}, "pkey", "-in", "private.pem", "-pubout", "-outform", "DER")
		if there && !bytes.Equal(public, out.PublicKey) {
			t.Errorf("%s: OpenSSL finds another public key", spec)
		}
	}
}

// TestKeysOutliveTheProcess kills a server, and has the next one verify, open and
// find what the first has signed, encapsulated and shown.
func TestKeysOutliveTheProcess(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	message := []byte("a message that everybody may see")
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--init", "--account", bank}, rootEnv...)
	by := p.root().kms
	newKey := func(spec types.KeySpec, usage types.KeyUsageType) *string {
		t.Helper()
		return must[*kms.CreateKeyOutput](t)(by.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})).KeyMetadata.KeyId
	}
	publicOf := func(id *string) []byte {
		t.Helper()
		return must[*kms.GetPublicKeyOutput](t)(by.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: id})).PublicKey
	}
	type signer struct {
		id                *string
		algorithm         types.SigningAlgorithmSpec
		signature, public []byte
	}
	var signers []signer
	for spec, algorithm := range map[types.KeySpec]types.SigningAlgorithmSpec{
		types.KeySpecRsa2048:             types.SigningAlgorithmSpecRsassaPssSha256,
		types.KeySpecEccSecgP256k1:       types.SigningAlgorithmSpecEcdsaSha256,
		types.KeySpecEccNistEdwards25519: types.SigningAlgorithmSpecEd25519Sha512,
		types.KeySpecMlDsa87:             types.SigningAlgorithmSpecMlDsaShake256,
	} {
		if leftOut(spec) {
			continue
		}
		id := newKey(spec, types.KeyUsageTypeSignVerify)
		out := must[*kms.SignOutput](t)(by.Sign(ctx, &kms.SignInput{KeyId: id, Message: message, SigningAlgorithm: algorithm}))
		signers = append(signers, signer{id, algorithm, out.Signature, publicOf(id)})
	}
	macKey := newKey(types.KeySpecHmac512, types.KeyUsageTypeGenerateVerifyMac)
	mac := must[*kms.GenerateMacOutput](t)(by.GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId: macKey, Message: message, MacAlgorithm: types.MacAlgorithmSpecHmacSha512})).Mac
	kemKey := newKey(types.KeySpecMlKem1024, types.KeyUsageTypeEncapsulateDecapsulate)
	shared := must[*kms.EncapsulateOutput](t)(by.Encapsulate(ctx, &kms.EncapsulateInput{
		KeyId: kemKey, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpecMlKem}))
	p.kill()

	by = start(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir}).root().kms
	for _, s := range signers {
		must[*kms.VerifyOutput](t)(by.Verify(ctx, &kms.VerifyInput{KeyId: s.id, Message: message, SigningAlgorithm: s.algorithm, Signature: s.signature}))
		if !bytes.Equal(publicOf(s.id), s.public) {
			t.Errorf("the key that signs with %s has another public half", s.algorithm)
		}
	}
	must[*kms.VerifyMacOutput](t)(by.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: macKey, Message: message, MacAlgorithm: types.MacAlgorithmSpecHmacSha512, Mac: mac}))
	opened := must[*kms.DecapsulateOutput](t)(by.Decapsulate(ctx, &kms.DecapsulateInput{
		KeyId: kemKey, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpecMlKem, SharedSecretCiphertextBlob: shared.SharedSecretCiphertextBlob}))
	if !bytes.Equal(opened.SharedSecret, shared.SharedSecret) {
		t.Error("another shared secret")
	}
}
