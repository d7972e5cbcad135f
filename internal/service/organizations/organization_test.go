package organizations_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	notInUse = "Your account is not a member of an organization."
	denied   = "You don't have permissions to access this resource."
)

// matches demands that values have the forms of the public model.
func matches(t *testing.T, forms map[string]string) {
	t.Helper()
	for value, form := range forms {
		if !regexp.MustCompile(`^(?:` + form + `)$`).MatchString(value) {
			t.Errorf("%q is not of the form %s", value, form)
		}
	}
}

// TestOrganization: an organization from its making to its end, and who may do
// what with it.
func TestOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuse(manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	w.refuse(manager, "ListRoots", &organizations.ListRootsInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	w.refuse(manager, "DeleteOrganization", &organizations.DeleteOrganizationInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	w.refuse(manager, "LeaveOrganization", &organizations.LeaveOrganizationInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	w.refuse(manager, "CreateOrganization", &organizations.CreateOrganizationInput{FeatureSet: some("SOME")}, "InvalidInputException", "INVALID_ENUM", "You specified an invalid value.")

	o := do[organizations.CreateOrganizationOutput](w, manager, "CreateOrganization", &organizations.CreateOrganizationInput{}).Organization
	matches(t, map[string]string{
		o.ID:               `o-[a-z0-9]{10,32}`,
		o.ARN:              `arn:aws:organizations::` + manager + `:organization/` + o.ID,
		o.MasterAccountARN: `arn:aws:organizations::` + manager + `:account/` + o.ID + `/` + manager,
	})
	if o.FeatureSet != "ALL" || o.MasterAccountID != manager || len(o.AvailablePolicyTypes) != 1 {
		t.Errorf("%+v", o)
	}
	w.refuse(manager, "CreateOrganization", &organizations.CreateOrganizationInput{}, "AlreadyInOrganizationException", "", "The provided account is already a member of an organization.")

	root := w.root(manager)
	matches(t, map[string]string{root.ID: `r-[0-9a-z]{4,32}`, root.ARN: `arn:aws:organizations::` + manager + `:root/` + o.ID + `/` + root.ID})
	if root.Name != "Root" || root.PolicyTypes == nil || len(root.PolicyTypes) != 0 {
		t.Errorf("%+v", root)
	}

	// A member may look at the organization, and do no more.
	id := w.account("member")
	if seen := do[organizations.DescribeOrganizationOutput](w, id, "DescribeOrganization", &organizations.DescribeOrganizationInput{}); seen.Organization.ID != o.ID {
		t.Errorf("the member sees %+v", seen.Organization)
	}
	w.refuse(id, "ListAccounts", &organizations.ListAccountsInput{}, fault.AccessDenied, "", denied)
	w.refuse(id, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentID: some(root.ID), Name: some("mine")}, fault.AccessDenied, "", denied)
	w.refuse(id, "DeleteOrganization", &organizations.DeleteOrganizationInput{}, fault.AccessDenied, "", denied)
	w.refuse(manager, "LeaveOrganization", &organizations.LeaveOrganizationInput{}, "MasterCannotLeaveOrganizationException", "", "You can't remove a management account from an organization.")
	w.refuse(manager, "DeleteOrganization", &organizations.DeleteOrganizationInput{}, "OrganizationNotEmptyException", "",
		"The organization isn't empty. To delete an organization, you must first remove all accounts except the management account.")

	// Other organizations are out of sight.
	w.organization(rival)
	w.refuse(rival, "DescribeAccount", &organizations.DescribeAccountInput{AccountID: some(id)}, "AccountNotFoundException", "", "You specified an account that doesn't exist.")
	w.refuse(rival, "ListChildren", &organizations.ListChildrenInput{ParentID: some(root.ID), ChildType: some("ACCOUNT")}, "ParentNotFoundException", "", "You specified a parent that doesn't exist.")

	w.done(id, "LeaveOrganization", &organizations.LeaveOrganizationInput{})
	w.refuse(id, "DescribeOrganization", &organizations.DescribeOrganizationInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	w.unit(root.ID, "left behind")
	w.policy(scp, "left behind", denies)
	w.done(manager, "DeleteOrganization", &organizations.DeleteOrganizationInput{})
	w.refuse(manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	if again := w.organization(manager); again == root.ID {
		t.Error("a new organization has the root of the old one")
	}
	if list := do[organizations.ListPoliciesOutput](w, manager, "ListPolicies", &organizations.ListPoliciesInput{Filter: some(scp)}); len(list.Policies) != 1 {
		t.Errorf("a new organization has the policies %+v", list.Policies)
	}
}

// TestBillingOnly: an organization without all features has no policies.
func TestBillingOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := do[organizations.CreateOrganizationOutput](w, manager, "CreateOrganization", &organizations.CreateOrganizationInput{FeatureSet: some("CONSOLIDATED_BILLING")}).Organization
	if o.FeatureSet != "CONSOLIDATED_BILLING" || len(o.AvailablePolicyTypes) != 0 {
		t.Errorf("%+v", o)
	}
	const text = "You can't use the specified policy type with the feature set currently enabled for this organization."
	w.refuse(manager, "EnablePolicyType", &organizations.EnablePolicyTypeInput{RootID: some(w.root(manager).ID), PolicyType: some(scp)}, "PolicyTypeNotAvailableForOrganizationException", "", text)
	w.refuse(manager, "CreatePolicy", policyInput(scp, "one", denies), "PolicyTypeNotAvailableForOrganizationException", "", text)
	if list := do[organizations.ListPoliciesOutput](w, manager, "ListPolicies", &organizations.ListPoliciesInput{Filter: some(scp)}); len(list.Policies) != 0 {
		t.Errorf("%+v", list.Policies)
	}
}

// TestPermissions: permission is asked for before anything is told, on the
// resource and under the condition keys that AWS documents.
func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	w.enable(root, scp)
	w.enable(root, rcp)
	u := w.unit(root, "one")
	w.done(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(u.ID), Tags: []organizations.Tag{{Key: some("team"), Value: some("red")}}})
	p := w.policy(scp, "one", denies)
	users := 0
	user := func(statement string) string {
		users++
		name := some(fmt.Sprintf("user%d", users))
		do[iam.CreateUserOutput](w, manager, "iam:CreateUser", &iam.CreateUserInput{UserName: name})
		w.done(manager, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: name, PolicyName: some("p"), PolicyDocument: some(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)})
		return do[iam.CreateAccessKeyOutput](w, manager, "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: name}).AccessKey.AccessKeyID
	}
	account := "arn:aws:organizations::" + manager
	organization := do[organizations.DescribeOrganizationOutput](w, manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}).Organization.ID
	rename := func(id string) any {
		return &organizations.UpdateOrganizationalUnitInput{OrganizationalUnitID: some(id), Name: some("new")}
	}
	for name, test := range map[string]struct {
		statement string
		call      string
		in        any
		allowed   bool
	}{
		"nothing, of what is not there": {`{"Effect":"Deny","Action":"*","Resource":"*"}`, "UpdateOrganizationalUnit", rename("ou-none-12345678"), false},
		"by its ARN":                    {`{"Effect":"Allow","Action":"organizations:*","Resource":"` + u.ARN + `"}`, "UpdateOrganizationalUnit", rename(u.ID), true},
		"by another ARN":                {`{"Effect":"Allow","Action":"organizations:*","Resource":"` + account + `:ou/` + organization + `/ou-none-12345678"}`, "UpdateOrganizationalUnit", rename(u.ID), false},
		"by its tag":                    {`{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}`, "UpdateOrganizationalUnit", rename(u.ID), true},
		"by another tag":                {`{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}`, "UpdateOrganizationalUnit", rename(u.ID), false},
		"by the type":                   {`{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"` + scp + `"}}}`, "ListPolicies", &organizations.ListPoliciesInput{Filter: some(scp)}, true},
		"by another type":               {`{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"` + scp + `"}}}`, "ListPolicies", &organizations.ListPoliciesInput{Filter: some(rcp)}, false},
		"policy and target":             {`{"Effect":"Allow","Action":"organizations:AttachPolicy","Resource":["` + account + `:policy/*/service_control_policy/` + p + `","` + u.ARN + `"]}`, "AttachPolicy", &organizations.AttachPolicyInput{PolicyID: some(p), TargetID: some(u.ID)}, true},
		"policy without target":         {`{"Effect":"Allow","Action":"organizations:AttachPolicy","Resource":"` + account + `:policy/*"}`, "AttachPolicy", &organizations.AttachPolicyInput{PolicyID: some(p), TargetID: some(root)}, false},
		"a unit with tags":              {`{"Effect":"Allow","Action":["organizations:CreateOrganizationalUnit","organizations:TagResource"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/a":"b"}}}`, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentID: some(root), Name: some("tagged"), Tags: []organizations.Tag{{Key: some("a"), Value: some("b")}}}, true},
		"a unit with tags, no leave":    {`{"Effect":"Allow","Action":"organizations:CreateOrganizationalUnit","Resource":"*"}`, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentID: some(root), Name: some("untagged"), Tags: []organizations.Tag{{Key: some("a"), Value: some("b")}}}, false},
	} {
		_, err := w.call(user(test.statement), test.call, test.in)
		if (err == nil) != test.allowed || err != nil && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInput: what is refused before anything is looked up, with AWS's reasons.
func TestInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	long := func(n int) optional.Of[string] { return some(strings.Repeat("a", n)) }
	for _, test := range []struct {
		call, reason, text string
		in                 any
	}{
		{"DescribeAccount", "INPUT_REQUIRED", "You must include a value for all required parameters.", &organizations.DescribeAccountInput{}},
		{"DescribeAccount", "INVALID_PATTERN", "You provided a value that does not match the required pattern.", &organizations.DescribeAccountInput{AccountID: some("12345678901x")}},
		{"DescribeAccount", "MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed.", &organizations.DescribeAccountInput{AccountID: some("1234567890123")}},
		{"ListAccounts", "MAX_VALUE_EXCEEDED", "You provided a numeric parameter that has a larger value than allowed.", &organizations.ListAccountsInput{MaxResults: optional.Some(21)}},
		{"ListAccounts", "MIN_VALUE_EXCEEDED", "You provided a numeric parameter that has a smaller value than allowed.", &organizations.ListAccountsInput{MaxResults: optional.Some(0)}},
		{"ListAccounts", "INVALID_NEXT_TOKEN", "Get the value for the NextToken parameter from the response to a previous call of the operation.", &organizations.ListAccountsInput{NextToken: some("nonsense")}},
		{"ListPolicies", "INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type string.", &organizations.ListPoliciesInput{Filter: some("NO_POLICY")}},
		{"CreateOrganizationalUnit", "MIN_LENGTH_EXCEEDED", "You provided a string parameter that is shorter than allowed.", &organizations.CreateOrganizationalUnitInput{ParentID: some(root), Name: some("")}},
		{"CreateOrganizationalUnit", "MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed.", &organizations.CreateOrganizationalUnitInput{ParentID: some(root), Name: long(129)}},
		{"CreateAccount", "INVALID_ROLE_NAME", "You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor.", &organizations.CreateAccountInput{Email: some("a@b.cd"), AccountName: some("a"), RoleName: some("AWSServiceRoleForX")}},
		{"CreateAccount", "INVALID_PATTERN", "You provided a value that does not match the required pattern.", &organizations.CreateAccountInput{Email: some("nobody at all"), AccountName: some("a")}},
		{"CreateAccount", "INVALID_ENUM", "You specified an invalid value.", &organizations.CreateAccountInput{Email: some("a@b.cd"), AccountName: some("a"), IAMUserAccessToBilling: some("PERHAPS")}},
		{"ListChildren", "INVALID_ENUM", "You specified an invalid value.", &organizations.ListChildrenInput{ParentID: some(root), ChildType: some("POLICY")}},
		{"TagResource", "DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached to the same entity.", &organizations.TagResourceInput{ResourceID: some(root), Tags: []organizations.Tag{{Key: some("a"), Value: some("1")}, {Key: some("a"), Value: some("2")}}}},
		{"TagResource", "INVALID_PATTERN", "You provided a value that does not match the required pattern.", &organizations.TagResourceInput{ResourceID: some(root), Tags: []organizations.Tag{{Key: some("a"), Value: some("a?b")}}}},
	} {
		w.refuse(manager, test.call, test.in, "InvalidInputException", test.reason, test.text)
	}
}
