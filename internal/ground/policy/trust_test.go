package policy_test

import (
	"testing"

	"claviger/internal/ground/policy"
)

// TestStoredTrust: what is no longer taken in a trust policy is read where it was
// taken once, and says what it said.
func TestStoredTrust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who     string
		refused string
		session bool // whether a session of the account is denied
		service bool
	}{
		{`"NotPrincipal":{"AWS":"111122223333"}`, "AssumeRole policy must not contain NotPrincipal field.", true, true},
		{`"NotPrincipal":{"Service":"logs.amazonaws.com"}`, "AssumeRole policy must not contain NotPrincipal field.", true, false},
		{`"Principal":"*"`, `AssumeRolepolicy contained an invalid principal: "STAR":"*".`, true, true},
	} {
		text := modern(`{"Effect":"Deny",` + c.who + `,"Action":"sts:AssumeRole"}`)
		if _, err := policy.Compile(policy.Trust, "", []byte(text), nil); err == nil || err.Error() != c.refused {
			t.Errorf("%s, new: %v, want %s", c.who, err, c.refused)
		}
		p := compileBound(t, policy.Trust, text, map[string]string{})
		for caller, denied := range map[*policy.Caller]bool{session(): c.session, service(): c.service} {
			v := policy.Decide(&policy.Input{
				Request: policy.Request{Action: "sts:AssumeRole", Resource: roleARN, Caller: caller}, Rule: policy.ExplicitTrust,
				ResourceAccount: home, CrossAccount: true, ResourcePolicy: p,
			})
			if v.Explicit != denied {
				t.Errorf("%s, stored, for %s: %+v", c.who, caller.ARN, v)
			}
		}
	}
}
