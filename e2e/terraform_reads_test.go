package e2e

import "testing"

// TestTerraformReads makes the calls with which Terraform's provider for AWS reads
// what it has made: an answer that differs from what was asked for would be a plan
// that is never empty, an error of another type than it knows would end it.
func TestTerraformReads(t *testing.T) {
	t.Parallel()
	p := dev(t)
	s := &tale{T: t, p: p, player: players["go"](t, p)}
	root := actor{id: rootAccount, secret: "test"}
	tags := []given{{"Key": "team", "Value": "red"}}

	s.do(root, "iam:CreateVirtualMFADevice", given{"Path": "/", "VirtualMFADeviceName": "phone", "Tags": tags})
	serial := "arn:aws:iam::" + root.id + ":mfa/phone"
	s.do(root, "iam:ListVirtualMFADevices", nil).is("VirtualMFADevices.0.SerialNumber", serial, "VirtualMFADevices.0.User", nil, "VirtualMFADevices.0.EnableDate", nil)
	s.do(root, "iam:ListMFADeviceTags", given{"SerialNumber": serial}).is("Tags.0.Key", "team", "Tags.1", nil)

	s.do(root, "iam:UpdateAccountPasswordPolicy", given{"AllowUsersToChangePassword": true, "MinimumPasswordLength": 6})
	s.do(root, "iam:GetAccountPasswordPolicy", nil).is("PasswordPolicy.AllowUsersToChangePassword", true, "PasswordPolicy.MinimumPasswordLength", 6, "PasswordPolicy.ExpirePasswords", false)

	role := s.do(root, "iam:CreateServiceLinkedRole", given{"AWSServiceName": "mrk.kms.amazonaws.com", "Description": "keys"}).text("Role.RoleName")
	s.do(root, "iam:TagRole", given{"RoleName": role, "Tags": tags})
	s.do(root, "iam:GetRole", given{"RoleName": role}).is("Role.Path", "/aws-service-role/mrk.kms.amazonaws.com/", "Role.Description", "keys", "Role.Tags.0.Value", "red")
	task := s.do(root, "iam:DeleteServiceLinkedRole", given{"RoleName": role}).text("DeletionTaskId")
	s.do(root, "iam:GetServiceLinkedRoleDeletionStatus", given{"DeletionTaskId": task}).is("Status", "SUCCEEDED")

	member, _ := s.joined(root)
	s.do(root, "organizations:ListAccounts", nil).is("Accounts.0.Status", "ACTIVE", "Accounts.2", nil)
	s.do(root, "organizations:ListRoots", nil).is("Roots.0.Name", "Root", "Roots.1", nil)
	s.do(root, "organizations:ListAWSServiceAccessForOrganization", nil).is("EnabledServicePrincipals.0", nil)
	s.do(root, "organizations:EnableAWSServiceAccess", given{"ServicePrincipal": "iam.amazonaws.com"})
	s.do(root, "organizations:RegisterDelegatedAdministrator", given{"AccountId": member.id, "ServicePrincipal": "iam.amazonaws.com"})
	s.do(root, "organizations:ListDelegatedAdministrators", given{"ServicePrincipal": "iam.amazonaws.com"}).is("DelegatedAdministrators.0.Id", member.id).recent("DelegatedAdministrators.0.DelegationEnabledDate")
	s.do(root, "organizations:ListTagsForResource", given{"ResourceId": member.id}).is("Tags.0", nil)
	s.do(root, "organizations:DescribePolicy", given{"PolicyId": "p-FullAWSAccess"}).is("Policy.PolicySummary.AwsManaged", true)
	for _, gone := range []struct{ name, member, id, code string }{
		{"DescribePolicy", "PolicyId", "p-12345678", "PolicyNotFoundException"},
		{"DescribeOrganizationalUnit", "OrganizationalUnitId", "ou-none-12345678", "OrganizationalUnitNotFoundException"},
		{"ListTargetsForPolicy", "PolicyId", "p-12345678", "PolicyNotFoundException"},
		{"DescribeAccount", "AccountId", "000000000000", "AccountNotFoundException"},
	} {
		if o := s.send(root, "organizations:"+gone.name, given{gone.member: gone.id}, nil); o.Type != gone.code {
			t.Errorf("%s of what is gone: %+v", gone.name, o)
		}
	}
}
