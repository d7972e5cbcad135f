package organizations_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"claviger/internal/service/organizations"
	"claviger/internal/words/optional"
)

// TestPolicies: policies are made, changed and deleted; AWS's own are neither.
func TestPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	w.enable(root, scp)
	o := do[organizations.DescribeOrganizationOutput](w, manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}).Organization.ID
	p := do[organizations.CreatePolicyOutput](w, manager, "CreatePolicy", policyInput(scp, "one", denies)).Policy
	s := p.PolicySummary
	matches(t, map[string]string{s.ID: `p-[0-9a-z]{8,128}`, s.ARN: `arn:aws:organizations::` + manager + `:policy/` + o + `/service_control_policy/` + s.ID})
	if s.Name != "one" || s.Description != "a test" || s.Type != scp || s.AWSManaged || p.Content != denies {
		t.Errorf("%+v", p)
	}
	if arn := w.policyNamed(w.policy(rcp, "one", confine)).PolicySummary.ARN; !strings.Contains(arn, "/resource_control_policy/p-") {
		t.Errorf("%s", arn)
	}
	const taken = "A policy with the same name already exists."
	w.refuse(manager, "CreatePolicy", policyInput(scp, "one", denies), "DuplicatePolicyException", "", taken)
	w.refuse(manager, "CreatePolicy", policyInput(scp, "FullAWSAccess", denies), "DuplicatePolicyException", "", taken)
	w.refuse(manager, "CreatePolicy", policyInput("TAG_POLICY", "tags", denies), "PolicyTypeNotAvailableForOrganizationException", "",
		"You can't use the specified policy type with the feature set currently enabled for this organization.")

	second := w.policy(scp, "two", denies)
	const unknown, immutable = "You specified a policy that doesn't exist.", "You specified a policy that is managed by Amazon Web Services and can't be modified."
	update := func(id string) *organizations.UpdatePolicyInput {
		return &organizations.UpdatePolicyInput{PolicyID: some(id), Description: some("new")}
	}
	do[organizations.UpdatePolicyOutput](w, manager, "UpdatePolicy", update(second))
	if p := w.policyNamed(second); p.PolicySummary.Description != "new" || p.PolicySummary.Name != "two" || p.Content != denies {
		t.Errorf("%+v", p)
	}
	named := update(second)
	named.Name = some("one")
	w.refuse(manager, "UpdatePolicy", named, "DuplicatePolicyException", "", taken)
	w.refuse(manager, "UpdatePolicy", update("p-00000000"), "PolicyNotFoundException", "", unknown)
	w.refuse(manager, "UpdatePolicy", update(full), "InvalidInputException", "IMMUTABLE_POLICY", immutable)
	remove := func(id string) any { return &organizations.DeletePolicyInput{PolicyID: some(id)} }
	w.refuse(manager, "DeletePolicy", remove(rcpFull), "InvalidInputException", "IMMUTABLE_POLICY", immutable)
	w.attach(second, root)
	w.refuse(manager, "DeletePolicy", remove(second), "PolicyInUseException", "",
		"The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.")
	w.detach(second, root)
	w.done(manager, "DeletePolicy", remove(second))
	w.refuse(manager, "DeletePolicy", remove(second), "PolicyNotFoundException", "", unknown)
	w.refuse(manager, "DescribePolicy", &organizations.DescribePolicyInput{PolicyID: some(second)}, "PolicyNotFoundException", "", unknown)

	for id, want := range map[string]organizations.PolicySummary{
		full:    {ID: full, ARN: "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", Name: "FullAWSAccess", Description: "Allows access to every operation", Type: scp, AWSManaged: true},
		rcpFull: {ID: rcpFull, ARN: "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", Description: "Allows access to every resource", Type: rcp, AWSManaged: true},
	} {
		if got := w.policyNamed(id).PolicySummary; got != want {
			t.Errorf("%+v", got)
		}
	}
	for kind, want := range map[string]int{scp: 2, rcp: 2, "BACKUP_POLICY": 0} {
		list := do[organizations.ListPoliciesOutput](w, manager, "ListPolicies", &organizations.ListPoliciesInput{Filter: some(kind)}).Policies
		if len(list) != want || want > 0 && !list[0].AWSManaged {
			t.Errorf("%s: %+v", kind, list)
		}
	}
	// Page by page, each comes once, AWS's own first.
	var seen []string
	in := &organizations.ListPoliciesInput{Filter: some(scp), MaxResults: optional.Some(1)}
	for {
		out := do[organizations.ListPoliciesOutput](w, manager, "ListPolicies", in)
		for _, p := range out.Policies {
			seen = append(seen, p.ID)
		}
		if in.NextToken = out.NextToken; !in.NextToken.Set {
			break
		}
	}
	if !slices.Equal(seen, []string{full, s.ID}) {
		t.Errorf("page by page: %v", seen)
	}
}

func (w *world) policyNamed(id string) organizations.Policy {
	w.t.Helper()
	return do[organizations.DescribePolicyOutput](w, manager, "DescribePolicy", &organizations.DescribePolicyInput{PolicyID: some(id)}).Policy
}

// TestPolicyDocuments: what may stand in a control policy.
func TestPolicyDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.organization(manager)
	statement := func(elements string) string { return `{"Version":"2012-10-17","Statement":[{` + elements + `}]}` }
	padded := func(characters int) string { return denies + strings.Repeat(" ", characters-len(denies)) }
	const malformed = "The provided policy document does not meet the requirements of the specified policy type."
	refused := 0
	for i, test := range []struct {
		kind, document string
		good           bool
	}{
		{scp, statement(`"Effect":"Allow","Action":"kms:*","Resource":"*"`), true},
		{scp, statement(`"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`), true},
		{scp, statement(`"Effect":"Allow","NotAction":"iam:*","Resource":"*"`), true},
		{scp, statement(`"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:kms:*:*:key/a"`), true},
		{scp, statement(`"Sid":"One","Effect":"Deny","Action":["kms:*Key","s3:?et*"],"Resource":"*"`), true},
		{scp, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, true},
		{scp, padded(5120), true},
		{scp, statement(`"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"`), false},
		{scp, statement(`"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"`), false},
		{scp, statement(`"Effect":"Deny","Action":"kms:*"`), false},
		{scp, statement(`"Effect":"Deny","Resource":"*"`), false},
		{scp, statement(`"Effect":"Maybe","Action":"kms:*","Resource":"*"`), false},
		{scp, statement(`"Effect":"Deny","Action":"kms:*","Resource":"*","Sid":"with spaces"`), false},
		{scp, `{"Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`, false},
		{scp, `{"Version":"2008-10-17","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`, false},
		{scp, `{"Version":"2012-10-17","Statement":[]}`, false},
		{scp, `{"Version":"2012-10-17"}`, false},
		{scp, `not JSON`, false},
		{scp, denies + denies, false},
		{rcp, statement(`"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"`), true},
		{rcp, statement(`"Effect":"Deny","Principal":{"AWS":"*"},"Action":["kms:*","sts:AssumeRole","s3:*"],"NotResource":"arn:aws:kms:*:*:key/a","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1234567890"}}`), true},
		{rcp, statement(`"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","Action":"kms:*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","NotPrincipal":"*","Action":"kms:*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","Principal":"*","NotAction":"kms:*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","Principal":"*","Action":"iam:*","Resource":"*"`), false},
		{rcp, statement(`"Effect":"Deny","Principal":"*","Action":"kms:*"`), false},
		{rcp, `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}`, false},
	} {
		in := policyInput(test.kind, fmt.Sprintf("policy %d", i), test.document)
		if test.good {
			do[organizations.CreatePolicyOutput](w, manager, "CreatePolicy", in)
			continue
		}
		refused++
		w.refuse(manager, "CreatePolicy", in, "MalformedPolicyDocument", "", malformed)
	}
	if refused != 21 {
		t.Errorf("%d documents were refused", refused)
	}
	// White space counts, and characters do, not bytes.
	sized := func(kind string, characters int) string {
		document := denies
		if kind == rcp {
			document = confine
		}
		document = strings.Replace(document, `"Statement"`, `"Id":"é", "Statement"`, 1)
		return document + strings.Repeat(" ", characters-utf8.RuneCountInString(document))
	}
	for _, kind := range []string{scp, rcp} {
		made := ""
		for n := range 3 {
			in := policyInput(kind, fmt.Sprint(kind, n), sized(kind, 5119+n))
			if n < 2 {
				made = do[organizations.CreatePolicyOutput](w, manager, "CreatePolicy", in).Policy.PolicySummary.ID
				continue
			}
			const long = "You have exceeded the maximum policy size."
			w.refuse(manager, "CreatePolicy", in, "ConstraintViolationException", "POLICY_CONTENT_LIMIT_EXCEEDED", long)
			w.refuse(manager, "UpdatePolicy", &organizations.UpdatePolicyInput{PolicyID: some(made), Content: in.Content}, "ConstraintViolationException", "POLICY_CONTENT_LIMIT_EXCEEDED", long)
		}
	}
	id := w.policy(scp, "good", denies)
	w.refuse(manager, "UpdatePolicy", &organizations.UpdatePolicyInput{PolicyID: some(id), Content: some(confine)}, "MalformedPolicyDocument", "", malformed)
}

// TestAttachments: an entity has one to five policies of a type; those of
// resources have AWS's own among them always.
func TestAttachments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	u, id := w.unit(root, "one").ID, w.account("one")
	attach := func(policy, target string) any {
		return &organizations.AttachPolicyInput{PolicyID: some(policy), TargetID: some(target)}
	}
	detach := func(policy, target string) any {
		return &organizations.DetachPolicyInput{PolicyID: some(policy), TargetID: some(target)}
	}
	const notEnabled, noPolicy, noTarget = "This operation can be performed only for enabled policy types.", "You specified a policy that doesn't exist.", "You specified a target that doesn't exist."
	ids := make([]string, 5)
	for i := range ids {
		ids[i] = w.policy(scp, fmt.Sprintf("policy %d", i), denies)
	}
	w.refuse(manager, "AttachPolicy", attach(ids[0], u), "PolicyTypeNotEnabledException", "", notEnabled)
	w.refuse(manager, "DetachPolicy", detach(full, u), "PolicyTypeNotEnabledException", "", notEnabled)
	if list := w.attached(u, scp); len(list) != 0 {
		t.Errorf("before the type is enabled: %v", list)
	}
	w.enable(root, scp)
	w.refuse(manager, "EnablePolicyType", &organizations.EnablePolicyTypeInput{RootID: some(root), PolicyType: some(scp)}, "PolicyTypeAlreadyEnabledException", "", "The specified policy type is already enabled.")
	w.refuse(manager, "EnablePolicyType", &organizations.EnablePolicyTypeInput{RootID: some("r-none"), PolicyType: some(scp)}, "RootNotFoundException", "", "You specified a root that doesn't exist.")
	w.refuse(manager, "DisablePolicyType", &organizations.DisablePolicyTypeInput{RootID: some(root), PolicyType: some(rcp)}, "PolicyTypeNotEnabledException", "", notEnabled)
	if types := w.root(manager).PolicyTypes; !slices.Equal(types, []organizations.PolicyTypeSummary{{Type: scp, Status: "ENABLED"}}) {
		t.Errorf("%+v", types)
	}
	for _, target := range []string{root, u, id, manager} {
		if list := w.attached(target, scp); !slices.Equal(list, []string{full}) {
			t.Errorf("%s has %v", target, list)
		}
	}
	w.refuse(manager, "AttachPolicy", attach("p-00000000", u), "PolicyNotFoundException", "", noPolicy)
	w.refuse(manager, "AttachPolicy", attach(ids[0], "ou-none-12345678"), "TargetNotFoundException", "", noTarget)
	w.refuse(manager, "DetachPolicy", detach(full, u), "ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
		"You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.")
	w.refuse(manager, "DetachPolicy", detach(ids[0], u), "PolicyNotAttachedException", "", "This policy isn't attached to the specified target.")
	for _, p := range ids[:4] {
		w.attach(p, u)
	}
	w.refuse(manager, "AttachPolicy", attach(ids[0], u), "DuplicatePolicyAttachmentException", "", "The selected policy is already attached to the specified target.")
	w.refuse(manager, "AttachPolicy", attach(ids[4], u), "ConstraintViolationException", "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You have attached the maximum number of policies to the specified target.")
	w.detach(full, u)
	w.attach(ids[4], u)
	if list := w.attached(u, scp); !slices.Equal(list, ids) {
		t.Errorf("%v, want %v", list, ids)
	}

	w.enable(root, rcp)
	w.refuse(manager, "DetachPolicy", detach(rcpFull, u), "InvalidInputException", "NON_DETACHABLE_POLICY", "You can't detach this Amazon Web Services Managed Policy.")
	w.attach(ids[0], id)
	w.attach(ids[0], root)
	targets := func(policy string, size int) (all []organizations.PolicyTargetSummary) {
		in := &organizations.ListTargetsForPolicyInput{PolicyID: some(policy), MaxResults: optional.Some(size)}
		for {
			out := do[organizations.ListTargetsForPolicyOutput](w, manager, "ListTargetsForPolicy", in)
			all = append(all, out.Targets...)
			if in.NextToken = out.NextToken; !in.NextToken.Set {
				return all
			}
		}
	}
	for size := 1; size <= 4; size++ {
		got := targets(ids[0], size)
		if len(got) != 3 || got[0].TargetID != u || got[0].Type != "ORGANIZATIONAL_UNIT" || got[1].TargetID != root || got[1].Type != "ROOT" || got[2].TargetID != id || got[2].Type != "ACCOUNT" {
			t.Errorf("targets, %d a page: %+v", size, got)
		}
		if n := len(targets(rcpFull, size)); n != 4 {
			t.Errorf("AWS's own policy is attached to %d", n)
		}
		if n := len(targets(full, size)); n != 3 {
			t.Errorf("AWS's own policy is attached to %d, want 3", n)
		}
	}

	// Who leaves has nothing attached any more, and neither has a unit that is gone.
	w.done(manager, "RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: some(id)})
	w.done(manager, "DeleteOrganizationalUnit", &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitID: some(u)})
	w.detach(ids[0], root)
	for _, p := range ids {
		w.done(manager, "DeletePolicy", &organizations.DeletePolicyInput{PolicyID: some(p)})
	}
}

// TestDisablePolicyType: disabling a type detaches all its policies for good.
func TestDisablePolicyType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	w.enable(root, scp)
	u, p := w.unit(root, "one").ID, w.policy(scp, "one", denies)
	w.attach(p, u)
	w.attach(p, root)
	w.detach(full, root)
	out := do[organizations.DisablePolicyTypeOutput](w, manager, "DisablePolicyType", &organizations.DisablePolicyTypeInput{RootID: some(root), PolicyType: some(scp)})
	if len(out.Root.PolicyTypes) != 0 || len(w.attached(u, scp)) != 0 {
		t.Errorf("%+v, on the unit %v", out.Root, w.attached(u, scp))
	}
	if targets := do[organizations.ListTargetsForPolicyOutput](w, manager, "ListTargetsForPolicy", &organizations.ListTargetsForPolicyInput{PolicyID: some(p)}).Targets; len(targets) != 0 {
		t.Errorf("%+v", targets)
	}
	w.enable(root, scp)
	if !slices.Equal(w.attached(u, scp), []string{full}) || !slices.Equal(w.attached(root, scp), []string{full}) {
		t.Errorf("enabled again: %v and %v", w.attached(u, scp), w.attached(root, scp))
	}
	w.attach(p, u)
	w.detach(p, u)
	w.done(manager, "DeletePolicy", &organizations.DeletePolicyInput{PolicyID: some(p)})
}
