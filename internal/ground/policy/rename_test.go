package policy_test

import (
	"testing"

	"claviger/internal/ground/policy"
)

func TestRenamePrincipals(t *testing.T) {
	t.Parallel()
	names := map[string]string{userARN: userID, roleARN: roleID, "*": "everybody"}
	for text, want := range map[string]string{
		// Only inside of principals, and the rest byte for byte.
		` {"Version" : "2012-10-17","Id":"` + userARN + `", "Statement":[ {"Sid":"` + userARN + `","Effect":"Allow",
			"Principal": {"AWS" : [ "` + userARN + `" ,"111122223333", "` + roleARN + `"],"Service":"x.amazonaws.com"} ,
			"Action":"kms:*","Resource":"` + roleARN + `","Condition":{"ArnLike":{"aws:PrincipalArn":["` + roleARN + `",1.50,true,null]}}}] }
`: ` {"Version" : "2012-10-17","Id":"` + userARN + `", "Statement":[ {"Sid":"` + userARN + `","Effect":"Allow",
			"Principal": {"AWS" : [ "` + userID + `" ,"111122223333", "` + roleID + `"],"Service":"x.amazonaws.com"} ,
			"Action":"kms:*","Resource":"` + roleARN + `","Condition":{"ArnLike":{"aws:PrincipalArn":["` + roleARN + `",1.50,true,null]}}}] }
`,
		`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"` + userARN + `"}}}`:               `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"` + userID + `"}}}`,
		`{"Statement":{"Principal":{"AWS":"arn:aws:iam::111122223333:\u0075ser\/staff/alice"}}}`: `{"Statement":{"Principal":{"AWS":"` + userID + `"}}}`,
		`{"Statement":{"Principal":"*"}}`:                                                        `{"Statement":{"Principal":"*"}}`,
		`{"Statement":{"Principal":{"AWS":"x"}}}`:                                                `{"Statement":{"Principal":{"AWS":"x"}}}`,
		// Not a policy.
		`{"Statement":{"Principal":{"AWS":"` + userARN + `"}}`:      `{"Statement":{"Principal":{"AWS":"` + userARN + `"}}`,
		`{"Statement":{"Principal":{"AWS":"` + userARN + `"}}}x`:    `{"Statement":{"Principal":{"AWS":"` + userARN + `"}}}x`,
		`{"Statement":{"Principal":{"AWS":["` + userARN + `",7]}}}`: `{"Statement":{"Principal":{"AWS":["` + userARN + `",7]}}}`,
		`{"Statement":"` + userARN + `"}`:                           `{"Statement":"` + userARN + `"}`,
		`{"Id":[[[[[[[[[[[["deep"]]]]]]]]]]]],"Statement":{}}`:      `{"Id":[[[[[[[[[[[["deep"]]]]]]]]]]]],"Statement":{}}`,
		``: ``,
	} {
		if got := string(policy.RenamePrincipals([]byte(text), names)); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, got, want)
		}
	}
}

// TestRenamedStaysDead shows a deleted principal by its id and stores the
// document again: a namesake is still not let in.
func TestRenamedStaysDead(t *testing.T) {
	t.Parallel()
	text := []byte(modern(`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":"kms:*","Resource":"*"}`))
	shown := policy.RenamePrincipals(text, map[string]string{userARN: userID})
	namesake := user()
	namesake.ID = "AIDANEWALICENEWALIC1"
	in := policy.Input{
		Request:         policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: namesake},
		Rule:            policy.ExplicitTrust,
		ResourceAccount: home,
		ResourcePolicy:  compile(t, policy.KeyPolicy, string(shown)),
	}
	if v := policy.Decide(&in); v.Allowed {
		t.Errorf("%s lets in %+v", shown, v)
	}
	in.Caller = user()
	if v := policy.Decide(&in); !v.Allowed {
		t.Errorf("%s refuses its own principal: %+v", shown, v)
	}
}
