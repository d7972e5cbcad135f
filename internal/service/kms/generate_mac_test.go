package kms_test

import (
	"crypto"
	"crypto/hmac"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

var macs = []struct {
	spec, algorithm string
	hash            crypto.Hash
}{
	{"HMAC_224", "HMAC_SHA_224", crypto.SHA224},
	{"HMAC_256", "HMAC_SHA_256", crypto.SHA256},
	{"HMAC_384", "HMAC_SHA_384", crypto.SHA384},
	{"HMAC_512", "HMAC_SHA_512", crypto.SHA512},
}

func TestGenerateMac(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, c := range macs {
		raw := sealed.Random(c.hash.Size())
		key := owner.createKeyOf(c.spec, "GENERATE_VERIFY_MAC")
		w.give(key.KeyID, []byte(shown(raw)))
		in := &kms.GenerateMacInput{KeyID: str(key.KeyID), Message: secret("hello"), MacAlgorithm: str(c.algorithm)}
		out := must[kms.GenerateMacOutput](owner, in)
		request := `{"keyId":"` + key.KeyID + `","macAlgorithm":"` + c.algorithm + `"}`
		w.recorded(request, `null`, `{}`, ofKey(key))
		want := hmac.New(c.hash.New, []byte(shown(raw)))
		want.Write([]byte("hello"))
		if out.KeyID != key.ARN || out.MacAlgorithm != c.algorithm || !hmac.Equal(out.Mac, want.Sum(nil)) {
			t.Errorf("%s: answered %+v", c.spec, out)
		}

		verify := &kms.VerifyMacInput{KeyID: str(key.KeyID), Message: secret("hello"), MacAlgorithm: str(c.algorithm), Mac: out.Mac}
		verified := must[kms.VerifyMacOutput](owner, verify)
		w.recorded(request, `null`, `{}`, ofKey(key))
		if !verified.MacValid || verified.KeyID != key.ARN || verified.MacAlgorithm != c.algorithm {
			t.Errorf("%s: verified %+v", c.spec, verified)
		}
		for _, wrong := range [][]byte{out.Mac[:len(out.Mac)-1], append([]byte{out.Mac[0] ^ 1}, out.Mac[1:]...), append(out.Mac[:len(out.Mac):len(out.Mac)], 0)} {
			verify.Mac = wrong
			owner.refused(verify, kms.InvalidMAC, "")
		}
		verify.Mac, verify.Message = out.Mac, secret("hellO")
		owner.refused(verify, kms.InvalidMAC, "")

		in.DryRun, verify.DryRun = optional.Some(true), optional.Some(true)
		owner.refused(in, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
		owner.refused(verify, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	}
}

func TestMacLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKeyOf("HMAC_224", "GENERATE_VERIFY_MAC")
	const one = "1 validation error detected: "
	must[kms.GenerateMacOutput](owner, &kms.GenerateMacInput{KeyID: str(key.KeyID), Message: secret(strings.Repeat("x", 4096)), MacAlgorithm: str("HMAC_SHA_224")})
	for _, c := range []struct {
		message, algorithm string
		code               fault.Code
		want               string
	}{
		{"x", "HMAC_SHA_256", kms.InvalidKeyUsage, "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."},
		{"x", "MD5", fault.Validation, one + "Value 'MD5' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: " +
			"[HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]"},
		{"", "HMAC_SHA_224", fault.Validation, one + "Value at 'message' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{strings.Repeat("x", 4097), "HMAC_SHA_224", fault.Validation, one + "Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096"},
	} {
		owner.refused(&kms.GenerateMacInput{KeyID: str(key.KeyID), Message: secret(c.message), MacAlgorithm: str(c.algorithm)}, c.code, c.want)
		owner.refused(&kms.VerifyMacInput{KeyID: str(key.KeyID), Message: secret(c.message), MacAlgorithm: str(c.algorithm), Mac: []byte("m")}, c.code, c.want)
	}
	owner.refused(&kms.GenerateMacInput{}, fault.Validation, "3 validation errors detected: Value null at 'message' failed to satisfy constraint: Member must not be null; "+
		"Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value null at 'macAlgorithm' failed to satisfy constraint: Member must not be null")
	verify := &kms.VerifyMacInput{KeyID: str(key.KeyID), Message: secret("x"), MacAlgorithm: str("HMAC_SHA_224")}
	owner.refused(verify, fault.Validation, one+"Value null at 'mac' failed to satisfy constraint: Member must not be null")
	for _, n := range []int{1, 6144} {
		verify.Mac = make([]byte, n)
		owner.refused(verify, kms.InvalidMAC, "")
	}
	verify.Mac = []byte{}
	owner.refused(verify, fault.Validation, one+"Value at 'mac' failed to satisfy constraint: Member must have length greater than or equal to 1")
	verify.Mac = make([]byte, 6145)
	owner.refused(verify, fault.Validation, one+"Value at 'mac' failed to satisfy constraint: Member must have length less than or equal to 6144")
}
