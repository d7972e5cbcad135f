package kms_test

import (
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/words/pairs"
)

// TestGrantsOnEveryKind: a grant lets its grantee do what it names, whatever the
// kind of the key, and nothing else.
func TestGrantsOnEveryKind(t *testing.T) {
	t.Parallel()
	samples := kmstest.Samples()
	operations := []string{
		"Decapsulate", "DeriveSharedSecret", "Encapsulate", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
		"GenerateMac", "GetPublicKey", "Sign", "Verify", "VerifyMac",
	}
	for _, name := range operations {
		w := newWorld(t)
		owner, ann, bob := w.root(home), w.user(home, "ann"), w.user(home, "bob")
		fixture, key := preparedFor(w, owner, name)
		in := samples[name](fixture)
		ann.mayNot(name+" without a grant", in)
		owner.grant(key, ann.name(), nil, "DescribeKey")
		ann.mayNot(name+" by a grant of something else", in)
		owner.grant(key, ann.name(), nil, name)
		ann.may(name+" by a grant", in)
		bob.mayNot(name+" by another one's grant", in)
	}
}

// TestPairsUnderConstraint: the encryption context of a key pair counts, as that
// of a data key does.
func TestPairsUnderConstraint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key := owner.createKey()
	context := pairs.Of(map[string]string{"a": "1"})
	owner.grant(key, ann.name(), &kms.GrantConstraints{EncryptionContextSubset: context}, "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext")
	for _, c := range []struct {
		context pairs.Map
		may     bool
	}{{context, true}, {context.With("b", "2"), true}, {nil, false}, {pairs.Of(map[string]string{"a": "2"}), false}} {
		for _, in := range []any{
			&kms.GenerateDataKeyPairInput{KeyID: str(key.ARN), KeyPairSpec: str("ECC_NIST_P256"), EncryptionContext: c.context},
			&kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: str(key.ARN), KeyPairSpec: str("ECC_NIST_P256"), EncryptionContext: c.context},
		} {
			if c.may {
				ann.may("within the constraint", in)
			} else {
				ann.mayNot("outside the constraint", in)
			}
		}
	}
}
