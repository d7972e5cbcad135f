package kms

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/fault"
)

// TestSpecsAreWhole: what the table of specs names, the tables of algorithms know.
func TestSpecsAreWhole(t *testing.T) {
	t.Parallel()
	known := map[string][]string{
		usageEncryptDecrypt:         encryptionAlgorithms,
		usageSignVerify:             signingAlgorithmNames,
		usageMAC:                    macAlgorithms,
		usageKeyAgreement:           {ecdh},
		usageEncapsulateDecapsulate: {mlKEM},
	}
	used := make(map[string]bool)
	for _, s := range keySpecs {
		if len(s.algorithms) == 0 {
			t.Errorf("%s has no usage", s.name)
		}
		for usage, algorithms := range s.algorithms {
			for _, a := range algorithms {
				if !slices.Contains(known[usage], a) {
					t.Errorf("%s of %s is not among the algorithms of %s", a, s.name, usage)
				}
				used[a] = true
			}
		}
	}
	for usage, algorithms := range known {
		for _, a := range algorithms {
			if !used[a] {
				t.Errorf("no spec has %s of %s", a, usage)
			}
		}
	}
}

// TestSpecsOfRegions: SM2 exists in the Regions of China alone, ML-KEM not there.
func TestSpecsOfRegions(t *testing.T) {
	t.Parallel()
	refused := func(spec, partition string) bool {
		err := specNamed(spec).makeable(partition)
		if err != nil && strings.Contains(err.Error(), "FIPS") {
			return false
		}
		if err != nil && !fault.Is(err, fault.UnsupportedOperation) {
			t.Errorf("%s in %s: %v", spec, partition, err)
		}
		return err != nil
	}
	for _, s := range keySpecs {
		china, elsewhere := refused(s.name, "aws-cn"), refused(s.name, "aws") || refused(s.name, "aws-us-gov")
		if kem := s.algorithms[usageEncapsulateDecapsulate] != nil; china != kem || elsewhere != (s.name == "SM2") {
			t.Errorf("%s: refused in China %v, elsewhere %v", s.name, china, elsewhere)
		}
	}
}

// TestMessagesOfAlgorithms: each form of message, with the length of a digest and
// a byte less and more.
func TestMessagesOfAlgorithms(t *testing.T) {
	t.Parallel()
	digests := map[string]int{
		"RSASSA_PSS_SHA_256": 32, "RSASSA_PSS_SHA_384": 48, "RSASSA_PSS_SHA_512": 64,
		"RSASSA_PKCS1_V1_5_SHA_256": 32, "RSASSA_PKCS1_V1_5_SHA_384": 48, "RSASSA_PKCS1_V1_5_SHA_512": 64,
		"ECDSA_SHA_256": 32, "ECDSA_SHA_384": 48, "ECDSA_SHA_512": 64, "SM2DSA": 32, "ED25519_PH_SHA_512": 64,
	}
	for _, algorithm := range signingAlgorithmNames {
		for _, n := range []int{1, 31, 32, 33, 47, 48, 49, 63, 64, 65, 4096} {
			raw, digest, mu := checkMessage(algorithm, sealed.Raw, n), checkMessage(algorithm, sealed.Digest, n), checkMessage(algorithm, sealed.ExternalMu, n)
			if takes := algorithm != "ED25519_PH_SHA_512"; (raw == nil) != takes {
				t.Errorf("%s takes %d bytes: %v", algorithm, n, raw)
			}
			if takes := digests[algorithm] == n; (digest == nil) != takes {
				t.Errorf("%s takes a digest of %d bytes: %v", algorithm, n, digest)
			}
			if takes := algorithm == mlDSA && n == 64; (mu == nil) != takes {
				t.Errorf("%s takes a µ of %d bytes: %v", algorithm, n, mu)
			}
		}
	}
}
