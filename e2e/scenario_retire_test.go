package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// TestScenarioRetirement is about who may end a grant.
func TestScenarioRetirement(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	grantee := s.newUser(s.owner, "grantee", "")
	retirer := s.newUser(s.owner, "retirer", "")
	delegate := s.newUser(s.owner, "delegate", identityPolicy("kms:RetireGrant"))
	revoker := s.newUser(s.owner, "revoker", identityPolicy("kms:RevokeGrant"))
	stranger := s.newUser(s.rootOf(partner), "stranger", identityPolicy("kms:*"))
	key := s.newKey()
	var id, token string
	grant := func(ops string) granting {
		return granting{key: key, to: grantee.arn, retirer: retirer.arn, ops: ops, under: subset(ofCustomer), id: &id, token: &token}
	}
	made := func() { s.play("granted", allowed, s.owner, grant("GenerateDataKey").call) }

	made()
	s.play("F3", denied, grantee, retireByToken(&token))
	s.play("F3, by ids", denied, grantee, retire(key, &id))
	s.play("F4", denied, stranger, retire(key, &id))
	s.play("F8", denied, grantee, revoke(key, &id))
	s.play("F13, retired", "DryRunOperationException", retirer, func(ctx context.Context, by *caller) error {
		_, err := by.kms.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &key, GrantId: &id, DryRun: ptr(true)})
		return err
	})
	s.play("F13, revoked", "DryRunOperationException", revoker, func(ctx context.Context, by *caller) error {
		_, err := by.kms.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: &id, DryRun: ptr(true)})
		return err
	})
	dry := grant("GenerateDataKey")
	dry.dry = true
	s.play("F13, created", "DryRunOperationException", s.owner, dry.call)
	s.play("F13, remains", allowed, s.owner, lists(key, &id))
	s.play("F1", allowed, retirer, retire(key, &id))
	s.play("F9, retired", "NotFoundException", retirer, retire(key, &id))
	s.play("F9, revoked", "NotFoundException", s.owner, revoke(key, &id))
	s.play("granted", allowed, s.owner, grant("GenerateDataKey RetireGrant").call)
	s.play("F2", allowed, grantee, retireByToken(&token))
	made()
	s.play("F5", allowed, delegate, retire(key, &id))
	made()
	other := id
	made()
	s.play("F12, scheduled", allowed, s.owner, scheduleDeletion(key))
	s.play("F12, as F1", allowed, retirer, retire(key, &other))
	s.play("F12, as F7", allowed, revoker, revoke(key, &id))
	s.play("F12, none left", allowed, s.owner, lists(key))
	s.play("F12, cancelled", allowed, s.owner, cancelDeletion(key))
	s.play("F12, enabled", allowed, s.owner, enable(key))
	made()
	s.play("F6, forbidden", allowed, s.owner, func(ctx context.Context, by *caller) error {
		document := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:RetireGrant","Resource":"*"}]}`
		_, err := by.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ptr("retirer"), PolicyName: ptr("own"), PolicyDocument: &document})
		return err
	})
	s.play("F6", denied, retirer, retire(key, &id))
	s.play("F10", "ValidationException", s.owner, func(ctx context.Context, by *caller) error {
		_, err := by.kms.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &key})
		return err
	})
	s.play("F11", "InvalidGrantIdException", s.owner, revoke(key, ptr("not a grant id")))
	s.play("F14, conditioned", allowed, s.owner, func(ctx context.Context, by *caller) error {
		document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:RevokeGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}]}`
		_, err := by.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ptr("grantee"), PolicyName: ptr("own"), PolicyDocument: &document})
		return err
	})
	s.play("F14", denied, grantee, revoke(key, &id))
	database := s.register(rds, kmsActions)
	s.play("F7", allowed, revoker, revoke(key, &id))
	made()
	s.play("F14, through a service", allowed, s.through(grantee, database), revoke(key, &id))
	s.play("none left", allowed, s.owner, lists(key))
	trail := s.checkTrail(t, 35)
	holds(t, "F1", s.record(t, trail, "F1"), object{"requestParameters": nil, "additionalEventData": exactly{"grantId": grantID}})
	holds(t, "F2", s.record(t, trail, "F2"), object{"requestParameters": nil, "additionalEventData": exactly{"grantId": grantID}})
	holds(t, "F7", s.record(t, trail, "F7"), object{"requestParameters": exactly{"keyId": key, "grantId": grantID}})
}
