package organizations_test

import (
	"fmt"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
)

// TestResourcePolicy: an organization lets members do some of what its
// management account does, as far as their own policies let them.
func TestResourcePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	w.enable(root, scp)
	w.enable(root, rcp)
	id, u := w.account("one"), w.unit(root, "one").ID
	const missing = "We can't find a resource policy request with the parameter that you specified."
	w.refuse(manager, "DescribeResourcePolicy", &organizations.DescribeResourcePolicyInput{}, "ResourcePolicyNotFoundException", "", missing)
	w.refuse(manager, "DeleteResourcePolicy", &organizations.DeleteResourcePolicyInput{}, "ResourcePolicyNotFoundException", "", missing)

	o := do[organizations.DescribeOrganizationOutput](w, manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}).Organization.ID
	put := func(statements string) *organizations.PutResourcePolicyInput {
		return &organizations.PutResourcePolicyInput{Content: some(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)}
	}
	allow := func(principal, action, more string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":` + action + `,"Resource":"*"` + more + `}`
	}
	lending := put(allow(id, `["organizations:CreatePolicy","organizations:AttachPolicy","organizations:List*"]`, `,"Condition":{"StringEqualsIfExists":{"organizations:PolicyType":"`+scp+`"}}`))
	p := do[organizations.PutResourcePolicyOutput](w, manager, "PutResourcePolicy", lending).ResourcePolicy
	matches(t, map[string]string{p.ResourcePolicySummary.ID: `rp-[0-9a-zA-Z_]{4,128}`, p.ResourcePolicySummary.ARN: `arn:aws:organizations::` + manager + `:resourcepolicy/` + o + `/` + p.ResourcePolicySummary.ID})
	if p.Content != lending.Content.V {
		t.Errorf("%+v", p)
	}

	// The member's root user, and a user of it with leave of its own.
	user := func(name, statement string) string {
		do[iam.CreateUserOutput](w, id, "iam:CreateUser", &iam.CreateUserInput{UserName: some(name)})
		if statement != "" {
			w.done(id, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: some(name), PolicyName: some("p"), PolicyDocument: some(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)})
		}
		return do[iam.CreateAccessKeyOutput](w, id, "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some(name)}).AccessKey.AccessKeyID
	}
	may := user("may", `{"Effect":"Allow","Action":"organizations:*","Resource":"*"}`)
	mayNot := user("maynot", "")
	for i, who := range []string{id, may} {
		made := do[organizations.CreatePolicyOutput](w, who, "CreatePolicy", policyInput(scp, fmt.Sprint("by a member ", i), denies)).Policy.PolicySummary.ID
		w.done(who, "AttachPolicy", &organizations.AttachPolicyInput{PolicyID: some(made), TargetID: some(u)})
		do[organizations.ListAccountsOutput](w, who, "ListAccounts", &organizations.ListAccountsInput{})
		w.refuse(who, "DetachPolicy", &organizations.DetachPolicyInput{PolicyID: some(made), TargetID: some(u)}, fault.AccessDenied, "", denied)
		tagged := policyInput(scp, "with tags", denies)
		tagged.Tags = []organizations.Tag{{Key: some("team"), Value: some("one")}}
		w.refuse(who, "CreatePolicy", tagged, fault.AccessDenied, "", denied) // no leave to tag is lent
		w.refuse(who, "CreatePolicy", policyInput(rcp, "another type", confine), fault.AccessDenied, "", denied)
		w.refuse(who, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentID: some(root), Name: some("mine")}, fault.AccessDenied, "", denied)
	}
	if _, err := w.call(mayNot, "ListAccounts", &organizations.ListAccountsInput{}); !fault.Is(err, fault.AccessDenied) || err.Error() == "AccessDenied: "+denied {
		t.Errorf("without leave of its own: %v", err)
	}

	// Leave for the policy is none for every target.
	arn := "arn:aws:organizations::" + manager + ":"
	narrow := put(`{"Effect":"Allow","Principal":{"AWS":"` + id + `"},"Action":"organizations:AttachPolicy","Resource":["` + arn + `policy/*","` + arn + `ou/*"]}`)
	do[organizations.PutResourcePolicyOutput](w, manager, "PutResourcePolicy", narrow)
	made := w.policy(scp, "of the manager", denies)
	w.refuse(id, "AttachPolicy", &organizations.AttachPolicyInput{PolicyID: some(made), TargetID: some(root)}, fault.AccessDenied, "", denied)
	w.done(id, "AttachPolicy", &organizations.AttachPolicyInput{PolicyID: some(made), TargetID: some(u)})
	w.refuse(id, "ListAccounts", &organizations.ListAccountsInput{}, fault.AccessDenied, "", denied)

	// A user can be named.
	do[organizations.PutResourcePolicyOutput](w, manager, "PutResourcePolicy", put(allow("arn:aws:iam::"+id+":user/may", `"organizations:ListRoots"`, "")))
	do[organizations.ListRootsOutput](w, may, "ListRoots", &organizations.ListRootsInput{})

	for name, test := range map[string]struct{ statement, reason, text string }{
		"no JSON":           {`{`, "INVALID_RESOURCE_POLICY_JSON", "You specified a resource policy that is not valid."},
		"no principal":      {`{"Effect":"Allow","Action":"organizations:ListRoots","Resource":"*"}`, "INVALID_RESOURCE_POLICY_JSON", "You specified a resource policy that is not valid."},
		"nobody":            {allow("arn:aws:iam::"+id+":user/nobody", `"organizations:ListRoots"`, ""), "INVALID_PRINCIPAL", "You specified an invalid principal element in the policy."},
		"a service":         {`{"Effect":"Allow","Principal":{"Service":"a.amazonaws.com"},"Action":"organizations:ListRoots","Resource":"*"}`, "INVALID_PRINCIPAL", "You specified an invalid principal element in the policy."},
		"another service's": {allow(id, `"kms:ListKeys"`, ""), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", "You specified an action that is not supported in a resource policy."},
		"what is not lent":  {allow(id, `["organizations:ListRoots","organizations:CreateAccount"]`, ""), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", "You specified an action that is not supported in a resource policy."},
		"everything else":   {`{"Effect":"Allow","Principal":{"AWS":"` + id + `"},"NotAction":"organizations:ListRoots","Resource":"*"}`, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", "You specified an action that is not supported in a resource policy."},
	} {
		t.Log(name)
		w.refuse(manager, "PutResourcePolicy", put(test.statement), "InvalidInputException", test.reason, test.text)
	}
	w.done(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(p.ResourcePolicySummary.ID), Tags: []organizations.Tag{{Key: some("a"), Value: some("b")}}})
	if tags := do[organizations.ListTagsForResourceOutput](w, manager, "ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceID: some(p.ResourcePolicySummary.ID)}).Tags; len(tags) != 1 {
		t.Errorf("%+v", tags)
	}
	w.done(manager, "DeleteResourcePolicy", &organizations.DeleteResourcePolicyInput{})
	w.refuse(may, "ListRoots", &organizations.ListRootsInput{}, fault.AccessDenied, "", denied)
}
