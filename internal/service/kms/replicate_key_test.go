package kms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func inRegion(arn, there string) string { return strings.Replace(arn, region, there, 1) }

// related demands that the keys of some Regions agree on where they all are.
func (w *world) related(id, primary string, replicas ...string) {
	w.t.Helper()
	owner := w.root(home)
	for _, at := range append([]string{primary}, replicas...) {
		m := owner.in(at).described(id)
		want := kms.MultiRegionConfiguration{
			MultiRegionKeyType: "REPLICA",
			PrimaryKey:         kms.MultiRegionKey{ARN: inRegion(keyARN(home, id), primary), Region: primary},
			ReplicaKeys:        []kms.MultiRegionKey{},
		}
		if at == primary {
			want.MultiRegionKeyType = "PRIMARY"
		}
		for _, r := range replicas {
			want.ReplicaKeys = append(want.ReplicaKeys, kms.MultiRegionKey{ARN: inRegion(keyARN(home, id), r), Region: r})
		}
		if got := m.MultiRegionConfiguration; !m.MultiRegion || got == nil || fmt.Sprint(*got) != fmt.Sprint(want) {
			w.t.Errorf("the key in %s says %+v, want %+v", at, got, want)
		}
	}
}

func TestReplicateKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{
		MultiRegion: optional.Some(true), Description: str("first"), Tags: []kms.Tag{tag("team", "blue")},
	}).KeyMetadata
	there := owner.in(otherRegion)
	there.refused(describe(kms.KeyMetadata{ARN: primary.KeyID}), kms.NotFound, "Key '"+inRegion(primary.ARN, otherRegion)+"' does not exist")
	blob := owner.encrypt(primary.KeyID, "hello")

	w.now = w.now.Add(time.Hour)
	out := must[kms.ReplicateKeyOutput](owner, &kms.ReplicateKeyInput{KeyID: str(primary.ARN), ReplicaRegion: str(otherRegion)})
	m := out.ReplicaKeyMetadata
	want := primary
	want.ARN, want.CreationDate, want.Description = inRegion(primary.ARN, otherRegion), w.now.Truncate(time.Millisecond), ""
	want.KeyState, want.Enabled, want.CurrentKeyMaterialID = "Creating", false, optional.Of[string]{}
	want.MultiRegionConfiguration = m.MultiRegionConfiguration // compared below
	if fmt.Sprint(m) != fmt.Sprint(want) {
		t.Errorf("answered %+v\nwant     %+v", m, want)
	}
	if out.ReplicaTags != nil || !strings.Contains(out.ReplicaPolicy, `"Enable IAM User Permissions"`) {
		t.Errorf("answered with the tags %v and the policy %s", out.ReplicaTags, out.ReplicaPolicy)
	}
	described := there.described(primary.KeyID)
	want.KeyState, want.Enabled, want.CurrentKeyMaterialID = "Enabled", true, primary.CurrentKeyMaterialID
	want.MultiRegionConfiguration = described.MultiRegionConfiguration
	if fmt.Sprint(described) != fmt.Sprint(want) {
		t.Errorf("described as %+v\nwant         %+v", described, want)
	}
	w.related(primary.KeyID, region, otherRegion)
	if policy := must[kms.GetKeyPolicyOutput](there, &kms.GetKeyPolicyInput{KeyID: str(primary.KeyID)}).Policy; policy != out.ReplicaPolicy {
		t.Errorf("the replica has the policy %s", policy)
	}
	if list := must[kms.ListResourceTagsOutput](there, &kms.ListResourceTagsInput{KeyID: str(primary.KeyID)}).Tags; len(list) != 0 {
		t.Errorf("the replica has the tags %v", list)
	}

	// Each opens what the other sealed, named or not, also when read anew.
	if got := there.decrypt(blob); got != "hello" {
		t.Errorf("the replica decrypted %q", got)
	}
	back := there.encrypt(primary.KeyID, "back")
	for _, in := range []*kms.DecryptInput{
		{CiphertextBlob: back}, {CiphertextBlob: back, KeyID: str(primary.KeyID)}, {CiphertextBlob: back, KeyID: str(primary.ARN)},
	} {
		if got := must[kms.DecryptOutput](owner, in); shown(got.Plaintext) != "back" || got.KeyID != primary.ARN {
			t.Errorf("the primary key decrypted %q with %s", shown(got.Plaintext), got.KeyID)
		}
	}
	moved := must[kms.ReEncryptOutput](there, &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(there.createKey().KeyID)})
	if moved.SourceKeyID != described.ARN {
		t.Errorf("re-encrypted from %s", moved.SourceKeyID)
	}
	hidden := "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
	owner.in(thirdRegion).refused(&kms.DecryptInput{CiphertextBlob: blob}, fault.AccessDenied, hidden)
	owner.refused(describe(described), kms.NotFound, "Invalid arn "+otherRegion)
}

// TestReplicasOfEveryKind: what one signs, seals or authenticates, the other knows.
func TestReplicasOfEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	there := owner.in(otherRegion)
	make := func(spec, usage string) (primary, replica kms.KeyMetadata) {
		primary = must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{
			KeySpec: str(spec), KeyUsage: str(usage), MultiRegion: optional.Some(true),
		}).KeyMetadata
		replica = owner.replicate(primary, otherRegion)
		want := primary
		want.ARN, want.MultiRegionConfiguration = replica.ARN, replica.MultiRegionConfiguration
		if fmt.Sprint(replica) != fmt.Sprint(want) {
			t.Errorf("the replica is\n%+v\nwant\n%+v", replica, want)
		}
		return primary, replica
	}

	signer, _ := make("ECC_NIST_P256", "SIGN_VERIFY")
	message := secret("message")
	signed := must[kms.SignOutput](owner, &kms.SignInput{KeyID: str(signer.KeyID), Message: message, SigningAlgorithm: str("ECDSA_SHA_256")})
	must[kms.VerifyOutput](there, &kms.VerifyInput{
		KeyID: str(signer.KeyID), Message: message, SigningAlgorithm: str("ECDSA_SHA_256"), Signature: signed.Signature,
	})
	here := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(signer.KeyID)}).PublicKey
	if got := must[kms.GetPublicKeyOutput](there, &kms.GetPublicKeyInput{KeyID: str(signer.KeyID)}).PublicKey; len(got) == 0 || string(got) != string(here) {
		t.Errorf("the public keys are %x and %x", here, got)
	}
	mac, _ := make("HMAC_256", "GENERATE_VERIFY_MAC")
	made := must[kms.GenerateMacOutput](there, &kms.GenerateMacInput{KeyID: str(mac.KeyID), Message: message, MacAlgorithm: str("HMAC_SHA_256")})
	must[kms.VerifyMacOutput](owner, &kms.VerifyMacInput{KeyID: str(mac.KeyID), Message: message, MacAlgorithm: str("HMAC_SHA_256"), Mac: made.Mac})

	// The first of the related keys may be gone.
	owner.done(promote(signer.KeyID, otherRegion))
	w.deleteDue(owner.schedule(signer, 7).DeletionDate.V)
	must[kms.VerifyOutput](there, &kms.VerifyInput{
		KeyID: str(signer.KeyID), Message: message, SigningAlgorithm: str("ECDSA_SHA_256"), Signature: signed.Signature,
	})
}

// Records of both Regions name what was done there.
func TestReplicateKeyRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary := owner.createPrimary()
	in := &kms.ReplicateKeyInput{
		KeyID: str(primary.KeyID), ReplicaRegion: str(otherRegion), Description: str("second"), Policy: str(keyPolicy()),
		BypassPolicyLockoutSafetyCheck: optional.Some(true), Tags: []kms.Tag{tag("team", "red")},
	}
	out := must[kms.ReplicateKeyOutput](owner, in)
	if out.ReplicaPolicy != keyPolicy() || fmt.Sprint(out.ReplicaTags) != fmt.Sprint(in.Tags) || out.ReplicaKeyMetadata.Description != "second" {
		t.Errorf("answered %+v", out)
	}
	policy := strings.ReplaceAll(keyPolicy(), `"`, `\"`)
	replica := inRegion(primary.ARN, otherRegion)
	metadata := `{"aWSAccountId":"` + home + `","keyId":"` + primary.KeyID + `","arn":"` + replica + `","creationDate":"Mar 1, 2026, 12:00:00 PM",` +
		`"enabled":false,"description":"second","keyUsage":"ENCRYPT_DECRYPT","keyState":"Creating","origin":"AWS_KMS","keyManager":"CUSTOMER",` +
		`"keySpec":"SYMMETRIC_DEFAULT","customerMasterKeySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],` +
		`"multiRegion":true,"multiRegionConfiguration":{"multiRegionKeyType":"REPLICA","primaryKey":{"arn":"` + primary.ARN + `","region":"` + region +
		`"},"replicaKeys":[{"arn":"` + replica + `","region":"` + otherRegion + `"}]}}`
	w.recorded(`{"keyId":"`+primary.KeyID+`","replicaRegion":"`+otherRegion+`","policy":"`+policy+`","bypassPolicyLockoutSafetyCheck":true,`+
		`"description":"second","tags":[{"tagKey":"team","tagValue":"red"}]}`,
		`{"replicaKeyMetadata":`+metadata+`,"replicaPolicy":"`+policy+`","replicaTags":[{"tagKey":"team","tagValue":"red"}]}`, `{}`, ofKey(primary))
	w.echoed(operation.Echo{
		Name: "CreateKey", Region: otherRegion, Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: replica, Account: home}},
	}, `{"policy":"`+policy+`","description":"second","keyUsage":"ENCRYPT_DECRYPT","customerMasterKeySpec":"SYMMETRIC_DEFAULT",`+
		`"keySpec":"SYMMETRIC_DEFAULT","origin":"AWS_KMS","bypassPolicyLockoutSafetyCheck":true,"tags":[{"tagKey":"team","tagValue":"red"}],"multiRegion":true}`,
		`{"keyMetadata":`+metadata+`}`)
}

// TestThirdReplica: all related keys know of one that comes later.
func TestThirdReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary := owner.createPrimary()
	owner.replicate(primary, otherRegion)
	owner.in(otherRegion).encrypt(primary.KeyID, "x") // in memory from here on
	owner.replicate(primary, thirdRegion)
	w.related(primary.KeyID, region, thirdRegion, otherRegion)
	blob := owner.in(thirdRegion).encrypt(primary.KeyID, "far")
	if got := owner.in(otherRegion).decrypt(blob); got != "far" {
		t.Errorf("decrypted %q", got)
	}
}

func TestReplicateKeyRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	single, primary := owner.createKey(), owner.createPrimary()
	owner.replicate(primary, otherRegion)
	of := func(key, region string) *kms.ReplicateKeyInput {
		return &kms.ReplicateKeyInput{KeyID: str(key), ReplicaRegion: str(region)}
	}
	const one = "1 validation error detected: Value "
	const pattern = "' at 'replicaRegion' failed to satisfy constraint: Member must satisfy regular expression pattern: ^([a-z]+-){2,3}\\d+$"
	for _, c := range []struct {
		caller  *actor
		in      *kms.ReplicateKeyInput
		code    fault.Code
		message string
	}{
		{owner, of(single.ARN, otherRegion), fault.UnsupportedOperation, single.ARN + " is not a multi-region primary key."},
		{owner.in(otherRegion), of(primary.KeyID, thirdRegion), fault.UnsupportedOperation, inRegion(primary.ARN, otherRegion) + " is not a multi-region primary key."},
		{owner, of(primary.KeyID, otherRegion), kms.AlreadyExists, "The key " + inRegion(primary.ARN, otherRegion) + " already exists."},
		{owner, of(primary.KeyID, region), kms.AlreadyExists, "The key " + primary.ARN + " already exists."},
		{owner, of(primary.KeyID, "eu-nowhere-1"), fault.UnsupportedOperation, "The Region eu-nowhere-1 is not supported."},
		{owner, of(primary.KeyID, "cn-north-1"), fault.UnsupportedOperation, "The Region cn-north-1 is not supported."},
		{owner, of(nowhere, thirdRegion), kms.NotFound, "Key '" + keyARN(home, nowhere) + "' does not exist"},
		{owner, of(primary.KeyID, "Europe"), fault.Validation, one + "'Europe" + pattern},
		{owner, &kms.ReplicateKeyInput{KeyID: str(primary.KeyID)}, fault.Validation,
			one + "null at 'replicaRegion' failed to satisfy constraint: Member must not be null"},
		{owner, of(primary.KeyID, "a-"+strings.Repeat("b", 29)+"-1"), fault.Validation,
			one + "'a-" + strings.Repeat("b", 29) + "-1' at 'replicaRegion' failed to satisfy constraint: Member must have length less than or equal to 32"},
		{owner, of(primary.KeyID, "a-"+strings.Repeat("b", 28)+"-1"), fault.UnsupportedOperation,
			"The Region a-" + strings.Repeat("b", 28) + "-1 is not supported."},
	} {
		c.caller.refused(c.in, c.code, c.message)
	}
	in := of(primary.KeyID, thirdRegion)
	in.Tags = []kms.Tag{tag("a", "1"), tag("a", "2")}
	owner.refused(in, kms.TagFault, "Duplicate tag keys")
	in.Tags = tags(51)
	owner.refused(in, kms.TagFault, "Too many tags")
	in.Tags, in.Policy = tags(50), str("{")
	if _, err := owner.do(in); !fault.Is(err, fault.MalformedPolicy) {
		t.Errorf("a policy that is none: %v", err)
	}
	in.Policy = str(strings.Replace(keyPolicy(), arn.Root("aws", home), arn.Root("aws", abroad), 1))
	owner.refused(in, fault.MalformedPolicy, "The new key policy will not allow you to update the key policy in the future.")
	in.BypassPolicyLockoutSafetyCheck = optional.Some(true)
	must[kms.ReplicateKeyOutput](owner, in)
	if n := len(owner.described(primary.KeyID).MultiRegionConfiguration.ReplicaKeys); n != 2 {
		t.Errorf("%d replicas", n)
	}
}

// TestReplicaQuota: a replica counts in its own Region.
func TestReplicaQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary, further := owner.createPrimary(), owner.createPrimary()
	owner.replicate(primary, otherRegion)
	for at, want := range map[string]int{region: 2, otherRegion: 1} {
		if n, err := kms.KeyCount(t.Context(), w.store, home, at); n != want || err != nil {
			t.Errorf("the account is counted to have %d keys in %s, %v", n, at, err)
		}
	}
	in := &kms.ReplicateKeyInput{KeyID: str(further.KeyID), ReplicaRegion: str(otherRegion)}
	ok(t, kms.SetCount(t.Context(), w.store, home, otherRegion, kms.KeysPerAccount))
	owner.refused(in, fault.LimitExceeded, "The account already has 100000 keys in this Region.")
	ok(t, kms.SetCount(t.Context(), w.store, home, otherRegion, kms.KeysPerAccount-1))
	must[kms.ReplicateKeyOutput](owner, in)
}

// TestReplicateKeyNeeds: leave to replicate in the one Region, and to create keys in the other.
func TestReplicateKeyNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	statement := func(action, condition string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"*","Condition":{` + condition + `}}}`
	}
	at := func(region string) string { return `"StringEquals":{"aws:RequestedRegion":"` + region + `"}` }
	const full = "kms:*"
	for name, test := range map[string]struct {
		policies []string
		tags     bool
		denied   string // action that is refused
	}{
		"nothing":                    {nil, false, "kms:ReplicateKey"},
		"only replicate":             {[]string{allow("kms:ReplicateKey")}, false, "kms:CreateKey"},
		"only create":                {[]string{allow("kms:CreateKey")}, false, "kms:ReplicateKey"},
		"each where it belongs":      {[]string{statement("kms:ReplicateKey", at(region)), statement("kms:*", at(otherRegion))}, true, ""},
		"everything here":            {[]string{statement(full, at(region))}, false, "kms:CreateKey"},
		"everything there":           {[]string{statement(full, at(otherRegion))}, false, "kms:ReplicateKey"},
		"without tags":               {[]string{allow("kms:ReplicateKey"), allow("kms:CreateKey"), allow("kms:PutKeyPolicy")}, true, "kms:TagResource"},
		"tags here":                  {[]string{allow("kms:ReplicateKey"), allow("kms:CreateKey"), statement("kms:TagResource", at(region))}, true, "kms:TagResource"},
		"into this Region":           {[]string{statement("kms:ReplicateKey", `"StringEquals":{"kms:ReplicaRegion":"`+otherRegion+`"}`), allow("kms:CreateKey"), allow("kms:PutKeyPolicy")}, false, ""},
		"into another Region":        {[]string{statement("kms:ReplicateKey", `"StringEquals":{"kms:ReplicaRegion":"`+thirdRegion+`"}`), allow("kms:CreateKey")}, false, "kms:ReplicateKey"},
		"primary keys":               {[]string{statement("kms:ReplicateKey", `"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}`), allow("kms:CreateKey"), allow("kms:PutKeyPolicy")}, false, ""},
		"creating primary keys":      {[]string{allow("kms:ReplicateKey"), statement("kms:CreateKey", `"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}`)}, false, "kms:CreateKey"},
		"creating replicas":          {[]string{allow("kms:ReplicateKey"), statement("kms:CreateKey", `"StringEquals":{"kms:MultiRegionKeyType":"REPLICA"},"Bool":{"kms:MultiRegion":"true"}`), allow("kms:PutKeyPolicy")}, false, ""},
		"creating with a spec":       {[]string{allow("kms:ReplicateKey"), statement("kms:CreateKey", `"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT","kms:KeyOrigin":"AWS_KMS"}`), allow("kms:PutKeyPolicy")}, false, ""},
		"with a tag":                 {[]string{statement(full, `"StringEquals":{"aws:RequestTag/team":"blue"}`), allow("kms:PutKeyPolicy")}, true, ""},
		"with a tag that is missing": {[]string{statement(full, `"StringEquals":{"aws:RequestTag/team":"blue"}`)}, false, "kms:ReplicateKey"},
		"keeping the policy here":    {[]string{allow("kms:ReplicateKey"), allow("kms:CreateKey"), statement("kms:PutKeyPolicy", at(region))}, false, "lockout"},
		"keeping the policy there":   {[]string{allow("kms:ReplicateKey"), allow("kms:CreateKey"), statement("kms:PutKeyPolicy", at(otherRegion))}, false, ""},
	} {
		primary := owner.createPrimary()
		ann := w.user(home, "ann", test.policies...)
		in := &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(otherRegion)}
		if test.tags {
			in.Tags = []kms.Tag{tag("team", "blue")}
		}
		_, err := ann.do(in)
		switch f := fault.From(err); {
		case test.denied == "lockout":
			if f.Code != fault.MalformedPolicy {
				t.Errorf("%s: %v", name, err)
			}
		case test.denied == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.denied != "" && (f.Code != fault.AccessDenied || !strings.Contains(f.Message, " perform: "+test.denied+" on")):
			t.Errorf("%s: %v, want %s to be refused", name, err, test.denied)
		}
	}
	guest := w.user(abroad, "guest", everything)
	shared := owner.createPrimary(delegated(abroad))
	guest.encrypt(shared.ARN, "x")
	guest.denied(&kms.ReplicateKeyInput{KeyID: str(shared.ARN), ReplicaRegion: str(otherRegion)}, "kms:ReplicateKey", shared.ARN, noResource("kms:ReplicateKey"))
}

// TestReplicasAreIndependent: what is not shared changes in one Region only.
func TestReplicasAreIndependent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann, bea := w.root(home), w.user(home, "ann"), w.user(home, "bea")
	primary := owner.createPrimary()
	there := owner.in(otherRegion)
	replica := owner.replicate(primary, otherRegion)
	blob := owner.encrypt(primary.KeyID, "x")

	// A grant is on one key.
	must[kms.CreateGrantOutput](there, grantOf(replica, ann.name(), nil, "Decrypt"))
	decrypt := &kms.DecryptInput{CiphertextBlob: blob}
	ann.in(otherRegion).may("decrypt there", decrypt)
	ann.mayNot("decrypt here", decrypt)

	// So is a policy.
	there.done(&kms.PutKeyPolicyInput{KeyID: str(replica.KeyID), Policy: str(keyPolicy(
		`{"Effect":"Allow","Principal":{"AWS":"` + bea.name() + `"},"Action":"kms:Decrypt","Resource":"*"}`))})
	bea.in(otherRegion).may("decrypt there", decrypt)
	bea.mayNot("decrypt here", decrypt)

	// The same alias can name both, or one.
	owner.createAlias("alias/a", primary.KeyID)
	there.refused(&kms.DescribeKeyInput{KeyID: str("alias/a")}, kms.NotFound, "Alias "+inRegion(aliasARN("alias/a"), otherRegion)+" is not found.")
	there.createAlias("alias/a", replica.KeyID)

	there.done(&kms.TagResourceInput{KeyID: str(replica.KeyID), Tags: []kms.Tag{tag("team", "red")}})
	there.done(&kms.UpdateKeyDescriptionInput{KeyID: str(replica.KeyID), Description: str("there")})
	there.done(&kms.DisableKeyInput{KeyID: str(replica.KeyID)})
	if m := owner.described("alias/a"); m.KeyState != "Enabled" || m.Description != "" || m.ARN != primary.ARN {
		t.Errorf("the primary key is %+v", m)
	}
	if m := there.described("alias/a"); m.KeyState != "Disabled" || m.Description != "there" || m.ARN != replica.ARN {
		t.Errorf("the replica is %+v", m)
	}
	if list := must[kms.ListResourceTagsOutput](owner, &kms.ListResourceTagsInput{KeyID: str(primary.KeyID)}).Tags; len(list) != 0 {
		t.Errorf("the primary key has the tags %v", list)
	}
	there.refused(decrypt, kms.Disabled, replica.ARN+" is disabled.")
	owner.decrypt(blob)
	owner.done(&kms.DisableKeyInput{KeyID: str(primary.KeyID)})
	there.done(&kms.EnableKeyInput{KeyID: str(replica.KeyID)})
	there.decrypt(blob)
	w.related(primary.KeyID, region, otherRegion)
	for _, a := range []*actor{owner, there} {
		list := must[kms.ListKeysOutput](a, &kms.ListKeysInput{}).Keys
		if len(list) != 1 || !slices.Contains([]string{primary.ARN, replica.ARN}, list[0].KeyARN) {
			t.Errorf("listed are %v", list)
		}
	}
}
