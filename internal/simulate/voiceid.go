package simulate

import "encoding/base64"

// voiceID plays a domain of voice prints: one grant to the service, held to the
// domain by its encryption context, under which it works without its user. With
// full, a change of the key re-encrypts everything that is stored.
// https://docs.aws.amazon.com/connect/latest/adminguide/encryption-at-rest.html
func voiceID(full bool) *Profile {
	const service = principal("voiceid.amazonaws.com")
	var (
		admin  = user("administrator")
		asUser = through{actor: admin, by: service}
		batch  = role("Batch")

		domain  = pairs{"aws:voiceid:domain:arn": "arn:aws:voiceid:${region}:${account}:domain/sampleDomainId"}
		foreign = pairs{"aws:voiceid:domain:arn": "arn:aws:voiceid:${region}:${account}:domain/anotherDomainId"}

		holds = grant{to: service.grantee(), retirer: service.grantee(), subset: domain, operations: []string{
			"CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
			"GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
		}}
		statement = `
{"Sid":"Through Voice ID","Effect":"Allow","Principal":{"AWS":"${user:administrator}"},"Resource":"*",
 "Action":["kms:CreateGrant","kms:Decrypt","kms:DescribeKey"],
 "Condition":{"StringEquals":{"kms:ViaService":"voiceid.${region}.amazonaws.com"}}}`
	)
	p := &Profile{
		Name:  "voiceid",
		Title: "a domain of voice prints (Connect Voice ID)",
		Services: []Service{{Name: string(service), SigningName: "voiceid", GrantsBeyondUser: true, Actions: []string{
			"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
		}}},
		cast: cast{
			keys:      []string{statement, statement},
			users:     map[string]string{"administrator": ""},
			roles:     map[string]castRole{string(batch): {trusts: string(service)}},
			chiefUser: "administrator",
			foreign:   []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"},
		},
	}
	s := &p.script
	object := func(key ref, context pairs) params {
		return params{"KeyId": key, "KeySpec": "AES_256"}.under(context)
	}
	moved := func(name string, to pairs) params {
		return params{"SourceKeyId": firstKey, "DestinationKeyId": secondKey, "CiphertextBlob": kept(name),
			"SourceEncryptionContext": domain, "DestinationEncryptionContext": to}
	}
	second := func(name string) params {
		return params{"KeyId": secondKey, "CiphertextBlob": kept(name)}.under(domain)
	}

	s.begin("A domain is created")
	s.does(admin, "CreateGrant", holds.on(firstKey), Deny).because("the key policy lets users in through Voice ID only").onOwnKey()
	s.does(asUser, "CreateGrant", holds.on(firstKey), OK).keeps("GrantId", "g1")
	s.does(service, "DescribeKey", params{"KeyId": ref{"its alias", func(s *stage) (string, error) { return s.alias, nil }}}, OK)

	s.begin("Speakers are enrolled: the service works for this domain, and for no other")
	s.does(service, "GenerateDataKeyWithoutPlaintext", object(firstKey, domain), OK).keeps("CiphertextBlob", "metadata")
	s.does(service, "GenerateDataKeyWithoutPlaintext", object(firstKey, domain), OK).keeps("CiphertextBlob", "voice print")
	s.does(service, "GenerateDataKeyWithoutPlaintext", object(firstKey, foreign), Deny).because("the grant is for another domain")
	s.does(service, "Decrypt", opened("voice print", domain), OK).check = plaintextOf(32)
	s.does(service, "Decrypt", opened("voice print", foreign), Deny).because("the grant is for another domain")
	s.does(service, "Decrypt", params{"KeyId": firstKey, "CiphertextBlob": kept("voice print")}, Deny).because("the grant is for requests that name the domain")
	s.does(service, "Encrypt", params{"KeyId": firstKey, "Plaintext": base64.StdEncoding.EncodeToString([]byte("x"))}.under(domain), Deny).because("the grant does not hold this operation")
	s.does(service, "CreateGrant", grant{to: batch.arn(), operations: []string{"Decrypt"}}.on(firstKey), Deny).because("without the constraint of g1 it would be wider")
	s.does(service, "CreateGrant", grant{to: batch.arn(), operations: []string{"Decrypt"}, subset: domain}.on(firstKey), OK).keeps("GrantId", "g2")
	s.does(owner{}, "RevokeGrant", params{"KeyId": firstKey, "GrantId": kept("g2")}, OK)

	s.begin("The key is disabled for a while")
	s.does(owner{}, "DisableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(service, "Decrypt", opened("voice print", domain), "DisabledException").onOwnKey()
	s.does(owner{}, "EnableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(service, "Decrypt", opened("voice print", domain), OK).onOwnKey().check = plaintextOf(32)

	s.begin("The domain gets another key: the service re-encrypts what it must")
	s.does(asUser, "CreateGrant", holds.on(secondKey), OK).keeps("GrantId", "g3")
	s.does(service, "ReEncrypt", moved("metadata", pairs{}), Deny).because("the result would not name the domain, as g3 demands")
	s.does(service, "ReEncrypt", moved("metadata", domain), OK).keeps("CiphertextBlob", "metadata under key 2")
	if full {
		s.does(service, "ReEncrypt", moved("voice print", domain), OK).keeps("CiphertextBlob", "voice print under key 2")
	}

	s.begin("The old key is disabled: what was not re-encrypted needs it")
	s.does(owner{}, "DisableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(service, "Decrypt", second("metadata under key 2"), OK).onOwnKey().check = plaintextOf(32)
	if full {
		s.does(service, "Decrypt", second("voice print under key 2"), OK).onOwnKey().check = plaintextOf(32)
	}
	s.does(service, "Decrypt", opened("voice print", domain), "DisabledException").onOwnKey()
	s.does(owner{}, "EnableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(service, "Decrypt", opened("voice print", domain), OK).onOwnKey().check = plaintextOf(32)

	s.begin("The domain is deleted: the service retires its grants")
	s.does(service, "RetireGrant", retired("g1"), OK)
	s.does(service, "Decrypt", opened("voice print", domain), Deny).because("the grant is gone")
	s.does(service, "RetireGrant", params{"KeyId": secondKey, "GrantId": kept("g3")}, OK)
	s.does(service, "Decrypt", second("metadata under key 2"), Deny).because("the grant is gone")
	s.does(owner{}, "ListGrants", params{"KeyId": firstKey}, OK).finds()
	return p
}
