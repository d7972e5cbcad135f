package e2e

import (
	"strings"
)

func rolesAndSessions(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.lets(root, "ann", "sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
	arn := "arn:aws:iam::" + root.id + ":role/team/worker"
	trust := trusting(`{"AWS":"arn:aws:iam::`+root.id+`:user/ann"}`, `{"StringEquals":{"sts:ExternalId":"secret-1"}}`)
	role := s.do(root, "iam:CreateRole", given{"RoleName": "worker", "Path": "/team/", "AssumeRolePolicyDocument": trust, "Description": "works", "Tags": []given{{"Key": "a", "Value": "b"}}})
	role.is("Role.Arn", arn, "Role.Path", "/team/", "Role.Tags.0.Key", "a").recent("Role.CreateDate").document("Role.AssumeRolePolicyDocument", trust)
	s.wait(root, "RoleExists", "iam:GetRole", given{"RoleName": "worker"})
	s.do(root, "iam:GetRole", given{"RoleName": "worker"}).is("Role.MaxSessionDuration", 3600, "Role.Description", "works", "Role.RoleId", role.text("Role.RoleId"), "Role.PermissionsBoundary", nil)
	s.refused(root, "iam:CreateRole", given{"RoleName": "Worker", "AssumeRolePolicyDocument": trust}, "EntityAlreadyExists", "Role with name Worker already exists.")
	s.refused(root, "iam:CreateRole", given{"RoleName": "bad", "AssumeRolePolicyDocument": strings.Replace(trust, "user/ann", "user/none", 1)}, "MalformedPolicyDocument",
		`Invalid principal in policy: "AWS":"arn:aws:iam::`+root.id+`:user/none"`)
	s.refused(root, "iam:GetRole", given{"RoleName": "none"}, "NoSuchEntity", "The role with name none cannot be found.")

	unauthorized := "User: arn:aws:iam::" + root.id + ":user/ann is not authorized to perform: sts:AssumeRole on resource: " + arn
	assuming := given{"RoleArn": arn, "RoleSessionName": "first"}
	s.refused(ann, "sts:AssumeRole", assuming, "AccessDenied", unauthorized)
	s.refused(ann, "sts:AssumeRole", with(assuming, "ExternalId", "secret-2"), "AccessDenied", unauthorized)
	assuming = with(assuming, "ExternalId", "secret-1")
	s.refused(ann, "sts:AssumeRole", with(assuming, "DurationSeconds", 3601), "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	s.refused(ann, "sts:AssumeRole", with(assuming, "SourceIdentity", "ann"), "AccessDenied",
		"User: arn:aws:iam::"+root.id+":user/ann is not authorized to perform: sts:SetSourceIdentity on resource: "+arn)
	s.do(root, "iam:UpdateAssumeRolePolicy", given{"RoleName": "worker", "PolicyDocument": trusting(`{"AWS":"arn:aws:iam::`+root.id+`:user/ann"}`, `{"StringEqualsIfExists":{"sts:ExternalId":"secret-1"}}`)})
	s.refused(ann, "sts:AssumeRole", with(assuming, "ExternalId", "secret-2"), "AccessDenied", unauthorized)
	first := s.do(ann, "sts:AssumeRole", with(assuming, "SourceIdentity", "ann"))
	first.is("AssumedRoleUser.Arn", "arn:aws:sts::"+root.id+":assumed-role/worker/first", "AssumedRoleUser.AssumedRoleId", role.text("Role.RoleId")+":first", "SourceIdentity", "ann", "PackedPolicySize", nil)
	worker := first.session()
	s.do(worker, "sts:GetCallerIdentity", nil).is("Arn", "arn:aws:sts::"+root.id+":assumed-role/worker/first", "UserId", role.text("Role.RoleId")+":first", "Account", root.id)
	s.refused(worker, "kms:ListKeys", nil, "AccessDeniedException", "User: arn:aws:sts::"+root.id+":assumed-role/worker/first is not authorized to perform: kms:ListKeys on resource: * because no identity-based policy allows the kms:ListKeys action")
	s.do(root, "iam:PutRolePolicy", given{"RoleName": "worker", "PolicyName": "own", "PolicyDocument": allowing("kms:ListKeys", "sts:*", "iam:GetRole")})
	s.do(worker, "kms:ListKeys", nil)
	s.do(root, "iam:GetRole", given{"RoleName": "worker"}).is("Role.RoleLastUsed.Region", "us-east-1").recent("Role.RoleLastUsed.LastUsedDate")

	// A chain of roles keeps its source identity and lasts an hour at most.
	s.do(root, "iam:CreateRole", given{"RoleName": "next", "MaxSessionDuration": 7200, "AssumeRolePolicyDocument": trusting(`{"AWS":"`+arn+`"}`, `{"StringEquals":{"sts:SourceIdentity":"ann"}}`)})
	next := given{"RoleArn": "arn:aws:iam::" + root.id + ":role/next", "RoleSessionName": "second"}
	s.refused(worker, "sts:AssumeRole", with(next, "DurationSeconds", 3601), "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	s.do(worker, "sts:AssumeRole", next).is("SourceIdentity", "ann").session()
	s.refused(worker, "sts:AssumeRole", with(next, "SourceIdentity", "bob"), "AccessDenied", "User: arn:aws:sts::"+root.id+":assumed-role/worker/first is not authorized to perform: sts:SetSourceIdentity on resource: arn:aws:iam::"+root.id+":role/next because its source identity can't be changed")
	s.refused(worker, "sts:GetSessionToken", nil, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	s.refused(root, "sts:AssumeRole", assuming, "AccessDenied", "Roles may not be assumed by root accounts.")

	s.do(root, "iam:UpdateRole", given{"RoleName": "worker", "Description": "rests", "MaxSessionDuration": 43200})
	s.do(root, "iam:UpdateAssumeRolePolicy", given{"RoleName": "worker", "PolicyDocument": trusting(`{"Service":"ec2.amazonaws.com"}`, "")})
	s.do(root, "iam:GetRole", given{"RoleName": "worker"}).is("Role.Description", "rests", "Role.MaxSessionDuration", 43200).document("Role.AssumeRolePolicyDocument", trusting(`{"Service":"ec2.amazonaws.com"}`, ""))
	s.refused(ann, "sts:AssumeRole", assuming, "AccessDenied", unauthorized)
	s.do(worker, "kms:ListKeys", nil) // the session goes on
	s.do(root, "iam:DeleteRolePolicy", given{"RoleName": "worker", "PolicyName": "own"})
	s.do(root, "iam:DeleteRole", given{"RoleName": "worker"})
	s.refused(worker, "kms:ListKeys", nil, "UnrecognizedClientException", "The security token included in the request is invalid.")
}

// with is an input with one member more.
func with(in given, name string, value any) given {
	more := given{name: value}
	for name, value := range in {
		if _, set := more[name]; !set {
			more[name] = value
		}
	}
	return more
}

func sessionTags(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.lets(root, "ann", "sts:AssumeRole", "sts:TagSession")
	principal := `{"AWS":"` + root.id + `"}`
	for _, name := range []string{"first", "second"} {
		s.do(root, "iam:CreateRole", given{"RoleName": name, "AssumeRolePolicyDocument": trusting(principal, ""), "Tags": []given{{"Key": "team", "Value": "none"}}})
		s.do(root, "iam:PutRolePolicy", given{"RoleName": name, "PolicyName": "own", "PolicyDocument": `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"sts:*","Resource":"*"},
			{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}`})
	}
	first := given{"RoleArn": "arn:aws:iam::" + root.id + ":role/first", "RoleSessionName": "one"}
	second := given{"RoleArn": "arn:aws:iam::" + root.id + ":role/second", "RoleSessionName": "one"}
	red := []given{{"Key": "team", "Value": "red"}}
	untagged := s.do(ann, "sts:AssumeRole", first).session()
	refusedListing := "User: arn:aws:sts::" + root.id + ":assumed-role/first/one is not authorized to perform: kms:ListKeys on resource: * because no identity-based policy allows the kms:ListKeys action"
	s.refused(untagged, "kms:ListKeys", nil, "AccessDeniedException", refusedListing)
	tagged := s.do(ann, "sts:AssumeRole", with(first, "Tags", red))
	if tagged.at("PackedPolicySize") == nil {
		s.Errorf("tags have no size: %v", tagged.out)
	}
	s.do(tagged.session(), "kms:ListKeys", nil) // the tag of the session stands over that of the role

	// Along a chain only transitive tags go, and nothing replaces them.
	plain := s.do(tagged.session(), "sts:AssumeRole", second).session()
	s.refused(plain, "kms:ListKeys", nil, "AccessDeniedException", strings.Replace(refusedListing, "/first/", "/second/", 1))
	transitive := s.do(ann, "sts:AssumeRole", with(with(first, "Tags", red), "TransitiveTagKeys", []string{"team"})).session()
	s.do(s.do(transitive, "sts:AssumeRole", second).session(), "kms:ListKeys", nil)
	s.refused(transitive, "sts:AssumeRole", with(second, "Tags", []given{{"Key": "team", "Value": "blue"}}), "InvalidParameterValue",
		"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
	s.refused(ann, "sts:AssumeRole", with(with(first, "Tags", red), "TransitiveTagKeys", []string{"none"}), "InvalidParameterValue",
		"The specified transitive tag key must be included in the requested tags.")
	s.refused(ann, "sts:AssumeRole", with(first, "Tags", []given{{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "b"}}), "InvalidParameterValue",
		"Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	s.lets(root, "ann", "sts:AssumeRole")
	s.refused(ann, "sts:AssumeRole", with(first, "Tags", red), "AccessDenied",
		"User: arn:aws:iam::"+root.id+":user/ann is not authorized to perform: sts:TagSession on resource: arn:aws:iam::"+root.id+":role/first because no identity-based policy allows the sts:TagSession action")
}

func sessionPolicies(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.lets(root, "ann", "sts:AssumeRole")
	s.do(root, "iam:CreateRole", given{"RoleName": "r", "AssumeRolePolicyDocument": trusting(`{"AWS":"`+root.id+`"}`, "")})
	s.do(root, "iam:PutRolePolicy", given{"RoleName": "r", "PolicyName": "own", "PolicyDocument": allowing("kms:ListKeys", "kms:ListAliases", "iam:ListUsers")})
	assuming := given{"RoleArn": "arn:aws:iam::" + root.id + ":role/r", "RoleSessionName": "one"}
	who := "User: arn:aws:sts::" + root.id + ":assumed-role/r/one is not authorized to perform: "

	inline := s.do(ann, "sts:AssumeRole", with(assuming, "Policy", allowing("kms:ListKeys", "kms:CreateKey"))).session()
	s.do(inline, "kms:ListKeys", nil)
	s.refused(inline, "kms:ListAliases", nil, "AccessDeniedException", who+"kms:ListAliases on resource: * because no session policy allows the kms:ListAliases action")
	s.refused(inline, "kms:CreateKey", nil, "AccessDeniedException", who+"kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action")
	s.refused(s.do(ann, "sts:AssumeRole", with(assuming, "Policy", stating("Deny", "kms:ListKeys"))).session(), "kms:ListKeys", nil,
		"AccessDeniedException", who+"kms:ListKeys on resource: * with an explicit deny in a session policy")

	managed := s.do(root, "iam:CreatePolicy", given{"PolicyName": "p", "PolicyDocument": allowing("kms:ListAliases")}).text("Policy.Arn")
	arns := s.do(ann, "sts:AssumeRole", with(assuming, "PolicyArns", []given{{"arn": managed}, {"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}})).session()
	s.do(arns, "kms:ListAliases", nil)
	s.do(arns, "iam:ListUsers", nil)
	s.refused(arns, "kms:ListKeys", nil, "AccessDeniedException", who+"kms:ListKeys on resource: * because no session policy allows the kms:ListKeys action")

	s.refused(ann, "sts:AssumeRole", with(assuming, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:ListKeys"}]}`), "MalformedPolicyDocument",
		"Policy statement must contain resources.")
}

func secondFactor(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.do(root, "iam:PutUserPolicy", given{"UserName": "ann", "PolicyName": "own", "PolicyDocument": `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"},
		{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`})
	serial := "arn:aws:iam::" + root.id + ":mfa/phone"
	device := s.do(root, "iam:CreateVirtualMFADevice", given{"VirtualMFADeviceName": "phone"}).is("VirtualMFADevice.SerialNumber", serial, "VirtualMFADevice.User", nil, "VirtualMFADevice.EnableDate", nil)
	codes := func() [4]string { return device.oneTimeCodes("VirtualMFADevice.Base32StringSeed") } // each time anew: they are good for half a minute at least
	now := codes()
	enabling := given{"UserName": "ann", "SerialNumber": serial, "AuthenticationCode1": now[0], "AuthenticationCode2": now[0]}
	s.refused(root, "iam:EnableMFADevice", enabling, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
	now = codes()
	s.do(root, "iam:EnableMFADevice", with(with(enabling, "AuthenticationCode1", now[0]), "AuthenticationCode2", now[1]))
	s.do(root, "iam:ListMFADevices", given{"UserName": "ann"}).is("MFADevices.0.SerialNumber", serial, "MFADevices.0.UserName", "ann").recent("MFADevices.0.EnableDate")
	s.do(root, "iam:ListVirtualMFADevices", given{"AssignmentStatus": "Assigned"}).is("VirtualMFADevices.0.User.UserName", "ann", "VirtualMFADevices.0.Base32StringSeed", nil)

	trust := trusting(`{"AWS":"arn:aws:iam::`+root.id+`:user/ann"}`, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}}`)
	s.do(root, "iam:CreateRole", given{"RoleName": "r", "AssumeRolePolicyDocument": trust})
	assuming := given{"RoleArn": "arn:aws:iam::" + root.id + ":role/r", "RoleSessionName": "one"}
	unauthorized := "User: arn:aws:iam::" + root.id + ":user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + root.id + ":role/r"
	failed := "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	s.refused(ann, "sts:AssumeRole", assuming, "AccessDenied", unauthorized)
	s.refused(ann, "sts:AssumeRole", with(with(assuming, "SerialNumber", serial), "TokenCode", now[1]), "AccessDenied", failed) // used
	now = codes()
	s.do(ann, "sts:AssumeRole", with(with(assuming, "SerialNumber", serial), "TokenCode", now[2])).session()
	s.refused(ann, "sts:AssumeRole", with(with(assuming, "SerialNumber", serial), "TokenCode", now[2]), "AccessDenied", failed)

	s.refused(ann, "kms:ListKeys", nil, "AccessDeniedException", "User: arn:aws:iam::"+root.id+":user/ann is not authorized to perform: kms:ListKeys on resource: * because no identity-based policy allows the kms:ListKeys action")
	session := s.do(ann, "sts:GetSessionToken", given{"SerialNumber": serial, "TokenCode": codes()[3]}).session()
	s.do(session, "kms:ListKeys", nil)
	s.do(session, "sts:AssumeRole", assuming).session()
	s.do(session, "sts:GetCallerIdentity", nil).is("Arn", "arn:aws:iam::"+root.id+":user/ann")

	s.refused(root, "iam:DeleteVirtualMFADevice", given{"SerialNumber": serial}, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	s.do(root, "iam:DeactivateMFADevice", given{"UserName": "ann", "SerialNumber": serial})
	s.do(root, "iam:DeleteVirtualMFADevice", given{"SerialNumber": serial})
	s.refused(root, "iam:DeactivateMFADevice", given{"UserName": "ann", "SerialNumber": serial}, "NoSuchEntity", "VirtualMFADevice with serial number "+serial+" doesn't exist.")
}

func otherSessions(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.lets(root, "ann", "kms:ListKeys", "sts:GetFederationToken", "sts:TagSession", "sts:DecodeAuthorizationMessage", "iam:ListUsers")
	plain := s.do(ann, "sts:GetSessionToken", given{"DurationSeconds": 900}).session()
	s.do(plain, "kms:ListKeys", nil)
	s.refused(plain, "iam:ListUsers", nil, "InvalidClientTokenId", "The security token included in the request is invalid")
	s.refused(actor{plain.id, plain.secret, ""}, "kms:ListKeys", nil, "UnrecognizedClientException", "The security token included in the request is invalid.")

	federated := s.do(ann, "sts:GetFederationToken", given{"Name": "guest", "Policy": allowing("kms:*"), "Tags": []given{{"Key": "a", "Value": "b"}}})
	federated.is("FederatedUser.Arn", "arn:aws:sts::"+root.id+":federated-user/guest", "FederatedUser.FederatedUserId", root.id+":guest")
	guest := federated.session()
	s.do(guest, "kms:ListKeys", nil)
	s.refused(guest, "kms:CreateKey", nil, "AccessDeniedException", "User: arn:aws:sts::"+root.id+":federated-user/guest is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action")
	s.do(guest, "sts:GetCallerIdentity", nil).is("UserId", root.id+":guest")
	if refusal := s.send(guest, "kms:CreateKey", nil, nil); s.player.name != "cli" {
		message := s.do(ann, "sts:DecodeAuthorizationMessage", given{"EncodedMessage": refusal.Encoded}).text("DecodedMessage")
		if !strings.Contains(message, `"allowed":false`) || !strings.Contains(message, `"action":"kms:CreateKey"`) {
			s.Errorf("decoded %s", message)
		}
		s.refused(guest, "sts:DecodeAuthorizationMessage", given{"EncodedMessage": refusal.Encoded}, "AccessDenied", "Cannot call DecodeAuthorizationMessage with session credentials")
	}
	s.refused(ann, "sts:DecodeAuthorizationMessage", given{"EncodedMessage": "no-message"}, "InvalidAuthorizationMessageException", "Message is not valid")

	// Sessions end with the access key that they were asked for with.
	s.do(root, "iam:UpdateAccessKey", given{"UserName": "ann", "AccessKeyId": ann.id, "Status": "Inactive"})
	for _, who := range []actor{plain, guest} {
		s.refused(who, "kms:ListKeys", nil, "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
}
