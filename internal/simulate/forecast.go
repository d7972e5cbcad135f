package simulate

import "encoding/base64"

// forecast plays a predictor whose data are under the customer's key: a role that
// the customer passes to the service lets it work, for as long as an import lasts.
// https://docs.aws.amazon.com/forecast/latest/dg/encryption.html
func forecast() *Profile {
	const service = principal("forecast.amazonaws.com")
	var (
		analyst = user("analyst")
		passed  = session{"ROLE_PASSED_TO_FORECAST", "forecast", service}
		asRole  = through{actor: passed, by: service}
		holds   = grant{to: service.grantee(), operations: []string{"Decrypt", "GenerateDataKey"}}
		passing = func(u user) through {
			return through{actor: u, by: service, pass: string(passed.role)}
		}
	)
	passRole := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"${role:ROLE_PASSED_TO_FORECAST}"}]}`
	p := &Profile{
		Name:  "forecast",
		Title: "a predictor under the customer's key, by a passed role (Forecast)",
		Services: []Service{{Name: string(service), SigningName: "forecast", GrantsBeyondUser: true, Actions: []string{
			"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant",
		}}},
		cast: cast{
			keys: []string{`
{"Sid":"Invoker","Effect":"Allow","Principal":{"AWS":"${user:analyst}"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"},
{"Sid":"Half an invoker","Effect":"Allow","Principal":{"AWS":"${user:reader}"},"Action":"kms:Decrypt","Resource":"*"},
{"Sid":"Passed role","Effect":"Allow","Principal":{"AWS":"${role:ROLE_PASSED_TO_FORECAST}"},
 "Action":["kms:DescribeKey","kms:CreateGrant","kms:RetireGrant"],"Resource":"*",
 "Condition":{"StringEquals":{"kms:ViaService":"forecast.${region}.amazonaws.com","kms:CallerAccount":"${account}"}}}`},
			users: map[string]string{"analyst": passRole, "reader": passRole, "visitor": ""},
			roles: map[string]castRole{string(passed.role): {
				trusts: string(service),
				// Retiring is delegated by the account that made the grant: a key policy
				// that allows it has no effect.
				policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:RetireGrant","Resource":"*"}]}`,
			}},

			chiefUser: "analyst",
			chiefRole: string(passed.role),
			foreign:   []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant"},
		},
	}
	s := &p.script
	dataKey := params{"KeyId": firstKey, "KeySpec": "AES_256"}
	dryRun := params{"KeyId": firstKey, "KeySpec": "AES_256", "DryRun": true}
	open := func(name string) params { return params{"KeyId": firstKey, "CiphertextBlob": kept(name)} }

	s.begin("Somebody creates a dataset and passes a role")
	s.does(passing("visitor"), "GenerateDataKey", dryRun, Deny).because("who asks may not pass this role to the service")
	s.does(passing("reader"), "GenerateDataKey", dryRun, Deny).because("who asks may decrypt, and not generate data keys")
	s.does(passing(analyst), "GenerateDataKey", dryRun, "DryRunOperationException").because("who asks may do it: a dry run that would succeed ends so")
	s.does(owner{}, "GenerateDataKey", dataKey, OK).keeps("CiphertextBlob", "sample")
	check := open("sample")
	check["DryRun"] = true
	s.does(passing(analyst), "Decrypt", check, "DryRunOperationException").because("who asks may do it: a dry run that would succeed ends so")

	s.begin("The service takes the role, and gets a grant for its work")
	s.does(passed, "DescribeKey", params{"KeyId": firstKey}, Deny).because("the key policy lets the role in through Forecast only").onOwnKey()
	s.does(asRole, "DescribeKey", params{"KeyId": firstKey}, OK)
	s.does(asRole, "CreateGrant", holds.on(firstKey), OK).keeps("GrantId", "g1")
	s.does(service, "GenerateDataKey", dataKey, OK).keeps("CiphertextBlob", "artifact")
	s.does(service, "Decrypt", open("artifact"), OK).check = plaintextOf(32)
	s.does(service, "Encrypt", params{"KeyId": firstKey, "Plaintext": base64.StdEncoding.EncodeToString([]byte("x"))}, Deny).because("the grant does not hold this operation")

	s.begin("The import is done: the grant is retired")
	s.does(asRole, "RetireGrant", retired("g1"), OK)
	s.does(service, "Decrypt", open("artifact"), Deny).because("the grant is gone")
	s.does(owner{}, "ListGrants", params{"KeyId": firstKey}, OK).finds()

	s.begin("A predictor is trained, and the customer revokes the grant")
	s.does(asRole, "CreateGrant", holds.on(firstKey), OK).keeps("GrantId", "g2")
	s.does(service, "Decrypt", open("artifact"), OK).check = plaintextOf(32)
	s.does(owner{}, "RevokeGrant", params{"KeyId": firstKey, "GrantId": kept("g2")}, OK)
	s.does(service, "Decrypt", open("artifact"), Deny).because("the grant is gone")

	s.begin("The key is disabled for a while")
	s.does(owner{}, "DisableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(asRole, "CreateGrant", holds.on(firstKey), "DisabledException").onOwnKey()
	s.does(owner{}, "EnableKey", params{"KeyId": firstKey}, OK).onOwnKey()

	s.begin("The customer allows again: nothing was lost")
	s.does(asRole, "CreateGrant", holds.on(firstKey), OK).keeps("GrantId", "g3")
	s.does(service, "Decrypt", open("artifact"), OK).check = plaintextOf(32)
	s.does(asRole, "RetireGrant", retired("g3"), OK)
	s.does(owner{}, "ListGrants", params{"KeyId": firstKey}, OK).finds()
	return p
}
