package kms

import (
	"crypto/fips140"
	"slices"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/fault"
)

// Key usages.
const (
	usageEncryptDecrypt         = "ENCRYPT_DECRYPT"
	usageSignVerify             = "SIGN_VERIFY"
	usageMAC                    = "GENERATE_VERIFY_MAC"
	usageKeyAgreement           = "KEY_AGREEMENT"
	usageEncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE"
)

// symmetricDefault names a key spec and its one encryption algorithm.
const symmetricDefault = "SYMMETRIC_DEFAULT"

// Algorithms of which something is said in more than one place.
const (
	oaepSHA1   = "RSAES_OAEP_SHA_1"
	oaepSHA256 = "RSAES_OAEP_SHA_256"
	sm2PKE     = "SM2PKE"
	mlDSA      = "ML_DSA_SHAKE_256"
	ecdh       = "ECDH"
	mlKEM      = "ML_KEM"
)

// A keySpec is a kind of key material.
type keySpec struct {
	name string

	// algorithms has an entry for each usage that a key can have, with what it does
	// then, in the order of the public lists.
	algorithms map[string][]string

	legacy  bool  // also a value of the older member CustomerMasterKeySpec
	pair    bool  // also a kind of data key pair
	modulus int   // of RSA keys, in bytes; drawing one takes up to seconds
	regions where // in which it exists
}

// where says in which Regions something exists.
type where uint8

const (
	everywhere where = iota
	inChina          // in the Regions of China alone
	notInChina
)

// partitionChina is the partition of the Regions of China.
const partitionChina = "aws-cn"

var (
	rsaAlgorithms = map[string][]string{
		usageEncryptDecrypt: {oaepSHA1, oaepSHA256},
		usageSignVerify: {
			"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
			"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
		},
	}
	mlDSAAlgorithms = map[string][]string{usageSignVerify: {mlDSA}}
	mlKEMAlgorithms = map[string][]string{usageEncapsulateDecapsulate: {mlKEM}}
)

func nistAlgorithms(signing string) map[string][]string {
	return map[string][]string{usageSignVerify: {signing}, usageKeyAgreement: {ecdh}}
}

func macAlgorithm(name string) map[string][]string { return map[string][]string{usageMAC: {name}} }

// keySpecs are all specs of the public model.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
var keySpecs = []keySpec{
	{name: "RSA_2048", algorithms: rsaAlgorithms, legacy: true, pair: true, modulus: 256},
	{name: "RSA_3072", algorithms: rsaAlgorithms, legacy: true, pair: true, modulus: 384},
	{name: "RSA_4096", algorithms: rsaAlgorithms, legacy: true, pair: true, modulus: 512},
	{name: "ECC_NIST_P256", algorithms: nistAlgorithms("ECDSA_SHA_256"), legacy: true, pair: true},
	{name: "ECC_NIST_P384", algorithms: nistAlgorithms("ECDSA_SHA_384"), legacy: true, pair: true},
	{name: "ECC_NIST_P521", algorithms: nistAlgorithms("ECDSA_SHA_512"), legacy: true, pair: true},
	{name: "ECC_SECG_P256K1", algorithms: map[string][]string{usageSignVerify: {"ECDSA_SHA_256"}}, legacy: true, pair: true},
	{name: symmetricDefault, algorithms: map[string][]string{usageEncryptDecrypt: {symmetricDefault}}, legacy: true},
	{name: "HMAC_224", algorithms: macAlgorithm("HMAC_SHA_224"), legacy: true},
	{name: "HMAC_256", algorithms: macAlgorithm("HMAC_SHA_256"), legacy: true},
	{name: "HMAC_384", algorithms: macAlgorithm("HMAC_SHA_384"), legacy: true},
	{name: "HMAC_512", algorithms: macAlgorithm("HMAC_SHA_512"), legacy: true},
	{name: "SM2", algorithms: map[string][]string{
		usageEncryptDecrypt: {sm2PKE}, usageSignVerify: {"SM2DSA"}, usageKeyAgreement: {ecdh},
	}, legacy: true, pair: true, regions: inChina},
	{name: "ML_DSA_44", algorithms: mlDSAAlgorithms},
	{name: "ML_DSA_65", algorithms: mlDSAAlgorithms},
	{name: "ML_DSA_87", algorithms: mlDSAAlgorithms},
	{name: "ECC_NIST_EDWARDS25519", algorithms: map[string][]string{usageSignVerify: {"ED25519_SHA_512", "ED25519_PH_SHA_512"}}, pair: true},
	{name: "ML_KEM_512", algorithms: mlKEMAlgorithms, pair: true, regions: notInChina},
	{name: "ML_KEM_768", algorithms: mlKEMAlgorithms, pair: true, regions: notInChina},
	{name: "ML_KEM_1024", algorithms: mlKEMAlgorithms, pair: true, regions: notInChina},
}

var (
	keySpecNames    = specNames(func(*keySpec) bool { return true })
	legacySpecNames = specNames(func(s *keySpec) bool { return s.legacy })
	pairSpecNames   = specNames(func(s *keySpec) bool { return s.pair })
	keyUsages       = []string{usageSignVerify, usageEncryptDecrypt, usageMAC, usageKeyAgreement, usageEncapsulateDecapsulate}
	keyOrigins      = []string{originKMS, originExternal, originCloudHSM, originXKS}
	dataKeySpecs    = []string{"AES_256", "AES_128"}

	encryptionAlgorithms = []string{symmetricDefault, oaepSHA1, oaepSHA256, sm2PKE}
	macAlgorithms        = []string{"HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"} // as AWS's texts list them
)

func specNames(keep func(*keySpec) bool) []string {
	var names []string
	for i := range keySpecs {
		if keep(&keySpecs[i]) {
			names = append(names, keySpecs[i].name)
		}
	}
	return names
}

var specsByName = func() map[string]*keySpec {
	byName := make(map[string]*keySpec, len(keySpecs))
	for i := range keySpecs {
		byName[keySpecs[i].name] = &keySpecs[i]
	}
	return byName
}()

// specNamed returns a spec of the model, nil where there is none of that name.
func specNamed(name string) *keySpec { return specsByName[name] }

// usageFits reports whether a key of the spec can have the usage.
func usageFits(spec, usage string) bool {
	s := specNamed(spec)
	return s != nil && s.algorithms[usage] != nil
}

// makeable refuses a spec that does not exist in the Regions of a partition, or
// that FIPS 140-3 mode leaves out.
func (s *keySpec) makeable(partition string) error {
	china := partition == partitionChina
	switch {
	case s.regions == inChina && !china, s.regions == notInChina && china:
		return fault.New(fault.UnsupportedOperation, "Keys of the spec %s are not supported in this Region.", s.name)
	case fips140.Enabled() && !sealed.Approved(s.name):
		return notApproved("Keys of the spec " + s.name + " are")
	}
	return nil
}

// notApproved refuses what lies outside FIPS 140-3.
func notApproved(what string) error {
	return fault.New(fault.UnsupportedOperation, "%s not approved in FIPS 140-3 mode.", what)
}

// algorithms lists what the key does, by its usage.
func (r *keyRecord) algorithms(usage string) []string {
	if s := specNamed(r.Spec); s != nil && r.Usage == usage {
		return s.algorithms[usage]
	}
	return nil
}

// hasPublic reports whether the key has a public half.
func (r *keyRecord) hasPublic() bool { return r.Spec != symmetricDefault && r.Usage != usageMAC }

// does refuses a key that is not of the usage of an operation, or that does not
// do it with algorithm.
func (k *Key) does(operation, usage, algorithm string) error {
	if err := k.used(operation, usage); err != nil {
		return err
	}
	if !slices.Contains(k.algorithms(usage), algorithm) {
		return fault.New(InvalidKeyUsage, "Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	return nil
}

// encrypts refuses a key that can't do an encryption operation with algorithm.
func (k *Key) encrypts(operation, algorithm string) error {
	return k.does(operation, usageEncryptDecrypt, algorithm)
}

// wraps refuses a key that can't encrypt data keys.
func (k *Key) wraps(operation string) error {
	if k.Spec != symmetricDefault {
		return k.misused(operation)
	}
	return k.used(operation, usageEncryptDecrypt)
}

func (k *Key) used(operation, usage string) error {
	if k.Usage != usage {
		return k.misused(operation)
	}
	return nil
}

func (k *Key) misused(operation string) error {
	return fault.New(InvalidKeyUsage, "%s key usage is %s which is not valid for %s.", k.ARN, k.Usage, operation)
}

// plaintextMax is how many bytes an algorithm encrypts at most: of RSAES-OAEP
// what two hashes and two bytes leave of the modulus (RFC 8017 §7.1.1).
func (s *keySpec) plaintextMax(algorithm string) int {
	switch algorithm {
	case oaepSHA1:
		return s.modulus - 2*20 - 2
	case oaepSHA256:
		return s.modulus - 2*32 - 2
	case sm2PKE:
		return 1024
	default:
		return plaintextMax
	}
}

// A signingAlgorithm says what messages it takes.
type signingAlgorithm struct {
	name   string
	digest int // length of a message that is not RAW, in bytes
	forms  []sealed.Form
}

var (
	rawOrDigest = []sealed.Form{sealed.Raw, sealed.Digest}
	messageForm = []string{string(sealed.Raw), string(sealed.Digest), string(sealed.ExternalMu)}
)

// signingAlgorithms are those of the public model, in its order.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
var signingAlgorithms = []signingAlgorithm{
	{"RSASSA_PSS_SHA_256", 32, rawOrDigest},
	{"RSASSA_PSS_SHA_384", 48, rawOrDigest},
	{"RSASSA_PSS_SHA_512", 64, rawOrDigest},
	{"RSASSA_PKCS1_V1_5_SHA_256", 32, rawOrDigest},
	{"RSASSA_PKCS1_V1_5_SHA_384", 48, rawOrDigest},
	{"RSASSA_PKCS1_V1_5_SHA_512", 64, rawOrDigest},
	{"ECDSA_SHA_256", 32, rawOrDigest},
	{"ECDSA_SHA_384", 48, rawOrDigest},
	{"ECDSA_SHA_512", 64, rawOrDigest},
	{"SM2DSA", 32, rawOrDigest},
	{mlDSA, 64, []sealed.Form{sealed.Raw, sealed.ExternalMu}},
	{"ED25519_SHA_512", 0, []sealed.Form{sealed.Raw}},
	{"ED25519_PH_SHA_512", 64, []sealed.Form{sealed.Digest}},
}

var signingAlgorithmNames = func() []string {
	names := make([]string, len(signingAlgorithms))
	for i := range signingAlgorithms {
		names[i] = signingAlgorithms[i].name
	}
	return names
}()

// checkMessage refuses a message of a form that the algorithm does not take, or
// one that can't be the digest that it is said to be.
func checkMessage(algorithm string, form sealed.Form, length int) error {
	for _, a := range signingAlgorithms {
		switch {
		case a.name != algorithm:
		case !slices.Contains(a.forms, form):
			return validation("MessageType %s is not compatible with SigningAlgorithm %s.", form, algorithm)
		case form != sealed.Raw && length != a.digest:
			return validation("Digest is invalid length for algorithm %s.", algorithm)
		}
	}
	return nil
}
