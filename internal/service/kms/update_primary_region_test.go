package kms_test

import (
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

func promote(key, region string) *kms.UpdatePrimaryRegionInput {
	return &kms.UpdatePrimaryRegionInput{KeyID: str(key), PrimaryRegion: str(region)}
}

func TestUpdatePrimaryRegion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary := owner.createPrimary()
	owner.replicate(primary, otherRegion)
	blob := owner.encrypt(primary.KeyID, "x")
	owner.done(promote(primary.KeyID, otherRegion))
	w.recorded(`{"keyId":"`+primary.KeyID+`","primaryRegion":"`+otherRegion+`"}`, `{"keyId":"`+primary.ARN+`"}`, `{}`, ofKey(primary))
	w.echoed(operation.Echo{Name: "UpdatePrimaryRegion", Region: otherRegion},
		`{"keyId":"`+inRegion(primary.ARN, otherRegion)+`","primaryRegion":"`+otherRegion+`"}`, `null`)
	w.related(primary.KeyID, otherRegion, region)

	// The new primary key replicates, with the material of the first; the old one does not.
	there := owner.in(otherRegion)
	owner.refused(&kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(thirdRegion)},
		fault.UnsupportedOperation, primary.ARN+" is not a multi-region primary key.")
	there.replicate(primary, thirdRegion)
	w.related(primary.KeyID, otherRegion, thirdRegion, region)
	if got := owner.in(thirdRegion).decrypt(blob); got != "x" {
		t.Errorf("decrypted %q", got)
	}
	// And it goes round.
	there.done(promote(inRegion(primary.ARN, otherRegion), thirdRegion))
	w.related(primary.KeyID, thirdRegion, region, otherRegion)
	owner.in(thirdRegion).done(promote(primary.KeyID, region))
	w.related(primary.KeyID, region, thirdRegion, otherRegion)
	for _, at := range []string{region, otherRegion, thirdRegion} {
		if m := owner.in(at).described(primary.KeyID); m.KeyState != "Enabled" {
			t.Errorf("the key in %s is %s", at, m.KeyState)
		}
	}
}

func TestUpdatePrimaryRegionRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	single, primary := owner.createKey(), owner.createPrimary()
	replica := owner.replicate(primary, otherRegion)
	missing := "Key '" + inRegion(primary.ARN, thirdRegion) + "' does not exist"
	owner.refused(promote(single.KeyID, otherRegion), fault.UnsupportedOperation, single.ARN+" is not a multi-region primary key.")
	owner.in(otherRegion).refused(promote(primary.KeyID, region), fault.UnsupportedOperation, replica.ARN+" is not a multi-region primary key.")
	owner.in(otherRegion).refused(promote(primary.KeyID, otherRegion), fault.UnsupportedOperation, replica.ARN+" is not a multi-region primary key.")
	owner.refused(promote(primary.KeyID, region), fault.UnsupportedOperation, primary.ARN+" is the multi-region primary key already.")
	owner.refused(promote(primary.KeyID, thirdRegion), kms.NotFound, missing)
	owner.refused(promote(primary.KeyID, "eu-nowhere-1"), kms.NotFound, "Key '"+inRegion(primary.ARN, "eu-nowhere-1")+"' does not exist")
	owner.refused(promote(primary.KeyID, "x"), fault.Validation, "1 validation error detected: Value 'x' at 'primaryRegion' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: ^([a-z]+-){2,3}\\d+$")
	owner.refused(&kms.UpdatePrimaryRegionInput{KeyID: str(primary.KeyID)}, fault.Validation,
		"1 validation error detected: Value null at 'primaryRegion' failed to satisfy constraint: Member must not be null")

	// The replica must be enabled as well as the primary key.
	cases := map[string]string{
		"Disabled": "is disabled.", "PendingDeletion": "is pending deletion.", "PendingImport": "is pending import.", "Creating": "is creating.",
	}
	for state, text := range cases {
		w.stateIn(otherRegion, primary.KeyID, state)
		code := kms.InvalidState
		if state == "Disabled" {
			code = kms.Disabled
		}
		owner.refused(promote(primary.KeyID, otherRegion), code, replica.ARN+" "+text)
	}
	w.related(primary.KeyID, region, otherRegion)
}

// TestUpdatePrimaryRegionNeeds: leave on both keys, each in its Region and by its own policy.
func TestUpdatePrimaryRegionNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	const action = "kms:UpdatePrimaryRegion"
	condition := func(c string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"*","Condition":{"StringEquals":{` + c + `}}}}`
	}
	primary := owner.createPrimary()
	replica := owner.replicate(primary, otherRegion)
	in := promote(primary.KeyID, otherRegion)
	for name, test := range map[string]struct{ policy, denied string }{
		"nothing":             {allow("kms:DescribeKey"), primary.ARN},
		"here":                {condition(`"aws:RequestedRegion":"` + region + `"`), replica.ARN},
		"there":               {condition(`"aws:RequestedRegion":"` + otherRegion + `"`), primary.ARN},
		"to another Region":   {condition(`"kms:PrimaryRegion":"` + thirdRegion + `"`), primary.ARN},
		"of primary keys":     {condition(`"kms:MultiRegionKeyType":"PRIMARY"`), replica.ARN},
		"of replicas":         {condition(`"kms:MultiRegionKeyType":"REPLICA"`), primary.ARN},
		"by the primary's id": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"` + primary.ARN + `"}}`, replica.ARN},
	} {
		ann := w.user(home, "ann", test.policy)
		_, err := ann.do(in)
		if f := fault.From(err); f.Code != fault.AccessDenied || f.Message != "User: "+ann.name()+" is not authorized to perform: "+action+
			" on resource: "+test.denied+" "+noIdentity(action) {
			t.Errorf("%s: %v, want the key %s to be refused", name, err, test.denied)
		}
	}
	bea := w.user(home, "bea")
	grants := keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + bea.name() + `"},"Action":"` + action + `","Resource":"*"}`)
	owner.done(&kms.PutKeyPolicyInput{KeyID: str(primary.KeyID), Policy: str(grants)})
	bea.denied(in, action, replica.ARN, noIdentity(action))
	owner.in(otherRegion).done(&kms.PutKeyPolicyInput{KeyID: str(primary.KeyID), Policy: str(grants)})
	bea.done(in)
	w.related(primary.KeyID, otherRegion, region)

	guest := w.user(abroad, "guest", everything)
	shared := owner.createPrimary(delegated(abroad))
	owner.replicate(shared, otherRegion)
	guest.denied(promote(shared.ARN, otherRegion), action, shared.ARN, noResource(action))
}
