package sealed

import (
	"crypto/fips140"
	"errors"
	"slices"
)

// ErrNotApproved means that the process is in FIPS 140-3 mode and was asked for
// what lies outside it.
var ErrNotApproved = errors.New("sealed: not approved in FIPS 140-3 mode")

// outside are the specs whose arithmetic is not that of the Go Cryptographic
// Module, or that no NIST publication approves.
var outside = []string{"ECC_SECG_P256K1", "SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512"}

// Approved reports whether keys of the spec may be made and used in FIPS 140-3
// mode. ML-DSA is approved (FIPS 204), but the code for it is not within the
// module's boundary.
func Approved(spec string) bool { return !slices.Contains(outside, spec) }

// ApprovedAlgorithm reports whether a new ciphertext or signature may be made with
// the algorithm in FIPS 140-3 mode, where its key may be used at all. What was
// encrypted with SHA-1 can still be decrypted (NIST SP 800-131A §9).
func ApprovedAlgorithm(algorithm string) bool { return algorithm != "RSAES_OAEP_SHA_1" }

func approve(approved bool) error {
	if !approved && fips140.Enabled() {
		return ErrNotApproved
	}
	return nil
}
