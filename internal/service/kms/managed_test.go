package kms_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// made returns the keys whose making by the service was recorded.
func (w *world) made() (arns []string) {
	for _, e := range w.happened.events {
		if e.Name == "CreateKey" {
			arns = append(arns, e.Resources[0].ARN)
		}
	}
	return arns
}

// TestManagedKeyOnFirstUse: the key of a predefined alias comes with the first
// call that may have it, and is the same one from then on.
func TestManagedKeyOnFirstUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, nobody, stranger := w.root(home), w.user(home, "nobody"), w.root(abroad)
	describe := &kms.DescribeKeyInput{KeyID: str("alias/aws/ebs")}

	// Whoever may not describe it makes nothing, and is told of the key that will be.
	_, err := nobody.do(describe)
	if !fault.Is(err, fault.AccessDenied) || len(w.made()) != 0 {
		t.Errorf("a user without permissions: %v, made %q", err, w.made())
	}
	stranger.denied(&kms.DescribeKeyInput{KeyID: str(aliasARN("alias/aws/ebs"))}, "kms:DescribeKey", aliasARN("alias/aws/ebs"), noResource("kms:DescribeKey"))
	owner.refused(&kms.DescribeKeyInput{KeyID: str("alias/aws/nosuchservice")}, kms.NotFound,
		"Alias "+aliasARN("alias/aws/nosuchservice")+" is not found.")
	if keys := must[kms.ListKeysOutput](owner, &kms.ListKeysInput{}).Keys; len(keys) != 0 || len(w.made()) != 0 {
		t.Fatalf("made without a right to: %v", keys)
	}

	key := must[kms.DescribeKeyOutput](owner, describe).KeyMetadata
	want := kms.KeyMetadata{
		AWSAccountID: home, KeyID: key.KeyID, ARN: keyARN(home, key.KeyID), CreationDate: key.CreationDate, Enabled: true,
		Description: "Default key that protects my EBS volumes when no other key is defined",
		KeyUsage:    "ENCRYPT_DECRYPT", KeyState: "Enabled", Origin: "AWS_KMS", KeyManager: "AWS",
		KeySpec: "SYMMETRIC_DEFAULT", CustomerMasterKeySpec: "SYMMETRIC_DEFAULT", CurrentKeyMaterialID: key.CurrentKeyMaterialID,
	}
	key.EncryptionAlgorithms = nil
	got, _ := json.Marshal(key)
	if wanted, _ := json.Marshal(want); string(got) != string(wanted) || !key.CurrentKeyMaterialID.Set {
		t.Errorf("\n got %s\nwant %s", got, wanted)
	}
	if !strings.Contains(err.Error(), "on resource: "+key.ARN+" ") {
		t.Errorf("refused before: %v, but the key is %s", err, key.ARN)
	}
	event := w.happened.events[0]
	if len(w.happened.events) != 1 || event.Account != home || event.Region != region || !slices.Equal(event.Resources, []operation.Resource{
		{Type: "AWS::KMS::Key", ARN: key.ARN, Account: home}, {Type: "AWS::KMS::Alias", ARN: aliasARN("alias/aws/ebs"), Account: home},
	}) {
		t.Errorf("recorded %+v", w.happened.events)
	}
	for _, id := range []string{"alias/aws/ebs", aliasARN("alias/aws/ebs"), key.KeyID, key.ARN} {
		if again := owner.described(id); again.ARN != key.ARN || len(w.made()) != 1 {
			t.Errorf("%s is now %s, %d were made", id, again.ARN, len(w.made()))
		}
	}
	if other := stranger.described("alias/aws/ebs"); other.KeyID == key.KeyID || other.AWSAccountID != abroad {
		t.Errorf("another account has %+v", other)
	}
	if other := owner.described("alias/aws/s3"); other.KeyID == key.KeyID {
		t.Errorf("another service has %+v", other)
	}
}

// TestManagedKeyIsMadeOnce: of many calls that come first at the same time, one
// makes the key, and all get it.
func TestManagedKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var group sync.WaitGroup
	found := make([]string, 16)
	for i := range found {
		group.Go(func() {
			out, err := w.root(home).aside().do(&kms.DescribeKeyInput{KeyID: str("alias/aws/kinesis")})
			if err != nil {
				t.Error(err)
				return
			}
			found[i] = out.(*kms.DescribeKeyOutput).KeyMetadata.ARN
		})
	}
	group.Wait()
	if slices.Sort(found); found[0] != found[15] || !slices.Equal(w.made(), found[:1]) {
		t.Errorf("found %q, made %q", found, w.made())
	}
}

// TestManagedKeyThroughItsService: the account's principals use the key through
// the service that it is for; through another, or directly, nobody does.
func TestManagedKeyThroughItsService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, guest := w.user(home, "ann", everything), w.user(abroad, "guest", everything)
	for _, name := range kms.ManagedNames {
		service := strings.TrimPrefix(name, "alias/aws/") + ".amazonaws.com"
		if name == "alias/aws/ebs" {
			service = "ec2.amazonaws.com"
		}
		data := &kms.GenerateDataKeyInput{KeyID: str(name), KeySpec: str("AES_256")}
		if _, err := ann.do(data); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s directly: %v", name, err)
		}
		if _, err := ann.via("other.amazonaws.com", false).do(data); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s through another service: %v", name, err)
		}
		through := ann.via(service, false)
		out := must[kms.GenerateDataKeyOutput](through, data)
		opened := must[kms.DecryptOutput](through, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
		if shown(opened.Plaintext) != shown(out.Plaintext) {
			t.Errorf("%s: another plaintext", name)
		}
		if _, err := guest.via(service, false).do(&kms.DecryptInput{CiphertextBlob: out.CiphertextBlob}); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s from another account: %v", name, err)
		}
	}
	if made := w.made(); len(made) != len(kms.ManagedNames) || len(made) < 20 {
		t.Errorf("%d keys were made", len(made))
	}
	// Grants are made through the service too; the account may revoke them.
	key := ann.described("alias/aws/ebs")
	grant := &kms.CreateGrantInput{KeyID: str(key.KeyID), GranteePrincipal: str(ann.name()), Operations: []string{"Decrypt"}}
	ann.denied(grant, "kms:CreateGrant", key.ARN, noResource("kms:CreateGrant"))
	id := must[kms.CreateGrantOutput](ann.via("ec2.amazonaws.com", false), grant).GrantID
	out := must[kms.GenerateDataKeyOutput](ann.via("ec2.amazonaws.com", false), &kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256")})
	must[kms.DecryptOutput](ann, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
	ann.done(&kms.RevokeGrantInput{KeyID: str(key.KeyID), GrantID: str(id)})
	if _, err := ann.do(&kms.DecryptInput{CiphertextBlob: out.CiphertextBlob}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("with a grant that was revoked: %v", err)
	}
}

// TestManagedKeyIsNobodysToChange: of all operations on a key, only those that
// look at it are allowed to the account, its root user included.
func TestManagedKeyIsNobodysToChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.root(home)
	fixture, _ := prepared(w, root)
	managed := root.described("alias/aws/s3").KeyID
	fixture.Key, fixture.Other, fixture.Pending = managed, managed, managed
	var allowed, denied []string
	for name, sample := range kmstest.Samples() {
		if members[name].member == "" || w.operations[name].Cryptographic {
			continue // is about no key, or uses one
		}
		switch _, err := root.do(sample(fixture)); {
		case err == nil:
			if about := w.last.Record.Resources; len(about) == 1 && about[0].ARN == keyARN(home, managed) { // and not about a multi-Region key
				allowed = append(allowed, name)
			}
		case fault.Is(err, fault.AccessDenied):
			denied = append(denied, name)
		}
	}
	slices.Sort(allowed)
	if want := []string{
		"DescribeKey", "GetKeyLastUsage", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListResourceTags",
	}; !slices.Equal(allowed, want) {
		t.Errorf("allowed are %q, want %q", allowed, want)
	}
	for _, name := range []string{
		"CancelKeyDeletion", "CreateAlias", "CreateGrant", "DisableKey", "DisableKeyRotation", "EnableKey", "EnableKeyRotation", "PutKeyPolicy",
		"RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription",
	} {
		if !slices.Contains(denied, name) {
			t.Errorf("%s is not denied", name)
		}
	}
	if status := must[kms.GetKeyRotationStatusOutput](root, &kms.GetKeyRotationStatusInput{KeyID: str(managed)}); !status.KeyRotationEnabled {
		t.Error("the key is not rotated")
	}
	var policy struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(root.policyOf(managed)), &policy); err != nil || len(policy.Statement) != 2 ||
		policy.Statement[0].Sid != "Allow access through S3 for all principals in the account that are authorized to use S3" {
		t.Errorf("policy %+v, %v", policy, err)
	}
}

// TestManagedKeyIsRotated: every year, without being asked.
func TestManagedKeyIsRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(home, "ann", everything)
	key, via := ann.described("alias/aws/s3"), ann.via("s3.amazonaws.com", false)
	due := key.CreationDate.AddDate(0, 0, 365)
	ann.rotates(key, every(365, due))
	blob := via.encrypt("alias/aws/s3", "x")
	if early, n := w.rotateDue(due.Add(-time.Millisecond)), w.rotateDue(due); early != 0 || n != 1 {
		t.Errorf("%d keys were rotated before their time, %d on it", early, n)
	}
	if via.decrypt(blob) != "x" || ann.current(key) == key.CurrentKeyMaterialID.V {
		t.Error("the key has no new material, or lost the old")
	}
	ann.rotates(key, every(365, due.AddDate(0, 0, 365)))
}

// TestTwoManagedKeysAtOnce: a call may name two aliases that have no key yet.
func TestTwoManagedKeysAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(home, "ann", everything)
	for _, name := range []string{"alias/aws/s3", "alias/aws/glue"} {
		if _, err := ann.do(&kms.EncryptInput{KeyID: str(name), Plaintext: secret("x")}); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	via := ann.via("s3.amazonaws.com", false)
	_, err := via.do(&kms.ReEncryptInput{
		SourceKeyID: str("alias/aws/s3"), DestinationKeyID: str("alias/aws/s3"),
		DryRun: optional.Some(true), DryRunModifiers: []string{"IGNORE_CIPHERTEXT"},
	})
	if !fault.Is(err, fault.DryRunOperation) || len(w.made()) != 1 {
		t.Errorf("re-encrypting from and to one: %v, made %q", err, w.made())
	}
	// The source may be used, the destination may not: nothing is made of it.
	if _, err := via.do(&kms.ReEncryptInput{
		SourceKeyID: str("alias/aws/s3"), DestinationKeyID: str("alias/aws/glue"),
		DryRun: optional.Some(true), DryRunModifiers: []string{"IGNORE_CIPHERTEXT"},
	}); !fault.Is(err, fault.AccessDenied) || len(w.made()) != 1 {
		t.Errorf("re-encrypting to one of another service: %v, made %q", err, w.made())
	}
}
