package e2e

import (
	"encoding/base64"
	"strings"
)

func instanceProfiles(s *tale, root actor) {
	arn := "arn:aws:iam::" + root.id + ":"
	s.do(root, "iam:CreateRole", given{"RoleName": "machine", "AssumeRolePolicyDocument": trusting(`{"Service":"ec2.amazonaws.com"}`, "")})
	s.do(root, "iam:CreateInstanceProfile", given{"InstanceProfileName": "p"}).is("InstanceProfile.Arn", arn+"instance-profile/p", "InstanceProfile.Path", "/").recent("InstanceProfile.CreateDate")
	s.wait(root, "InstanceProfileExists", "iam:GetInstanceProfile", given{"InstanceProfileName": "p"})
	s.do(root, "iam:AddRoleToInstanceProfile", given{"InstanceProfileName": "p", "RoleName": "machine"})
	s.refused(root, "iam:AddRoleToInstanceProfile", given{"InstanceProfileName": "p", "RoleName": "machine"}, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	s.do(root, "iam:GetInstanceProfile", given{"InstanceProfileName": "p"}).is("InstanceProfile.Roles.0.RoleName", "machine", "InstanceProfile.Roles.0.Arn", arn+"role/machine")
	s.do(root, "iam:ListInstanceProfilesForRole", given{"RoleName": "machine"}).is("InstanceProfiles.0.InstanceProfileName", "p")
	s.refused(root, "iam:DeleteInstanceProfile", given{"InstanceProfileName": "p"}, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	s.refused(root, "iam:DeleteRole", given{"RoleName": "machine"}, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	s.do(root, "iam:RemoveRoleFromInstanceProfile", given{"InstanceProfileName": "p", "RoleName": "machine"})
	s.do(root, "iam:DeleteInstanceProfile", given{"InstanceProfileName": "p"})
	s.refused(root, "iam:GetInstanceProfile", given{"InstanceProfileName": "p"}, "NoSuchEntity", "Instance Profile p cannot be found.")
}

func passwords(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.lets(root, "ann", "iam:ChangePassword")
	s.refused(root, "iam:GetAccountPasswordPolicy", nil, "NoSuchEntity", "The Password Policy with domain name "+root.id+" cannot be found.")
	s.refused(root, "iam:GetLoginProfile", given{"UserName": "ann"}, "NoSuchEntity", "Login Profile for User ann cannot be found.")
	s.do(root, "iam:UpdateAccountPasswordPolicy", given{"MinimumPasswordLength": 12, "RequireNumbers": true, "AllowUsersToChangePassword": true, "PasswordReusePrevention": 2})
	s.do(root, "iam:GetAccountPasswordPolicy", nil).is("PasswordPolicy.MinimumPasswordLength", 12, "PasswordPolicy.RequireNumbers", true, "PasswordPolicy.RequireSymbols", false,
		"PasswordPolicy.ExpirePasswords", false, "PasswordPolicy.PasswordReusePrevention", 2, "PasswordPolicy.MaxPasswordAge", nil, "PasswordPolicy.HardExpiry", nil)
	s.refused(root, "iam:CreateLoginProfile", given{"UserName": "ann", "Password": "short1"}, "PasswordPolicyViolation", "Password should have a minimum length of 12")
	s.do(root, "iam:CreateLoginProfile", given{"UserName": "ann", "Password": "correct-horse-1", "PasswordResetRequired": true}).is("LoginProfile.UserName", "ann", "LoginProfile.PasswordResetRequired", true).recent("LoginProfile.CreateDate")
	s.refused(root, "iam:CreateLoginProfile", given{"UserName": "ann", "Password": "correct-horse-2"}, "EntityAlreadyExists", "Login Profile for user ann already exists.")
	s.do(ann, "iam:ChangePassword", given{"OldPassword": "correct-horse-1", "NewPassword": "correct-horse-2"})
	s.refused(ann, "iam:ChangePassword", given{"OldPassword": "correct-horse-1", "NewPassword": "correct-horse-3"}, "AccessDenied", "The old password was incorrect.")
	s.do(root, "iam:GetLoginProfile", given{"UserName": "ann"}).is("LoginProfile.PasswordResetRequired", false)
	s.do(root, "iam:DeleteLoginProfile", given{"UserName": "ann"})
	s.do(root, "iam:DeleteAccountPasswordPolicy", nil)
	s.refused(root, "iam:DeleteAccountPasswordPolicy", nil, "NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")
}

func providers(s *tale, root actor) {
	arn := "arn:aws:iam::" + root.id + ":"
	thumb := strings.Repeat("ab", 20)
	oidc := arn + "oidc-provider/issuer.example.com/a"
	s.do(root, "iam:CreateOpenIDConnectProvider", given{"Url": "https://issuer.example.com/a", "ClientIDList": []string{"one"}, "ThumbprintList": []string{thumb}, "Tags": []given{{"Key": "a", "Value": "b"}}}).is("OpenIDConnectProviderArn", oidc, "Tags.0.Key", "a")
	s.refused(root, "iam:CreateOpenIDConnectProvider", given{"Url": "https://issuer.example.com/a", "ThumbprintList": []string{thumb}}, "EntityAlreadyExists", "Provider with url https://issuer.example.com/a already exists.")
	s.do(root, "iam:AddClientIDToOpenIDConnectProvider", given{"OpenIDConnectProviderArn": oidc, "ClientID": "two"})
	s.do(root, "iam:GetOpenIDConnectProvider", given{"OpenIDConnectProviderArn": oidc}).is("Url", "issuer.example.com/a", "ClientIDList.0", "one", "ClientIDList.1", "two", "ThumbprintList.0", thumb, "Tags.0.Value", "b").recent("CreateDate")
	s.do(root, "iam:ListOpenIDConnectProviders", nil).is("OpenIDConnectProviderList.0.Arn", oidc)
	s.do(root, "iam:DeleteOpenIDConnectProvider", given{"OpenIDConnectProviderArn": oidc})
	s.refused(root, "iam:GetOpenIDConnectProvider", given{"OpenIDConnectProviderArn": oidc}, "NoSuchEntity", "OpenIDConnect Provider not found for arn "+oidc)

	metadata := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` +
		strings.Repeat("MIIC", 200) + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`
	saml := arn + "saml-provider/idp"
	s.do(root, "iam:CreateSAMLProvider", given{"Name": "idp", "SAMLMetadataDocument": metadata}).is("SAMLProviderArn", saml)
	s.refused(root, "iam:CreateSAMLProvider", given{"Name": "idp", "SAMLMetadataDocument": metadata}, "EntityAlreadyExists", "Provider with name idp already exists.")
	s.refused(root, "iam:CreateSAMLProvider", given{"Name": "bad", "SAMLMetadataDocument": strings.Repeat("x", 1000)}, "InvalidInput", "Could not parse metadata")
	s.do(root, "iam:GetSAMLProvider", given{"SAMLProviderArn": saml}).is("SAMLMetadataDocument", metadata).recent("CreateDate").text("ValidUntil")
	s.do(root, "iam:ListSAMLProviders", nil).is("SAMLProviderList.0.Arn", saml).text("SAMLProviderList.0.ValidUntil")
	s.do(root, "iam:UpdateSAMLProvider", given{"SAMLProviderArn": saml, "SAMLMetadataDocument": metadata}).is("SAMLProviderArn", saml)
	s.do(root, "iam:DeleteSAMLProvider", given{"SAMLProviderArn": saml})
	s.refused(root, "iam:GetSAMLProvider", given{"SAMLProviderArn": saml}, "NoSuchEntity", "Manifest not found for arn "+saml)
}

func theAccount(s *tale, root actor) {
	alias := "claviger-" + root.id
	s.do(root, "iam:ListAccountAliases", nil).is("AccountAliases.0", nil)
	s.do(root, "iam:CreateAccountAlias", given{"AccountAlias": alias})
	s.do(root, "iam:ListAccountAliases", nil).is("AccountAliases.0", alias, "AccountAliases.1", nil)
	s.refused(root, "iam:DeleteAccountAlias", given{"AccountAlias": "other"}, "NoSuchEntity", "The account alias with name other cannot be found.")
	for _, name := range []string{"ann", "bob"} {
		s.user(root, name)
	}
	s.lets(root, "ann", "kms:ListKeys")
	s.do(root, "iam:CreateGroup", given{"GroupName": "g"})
	s.do(root, "iam:AddUserToGroup", given{"GroupName": "g", "UserName": "ann"})
	s.do(root, "iam:CreateRole", given{"RoleName": "r", "AssumeRolePolicyDocument": trusting(`{"AWS":"`+root.id+`"}`, "")})
	policy := s.do(root, "iam:CreatePolicy", given{"PolicyName": "p", "PolicyDocument": allowing("kms:ListAliases")}).text("Policy.Arn")
	s.do(root, "iam:AttachUserPolicy", given{"UserName": "ann", "PolicyArn": policy})
	s.do(root, "iam:GetAccountSummary", nil).is("SummaryMap.Users", 2, "SummaryMap.Groups", 1, "SummaryMap.Roles", 1, "SummaryMap.Policies", 1, "SummaryMap.AccessKeysPerUserQuota", 2, "SummaryMap.AccountMFAEnabled", 0)

	details := s.do(root, "iam:GetAccountAuthorizationDetails", given{"Filter": []string{"User", "Group", "Role", "LocalManagedPolicy"}})
	details.is("UserDetailList.0.UserName", "ann", "UserDetailList.0.GroupList.0", "g", "UserDetailList.0.UserPolicyList.0.PolicyName", "own",
		"UserDetailList.0.AttachedManagedPolicies.0.PolicyArn", policy, "GroupDetailList.0.GroupName", "g", "RoleDetailList.0.RoleName", "r", "Policies.0.PolicyName", "p",
		"Policies.0.PolicyVersionList.0.IsDefaultVersion", true)
	details.document("UserDetailList.0.UserPolicyList.0.PolicyDocument", allowing("kms:ListKeys"))
	details.document("RoleDetailList.0.AssumeRolePolicyDocument", trusting(`{"AWS":"`+root.id+`"}`, ""))
	if got := each(s.pages(root, "iam:GetAccountAuthorizationDetails", given{"Filter": []string{"User"}}, 1, 2, "UserDetailList"), "UserName"); got != "ann bob" {
		s.Errorf("detailed %s", got)
	}

	s.refused(root, "iam:GetCredentialReport", nil, "ReportNotPresent", "")
	s.do(root, "iam:GenerateCredentialReport", nil).is("State", "STARTED")
	report := s.do(root, "iam:GetCredentialReport", nil).is("ReportFormat", "text/csv").recent("GeneratedTime")
	content, err := base64.StdEncoding.DecodeString(report.text("Content"))
	if lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n"); err != nil || len(lines) != 4 || !strings.HasPrefix(lines[0], "user,arn,user_creation_time,") || !strings.HasPrefix(lines[2], "ann,") {
		s.Errorf("the report is %q (%v)", content, err)
	}
	s.do(root, "iam:DeleteAccountAlias", given{"AccountAlias": alias})
}

func simulations(s *tale, root actor) {
	s.do(root, "iam:CreateUser", given{"UserName": "ann"})
	ann := "arn:aws:iam::" + root.id + ":user/ann"
	document := `{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"Allow","Action":"kms:List*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`
	s.do(root, "iam:PutUserPolicy", given{"UserName": "ann", "PolicyName": "own", "PolicyDocument": document})
	in := given{"PolicySourceArn": ann, "ActionNames": []string{"kms:ListKeys", "kms:CreateKey"}}
	s.do(root, "iam:SimulatePrincipalPolicy", in).is("EvaluationResults.0.EvalActionName", "kms:ListKeys", "EvaluationResults.0.EvalDecision", "implicitDeny",
		"EvaluationResults.0.MissingContextValues.0", "aws:RequestedRegion", "EvaluationResults.1.EvalDecision", "implicitDeny")
	in = with(in, "ContextEntries", []given{{"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string", "ContextKeyValues": []string{"eu-west-1"}}})
	s.do(root, "iam:SimulatePrincipalPolicy", in).is("EvaluationResults.0.EvalDecision", "allowed", "EvaluationResults.0.MatchedStatements.0.SourcePolicyId", "user_ann_own",
		"EvaluationResults.0.MatchedStatements.0.StartPosition.Line", 1, "EvaluationResults.1.EvalDecision", "implicitDeny")
	custom := given{"PolicyInputList": []string{allowing("kms:*"), stating("Deny", "kms:CreateKey")}, "ActionNames": []string{"kms:ListKeys", "kms:CreateKey", "iam:ListUsers"}}
	if got := each(s.pages(root, "iam:SimulateCustomPolicy", custom, 2, 2, "EvaluationResults"), "EvalDecision"); got != "allowed explicitDeny implicitDeny" {
		s.Errorf("decided %s", got)
	}
	s.refused(root, "iam:SimulateCustomPolicy", given{"PolicyInputList": []string{"{"}, "ActionNames": []string{"kms:ListKeys"}}, "InvalidInput", "Invalid Input Policies: PolicyInputList.1: Syntax errors in policy.")
	s.do(root, "iam:GetContextKeysForPrincipalPolicy", given{"PolicySourceArn": ann}).is("ContextKeyNames.0", "aws:RequestedRegion", "ContextKeyNames.1", nil)
	s.do(root, "iam:GetContextKeysForCustomPolicy", given{"PolicyInputList": []string{allowing("kms:*")}}).is("ContextKeyNames.0", nil)
	s.refused(root, "iam:SimulatePrincipalPolicy", given{"PolicySourceArn": "arn:aws:iam::" + root.id + ":user/none", "ActionNames": []string{"kms:ListKeys"}}, "NoSuchEntity", "The user with name none cannot be found.")
}

// joined makes an organization of everything with one member, which it returns
// with the id of the organization's root.
func (s *tale) joined(manager actor) (member actor, root string) {
	s.Helper()
	s.do(manager, "organizations:CreateOrganization", given{"FeatureSet": "ALL"}).is("Organization.FeatureSet", "ALL", "Organization.MasterAccountId", manager.id)
	root = s.do(manager, "organizations:ListRoots", nil).text("Roots.0.Id")
	asked := s.do(manager, "organizations:CreateAccount", given{"AccountName": "team", "Email": "team" + manager.id + "@example.com"}).is("CreateAccountStatus.State", "IN_PROGRESS", "CreateAccountStatus.AccountId", nil).recent("CreateAccountStatus.RequestedTimestamp")
	made := s.do(manager, "organizations:DescribeCreateAccountStatus", given{"CreateAccountRequestId": asked.text("CreateAccountStatus.Id")}).is("CreateAccountStatus.State", "SUCCEEDED").recent("CreateAccountStatus.CompletedTimestamp")
	return actor{id: made.text("CreateAccountStatus.AccountId"), secret: "test"}, root
}

func anOrganization(s *tale, manager actor) {
	s.refused(manager, "organizations:DescribeOrganization", nil, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	member, root := s.joined(manager)
	for _, kind := range []string{"SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"} {
		s.do(manager, "organizations:EnablePolicyType", given{"RootId": root, "PolicyType": kind}).is("Root.Id", root)
	}
	s.refused(manager, "organizations:CreateOrganization", nil, "AlreadyInOrganizationException", "The provided account is already a member of an organization.")
	unit := s.do(manager, "organizations:CreateOrganizationalUnit", given{"ParentId": root, "Name": "unit"}).is("OrganizationalUnit.Name", "unit").text("OrganizationalUnit.Id")
	s.refused(manager, "organizations:CreateOrganizationalUnit", given{"ParentId": root, "Name": "unit"}, "DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
	s.do(manager, "organizations:MoveAccount", given{"AccountId": member.id, "SourceParentId": root, "DestinationParentId": unit})
	s.do(manager, "organizations:ListParents", given{"ChildId": member.id}).is("Parents.0.Id", unit, "Parents.0.Type", "ORGANIZATIONAL_UNIT")
	s.do(manager, "organizations:DescribeAccount", given{"AccountId": member.id}).is("Account.Name", "team", "Account.Status", "ACTIVE", "Account.JoinedMethod", "CREATED").recent("Account.JoinedTimestamp")
	s.refused(manager, "organizations:DescribeAccount", given{"AccountId": "000000000000"}, "AccountNotFoundException", "You specified an account that doesn't exist.")
	if got := each(s.pages(manager, "organizations:ListAccounts", nil, 1, 2, "Accounts"), "Status"); got != "ACTIVE ACTIVE" {
		s.Errorf("accounts %s", got)
	}

	// The account is usable at once, through its role and by its root user.
	ann := s.user(manager, "ann")
	s.lets(manager, "ann", "sts:AssumeRole")
	way := given{"RoleArn": "arn:aws:iam::" + member.id + ":role/OrganizationAccountAccessRole", "RoleSessionName": "ann"}
	admin := s.do(ann, "sts:AssumeRole", way).session()
	key := s.do(admin, "kms:CreateKey", nil).text("KeyMetadata.Arn")

	guard := s.do(manager, "organizations:CreatePolicy", given{"Name": "guard", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": stating("Deny", "kms:ScheduleKeyDeletion", "iam:CreateUser")})
	guard.is("Policy.PolicySummary.Name", "guard", "Policy.PolicySummary.AwsManaged", false, "Policy.PolicySummary.Type", "SERVICE_CONTROL_POLICY")
	id, arn := guard.text("Policy.PolicySummary.Id"), guard.text("Policy.PolicySummary.Arn")
	s.refused(manager, "organizations:CreatePolicy", given{"Name": "bad", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": "{"}, "MalformedPolicyDocumentException", "The provided policy document does not meet the requirements of the specified policy type.")
	s.do(manager, "organizations:AttachPolicy", given{"PolicyId": id, "TargetId": unit})
	s.refused(manager, "organizations:AttachPolicy", given{"PolicyId": id, "TargetId": unit}, "DuplicatePolicyAttachmentException", "The selected policy is already attached to the specified target.")
	if got := each(s.do(manager, "organizations:ListTargetsForPolicy", given{"PolicyId": id}).list("Targets"), "TargetId"); got != unit {
		s.Errorf("targets %s", got)
	}
	for who, as := range map[string]actor{"arn:aws:iam::" + member.id + ":root": member, "arn:aws:sts::" + member.id + ":assumed-role/OrganizationAccountAccessRole/ann": admin} {
		s.refused(as, "kms:ScheduleKeyDeletion", given{"KeyId": key}, "AccessDeniedException",
			"User: "+who+" is not authorized to perform: kms:ScheduleKeyDeletion on resource: "+key+" with an explicit deny in a service control policy: "+arn)
		s.refused(as, "iam:CreateUser", given{"UserName": "x"}, "AccessDenied",
			"User: "+who+" is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::"+member.id+":user/x with an explicit deny in a service control policy: "+arn)
	}
	s.do(manager, "organizations:DetachPolicy", given{"PolicyId": id, "TargetId": unit})
	s.do(member, "iam:CreateUser", given{"UserName": "x"})
	s.refused(manager, "organizations:DetachPolicy", given{"PolicyId": "p-FullAWSAccess", "TargetId": member.id}, "ConstraintViolationException",
		"You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.")

	fence := s.do(manager, "organizations:CreatePolicy", given{"Name": "fence", "Description": "d", "Type": "RESOURCE_CONTROL_POLICY",
		"Content": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:DisableKey","Resource":"*"}]}`}).text("Policy.PolicySummary.Id")
	s.do(manager, "organizations:AttachPolicy", given{"PolicyId": fence, "TargetId": member.id})
	refused := s.send(member, "kms:DisableKey", given{"KeyId": key}, nil)
	if refused.Code != "AccessDeniedException" || !strings.Contains(refused.Message, "with an explicit deny in a resource control policy") {
		s.Errorf("behind the fence: %+v", refused)
	}
	s.do(manager, "organizations:DetachPolicy", given{"PolicyId": fence, "TargetId": member.id})
	s.do(member, "kms:DisableKey", given{"KeyId": key})
	s.refused(member, "organizations:CreatePolicy", given{"Name": "mine", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": stating("Deny", "kms:*")}, "AccessDeniedException",
		"You don't have permissions to access this resource.")
	s.refused(manager, "organizations:DeleteOrganization", nil, "OrganizationNotEmptyException", "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account.")
	s.do(member, "organizations:DescribeOrganization", nil).is("Organization.MasterAccountId", manager.id)
}

func rootOfAMember(s *tale, manager actor) {
	member, _ := s.joined(manager)
	s.do(manager, "organizations:EnableAWSServiceAccess", given{"ServicePrincipal": "iam.amazonaws.com"})
	if !s.has(manager, "iam:EnableOrganizationsRootCredentialsManagement", nil) {
		return // clients of before November 2024
	}
	s.do(manager, "iam:EnableOrganizationsRootSessions", nil).is("EnabledFeatures.1", "RootSessions")
	s.do(manager, "iam:ListOrganizationsFeatures", nil).is("EnabledFeatures.0", "RootCredentialsManagement", "EnabledFeatures.1", "RootSessions")
	ann := s.user(manager, "ann")
	task := given{"TargetPrincipal": member.id, "TaskPolicyArn": given{"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}}
	s.refused(ann, "sts:AssumeRoot", task, "AccessDenied", "User: arn:aws:iam::"+manager.id+":user/ann is not authorized to perform: sts:AssumeRoot on resource: arn:aws:iam::"+member.id+":root because no identity-based policy allows the sts:AssumeRoot action")
	s.lets(manager, "ann", "sts:AssumeRoot")
	audit := s.do(ann, "sts:AssumeRoot", task).session()
	s.do(audit, "sts:GetCallerIdentity", nil).is("Arn", "arn:aws:iam::"+member.id+":root")
	s.do(audit, "iam:ListAccessKeys", nil)
	s.refused(audit, "iam:ListUsers", nil, "AccessDenied", "User: arn:aws:iam::"+member.id+":root is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::"+member.id+":user/ with an explicit deny in a session policy")
	s.refused(ann, "sts:AssumeRoot", with(task, "TaskPolicyArn", given{"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}), "AccessDenied", "User: arn:aws:iam::"+manager.id+":user/ann is not authorized to perform: sts:AssumeRoot on resource: arn:aws:iam::"+member.id+":root")
	s.do(manager, "iam:DisableOrganizationsRootCredentialsManagement", nil)
}
