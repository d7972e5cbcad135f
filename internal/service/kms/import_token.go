package kms

import (
	"crypto/fips140"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/fault"
)

// importTokenLife is how long the answer of GetParametersForImport can be used.
const importTokenLife = 24 * time.Hour

// An importToken says how key material is wrapped on its way here: under which
// key, with which algorithm, and until when. Nothing is stored of it: the private
// key is in the token itself, sealed and bound to all the rest, so that any
// number of them can be in use.
type importToken struct {
	wrapping  *sealed.WrappingKey
	algorithm string
	expires   time.Time // in whole milliseconds
}

// wrappingAlgorithms are those of the public model. Tokens have their places in
// this list.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html
var wrappingAlgorithms = []string{
	"RSAES_PKCS1_V1_5", oaepSHA1, oaepSHA256, "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", sm2PKE,
}

var wrappingKeySpecs = []string{"RSA_2048", "RSA_3072", "RSA_4096", "SM2"}

const (
	importTokenMax  = 6144
	importTokenHead = 1 + 1 + 8 // version, algorithm, end
)

// sealImportToken makes the token for material of k.
func (s *Service) sealImportToken(k *Key, t *importToken) ([]byte, error) {
	head := append(make([]byte, 0, importTokenMax), 1, byte(slices.Index(wrappingAlgorithms, t.algorithm)))
	head = binary.BigEndian.AppendUint64(head, uint64(t.expires.UnixMilli()))
	sealed, err := s.keyring.SealWrappingKey(k.Account, k.tokenBinding(head), t.wrapping)
	if err != nil {
		return nil, err
	}
	return append(head, sealed...), nil
}

// openImportToken opens a token for material of k.
func (s *Service) openImportToken(k *Key, token []byte, now time.Time) (*importToken, error) {
	if len(token) < importTokenHead || token[0] != 1 || int(token[1]) >= len(wrappingAlgorithms) {
		return nil, errImportToken
	}
	head, box := token[:importTokenHead], token[importTokenHead:]
	wrapping, err := s.keyring.OpenWrappingKey(k.Account, k.tokenBinding(head), box)
	if errors.Is(err, sealed.ErrCiphertext) {
		return nil, errImportToken
	}
	if err != nil {
		return nil, err
	}
	t := &importToken{
		wrapping:  wrapping,
		algorithm: wrappingAlgorithms[head[1]],
		expires:   time.UnixMilli(int64(binary.BigEndian.Uint64(head[2:]))),
	}
	if !t.expires.After(now) {
		return nil, fault.New(ExpiredImportToken, "The import token has expired.")
	}
	return t, nil
}

// tokenBinding is what a token is bound to: the key, and what it says in clear.
func (k *Key) tokenBinding(head []byte) []byte { return append([]byte(k.ARN+"\n"), head...) }

var errImportToken = fault.New(InvalidImportToken, "The import token is not valid for the key.")

// wrappable refuses ways to wrap that material of k does not take: an RSA key is
// too long for RSA alone, what is no private key needs no more than that, and SM2
// is for the Regions of China.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html
func (k *Key) wrappable(algorithm, under string) error {
	oaep := algorithm == oaepSHA1 || algorithm == oaepSHA256
	twice := strings.HasPrefix(algorithm, "RSA_AES_KEY_WRAP_")
	spec := specNamed(k.Spec)
	curve := k.hasPublic() && spec.modulus == 0 && spec.regions == everywhere
	var fits bool
	switch {
	case under == "SM2":
		fits = algorithm == sm2PKE && k.Partition == partitionChina && spec.modulus == 0 && !curve
	case spec.modulus > 0:
		fits = twice
	case curve && (k.Spec != "ECC_NIST_P521" || under != "RSA_2048"):
		fits = oaep || twice
	case curve:
		fits = twice // the key is longer than what RSA_2048 encrypts
	default:
		fits = oaep
	}
	if fits && fips140.Enabled() && (strings.HasSuffix(algorithm, "_SHA_1") || !sealed.Approved(under)) {
		return notApproved("Wrapping with the algorithm " + algorithm + " is")
	}
	if !fits {
		return fault.New(fault.UnsupportedOperation,
			"The wrapping algorithm %s and the wrapping key spec %s are not supported for key material of the spec %s.", algorithm, under, k.Spec)
	}
	return nil
}
