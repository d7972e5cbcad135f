package e2e

import (
	"strings"
	"testing"
)

var ofCustomer = pairs{"customerID": "5678"}

// TestScenarioAccount is a grant to another account, for one customer's data.
func TestScenarioAccount(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Equals", "Subset"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			key := s.newKey()
			there := s.rootOf(partner)
			admin := s.newUser(there, "admin", identityPolicy("sts:AssumeRole"))
			role := s.newRole(there, "worker", trusts("arn:aws:iam::"+partner+":root"), identityPolicy("kms:*"))
			bare := s.newRole(there, "bare", trusts("arn:aws:iam::"+partner+":root"), "")
			worker, idle := s.assume(admin, role, "w1"), s.assume(admin, bare, "w2")
			third := s.newUser(s.rootOf("999999999999"), "third", identityPolicy("kms:*"))

			var id, duplicate string
			var blob []byte
			grant := granting{key: key, to: partner, ops: "GenerateDataKey Decrypt", under: equals(ofCustomer), id: &id}
			surplus := denied
			if kind == "Subset" {
				grant.under, surplus = subset(ofCustomer), "InvalidCiphertextException"
			}
			s.play("D1", allowed, s.owner, grant.call)
			s.play("D2", allowed, worker, dataKey(key, ofCustomer, &blob))
			s.play("D3", allowed, worker, decrypt(key, &blob, ofCustomer, 32))
			s.play("D4", denied, worker, decrypt(key, &blob, nil, 32))
			s.play("D5", denied, worker, decrypt(key, &blob, pairs{"customerID": "1234"}, 32))
			s.play("D6", surplus, worker, decrypt(key, &blob, both(ofCustomer, pairs{"extra": "1"}), 32))
			s.play("D7", "InvalidCiphertextException", worker, decrypt(key, &blob, pairs{"CustomerID": "5678"}, 32))
			s.play("D8", denied, worker, encrypt(key, ofCustomer))
			s.play("D9", denied, third, dataKey(key, ofCustomer, nil))
			s.play("D10", denied, idle, dataKey(key, ofCustomer, nil))
			s.play("D11", "NotFoundException", worker, dataKey(key[strings.LastIndexByte(key, '/')+1:], ofCustomer, nil))

			// A duplicate leaves access when the first is gone.
			grant.id = &duplicate
			s.play("duplicate", allowed, s.owner, grant.call)
			s.play("the first revoked", allowed, s.owner, revoke(key, &id))
			s.play("still allowed", allowed, worker, decrypt(key, &blob, ofCustomer, 32))
			s.play("the duplicate revoked", allowed, s.owner, revoke(key, &duplicate))
			s.play("denied", denied, worker, decrypt(key, &blob, ofCustomer, 32))

			trail := s.checkTrail(t, 16)
			s.accountRecords(t, trail, kind, key, worker)
		})
	}
}

// accountRecords compares the records of the scenario, member by member.
func (s *stage) accountRecords(t *testing.T, trail map[string][]object, kind, key string, worker *caller) {
	t.Helper()
	holds(t, "F17", s.record(t, trail, "D1"), object{
		"eventName": "CreateGrant", "readOnly": false,
		"requestParameters": exactly{
			"keyId": key, "granteePrincipal": partner, "operations": members{"GenerateDataKey", "Decrypt"},
			"constraints": exactly{"encryptionContext" + kind: exactly{"customerID": "5678"}},
		},
		"responseElements": exactly{"grantId": grantID, "keyId": key},
	})
	var generated []object
	for _, p := range s.played {
		if p.row == "D2" {
			generated = trail[p.id]
		}
	}
	if len(generated) != 2 {
		t.Fatalf("F18: %d records, want 2", len(generated))
	}
	own, owners := generated[0], generated[1]
	if own["recipientAccountId"] == house {
		own, owners = owners, own
	}
	common := object{
		"eventName": "GenerateDataKey", "readOnly": true, "errorCode": absent, "responseElements": nil,
		"sharedEventID": own["sharedEventID"], "eventID": uuid,
		"requestParameters": object{"keyId": key, "keySpec": "AES_256", "encryptionContext": exactly{"customerID": "5678"}},
		"resources":         []any{exactly{"accountId": house, "type": "AWS::KMS::Key", "ARN": key}},
	}
	holds(t, "F18, the caller's", own, common)
	holds(t, "F18, the owner's", owners, common)
	holds(t, "F18, the caller's", own, object{"recipientAccountId": partner, "sharedEventID": uuid,
		"userIdentity": object{"type": "AssumedRole", "arn": worker.arn, "accountId": partner}})
	holds(t, "F18, the owner's", owners, object{"recipientAccountId": house,
		"userIdentity": exactly{"type": "AWSAccount", "principalId": anything, "accountId": partner}})
	if own["eventID"] == owners["eventID"] {
		t.Error("F18: both copies have the same eventID")
	}
	holds(t, "F19", s.record(t, trail, "D4"), object{
		"eventName": "Decrypt", "errorCode": "AccessDenied", "recipientAccountId": partner, "sharedEventID": absent, "responseElements": nil,
	})
}
