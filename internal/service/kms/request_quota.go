package kms

import (
	"maps"
	"slices"
	"sync"
	"time"

	"claviger/internal/words/fault"
)

// RequestQuotasAWS are AWS's quotas of requests a second, each for an account in
// a Region. A quota is named after its operation; symmetric and asymmetric are
// shared by cryptographic operations, and those that make data key pairs have
// one for each spec, shared by both.
// https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html
func RequestQuotasAWS() map[string]int {
	quotas := map[string]int{
		quotaSymmetric: 10_000, quotaAsymmetric: 1000,
		"ECC_NIST_P256": 100, "ECC_NIST_P384": 100, "ECC_NIST_P521": 100, "ECC_SECG_P256K1": 100, "ECC_NIST_EDWARDS25519": 100,
		"RSA_2048": 20, "RSA_3072": 4, "RSA_4096": 1, "SM2": 25,
	}
	for rate, operations := range map[int][]string{
		1: {"GetParametersForImport"},
		5: {
			"CancelKeyDeletion", "ConnectCustomKeyStore", "CreateAlias", "CreateCustomKeyStore", "CreateKey", "DeleteCustomKeyStore",
			"DescribeCustomKeyStores", "DisableKey", "DisableKeyRotation", "DisconnectCustomKeyStore", "EnableKey", "GetKeyLastUsage",
			"ReplicateKey", "RotateKeyOnDemand", "UntagResource", "UpdateAlias", "UpdateCustomKeyStore", "UpdateKeyDescription", "UpdatePrimaryRegion",
		},
		10:   {"TagResource"},
		15:   {"DeleteAlias", "DeleteImportedKeyMaterial", "EnableKeyRotation", "ImportKeyMaterial", "PutKeyPolicy", "ScheduleKeyDeletion"},
		50:   {"CreateGrant", "RetireGrant", "RevokeGrant"},
		100:  {"ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListRetirableGrants"},
		500:  {"ListAliases", "ListKeys"},
		1000: {"GetKeyPolicy", "GetKeyRotationStatus"},
		2000: {"DescribeKey", "GetPublicKey", "ListResourceTags"},
	} {
		for _, name := range operations {
			quotas[name] = rate
		}
	}
	return quotas
}

const (
	quotaSymmetric  = "symmetric"
	quotaAsymmetric = "asymmetric"
)

// sharedQuotas are those of operations that have none of their own. What a key
// is made for is not known before it is found, so that the operation alone counts.
var sharedQuotas = func() map[string]string {
	shared := make(map[string]string)
	for quota, operations := range map[string][]string{
		quotaSymmetric: {
			"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom", "ReEncrypt", "VerifyMac",
		},
		quotaAsymmetric: {"Decapsulate", "DeriveSharedSecret", "Encapsulate", "Sign", "Verify"},
	} {
		for _, name := range operations {
			shared[name] = quota
		}
	}
	return shared
}()

// requestQuota names the quota that a call counts against.
func requestQuota(operation string, in any) string {
	switch in := in.(type) {
	case *GenerateDataKeyPairInput:
		return in.KeyPairSpec.V
	case *GenerateDataKeyPairWithoutPlaintextInput:
		return in.KeyPairSpec.V
	}
	if shared, ok := sharedQuotas[operation]; ok {
		return shared
	}
	return operation
}

// RequestQuotas count requests. They are safe for concurrent use.
type RequestQuotas struct {
	perSecond map[string]int

	mu      sync.Mutex
	buckets map[bucketName]*bucket
}

type bucketName struct{ account, region, quota string }

// A bucket holds what is left of a quota. It fills evenly, up to what a second allows.
type bucket struct {
	left float64
	at   time.Time
}

// NewRequestQuotas limits calls to so many a second, by the names of quotas.
// What has no quota is not limited.
func NewRequestQuotas(perSecond map[string]int) *RequestQuotas {
	return &RequestQuotas{perSecond: maps.Clone(perSecond), buckets: make(map[bucketName]*bucket)}
}

// errThrottled is AWS's text.
var errThrottled = fault.New(fault.Throttling, "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.")

// bucketsMax is how many buckets are kept before those are dropped that are full
// again: all but the ones of the last second.
const bucketsMax = 10_000

// A charge is what a call counts against a quota in a Region; nothing without a quota.
type charge struct {
	region, quota string
	calls         float64
}

// elsewhere is what a call counts in another Region than its own.
func elsewhere(in any) charge {
	switch in := in.(type) {
	case *ReplicateKeyInput:
		return charge{in.ReplicaRegion.V, "CreateKey", 2}
	case *UpdatePrimaryRegionInput:
		return charge{in.PrimaryRegion.V, "UpdatePrimaryRegion", 1}
	}
	return charge{}
}

// Admit counts a call of an account, made at a time, or refuses it. A refused
// call does not count. in is its input, as decoded.
func (q *RequestQuotas) Admit(account, region, operation string, in any, at time.Time) error {
	charges := [2]charge{{region, requestQuota(operation, in), 1}, elsewhere(in)}
	q.mu.Lock()
	defer q.mu.Unlock()
	var buckets [2]*bucket
	for i, c := range charges {
		rate, limited := q.perSecond[c.quota]
		if !limited {
			continue
		}
		charges[i].calls = min(c.calls, float64(rate)) // a quota of one call lets one through
		buckets[i] = q.bucket(bucketName{account, c.region, c.quota}, float64(rate), at)
		if buckets[i].left < charges[i].calls {
			return errThrottled
		}
	}
	for i, b := range buckets {
		if b != nil {
			b.left -= charges[i].calls
		}
	}
	return nil
}

// bucket returns a bucket, filled up to a time. q.mu is held.
func (q *RequestQuotas) bucket(name bucketName, rate float64, at time.Time) *bucket {
	b := q.buckets[name]
	if b == nil {
		if len(q.buckets) >= bucketsMax {
			q.drop(at)
		}
		b = &bucket{left: rate, at: at}
		q.buckets[name] = b
	}
	if since := at.Sub(b.at); since > 0 {
		b.left = min(rate, b.left+since.Seconds()*rate)
		b.at = at
	}
	return b
}

// drop forgets buckets that are full again. q.mu is held.
func (q *RequestQuotas) drop(now time.Time) {
	maps.DeleteFunc(q.buckets, func(_ bucketName, b *bucket) bool { return now.Sub(b.at) >= time.Second })
}

// RequestQuotaNames lists the names of all quotas, sorted.
func RequestQuotaNames() []string { return slices.Sorted(maps.Keys(RequestQuotasAWS())) }
