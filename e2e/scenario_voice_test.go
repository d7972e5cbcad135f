package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const (
	voiceID  = "voiceid.amazonaws.com"
	domain   = "arn:aws:voiceid:" + region + ":" + house + ":domain/sampleDomainId"
	voiceVia = `{"kms:ViaService":"voiceid.` + region + `.amazonaws.com"}`

	voiceActions = "kms:CreateGrant kms:Decrypt kms:DescribeKey"
	voiceHolds   = "CreateGrant Decrypt DescribeKey GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"
)

var (
	ofDomain      = pairs{"aws:voiceid:domain:arn": domain}
	ofOtherDomain = pairs{"aws:voiceid:domain:arn": "arn:aws:voiceid:" + region + ":" + house + ":domain/anotherDomainId"}
)

// A voiceDomain is the cast of a service that works by one grant for one domain.
type voiceDomain struct {
	*stage
	user, via    *caller // a session of SampleRole, itself and through the service
	role         string
	service      *service
	key1, key2   string
	g1, g2       string
	blob1, blob2 []byte
}

func newVoiceDomain(t *testing.T) *voiceDomain {
	t.Helper()
	v := &voiceDomain{stage: newStage(t)}
	v.service = v.register(voiceID, []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"}, "--grants-beyond-user")
	person := v.newUser(v.owner, "person", identityPolicy("sts:AssumeRole"))
	v.role = v.newRole(v.owner, "SampleRole", trusts("arn:aws:iam::"+house+":root"), "")
	v.user = v.assume(person, v.role, "SampleUser")
	v.via = v.through(v.user, v.service)
	v.key1 = v.newKey(statement(v.role, voiceActions, voiceVia))
	v.key2 = v.newKey(statement(v.role, voiceActions, voiceVia))
	must[*kms.CreateAliasOutput](t)(v.owner.kms.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: ptr("alias/sample-key-alias"), TargetKeyId: &v.key1}))
	return v
}

// working is the grant of the service on a key.
func (v *voiceDomain) working(key string, id *string) granting {
	return granting{key: key, to: voiceID, retirer: voiceID, ops: voiceHolds, under: subset(ofDomain), id: id}
}

// reEncrypt moves a blob from the first key to the second.
func (v *voiceDomain) reEncrypt(blob *[]byte, to pairs, result *[]byte) call {
	return func(ctx context.Context, by *caller) error {
		out, err := by.kms.ReEncrypt(ctx, &kms.ReEncryptInput{SourceKeyId: &v.key1, DestinationKeyId: &v.key2, CiphertextBlob: *blob,
			SourceEncryptionContext: ofDomain, DestinationEncryptionContext: to})
		if err == nil && result != nil {
			*result = out.CiphertextBlob
		}
		return err
	}
}

// TestScenarioVoiceID is a domain under one key, then under another.
func TestScenarioVoiceID(t *testing.T) {
	t.Parallel()
	v := newVoiceDomain(t)
	batch := v.newRole(v.owner, "Batch", trusts(voiceID), "")
	worker := v.assume(v.service.caller, batch, "batch")
	var child, other string
	v.play("C2", denied, v.user, v.working(v.key1, nil).call)
	v.play("C1", allowed, v.via, v.working(v.key1, &v.g1).call)
	v.play("C3", allowed, v.service.caller, describe("alias/sample-key-alias", forAccount(house)))
	v.play("C3, by the ARN", allowed, v.service.caller, describe(v.key1))
	v.play("C4", allowed, v.service.caller, objectKey(v.key1, ofDomain, &v.blob1))
	v.play("C5", allowed, v.service.caller, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("C6", denied, v.service.caller, decrypt(v.key1, &v.blob1, nil, 32))
	v.play("C6, another domain", denied, v.service.caller, decrypt(v.key1, &v.blob1, ofOtherDomain, 32))
	var private []byte
	v.play("C7", allowed, v.service.caller, keyPair(v.key1, ofDomain, &private))
	v.play("C7, without plaintext", allowed, v.service.caller, closedKeyPair(v.key1, ofDomain))
	v.play("C7, another domain", denied, v.service.caller, keyPair(v.key1, ofOtherDomain, nil))
	v.play("C8", denied, v.service.caller, sign(v.key1))
	signs := v.working(v.key1, nil)
	signs.ops += " Sign"
	v.play("C8, granted", "ValidationException", v.via, signs.call)
	v.play("C9", allowed, v.via, v.working(v.key2, &v.g2).call)
	v.play("C10", allowed, v.service.caller, v.reEncrypt(&v.blob1, ofDomain, &v.blob2))
	v.play("C11", denied, v.service.caller, v.reEncrypt(&v.blob1, nil, nil))
	v.play("C13", allowed, v.service.caller, granting{key: v.key1, to: batch, ops: "Decrypt", under: subset(ofDomain), id: &child}.call)
	v.play("C13, used", allowed, worker, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("C13, revoked", allowed, v.owner, revoke(v.key1, &child))
	v.play("C14", denied, v.service.caller, granting{key: v.key1, to: batch, ops: "Decrypt"}.call)
	v.play("C15", allowed, v.service.caller, retire(v.key1, &v.g1))
	v.play("C12", denied, v.service.caller, v.reEncrypt(&v.blob1, ofDomain, nil))
	v.play("C16", denied, v.service.caller, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("C16, the second key", allowed, v.service.caller, decrypt(v.key2, &v.blob2, ofDomain, 32))

	demanding := v.newKey(statement(v.role, voiceActions, `{"kms:EncryptionContext:aws:voiceid:domain:arn":"`+domain+`"}`))
	v.play("C17", allowed, v.via, v.working(demanding, &other).call)
	without := v.working(demanding, nil)
	without.under = nil
	v.play("C18, without", denied, v.via, without.call)
	without.under = subset(ofOtherDomain)
	v.play("C18, another", denied, v.via, without.call)
	v.play("none left", allowed, v.owner, lists(v.key1))

	trail := v.checkTrail(t, 28)
	holds(t, "C7", v.record(t, trail, "C7"), object{"requestParameters": exactly{"keyId": v.key1, "keyPairSpec": "ECC_NIST_P256",
		"encryptionContext": exactly{"aws:voiceid:domain:arn": domain}}, "responseElements": nil, "sharedEventID": uuid})
	holds(t, "C10", v.record(t, trail, "C10"), object{"resources": []any{object{"ARN": v.key1}, object{"ARN": v.key2}}})
	holds(t, "C11", v.record(t, trail, "C11"), object{"errorMessage": "User: " + voiceID + " is not authorized to perform: kms:ReEncryptTo on resource: " + v.key2 + " because no resource-based policy allows the kms:ReEncryptTo action"})
	holds(t, "C12", v.record(t, trail, "C12"), object{"errorMessage": "User: " + voiceID + " is not authorized to perform: kms:ReEncryptFrom on resource: " + v.key1 + " because no resource-based policy allows the kms:ReEncryptFrom action"})
}
