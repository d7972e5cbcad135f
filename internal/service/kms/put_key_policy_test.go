package kms_test

import (
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	invalidPrincipals = "Policy contains a statement with one or more invalid principals."
	lockout           = "The new key policy will not allow you to update the key policy in the future."
)

func (a *actor) policyOf(key string) string {
	a.w.t.Helper()
	return must[kms.GetKeyPolicyOutput](a, &kms.GetKeyPolicyInput{KeyID: str(key)}).Policy
}

func TestDefaultKeyPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	sameJSON(t, "default policy", []byte(owner.policyOf(key.KeyID)), `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{`+
		`"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+home+`:root"},"Action":"kms:*","Resource":"*"}]}`)
	w.user(home, "u", allow("kms:Encrypt")).encrypt(key.KeyID, "x")
}

func TestPutKeyPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, reader := w.root(home), w.user(home, "reader")
	key := owner.createKey()
	in := &kms.PutKeyPolicyInput{
		KeyID:      str(key.KeyID),
		PolicyName: str("default"),
		Policy: str(keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + reader.caller.Principal.ARN +
			`"},"Action":"kms:DescribeKey","Resource":"*"}`)),
	}
	for range 2 {
		owner.done(in)
	}
	w.recorded(`{"keyId":"`+key.KeyID+`","policyName":"default","policy":`+quoted(in.Policy.V)+`}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	if got := owner.policyOf(key.KeyID); got != in.Policy.V {
		t.Errorf("policy is %s", got)
	}
	must[kms.DescribeKeyOutput](reader, &kms.DescribeKeyInput{KeyID: str(key.KeyID)})
	in.PolicyName = str("other")
	owner.refused(in, kms.NotFound, "No such policy exists")
	owner.refused(&kms.GetKeyPolicyInput{KeyID: str(key.KeyID), PolicyName: str("other")}, kms.NotFound, "No such policy exists")
	owner.refused(&kms.GetKeyPolicyInput{KeyID: str(key.KeyID), PolicyName: str("a b")}, fault.Validation,
		`1 validation error detected: Value 'a b' at 'policyName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w]+`)
	owner.refused(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID)}, fault.Validation,
		"1 validation error detected: Value null at 'policy' failed to satisfy constraint: Member must not be null")
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func TestKeyPolicySize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	sized := func(n int) *kms.PutKeyPolicyInput {
		text := keyPolicy()
		return &kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: str(text + strings.Repeat(" ", n-len(text)))}
	}
	const long = "The key policy must not be longer than 32768 bytes."
	owner.done(sized(32767))
	owner.done(sized(32768))
	owner.refused(sized(32769), fault.LimitExceeded, long)
	owner.refused(sized(131072), fault.LimitExceeded, long)
	owner.refused(&kms.CreateKeyInput{Policy: sized(32769).Policy}, fault.LimitExceeded, long)
	_, err := owner.do(sized(131073))
	if got := fault.From(err); got.Code != fault.Validation || !strings.HasSuffix(got.Message, "Member must have length less than or equal to 131072") {
		t.Errorf("a policy beyond the model: %v", err)
	}
}

func TestKeyPolicyPrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	user := w.user(home, "path/user").caller.Principal.ARN
	put := func(principal string) *kms.PutKeyPolicyInput {
		return &kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: str(keyPolicy(
			`{"Effect":"Allow","Principal":` + principal + `,"Action":"kms:DescribeKey","Resource":"*"}`))}
	}
	for _, fits := range []string{
		`"*"`,
		`{"AWS":"*"}`,
		`{"AWS":"` + abroad + `"}`,
		`{"AWS":"` + arn.Root("aws", "999999999999") + `"}`,
		`{"AWS":["` + user + `","` + home + `"]}`,
		`{"Service":"voiceid.amazonaws.com"}`,
	} {
		owner.done(put(fits))
	}
	for _, c := range []struct {
		principal string
		code      fault.Code
		want      string
	}{
		{`{"AWS":"arn:aws:iam::` + home + `:user/nobody"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"AWS":"arn:aws:iam::` + home + `:role/none"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"AWS":["` + user + `","arn:aws:iam::` + home + `:user/user"]}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"AWS":"arn:aws-cn:iam::` + home + `:root"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"AWS":"AIDAEXAMPLEEXAMPLE123"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"Service":"nothing"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"AWS":"arn:aws:iam::` + home + `:group/g"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"AWS":"arn:aws:sts::` + home + `:assumed-role/none/session"}`, fault.MalformedPolicy, invalidPrincipals},
		{`{"Federated":"accounts.example.com"}`, fault.MalformedPolicy, invalidPrincipals},
	} {
		owner.refused(put(c.principal), c.code, c.want)
		owner.refused(&kms.CreateKeyInput{Policy: put(c.principal).Policy}, c.code, c.want)
	}
	for _, text := range []string{"not JSON", `{"Version":"2012-10-17","Statement":[]}`, keyPolicy(`{"Effect":"Maybe"}`)} {
		_, err := owner.do(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: str(text)})
		if !fault.Is(err, fault.MalformedPolicy) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLockoutCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	admin := w.user(home, "admin", everything)
	closed := str(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + admin.caller.Principal.ARN +
		`"},"Action":"kms:*","Resource":"*"}]}`)
	delegated := str(keyPolicy())
	key := owner.createKey()
	owner.refused(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: closed}, fault.MalformedPolicy, lockout)
	owner.refused(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: closed, BypassPolicyLockoutSafetyCheck: optional.Some(false)},
		fault.MalformedPolicy, lockout)
	owner.refused(&kms.CreateKeyInput{Policy: closed}, fault.MalformedPolicy, lockout)
	admin.done(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: closed})
	admin.done(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: delegated}) // the account lets admin in
	maker := w.user(home, "maker", allow("kms:CreateKey"))
	maker.refused(&kms.CreateKeyInput{Policy: delegated}, fault.MalformedPolicy, lockout) // but not everybody
	must[kms.CreateKeyOutput](maker, &kms.CreateKeyInput{Policy: delegated, BypassPolicyLockoutSafetyCheck: optional.Some(true)})

	owner.done(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: closed, BypassPolicyLockoutSafetyCheck: optional.Some(true)})
	w.recorded(`{"keyId":"`+key.KeyID+`","policy":`+quoted(closed.V)+`,"bypassPolicyLockoutSafetyCheck":true}`,
		`{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	owner.denied(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: delegated}, "kms:PutKeyPolicy", key.ARN, noResource("kms:PutKeyPolicy"))
}

// A policy that forbids giving up the lockout check sees the parameter only
// where it is sent.
func TestBypassCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	careful := w.user(home, "careful", everything, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:PutKeyPolicy",`+
		`"Resource":"*","Condition":{"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"true"}}}]}`)
	key := careful.createKey()
	put := &kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: str(keyPolicy())}
	careful.done(put)
	put.BypassPolicyLockoutSafetyCheck = optional.Some(false)
	careful.done(put)
	put.BypassPolicyLockoutSafetyCheck = optional.Some(true)
	careful.denied(put, "kms:PutKeyPolicy", key.ARN, "with an explicit deny in an identity-based policy")
}

// A user who is called otherwise is who the policies mean that named them, and stands in them so.
func TestRenamedPrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	was, now := ann.name(), ann.name()+"-maria"
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + was + `"},"Action":"kms:*","Resource":"*"}`))
	w.people.rename(was, now)
	if got := owner.policyOf(key.KeyID); !strings.Contains(got, `"AWS":"`+now+`"`) || strings.Contains(got, was+`"`) {
		t.Errorf("policy is %s", got)
	}
	renamed := *ann
	caller := *ann.caller
	caller.Principal.ARN, caller.Policy.ARN = now, now
	renamed.caller = &caller
	renamed.encrypt(key.KeyID, "x")
}

// A user who is deleted stays deleted for the policies that named them.
func TestNamesakeIsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, first := w.root(home), w.user(home, "u")
	name, id := first.caller.Principal.ARN, first.caller.Principal.ID
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + name + `"},"Action":"kms:*","Resource":"*"}`))
	first.encrypt(key.KeyID, "x")
	if got := owner.policyOf(key.KeyID); !strings.Contains(got, `"AWS":"`+name+`"`) {
		t.Errorf("policy is %s", got)
	}
	second := w.user(home, "u")
	second.denied(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, "kms:Encrypt", key.ARN, noIdentity("kms:Encrypt"))
	for range 2 {
		if got := owner.policyOf(key.KeyID); !strings.Contains(got, `"AWS":"`+id+`"`) || strings.Contains(got, name) {
			t.Errorf("policy is %s", got)
		}
		delete(w.people.ids, name)
	}
}
