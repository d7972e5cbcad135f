package kms_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	oneError = "1 validation error detected: "
	failedTo = " failed to satisfy constraint: "
)

func TestCreateGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	ann, bob := w.user(home, "ann"), w.user(home, "bob")
	out := must[kms.CreateGrantOutput](owner, &kms.CreateGrantInput{
		KeyID:             str(key.KeyID),
		GranteePrincipal:  str(ann.name()),
		RetiringPrincipal: str(bob.name()),
		Operations:        []string{"Encrypt", "Decrypt", "Encrypt"},
		Constraints:       from(subset("a", "1", "B", "2"), sourceX),
		Name:              str("first"),
	})
	w.recorded(`{"keyId":"`+key.KeyID+`","granteePrincipal":"`+ann.name()+`","retiringPrincipal":"`+bob.name()+`",
		"operations":["Encrypt","Decrypt","Encrypt"],"constraints":{"encryptionContextSubset":{"a":"1","B":"2"},"sourceArn":"`+sourceX+`"},"name":"first"}`,
		`{"grantId":"`+out.GrantID+`","keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(out.GrantID) || len(out.GrantToken) < 50 || strings.Contains(out.GrantToken, key.KeyID) {
		t.Errorf("answered %+v", out)
	}
	got := owner.grants(key)[out.GrantID]
	want := fmt.Sprintf("%+v", kms.GrantListEntry{
		KeyID: key.ARN, GrantID: out.GrantID, Name: "first", CreationDate: got.CreationDate,
		GranteePrincipal: str(ann.name()), RetiringPrincipal: str(bob.name()), IssuingAccount: arn.Root("aws", home),
		Operations: []string{"Decrypt", "Encrypt"}, Constraints: got.Constraints,
	})
	if fmt.Sprintf("%+v", got) != want || fmt.Sprintf("%+v", *got.Constraints) != fmt.Sprintf("%+v", *from(subset("a", "1", "B", "2"), sourceX)) {
		t.Errorf("listed\n got %+v\nwant %s", got, want)
	}
	if d := w.now.Sub(got.CreationDate); d < 0 || d > 1_000_000 {
		t.Errorf("created at %v, now is %v", got.CreationDate, w.now)
	}
}

// TestGrantsThatAreRefused: everything that is wrong with a grant whatever its key.
func TestGrantsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	nine := make(map[string]string)
	for i := range 9 {
		nine[fmt.Sprint(i)] = "v"
	}
	valid := func() *kms.CreateGrantInput {
		return &kms.CreateGrantInput{KeyID: str(key.KeyID), GranteePrincipal: str(home), Operations: []string{"Decrypt"}}
	}
	const service = "rds.amazonaws.com"
	cases := []struct {
		name   string
		change func(in *kms.CreateGrantInput)
		want   string
	}{
		{"no key", func(in *kms.CreateGrantInput) { in.KeyID = optional.Of[string]{} }, oneError + "Value null at 'keyId'" + failedTo + "Member must not be null"},
		{"no operations", func(in *kms.CreateGrantInput) { in.Operations = nil }, oneError + "Value null at 'operations'" + failedTo + "Member must not be null"},
		{"empty operations", func(in *kms.CreateGrantInput) { in.Operations = []string{} }, oneError + "Value at 'operations'" + failedTo + "Member must have length greater than or equal to 1"},
		{"strange operation", func(in *kms.CreateGrantInput) { in.Operations = []string{"Decrypt", "ListGrants"} }, oneError + "Value '[Decrypt, ListGrants]' at 'operations'" + failedTo + "Member must satisfy constraint: [Member must satisfy enum value set: [Decrypt, Encrypt, "},
		{"only CreateGrant", func(in *kms.CreateGrantInput) { in.Operations = []string{"CreateGrant", "CreateGrant"} }, "Grants must not contain only the CreateGrant operation."},
		{"no grantee", func(in *kms.CreateGrantInput) { in.GranteePrincipal = optional.Of[string]{} }, "Exactly one of GranteePrincipal and GranteeServicePrincipal is required."},
		{"two grantees", func(in *kms.CreateGrantInput) { in.GranteeServicePrincipal = str(service) }, "Exactly one of GranteePrincipal and GranteeServicePrincipal is required."},
		{"two retirers", func(in *kms.CreateGrantInput) {
			in.RetiringPrincipal, in.RetiringServicePrincipal = str(home), str(service)
		}, "Only one of RetiringPrincipal and RetiringServicePrincipal can be specified."},
		{"service without retirer", func(in *kms.CreateGrantInput) {
			in.GranteePrincipal, in.GranteeServicePrincipal, in.Constraints = optional.Of[string]{}, str(service), from(nil, sourceX)
		}, "A retiring principal is required with GranteeServicePrincipal."},
		{"service without source", func(in *kms.CreateGrantInput) {
			in.GranteePrincipal, in.GranteeServicePrincipal, in.RetiringPrincipal, in.Constraints = optional.Of[string]{}, str(service), str(home), subset("a", "1")
		}, "The constraint SourceArn is required with GranteeServicePrincipal."},
		{"service without constraints", func(in *kms.CreateGrantInput) {
			in.GranteePrincipal, in.GranteeServicePrincipal, in.RetiringServicePrincipal = optional.Of[string]{}, str(service), str(service)
		}, "The constraint SourceArn is required with GranteeServicePrincipal."},
		{"no domain", func(in *kms.CreateGrantInput) { in.RetiringServicePrincipal = str("rds.com") }, oneError + "Value 'rds.com' at 'retiringServicePrincipal'" + failedTo + "Member must satisfy regular expression pattern: "},
		{"strange grantee", func(in *kms.CreateGrantInput) { in.GranteePrincipal = str("a b") }, oneError + "Value 'a b' at 'granteePrincipal'" + failedTo + "Member must satisfy regular expression pattern: ^[\\w+=,.@:/-]+$"},
		{"wildcard", func(in *kms.CreateGrantInput) { in.GranteePrincipal = str("*") }, oneError + "Value '*' at 'granteePrincipal'" + failedTo},
		{"strange name", func(in *kms.CreateGrantInput) { in.Name = str("a b") }, oneError + "Value 'a b' at 'name'" + failedTo + "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"},
		{"both constraints", func(in *kms.CreateGrantInput) {
			in.Constraints = &kms.GrantConstraints{EncryptionContextSubset: contextOf("a", "1"), EncryptionContextEquals: contextOf("a", "1")}
		}, "More than one constraint supplied"},
		{"empty Equals", func(in *kms.CreateGrantInput) {
			in.Constraints = &kms.GrantConstraints{EncryptionContextEquals: pairs.Map{}}
		}, "EncryptionContextEquals must not be empty"},
		{"empty Equals beside Subset", func(in *kms.CreateGrantInput) {
			in.Constraints = &kms.GrantConstraints{EncryptionContextSubset: contextOf("a", "1"), EncryptionContextEquals: pairs.Map{}}
		}, "More than one constraint supplied"},
		{"nine pairs", func(in *kms.CreateGrantInput) {
			in.Constraints = &kms.GrantConstraints{EncryptionContextEquals: pairs.Of(nine)}
		}, oneError + "Value at 'constraints.encryptionContextEquals'" + failedTo + "Member must have length less than or equal to 8"},
		{"long value", func(in *kms.CreateGrantInput) { in.Constraints = subset("a", strings.Repeat("ä", 385)) }, oneError + "Value '" + strings.Repeat("ä", 385) + "' at 'constraints.encryptionContextSubset.member'" + failedTo + "Member must have length less than or equal to 384"},
		{"empty value", func(in *kms.CreateGrantInput) { in.Constraints = subset("a", "") }, "Invalid EncryptionContext"},
		{"names that fold together", func(in *kms.CreateGrantInput) { in.Constraints = equals("Name", "1", "nAME", "2") }, "The names of a grant constraint must not differ in case only"},
		{"short source", func(in *kms.CreateGrantInput) { in.Constraints = from(nil, "arn:aws:s:r:1") }, "2 validation errors detected: Value 'arn:aws:s:r:1' at 'constraints.sourceArn'" + failedTo + "Member must have length greater than or equal to 20; "},
		{"long source", func(in *kms.CreateGrantInput) { in.Constraints = from(nil, sourceX+strings.Repeat("x", 500)) }, oneError + "Value '" + sourceX + strings.Repeat("x", 500) + "' at 'constraints.sourceArn'" + failedTo + "Member must have length less than or equal to 512"},
		{"source without account", func(in *kms.CreateGrantInput) { in.Constraints = from(nil, "arn:aws:s3:::a-bucket-of-mine") }, oneError + "Value 'arn:aws:s3:::a-bucket-of-mine' at 'constraints.sourceArn'" + failedTo + "Member must satisfy regular expression pattern: "},
		{"eleven tokens", func(in *kms.CreateGrantInput) { in.GrantTokens = slices.Repeat([]string{"x"}, 11) }, oneError + "Value at 'grantTokens'" + failedTo + "Member must have length less than or equal to 10"},
	}
	for _, c := range cases {
		in := valid()
		c.change(in)
		_, err := owner.do(in)
		if f := fault.From(err); f == nil || f.Code != fault.Validation || !strings.HasPrefix(f.Message, c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
		}
	}
	if n := len(owner.grants(key)); n != 0 || len(cases) != 26 {
		t.Errorf("%d grants after %d refusals", n, len(cases))
	}
	in := valid()
	in.GrantTokens = []string{"garbage"}
	owner.refused(in, kms.InvalidGrantToken, "The grant token is not valid.")
	longest := valid()
	longest.Constraints = subset("a", strings.Repeat("ä", 384))
	longest.Name = str(strings.Repeat("n", 256))
	owner.may("values may be this long", longest)
}

// An empty Subset is no constraint.
func TestEmptySubset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key := owner.createKey()
	out := owner.grant(key, ann.name(), &kms.GrantConstraints{EncryptionContextSubset: pairs.Map{}}, "Encrypt")
	ann.may("without a context", encryptUnder(key))
	ann.may("with one", encryptUnder(key, "a", "1"))
	if got := owner.grants(key)[out.GrantID]; got.Constraints != nil {
		t.Errorf("listed with %+v", got.Constraints)
	}
	owner.grant(key, ann.name(), &kms.GrantConstraints{}, "Decrypt")
}

// TestOperationsOfKeys: a grant can hold what its key can do, and a constraint
// of the context where there is a context.
func TestOperationsOfKeys(t *testing.T) {
	t.Parallel()
	always := []string{"CreateGrant", "RetireGrant", "DescribeKey"}
	kinds := []struct {
		spec, usage string
		operations  []string
	}{
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", []string{"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"}},
		{"RSA_2048", "ENCRYPT_DECRYPT", []string{"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"}},
		{"ECC_NIST_P256", "SIGN_VERIFY", []string{"Sign", "Verify", "GetPublicKey"}},
		{"ECC_NIST_P256", "KEY_AGREEMENT", []string{"DeriveSharedSecret", "GetPublicKey"}},
		{"HMAC_256", "GENERATE_VERIFY_MAC", []string{"GenerateMac", "VerifyMac"}},
		{"ML_KEM_768", "ENCAPSULATE_DECAPSULATE", []string{"Encapsulate", "Decapsulate", "GetPublicKey"}},
	}
	every := []string{
		"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign", "Verify",
		"GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
		"GenerateMac", "VerifyMac", "DeriveSharedSecret", "Encapsulate", "Decapsulate",
	}
	cases := 0
	for _, kind := range kinds {
		w := newWorld(t)
		owner := w.root(home)
		key := owner.createKey()
		w.kind(key.KeyID, kind.spec, kind.usage)
		for _, operation := range every {
			in := grantOf(key, home, nil, operation, "RetireGrant")
			if slices.Contains(kind.operations, operation) || slices.Contains(always, operation) {
				owner.may(operation, in)
			} else {
				owner.refused(in, fault.Validation, "The operations ["+operation+"] can't be granted on "+key.ARN+
					", whose key spec is "+kind.spec+" and whose key usage is "+kind.usage+".")
			}
			cases++
		}
		for name, limits := range kindsOfConstraint() {
			in := grantOf(key, home, limits, "DescribeKey")
			if kind.spec != "SYMMETRIC_DEFAULT" && (name == "subset" || name == "equals") {
				owner.refused(in, fault.Validation, "Encryption context constraints are valid for symmetric encryption keys only; the key spec of "+key.ARN+" is "+kind.spec+".")
			} else {
				owner.may(name, in)
			}
			cases++
		}
	}
	if cases != len(kinds)*23 {
		t.Errorf("%d cases", cases)
	}
}

// TestGrantPrincipals: who can be named, in which words, and who can't.
func TestGrantPrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(keyPolicy())
	user := w.user(home, "team/ann")
	session, other := w.session(home, "R", "one"), w.session(home, "R", "two")
	machine := w.machine(home, "i-1")
	w.people.ids["arn:aws:iam::"+home+":role/R"] = session.caller.Principal.IssuerID
	denied := func(*actor) bool { return false }
	for text, lets := range map[string]func(a *actor) bool{
		user.name():                          func(a *actor) bool { return a == user },
		session.name():                       func(a *actor) bool { return a == session },
		"arn:aws:iam::" + home + ":role/R":   func(a *actor) bool { return a == session || a == other },
		machine.name():                       func(a *actor) bool { return a == machine },
		home + ":aws:ec2-infrastructure:i-1": func(a *actor) bool { return a == machine },
		arn.Root("aws", home):                denied, // none of them may do anything by its own policies
		home:                                 denied,
	} {
		out := owner.grant(key, text, nil, "Encrypt")
		for _, a := range []*actor{user, session, other, machine} {
			if lets(a) {
				a.may("granted to "+text, encryptUnder(key))
			} else {
				a.mayNot("granted to "+text, encryptUnder(key))
			}
		}
		if got := owner.grants(key)[out.GrantID].GranteePrincipal.V; got != text {
			t.Errorf("granted to %s, listed as granted to %s", text, got)
		}
		owner.done(revoke(key, out.GrantID))
	}
	for _, text := range []string{
		"arn:aws:iam::" + home + ":user/nobody", "arn:aws:iam::" + home + ":user/ann", "arn:aws:iam::" + home + ":group/g",
		"arn:aws:iam::" + home + ":role/none", "arn:aws:sts::" + home + ":assumed-role/none/s", "arn:aws:s3:::bucket", "arn:aws", "ann",
		"999999999999", "arn:aws-cn:iam::" + home + ":root", user.caller.Principal.ID, session.caller.Principal.IssuerID,
		home + ":aws:ec2-infrastructure", home + ":aws:", volumeService, "arn:aws:iam::" + home + ":root/x",
	} {
		owner.refused(grantOf(key, text, nil, "Encrypt"), kms.InvalidARN, "Invalid principal: "+text)
		in := grantOf(key, home, nil, "Encrypt")
		in.RetiringPrincipal = str(text)
		owner.refused(in, kms.InvalidARN, "Invalid principal: "+text)
	}
}

// A grantee that is called otherwise is listed so, and keeps its grants.
func TestRenamedGrantee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	ann := w.user(home, "ann")
	was, now := ann.name(), ann.name()+"-maria"
	grant := owner.grant(key, was, nil, "Encrypt").GrantID
	w.people.rename(was, now)
	if got := owner.grants(key)[grant].GranteePrincipal.V; got != now {
		t.Errorf("listed as %s, want %s", got, now)
	}
}

// A namesake of a grantee that is gone is not let in, and the list shows the one
// who is meant by its unique id.
func TestNamesakesOfGrantees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	ann, session := w.user(home, "ann"), w.session(home, "R", "s")
	role := session.caller.Principal.IssuerARN
	ids := []string{
		owner.grant(key, ann.name(), nil, "Encrypt").GrantID,
		owner.grant(key, role, nil, "Encrypt").GrantID,
		owner.grant(key, session.name(), nil, "Encrypt").GrantID,
	}
	want := []string{ann.caller.Principal.ID, session.caller.Principal.IssuerID, session.caller.Principal.ID}
	for i, text := range []string{ann.name(), role, session.name()} {
		if got := owner.grants(key)[ids[i]].GranteePrincipal.V; got != text {
			t.Errorf("listed as %s, want %s", got, text)
		}
	}
	delete(w.people.ids, role)
	annAgain, sessionAgain := w.user(home, "ann"), w.session(home, "R", "s")
	for i := range ids {
		if got := owner.grants(key)[ids[i]].GranteePrincipal.V; got != want[i] {
			t.Errorf("of one who is gone, listed as %s, want %s", got, want[i])
		}
	}
	annAgain.mayNot("a user of the same name", encryptUnder(key))
	sessionAgain.mayNot("a session of the same name", encryptUnder(key))
	delete(w.people.ids, ann.name())
	if got := owner.grants(key)[ids[0]].GranteePrincipal.V; got != want[0] {
		t.Errorf("without a namesake, listed as %s, want %s", got, want[0])
	}
}

// TestGrantNames: a grant with a name is made once; without one, or with
// anything else in it, it is another grant.
func TestGrantNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann, bob := w.root(home), w.user(home, "ann"), w.user(home, "bob")
	key, other := owner.createKey(delegated(abroad)), owner.createKey()
	make := func(change func(in *kms.CreateGrantInput)) *kms.CreateGrantInput {
		in := grantOf(key, ann.name(), from(subset("a", "1", "b", "2"), sourceX), "Encrypt", "Decrypt")
		in.Name, in.RetiringPrincipal = str("n"), str(bob.name())
		change(in)
		return in
	}
	same := func(*kms.CreateGrantInput) {}
	first := must[kms.CreateGrantOutput](owner, make(same))
	again := func(a *actor, in *kms.CreateGrantInput) {
		t.Helper()
		out := must[kms.CreateGrantOutput](a, in)
		if out.GrantID != first.GrantID || out.GrantToken == first.GrantToken {
			t.Errorf("repeated: got %+v after %+v", out, first)
		}
	}
	again(owner, make(same))
	w.recorded(`{"keyId":"`+key.ARN+`","granteePrincipal":"`+ann.name()+`","retiringPrincipal":"`+bob.name()+`","operations":["Encrypt","Decrypt"],
		"constraints":{"encryptionContextSubset":{"a":"1","b":"2"},"sourceArn":"`+sourceX+`"},"name":"n"}`,
		`{"grantId":"`+first.GrantID+`","keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	again(owner, make(func(in *kms.CreateGrantInput) { in.Operations = []string{"Decrypt", "Encrypt", "Decrypt"} }))
	again(owner, make(func(in *kms.CreateGrantInput) { in.KeyID, in.GrantTokens = str(key.KeyID), []string{first.GrantToken} }))
	again(w.user(home, "admin", everything), make(same))

	seen := map[string]bool{first.GrantID: true}
	differences := map[string]func(in *kms.CreateGrantInput){
		"name":       func(in *kms.CreateGrantInput) { in.Name = str("N") },
		"key":        func(in *kms.CreateGrantInput) { in.KeyID = str(other.KeyID) },
		"grantee":    func(in *kms.CreateGrantInput) { in.GranteePrincipal = str(bob.name()) },
		"retirer":    func(in *kms.CreateGrantInput) { in.RetiringPrincipal = str(ann.name()) },
		"no retirer": func(in *kms.CreateGrantInput) { in.RetiringPrincipal = optional.Of[string]{} },
		"operations": func(in *kms.CreateGrantInput) { in.Operations = []string{"Encrypt"} },
		"pairs":      func(in *kms.CreateGrantInput) { in.Constraints = from(subset("a", "1", "b", "3"), sourceX) },
		"case":       func(in *kms.CreateGrantInput) { in.Constraints = from(subset("A", "1", "b", "2"), sourceX) },
		"boundaries": func(in *kms.CreateGrantInput) { in.Constraints = from(subset("a", "1b", "x", "2"), sourceX) },
		"kind":       func(in *kms.CreateGrantInput) { in.Constraints = from(equals("a", "1", "b", "2"), sourceX) },
		"source":     func(in *kms.CreateGrantInput) { in.Constraints = from(subset("a", "1", "b", "2"), sourceY) },
		"no source":  func(in *kms.CreateGrantInput) { in.Constraints = subset("a", "1", "b", "2") },
		"no limits":  func(in *kms.CreateGrantInput) { in.Constraints = nil },
		"account":    func(in *kms.CreateGrantInput) { in.GranteePrincipal = str(home) },
		"the same account in other words": func(in *kms.CreateGrantInput) {
			in.GranteePrincipal = str(arn.Root("aws", home))
		},
	}
	for what, change := range differences {
		for try := range 2 {
			out := must[kms.CreateGrantOutput](owner, make(change))
			if seen[out.GrantID] != (try == 1) {
				t.Errorf("another %s, call %d: known is %t", what, try+1, seen[out.GrantID])
			}
			seen[out.GrantID] = true
		}
	}
	abroadOut := must[kms.CreateGrantOutput](w.user(abroad, "admin", everything), make(same))
	if seen[abroadOut.GrantID] {
		t.Error("another issuer got the same grant")
	}
	if len(differences) != 15 || len(owner.grants(key))+len(owner.grants(other)) != 17 {
		t.Errorf("%d differences, %d and %d grants", len(differences), len(owner.grants(key)), len(owner.grants(other)))
	}
	for range 2 { // without a name
		out := must[kms.CreateGrantOutput](owner, make(func(in *kms.CreateGrantInput) { in.Name = optional.Of[string]{} }))
		if seen[out.GrantID] {
			t.Error("without a name, the same grant")
		}
		seen[out.GrantID] = true
	}
}

// Many who ask for the same named grant at once get the same.
func TestGrantNamesInACrowd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	in := grantOf(key, home, nil, "Encrypt")
	in.Name = str("n")
	if n := crowd(owner, "", func(int) any { return in }); n != 12 {
		t.Errorf("%d of 12 succeeded", n)
	}
	if n := len(owner.grants(key)); n != 1 {
		t.Errorf("%d grants", n)
	}
}

// TestDuplicates is scenario E of duplicates, names and tokens.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann, bob := w.root(home), w.user(home, "ann"), w.user(home, "bob")
	key, other := owner.createKey(), owner.createKey()
	first, second := owner.grant(key, ann.name(), nil, "Encrypt"), owner.grant(key, ann.name(), nil, "Encrypt")
	if first.GrantID == second.GrantID {
		t.Error("E1: one grant")
	}
	owner.done(retire(key, first.GrantID))
	ann.may("E2", encryptUnder(key))
	owner.done(revoke(key, second.GrantID))
	ann.mayNot("E3", encryptUnder(key))

	named := grantOf(key, ann.name(), nil, "Encrypt")
	named.Name = str("n")
	first, second = must[kms.CreateGrantOutput](owner, named), must[kms.CreateGrantOutput](owner, named)
	if first.GrantID != second.GrantID || first.GrantToken == second.GrantToken {
		t.Errorf("E4: %+v and %+v", first, second)
	}
	owner.done(retireBy(first.GrantToken))
	ann.mayNot("E5", encryptUnder(key))
	owner.refused(retireBy(second.GrantToken), kms.NotFound, "Grant ID "+first.GrantID+" not found")
	third := must[kms.CreateGrantOutput](owner, named)
	if third.GrantID == first.GrantID {
		t.Error("E6: the old grant")
	}
	elsewhere := *named
	elsewhere.KeyID = str(other.KeyID)
	must[kms.CreateGrantOutput](owner, &elsewhere)
	owner.done(retire(key, third.GrantID))
	ann.may("E7", encryptUnder(other))

	ofAnn := owner.grant(key, ann.name(), nil, "Encrypt")
	encrypt := func(tokens ...string) any {
		return &kms.EncryptInput{KeyID: str(key.ARN), Plaintext: secret("x"), GrantTokens: tokens}
	}
	ann.may("its own token", encrypt(ofAnn.GrantToken))
	ann.may("tokens of nothing", encrypt(first.GrantToken, second.GrantToken))
	bob.mayNot("E8", encrypt(ofAnn.GrantToken))
	ann.fails("E9", encrypt(ofAnn.GrantToken+"x"), kms.InvalidGrantToken)
	ann.fails("E9", encrypt("garbage"), kms.InvalidGrantToken)
	ann.fails("E10", encrypt(slices.Repeat([]string{ofAnn.GrantToken}, 11)...), fault.Validation)
	ann.may("ten", encrypt(slices.Repeat([]string{ofAnn.GrantToken}, 10)...))
}

// TestAccountContextGrant is scenario D: a grant with a context to an account.
func TestAccountContextGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for kind, limits := range map[string]*kms.GrantConstraints{"Equals": equals("customerID", "5678"), "Subset": subset("customerID", "5678")} {
		key := owner.createKey()
		owner.grant(key, abroad, limits, "GenerateDataKey", "Decrypt") // D1
		role := w.session(abroad, "R"+kind, "s", everything)
		blob := must[kms.GenerateDataKeyOutput](role, dataKey(key, "customerID", "5678")).CiphertextBlob // D2
		decrypt := func(context ...string) any {
			return &kms.DecryptInput{CiphertextBlob: blob, KeyID: str(key.ARN), EncryptionContext: contextOf(context...)}
		}
		role.may("D3", decrypt("customerID", "5678"))
		role.mayNot("D4", decrypt())
		role.mayNot("D5", decrypt("customerID", "1234"))
		if kind == "Equals" {
			role.mayNot("D6", decrypt("customerID", "5678", "extra", "1"))
		} else {
			role.fails("D6", decrypt("customerID", "5678", "extra", "1"), kms.InvalidCiphertext)
		}
		role.fails("D7", decrypt("CustomerID", "5678"), kms.InvalidCiphertext)
		role.mayNot("a name twice", decrypt("CustomerID", "5678", "customerID", "5678"))
		role.mayNot("D8", encryptUnder(key, "customerID", "5678"))
		w.session("777788889999", "R", "s", everything).mayNot("D9", dataKey(key, "customerID", "5678"))
		w.session(abroad, "Poor", "s").mayNot("D10", dataKey(key, "customerID", "5678"))
		role.fails("D11", &kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256"), EncryptionContext: contextOf("customerID", "5678")}, kms.NotFound)
	}
}

// TestAbroad: a grant lets in who it names; of an account where another one
// issued it, only who may by its own policies.
func TestAbroad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(delegated(abroad))
	poor, rich := w.session(abroad, "Poor", "s"), w.session(abroad, "Rich", "s", allow("kms:GetKeyPolicy"), allow("kms:Encrypt"))
	closed := owner.createKey()
	for _, a := range []*actor{poor, rich} {
		owner.grant(closed, a.caller.Principal.IssuerARN, nil, "Encrypt")
	}
	poor.mayNot("issued by the owner", encryptUnder(closed))
	rich.may("issued by the owner", encryptUnder(closed))
	admin := w.user(abroad, "admin", everything)
	in := grantOf(key, poor.caller.Principal.IssuerARN, nil, "Encrypt")
	poor.mayNot("before", encryptUnder(key))
	out := must[kms.CreateGrantOutput](admin, in)
	poor.may("issued by its own account", encryptUnder(key))
	if got := owner.grants(key)[out.GrantID].IssuingAccount; got != arn.Root("aws", abroad) {
		t.Errorf("issued by %s", got)
	}
	owner.done(revoke(key, out.GrantID))
	poor.mayNot("after", encryptUnder(key))
}

// A dry run goes as far as a grant does, and leaves nothing behind.
func TestCreateGrantDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key := owner.createKey()
	try := func(grantee string, operations ...string) *kms.CreateGrantInput {
		in := grantOf(key, grantee, nil, operations...)
		in.DryRun, in.Name = optional.Some(true), str("n")
		return in
	}
	owner.refused(try(ann.name(), "Encrypt"), fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	w.recorded(`{"keyId":"`+key.ARN+`","granteePrincipal":"`+ann.name()+`","operations":["Encrypt"],"name":"n","dryRun":true}`, `null`, `{}`, ofKey(key))
	ann.mayNot("make a grant", try(ann.name(), "Encrypt"))
	owner.fails("nobody", try("arn:aws:iam::"+home+":user/none", "Encrypt"), kms.InvalidARN)
	owner.fails("wrong operation", try(ann.name(), "Sign"), fault.Validation)
	ann.mayNot("use what was not made", encryptUnder(key))
	if n := len(owner.grants(key)); n != 0 {
		t.Errorf("%d grants", n)
	}
	w.state(key.KeyID, "Disabled")
	owner.fails("disabled", try(ann.name(), "Encrypt"), kms.Disabled)
}

// What is wrong is said in an order that tells no more than the caller may know.
func TestCreateGrantOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key := owner.createKey()
	w.state(key.KeyID, "Disabled")
	nobody := grantOf(key, "arn:aws:iam::"+abroad+":user/none", nil, "Sign")
	ann.mayNot("know more", nobody)
	owner.fails("the state", nobody, kms.Disabled)
	w.state(key.KeyID, "Enabled")
	owner.fails("the operations", nobody, fault.Validation)
	nobody.Operations = []string{"Encrypt"}
	owner.fails("the principal", nobody, kms.InvalidARN)
	nobody.KeyID = str(nowhere)
	owner.fails("the key", nobody, kms.NotFound)
}
