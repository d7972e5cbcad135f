package simulate

import (
	"encoding/base64"
	"fmt"
)

// rds plays a database whose encrypted volume is attached to an instance: three
// grants, each made under the one before and narrower than it.
// https://docs.aws.amazon.com/kms/latest/developerguide/services-ebs.html
func rds() *Profile {
	const (
		database = principal("rds.amazonaws.com")
		compute  = principal("ec2.amazonaws.com")
		instance = "i-1234567890abcdefg"
	)
	var (
		customer = through{actor: user("customer"), by: database}
		rdsRole  = session{"RDS-Service", "rds", database}
		host     = session{"RDS-Host-Role", instance, compute}
		other    = session{"RDS-Host-Role", "i-0000000000000000", compute}
		machine  = session{"aws:ec2-infrastructure", instance, compute}

		db   = pairs{"aws:rds:db-id": "db-1234"}
		vol  = pairs{"aws:ebs:id": "vol-0987654321gfedcba"}
		both = db.and(vol)

		holds = []string{"CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext"}
		reads = []string{"Decrypt"}
	)
	p := &Profile{
		Name:  "rds",
		Title: "a database on an encrypted volume of an instance (RDS, EBS, EC2)",
		Services: []Service{
			{Name: string(database), SigningName: "rds", Actions: []string{
				"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",
			}},
			{Name: string(compute), SigningName: "ec2", Infrastructure: true, Actions: []string{
				"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",
			}},
		},
		cast: cast{
			keys: []string{`
{"Sid":"Customer","Effect":"Allow","Principal":{"AWS":"${user:customer}"},"Resource":"*",
 "Action":["kms:CreateGrant","kms:Decrypt","kms:DescribeKey","kms:GenerateDataKeyWithoutPlaintext"]},
{"Sid":"No reader","Effect":"Allow","Principal":{"AWS":"${user:writer}"},"Resource":"*",
 "Action":["kms:CreateGrant","kms:GenerateDataKeyWithoutPlaintext"]}`},
			users:     map[string]string{"customer": "", "writer": "", "stranger": ""},
			roles:     map[string]castRole{"RDS-Service": {trusts: string(database)}, "RDS-Host-Role": {trusts: string(compute)}},
			chiefUser: "customer",
			foreign:   []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"},
		},
	}
	s := &p.script
	volumeKey := func(context pairs) params {
		return params{"KeyId": firstKey, "NumberOfBytes": 64}.under(context)
	}
	first := grant{to: rdsRole.role.arn(), retirer: rdsRole.role.arn(), operations: holds, subset: db}
	second := grant{to: host.grantee(), retirer: rdsRole.role.arn(), operations: holds, subset: db}
	third := grant{to: machine.grantee(), retirer: rdsRole.role.arn(), operations: reads, subset: both}

	s.begin("Somebody creates a database")
	s.does(through{actor: user("stranger"), by: database}, "CreateGrant", first.on(firstKey), Deny).because("he may not create grants on this key")
	s.does(through{actor: user("writer"), by: database}, "CreateGrant", first.on(firstKey), Deny).because("through RDS, a grant cannot exceed its user, who may not decrypt")
	s.does(customer, "CreateGrant", first.on(firstKey), OK).keeps("GrantId", "g1")

	s.begin("RDS works for this database, and for no other")
	s.does(rdsRole, "GenerateDataKeyWithoutPlaintext", volumeKey(db), OK)
	s.does(rdsRole, "GenerateDataKeyWithoutPlaintext", params{"KeyId": firstKey, "NumberOfBytes": 64}, Deny).because("the grant is for requests that name the database")
	alien := pairs{"aws:rds:db-id": "db-9999"}
	s.does(customer, "GenerateDataKeyWithoutPlaintext", volumeKey(alien), OK).keeps("CiphertextBlob", "another database's key")
	s.does(rdsRole, "Decrypt", opened("another database's key", alien), Deny).because("the grant is for another database")
	s.does(rdsRole, "GenerateDataKey", volumeKey(db), Deny).because("the grant does not hold this operation")
	s.does(rdsRole, "Encrypt", params{"KeyId": firstKey, "Plaintext": base64.StdEncoding.EncodeToString([]byte("x"))}.under(db), Deny).because("the grant does not hold this operation")

	s.begin("RDS lets the host make the volume: what it grants may be narrower, never wider")
	s.does(rdsRole, "CreateGrant", grant{to: host.grantee(), operations: []string{"Decrypt", "Encrypt"}, subset: db}.on(firstKey), Deny).because("Encrypt is not among the operations of g1")
	s.does(rdsRole, "CreateGrant", grant{to: host.grantee(), operations: reads}.on(firstKey), Deny).because("without the constraint of g1 it would be wider")
	s.does(rdsRole, "CreateGrant", grant{to: host.grantee(), operations: reads, subset: alien}.on(firstKey), Deny).because("it is constrained to another database than g1")
	s.does(rdsRole, "CreateGrant", second.on(firstKey), OK).keeps("GrantId", "g2")
	s.does(host, "GenerateDataKeyWithoutPlaintext", volumeKey(both), OK).keeps("CiphertextBlob", "volume key")
	s.does(other, "Decrypt", opened("volume key", both), Deny).because("g2 is for the other session of the role")

	s.begin("The volume is attached: the instance's infrastructure may open its key, and do nothing else")
	s.does(host, "CreateGrant", grant{to: machine.grantee(), operations: reads, subset: vol}.on(firstKey), Deny).because("the constraint of g2 is dropped")
	s.does(host, "CreateGrant", third.on(firstKey), OK).keeps("GrantId", "g3")
	s.does(machine, "Decrypt", opened("volume key", both), OK).check = plaintextOf(64)
	s.does(machine, "Decrypt", opened("volume key", db), Deny).because("g3 is for requests that name both database and volume")
	s.does(machine, "Decrypt", opened("volume key", both.and(pairs{"x": "y"})), "InvalidCiphertextException").because("the grant lets the request pass, but the volume key was made with another context")
	s.does(machine, "GenerateDataKeyWithoutPlaintext", volumeKey(both), Deny).because("the grant does not hold this operation")
	s.does(machine, "CreateGrant", third.on(firstKey), Deny).because("g3 does not hold CreateGrant")
	s.does(owner{}, "ListGrants", params{"KeyId": firstKey}, OK).finds("g1", "g2", "g3")
	s.does(customer, "Decrypt", opened("volume key", both), OK).check = plaintextOf(64)

	s.begin("The key is disabled for a while")
	s.does(owner{}, "DisableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(machine, "Decrypt", opened("volume key", both), "DisabledException").onOwnKey()
	s.does(owner{}, "EnableKey", params{"KeyId": firstKey}, OK).onOwnKey()
	s.does(machine, "Decrypt", opened("volume key", both), OK).onOwnKey().check = plaintextOf(64)

	s.begin("The database is deleted: RDS retires its grants, of which none needs the one that it came from")
	s.does(rdsRole, "RetireGrant", retired("g3"), OK)
	s.does(machine, "Decrypt", opened("volume key", both), Deny).because("g3 is gone")
	s.does(rdsRole, "RetireGrant", retired("g1"), OK)
	s.does(host, "GenerateDataKeyWithoutPlaintext", volumeKey(both), OK)
	s.does(rdsRole, "RetireGrant", retired("g2"), OK)
	s.does(host, "GenerateDataKeyWithoutPlaintext", volumeKey(both), Deny).because("g2 is gone")
	s.does(owner{}, "ListGrants", params{"KeyId": firstKey}, OK).finds()
	return p
}

// opened asks Decrypt for what a step before has kept. The key is named, so that
// a refusal may say which one.
func opened(name string, context pairs) params {
	return params{"KeyId": firstKey, "CiphertextBlob": kept(name)}.under(context)
}

func retired(grant string) params {
	return params{"KeyId": firstKey, "GrantId": kept(grant)}
}

// plaintextOf demands a plaintext of that many bytes.
func plaintextOf(n int) func(*stage, map[string]any) error {
	return func(_ *stage, answer map[string]any) error {
		encoded, _ := answer["Plaintext"].(string)
		plain, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(plain) != n {
			return fmt.Errorf("the plaintext has %d bytes, want %d", len(plain), n)
		}
		return nil
	}
}
