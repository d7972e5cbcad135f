package app

import (
	"strings"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A keyed call has condition keys of IAM, STS or Organizations with these values; "" are absent.
// Several values are joined by commas.
type keyedCall struct {
	operation string
	action    string // as which it is judged, where that is another
	in        any
	keys      map[string]string
}

// keyedCalls has each condition key of these services at least once with a value, and once without.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
func keyedCalls(w *world) []keyedCall {
	some := optional.Some[string]
	blue := []iam.Tag{{Key: some("team"), Value: some("blue")}, {Key: some("cost"), Value: some("7")}}
	w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: some("plain")})
	w.must(w.caller(owner), "iam:CreateRole", &iam.CreateRoleInput{RoleName: some("plain"), AssumeRolePolicyDocument: some(sampleTrust)})
	trust := strings.Replace(sampleTrust, `"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`, 1)
	managed := w.managedPolicy()
	w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: some("bounded"), PermissionsBoundary: managed, Tags: blue})
	w.must(w.caller(owner), "iam:CreateRole", &iam.CreateRoleInput{RoleName: some("bounded"), PermissionsBoundary: managed, Tags: blue, AssumeRolePolicyDocument: some(trust)})
	user, role, group := some("bounded"), some("bounded"), w.group()
	const policyName, document = "p", sampleDocument
	const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	held := map[string]string{"iam:PermissionsBoundary": managed.V, "iam:ResourceTag/team": "blue", "aws:ResourceTag/Team": "blue", "iam:PolicyARN": "", "aws:TagKeys": "", "iam:PassedToService": ""}
	attaching := map[string]string{"iam:PermissionsBoundary": managed.V, "iam:PolicyARN": readOnly, "iam:ResourceTag/cost": "7"}
	free := map[string]string{"iam:PermissionsBoundary": "", "iam:ResourceTag/team": "", "aws:ResourceTag/team": "", "iam:PolicyARN": readOnly}
	tagging := map[string]string{"aws:RequestTag/team": "blue", "aws:TagKeys": "cost,team", "aws:RequestTag/other": "", "aws:ResourceTag/team": ""}
	untagging := map[string]string{"aws:TagKeys": "team", "aws:RequestTag/team": "", "iam:ResourceTag/team": "blue"}
	creating := map[string]string{"iam:PermissionsBoundary": managed.V, "aws:RequestTag/team": "blue", "aws:TagKeys": "cost,team"}

	roleARN := some("arn:aws:iam::" + owner + ":role/bounded")
	assume := &sts.AssumeRoleInput{
		RoleARN: roleARN, RoleSessionName: some("one"), ExternalID: some("outside"), SourceIdentity: some("ann"),
		Tags: []sts.Tag{{Key: some("Team"), Value: some("red")}, {Key: some("x"), Value: some("1")}}, TransitiveTagKeys: []string{"x"},
	}
	bare := &sts.AssumeRoleInput{RoleARN: some("arn:aws:iam::" + owner + ":role/plain"), RoleSessionName: some("one")}
	root := w.organization()
	w.enable(root, resourceControl)
	scp := w.controlPolicy(serviceControl, sampleDocument)
	w.must(w.caller(owner), "organizations:TagResource", &organizations.TagResourceInput{ResourceID: scp, Tags: orgTags()})
	return []keyedCall{
		{"iam:CreateUser", "", &iam.CreateUserInput{UserName: some("new"), PermissionsBoundary: managed, Tags: blue}, creating},
		{"iam:CreateUser", "iam:TagUser", &iam.CreateUserInput{UserName: some("new"), Tags: blue}, tagging},
		{"iam:CreateUser", "", &iam.CreateUserInput{UserName: some("new")}, map[string]string{"iam:PermissionsBoundary": "", "aws:TagKeys": "", "aws:RequestTag/team": ""}},
		{"iam:CreateRole", "", &iam.CreateRoleInput{RoleName: some("new"), AssumeRolePolicyDocument: some(sampleTrust), PermissionsBoundary: managed, Tags: blue}, creating},
		{"iam:PutUserPermissionsBoundary", "", &iam.PutUserPermissionsBoundaryInput{UserName: user, PermissionsBoundary: some(readOnly)}, map[string]string{"iam:PermissionsBoundary": readOnly, "iam:ResourceTag/team": "blue"}},
		{"iam:PutRolePermissionsBoundary", "", &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: some(readOnly)}, map[string]string{"iam:PermissionsBoundary": readOnly, "iam:ResourceTag/team": "blue"}},
		{"iam:DeleteUserPermissionsBoundary", "", &iam.DeleteUserPermissionsBoundaryInput{UserName: user}, held},
		{"iam:DeleteRolePermissionsBoundary", "", &iam.DeleteRolePermissionsBoundaryInput{RoleName: role}, held},
		{"iam:PutUserPolicy", "", &iam.PutUserPolicyInput{UserName: user, PolicyName: some(policyName), PolicyDocument: some(document)}, held},
		{"iam:PutRolePolicy", "", &iam.PutRolePolicyInput{RoleName: role, PolicyName: some(policyName), PolicyDocument: some(document)}, held},
		{"iam:DeleteUserPolicy", "", &iam.DeleteUserPolicyInput{UserName: user, PolicyName: some(policyName)}, held},
		{"iam:DeleteRolePolicy", "", &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: some(policyName)}, held},
		{"iam:AttachUserPolicy", "", &iam.AttachUserPolicyInput{UserName: user, PolicyARN: some(readOnly)}, attaching},
		{"iam:AttachRolePolicy", "", &iam.AttachRolePolicyInput{RoleName: role, PolicyARN: some(readOnly)}, attaching},
		{"iam:DetachUserPolicy", "", &iam.DetachUserPolicyInput{UserName: user, PolicyARN: some(readOnly)}, attaching},
		{"iam:DetachRolePolicy", "", &iam.DetachRolePolicyInput{RoleName: role, PolicyARN: some(readOnly)}, attaching},
		{"iam:AttachUserPolicy", "", &iam.AttachUserPolicyInput{UserName: some("plain"), PolicyARN: some(readOnly)}, free},
		{"iam:DetachRolePolicy", "", &iam.DetachRolePolicyInput{RoleName: some("plain"), PolicyARN: some(readOnly)}, free},
		{"iam:AttachGroupPolicy", "", &iam.AttachGroupPolicyInput{GroupName: group, PolicyARN: some(readOnly)}, free},
		{"iam:DetachGroupPolicy", "", &iam.DetachGroupPolicyInput{GroupName: group, PolicyARN: some(readOnly)}, free},
		{"iam:TagUser", "", &iam.TagUserInput{UserName: user, Tags: blue}, map[string]string{"aws:RequestTag/team": "blue", "aws:TagKeys": "cost,team", "iam:ResourceTag/team": "blue"}},
		{"iam:TagRole", "", &iam.TagRoleInput{RoleName: some("plain"), Tags: blue}, tagging},
		{"iam:UntagUser", "", &iam.UntagUserInput{UserName: user, TagKeys: []string{"team"}}, untagging},
		{"iam:UntagRole", "", &iam.UntagRoleInput{RoleName: role, TagKeys: []string{"team"}}, untagging},
		{"iam:TagPolicy", "", &iam.TagPolicyInput{PolicyARN: managed, Tags: blue}, map[string]string{"aws:RequestTag/team": "blue", "aws:TagKeys": "cost,team"}},
		{"iam:AddRoleToInstanceProfile", "iam:PassRole", &iam.AddRoleToInstanceProfileInput{InstanceProfileName: w.emptyProfile(), RoleName: role},
			map[string]string{"iam:PassedToService": "ec2.amazonaws.com", "iam:ResourceTag/team": "blue", "iam:AssociatedResourceArn": ""}},
		{"iam:CreateServiceLinkedRole", "", &iam.CreateServiceLinkedRoleInput{AWSServiceName: some("elasticbeanstalk.amazonaws.com")}, map[string]string{"iam:AWSServiceName": "elasticbeanstalk.amazonaws.com"}},
		{"iam:CreateRole", "", &iam.CreateRoleInput{RoleName: some("new"), AssumeRolePolicyDocument: some(sampleTrust)}, map[string]string{"iam:AWSServiceName": "", "iam:PermissionsBoundary": ""}},
		{"iam:CreateServiceSpecificCredential", "", &iam.CreateServiceSpecificCredentialInput{UserName: user, ServiceName: some("codecommit.amazonaws.com"), CredentialAgeDays: optional.Some(30)},
			map[string]string{"iam:ServiceSpecificCredentialServiceName": "codecommit.amazonaws.com", "iam:ServiceSpecificCredentialAgeDays": "30", "iam:ResourceTag/team": "blue"}},
		{"iam:CreateServiceSpecificCredential", "", &iam.CreateServiceSpecificCredentialInput{UserName: user, ServiceName: some("codecommit.amazonaws.com")}, map[string]string{"iam:ServiceSpecificCredentialAgeDays": ""}},
		{"iam:EnableMFADevice", "", &iam.EnableMFADeviceInput{UserName: user, SerialNumber: w.serialOnly(), AuthenticationCode1: secretText("123456"), AuthenticationCode2: secretText("654321")},
			map[string]string{"iam:RegisterSecurityKey": "", "iam:FIDO-certification": "", "iam:ServiceSpecificCredentialServiceName": ""}},

		{"sts:AssumeRole", "", assume, map[string]string{
			"sts:ExternalId": "outside", "sts:RoleSessionName": "one", "sts:SourceIdentity": "ann", "sts:TransitiveTagKeys": "x",
			"aws:RequestTag/team": "red", "aws:TagKeys": "Team,x", "aws:ResourceTag/team": "blue", "iam:ResourceTag/team": "blue",
			"sts:RequestContextProviders": "", "sts:DurationSeconds": "", "sts:AWSServiceName": "",
		}},
		{"sts:AssumeRole", "sts:TagSession", assume, map[string]string{"aws:RequestTag/x": "1", "aws:TagKeys": "Team,x", "sts:TransitiveTagKeys": "x"}},
		{"sts:AssumeRole", "sts:SetSourceIdentity", assume, map[string]string{"sts:SourceIdentity": "ann", "sts:TransitiveTagKeys": ""}},
		{"sts:AssumeRole", "", bare, map[string]string{
			"sts:ExternalId": "", "sts:RoleSessionName": "one", "sts:SourceIdentity": "", "sts:TransitiveTagKeys": "", "aws:RequestTag/team": "",
			"aws:TagKeys": "", "aws:ResourceTag/team": "", "iam:ResourceTag/team": "", "sts:TaskPolicyArn": "",
		}},
		{"sts:GetFederationToken", "", &sts.GetFederationTokenInput{Name: some("bob"), Tags: []sts.Tag{{Key: some("Team"), Value: some("red")}}}, map[string]string{"aws:RequestTag/team": "red", "aws:TagKeys": "Team", "sts:RoleSessionName": ""}},
		{"sts:GetFederationToken", "", &sts.GetFederationTokenInput{Name: some("bob")}, map[string]string{"aws:TagKeys": ""}},
		{"sts:AssumeRoot", "", &sts.AssumeRootInput{TargetPrincipal: w.member(), TaskPolicyARN: sts.PolicyDescriptorType{ARN: some("arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials")}}, map[string]string{
			"sts:TaskPolicyArn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials",
		}},

		{"organizations:CreatePolicy", "", &organizations.CreatePolicyInput{Name: some("n"), Description: some(""), Type: some(serviceControl), Content: some(sampleDocument), Tags: orgTags()},
			map[string]string{"organizations:PolicyType": serviceControl, "aws:RequestTag/team": "red", "aws:TagKeys": "team", "organizations:ServicePrincipal": ""}},
		{"organizations:EnablePolicyType", "", &organizations.EnablePolicyTypeInput{RootID: root, PolicyType: some(resourceControl)}, map[string]string{"organizations:PolicyType": resourceControl}},
		{"organizations:DisablePolicyType", "", &organizations.DisablePolicyTypeInput{RootID: root, PolicyType: some(resourceControl)}, map[string]string{"organizations:PolicyType": resourceControl}},
		{"organizations:AttachPolicy", "", &organizations.AttachPolicyInput{PolicyID: scp, TargetID: root}, map[string]string{"organizations:PolicyType": serviceControl, "aws:ResourceTag/team": "red"}},
		{"organizations:DetachPolicy", "", &organizations.DetachPolicyInput{PolicyID: scp, TargetID: root}, map[string]string{"organizations:PolicyType": serviceControl}},
		{"organizations:UpdatePolicy", "", &organizations.UpdatePolicyInput{PolicyID: scp, Name: some("m")}, map[string]string{"organizations:PolicyType": serviceControl, "aws:ResourceTag/team": "red"}},
		{"organizations:DeletePolicy", "", &organizations.DeletePolicyInput{PolicyID: scp}, map[string]string{"organizations:PolicyType": serviceControl}},
		{"organizations:DescribePolicy", "", &organizations.DescribePolicyInput{PolicyID: scp}, map[string]string{"organizations:PolicyType": serviceControl}},
		{"organizations:ListPolicies", "", &organizations.ListPoliciesInput{Filter: some(serviceControl)}, map[string]string{"organizations:PolicyType": serviceControl}},
		{"organizations:ListPoliciesForTarget", "", &organizations.ListPoliciesForTargetInput{Filter: some(serviceControl), TargetID: root}, map[string]string{"organizations:PolicyType": serviceControl}},
		{"organizations:ListTargetsForPolicy", "", &organizations.ListTargetsForPolicyInput{PolicyID: scp}, map[string]string{"organizations:PolicyType": serviceControl}},
		{"organizations:ListRoots", "", &organizations.ListRootsInput{}, map[string]string{"organizations:PolicyType": "", "organizations:ServicePrincipal": ""}},
		{"organizations:EnableAWSServiceAccess", "", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: some("a.amazonaws.com")}, map[string]string{"organizations:ServicePrincipal": "a.amazonaws.com"}},
		{"organizations:DisableAWSServiceAccess", "", &organizations.DisableAWSServiceAccessInput{ServicePrincipal: some("a.amazonaws.com")}, map[string]string{"organizations:ServicePrincipal": "a.amazonaws.com"}},
		{"organizations:RegisterDelegatedAdministrator", "", &organizations.RegisterDelegatedAdministratorInput{AccountID: w.member(), ServicePrincipal: some("a.amazonaws.com")}, map[string]string{"organizations:ServicePrincipal": "a.amazonaws.com"}},
	}
}

// TestConditionKeys makes each call as a user who may do everything but where one key has one value,
// or is absent: what is refused so proves the key and changes nothing.
func TestConditionKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := keyedCalls(w)
	id := w.userWith("prober", `"*"`).AccessKeyID
	guard := func(action, condition string) *authz.Credential {
		document := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"` + action + `","Resource":"*","Condition":{` + condition + `}}}`
		w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some("prober"), PolicyName: optional.Some("guard"), PolicyDocument: optional.Some(document)})
		return w.caller(id)
	}
	values := map[string][2]int{} // of each key, with and without
	for _, call := range calls {
		action := call.action
		if action == "" {
			action = call.operation
		}
		for key, value := range call.keys {
			many := strings.HasSuffix(key, "Keys") || strings.HasSuffix(key, "Providers")
			condition, name := `"Null":{"`+key+`":"true"}`, strings.ToLower(strings.SplitN(key, "/", 2)[0])
			count := values[name]
			switch {
			case value == "":
				count[1]++
			case many:
				list := `["` + strings.ReplaceAll(value, ",", `","`) + `"]`
				condition = `"ForAllValues:StringEquals":{"` + key + `":` + list + `},"Null":{"` + key + `":"false"}`
				for _, v := range strings.Split(value, ",") {
					if _, err := w.call(guard(action, `"ForAnyValue:StringEquals":{"`+key+`":"`+v+`"}`), call.operation, call.in); !deniedExplicitly(err) {
						t.Errorf("%s: %s has no %s: %v", call.operation, key, v, err)
					}
				}
				count[0]++
			default:
				condition = `"StringEquals":{"` + key + `":"` + value + `"}`
				count[0]++
			}
			values[name] = count
			if _, err := w.call(guard(action, condition), call.operation, call.in); !deniedExplicitly(err) {
				t.Errorf("%s as %s: %s is not %q: %v", call.operation, action, key, value, err)
			}
		}
	}
	never := map[string]bool{ // no call here can have them, as the page of divergences says
		"iam:associatedresourcearn": true, "iam:registersecuritykey": true, "iam:fido-certification": true, "sts:requestcontextproviders": true, "sts:durationseconds": true, "sts:awsservicename": true,
	}
	for key, n := range values {
		if (n[0] == 0) != never[key] || n[1] == 0 {
			t.Errorf("%s: %d times with a value, %d times without", key, n[0], n[1])
		}
	}
}

func deniedExplicitly(err error) bool {
	return fault.Is(err, fault.AccessDenied) && strings.Contains(err.Error(), "explicit deny")
}
