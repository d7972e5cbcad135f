package kms_test

import (
	"crypto/mlkem"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// outside encapsulates for a public key, where the standard library can.
func outside(t testing.TB, spec string, der []byte) (secret, ciphertext []byte) {
	t.Helper()
	var public struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, err := asn1.Unmarshal(der, &public)
	ok(t, err)
	switch spec {
	case "ML_KEM_768":
		k, err := mlkem.NewEncapsulationKey768(public.Key.Bytes)
		ok(t, err)
		return k.Encapsulate()
	case "ML_KEM_1024":
		k, err := mlkem.NewEncapsulationKey1024(public.Key.Bytes)
		ok(t, err)
		return k.Encapsulate()
	default:
		return nil, nil
	}
}

// TestEncapsulate: whoever encapsulates, here or outside, shares the secret.
func TestEncapsulate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for spec, size := range map[string]int{"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568} {
		key, made := owner.tryKeyOf(spec, "ENCAPSULATE_DECAPSULATE")
		if !made {
			continue
		}
		in := &kms.EncapsulateInput{KeyID: str(key.KeyID), EncapsulationAlgorithm: str("ML_KEM")}
		out := must[kms.EncapsulateOutput](owner, in)
		request := `{"keyId":"` + key.KeyID + `","encapsulationAlgorithm":"ML_KEM"}`
		w.recorded(request, `null`, `{}`, ofKey(key))
		if out.KeyID != key.ARN || out.EncapsulationAlgorithm != "ML_KEM" || out.SharedSecret.Len() != 32 || len(out.SharedSecretCiphertextBlob) != size {
			t.Errorf("%s: answered %+v", spec, out)
		}
		open := &kms.DecapsulateInput{KeyID: str(key.KeyID), EncapsulationAlgorithm: str("ML_KEM"), SharedSecretCiphertextBlob: out.SharedSecretCiphertextBlob}
		opened := must[kms.DecapsulateOutput](owner, open)
		w.recorded(request, `null`, `{}`, ofKey(key))
		if opened.KeyID != key.ARN || opened.EncapsulationAlgorithm != "ML_KEM" || shown(opened.SharedSecret) != shown(out.SharedSecret) {
			t.Errorf("%s: decapsulated %+v", spec, opened)
		}
		public := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(key.KeyID)})
		if secret, ciphertext := outside(t, spec, public.PublicKey); secret != nil {
			open.SharedSecretCiphertextBlob = ciphertext
			if got := must[kms.DecapsulateOutput](owner, open); shown(got.SharedSecret) != string(secret) {
				t.Errorf("%s: another secret than outside", spec)
			}
		}

		// A ciphertext of somebody else is answered with a secret that nobody has.
		open.SharedSecretCiphertextBlob = make([]byte, size)
		strange := must[kms.DecapsulateOutput](owner, open)
		if again := must[kms.DecapsulateOutput](owner, open); strange.SharedSecret.Len() != 32 ||
			shown(again.SharedSecret) != shown(strange.SharedSecret) || shown(strange.SharedSecret) == shown(out.SharedSecret) {
			t.Errorf("%s: implicit rejection gives %d bytes", spec, strange.SharedSecret.Len())
		}
		for _, n := range []int{1, size - 1, size + 1, 6144} {
			open.SharedSecretCiphertextBlob = make([]byte, n)
			owner.refused(open, kms.InvalidCiphertext, "")
		}
		open.SharedSecretCiphertextBlob = out.SharedSecretCiphertextBlob
		in.DryRun, open.DryRun = optional.Some(true), optional.Some(true)
		owner.refused(in, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
		owner.refused(open, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	}
}

func TestEncapsulationLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	const one = "1 validation error detected: "
	const enum = one + "Value 'X' at 'encapsulationAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [ML_KEM]"
	owner.refused(&kms.EncapsulateInput{}, fault.Validation, "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; "+
		"Value null at 'encapsulationAlgorithm' failed to satisfy constraint: Member must not be null")
	owner.refused(&kms.EncapsulateInput{KeyID: str(nowhere), EncapsulationAlgorithm: str("X")}, fault.Validation, enum)
	in := &kms.DecapsulateInput{KeyID: str(nowhere), EncapsulationAlgorithm: str("ML_KEM")}
	owner.refused(in, fault.Validation, one+"Value null at 'sharedSecretCiphertextBlob' failed to satisfy constraint: Member must not be null")
	in.SharedSecretCiphertextBlob = []byte{}
	owner.refused(in, fault.Validation, one+"Value at 'sharedSecretCiphertextBlob' failed to satisfy constraint: Member must have length greater than or equal to 1")
	in.SharedSecretCiphertextBlob = make([]byte, 6145)
	owner.refused(in, fault.Validation, one+"Value at 'sharedSecretCiphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144")
	in.SharedSecretCiphertextBlob, in.EncapsulationAlgorithm = []byte{1}, str("X")
	owner.refused(in, fault.Validation, enum)
}
