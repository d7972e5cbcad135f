package app

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
)

// given are the changes that are lost and no more, with the reason why nobody has
// more rights without them.
var given = map[string]string{
	"kms:ReplicateKey":         "a replica is another key to use",
	"kms:RotateKeyOnDemand":    "older material decrypts what it encrypted in any case; what newer material encrypted is lost with it",
	"kms:UpdateKeyDescription": "a description limits nobody",
	"kms:UpdatePrimaryRegion":  "related keys have their own policies, and which of them is the primary one lets nobody in",

	"iam:CreateAccessKey":                 "a way in more",
	"iam:CreateAccountAlias":              "a name for the page on which one signs in",
	"iam:CreateInstanceProfile":           "without a role it gives nothing",
	"iam:CreateServiceSpecificCredential": "a way in more",
	"iam:CreateVirtualMFADevice":          "a device that nobody has opens nothing",
	"iam:DeleteAccountAlias":              "a name for the page on which one signs in",
	"iam:DeleteInstanceProfile":           "without a role, which has been taken from it before, it gives nothing",
	"iam:DeleteVirtualMFADevice":          "a device that nobody has, as has been seen to before, opens nothing",
	"iam:GenerateCredentialReport":        "a report",
	"iam:ResyncMFADevice":                 "the device is the one that it was",
	"iam:TagInstanceProfile":              manages,
	"iam:TagMFADevice":                    manages,
	"iam:TagOpenIDConnectProvider":        manages,
	"iam:TagPolicy":                       manages,
	"iam:TagSAMLProvider":                 manages,
	"iam:UntagInstanceProfile":            manages,
	"iam:UntagMFADevice":                  manages,
	"iam:UntagOpenIDConnectProvider":      manages,
	"iam:UntagPolicy":                     manages,
	"iam:UntagSAMLProvider":               manages,
	"iam:UpdateRoleDescription":           "a description limits nobody",

	"organizations:CreateAccount":               "an account that is not here",
	"organizations:CreateOrganizationalUnit":    "an empty unit limits nobody",
	"organizations:DeleteOrganizationalUnit":    "an empty unit limits nobody",
	"organizations:InviteAccountToOrganization": "a way in more",
	"organizations:TagResource":                 manages,
	"organizations:UntagResource":               manages,
	"organizations:UpdateOrganizationalUnit":    "a name limits nobody",
	"organizations:UpdatePolicy":                "a name limits nobody; a document is made again, see TestOrganizationAgain",

	"claviger:CreateAccount":          "an account that is not here",
	"claviger:CreateExternalKey":      "a key more to use",
	"claviger:CreateExternalKeyStore": "a way in more",
	"claviger:CreateServicePrincipal": "a way in more",
	"claviger:RotateExternalKey":      "older material decrypts what it encrypted in any case; what newer material encrypted is lost with it",
}

// manages is why tags of what nobody acts as, or encrypts with, are given.
const manages = "only who may manage it can depend on its tags"

// TestEveryChangeIsDecided: each operation that writes is traced by its record, so
// that what it took away is made again or to do by hand, or it is listed as one that
// takes nothing away.
func TestEveryChangeIsDecided(t *testing.T) {
	t.Parallel()
	shared, changes := newWorld(t), 0
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		if !shared.entrances[name].Operation.Writes {
			continue
		}
		changes++
		w := shared
		_, next := w.records(1)
		if _, err := w.call(w.author(name), name, samples[name](w)); err != nil { // in one world some names are taken
			w = newWorld(t)
			in, author := samples[name](w), w.author(name)
			_, next = w.records(1)
			w.must(author, name, in)
		}
		traced := w.traced(next, name[strings.IndexByte(name, ':')+1:])
		switch reason := given[name]; {
		case traced && reason != "":
			t.Errorf("%s is made again, and listed as one that takes nothing away: %s", name, reason)
		case !traced && reason == "":
			t.Errorf("%s is neither made again nor listed as one that takes nothing away", name)
		}
	}
	for name, e := range shared.server.operators {
		if !e.Operation.Writes {
			continue
		}
		changes++
		// What any of them is about.
		about := map[string]string{"name": "a", "prefix": "b", "keyStore": "c", "externalKeyId": "d", "accessKeyId": "e", "accountId": "f"}
		traced := shared.server.trace(&operation.Lost{Source: operatorSource, Name: name, Members: about}).by != nil
		if reason := given["claviger:"+name]; traced == (reason != "") {
			t.Errorf("claviger:%s is made again: %v, and listed as one that takes nothing away: %q", name, traced, reason)
		}
	}
	for name := range given {
		e := shared.entrances[name]
		if of, ok := strings.CutPrefix(name, "claviger:"); ok {
			e = shared.server.operators[of]
		}
		if e == nil || !e.Operation.Writes {
			t.Errorf("%s is no change", name)
		}
	}
	if changes < 100 {
		t.Errorf("only %d changes", changes)
	}
}

// traced reports whether the record of a call since some number is of a change that
// a service traces.
func (w *world) traced(since uint64, name string) bool {
	w.t.Helper()
	found := false
	records, _ := w.records(since)
	for i, e := range records {
		l, err := record.ReadChange(uint64(i), e.Time, e.Record)
		if err != nil {
			w.t.Fatal(err)
		}
		if l != nil && l.Name == name {
			found = true
			if w.server.trace(l).by != nil {
				return true
			}
		}
	}
	if !found {
		w.t.Errorf("%s left no record of a change", name)
	}
	return false
}
