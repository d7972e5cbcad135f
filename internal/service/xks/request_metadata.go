package xks

import (
	"claviger/internal/ground/policy"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// signingName is that of the interface. Its actions and condition keys begin with it too.
const signingName = "kms-xks-proxy"

// Actions that the policies of key stores and external keys are about.
const (
	decryptAction         = signingName + ":Decrypt"
	encryptAction         = signingName + ":Encrypt"
	getHealthStatusAction = signingName + ":GetHealthStatus"
	getKeyMetadataAction  = signingName + ":GetKeyMetadata"
)

// RequestMetadata is what the other key management service tells of the call
// that it has been made. It is its word, which the signature vouches for. Members
// that a later version adds are ignored.
type RequestMetadata struct {
	AWSPrincipalARN optional.Of[string] `aws:"awsPrincipalArn" audit:"awsPrincipalArn"`
	AWSSourceVPC    optional.Of[string] `aws:"awsSourceVpc" audit:"awsSourceVpc"`
	AWSSourceVPCE   optional.Of[string] `aws:"awsSourceVpce" audit:"awsSourceVpce"`
	KMSKeyARN       optional.Of[string] `aws:"kmsKeyArn" audit:"kmsKeyArn"`
	KMSOperation    optional.Of[string] `aws:"kmsOperation" audit:"kmsOperation"`
	KMSRequestID    optional.Of[string] `aws:"kmsRequestId" audit:"kmsRequestId"`
	KMSViaService   optional.Of[string] `aws:"kmsViaService" audit:"kmsViaService"`
}

// metadataMax is how many characters a member may have: those of an ARN.
const metadataMax = 2048

// check demands the members that a call needs: all need the first two, those
// about an external key the author, those that use it the KMS key. What they say
// may be anything: none of it is for this interface to know better.
func (m *RequestMetadata) check(c *check.Checks, author, key bool) {
	if !c.Required("requestMetadata", m != nil) {
		return
	}
	member := func(name string, value optional.Of[string], required bool, min int) {
		if !required || c.Required("requestMetadata."+name, value.Set) {
			c.Length("requestMetadata."+name, value, min, metadataMax)
		}
	}
	member("kmsRequestId", m.KMSRequestID, true, 0)
	member("kmsOperation", m.KMSOperation, true, 0)
	member("awsPrincipalArn", m.AWSPrincipalARN, author, 1)
	member("kmsKeyArn", m.KMSKeyARN, key, 1)
	member("awsSourceVpc", m.AWSSourceVPC, false, 0)
	member("awsSourceVpce", m.AWSSourceVPCE, false, 0)
	member("kmsViaService", m.KMSViaService, false, 0)
}

// Condition keys of the policies of external keys.
const (
	kmsKeyARNCondition     = signingName + ":KmsKeyArn"
	kmsKeyAccountCondition = signingName + ":KmsKeyAccount"
	kmsKeyRegionCondition  = signingName + ":KmsKeyRegion"
	principalCondition     = signingName + ":AwsPrincipalArn"
	operationCondition     = signingName + ":KmsOperation"
	viaServiceCondition    = signingName + ":KmsViaService"
	vpcCondition           = signingName + ":AwsSourceVpc"
)

// values has what a request says under a condition key, by the key's folded name.
var values = map[string]func(*RequestMetadata) optional.Of[string]{
	policy.Fold(kmsKeyARNCondition):     func(m *RequestMetadata) optional.Of[string] { return m.KMSKeyARN },
	policy.Fold(kmsKeyAccountCondition): func(m *RequestMetadata) optional.Of[string] { return m.ofKMSKey().account },
	policy.Fold(kmsKeyRegionCondition):  func(m *RequestMetadata) optional.Of[string] { return m.ofKMSKey().region },
	policy.Fold(principalCondition):     func(m *RequestMetadata) optional.Of[string] { return m.AWSPrincipalARN },
	policy.Fold(operationCondition):     func(m *RequestMetadata) optional.Of[string] { return m.KMSOperation },
	policy.Fold(viaServiceCondition):    func(m *RequestMetadata) optional.Of[string] { return m.KMSViaService },
	policy.Fold(vpcCondition):           func(m *RequestMetadata) optional.Of[string] { return m.AWSSourceVPC },
}

// Lookup implements policy.Context.
func (m *RequestMetadata) Lookup(k *policy.Key) policy.Values {
	value := values[k.Name]
	if value == nil {
		return policy.Values{}
	}
	v := value(m)
	return policy.Values{Present: v.Set, One: v.V}
}

// ofKMSKey takes the KMS key's ARN apart. Of what is no ARN, account and Region
// are present and empty: a condition on them must not be taken for one that has
// nothing to look at.
func (m *RequestMetadata) ofKMSKey() (of struct{ account, region optional.Of[string] }) {
	if m.KMSKeyARN.Set {
		name, _ := arn.Parse(m.KMSKeyARN.V)
		of.account, of.region = optional.Some(name.Account), optional.Some(name.Region)
	}
	return of
}
