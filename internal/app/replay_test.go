package app

import (
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/words/optional"
)

const sampleAllowList = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`

// attachedTo returns the ids of the service control policies that an entity has.
func (w *world) attachedTo(target optional.Of[string]) string {
	w.t.Helper()
	out := w.must(w.caller(owner), "organizations:ListPoliciesForTarget", &organizations.ListPoliciesForTargetInput{
		TargetID: target, Filter: optional.Some(serviceControl),
	}).(*organizations.ListPoliciesForTargetOutput)
	var ids []string
	for _, p := range out.Policies {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, " ")
}

// TestOrganizationAgain: what policies of an organization took away since stays
// taken away, with a policy that was made since, and what would give rights is
// told and not done.
func TestOrganizationAgain(t *testing.T) {
	t.Parallel()
	everything := optional.Some("p-FullAWSAccess")
	var root, unit, listed, denying, updated, account, left optional.Of[string]
	p := newPast(t, func(w *world) {
		root = w.organization()
		unit, listed = w.orgUnit(root, "unit"), w.orgUnit(root, "listed")
		account, left = w.member(), w.member()
		denying, updated = w.controlPolicy(serviceControl, sampleControl), w.controlPolicy(serviceControl, sampleControl)
		w.attach(denying, unit)
		w.attach(denying, account)
		w.lending()
	})
	manager := p.caller(owner)
	detach := func(policy, target optional.Of[string]) {
		p.must(manager, "organizations:DetachPolicy", &organizations.DetachPolicyInput{PolicyID: policy, TargetID: target})
	}
	const content = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`
	lends := strings.ReplaceAll(sampleLending, "List*", "ListRoots")
	made := p.controlPolicy(serviceControl, sampleAllowList)
	p.attach(made, listed)
	detach(everything, listed) // made is all that is left
	detach(denying, unit)      // gives
	p.attach(updated, account)
	p.must(manager, "organizations:UpdatePolicy", &organizations.UpdatePolicyInput{PolicyID: updated, Content: optional.Some(content)})
	p.must(manager, "organizations:UpdatePolicy", &organizations.UpdatePolicyInput{PolicyID: updated, Name: optional.Some("another")})
	p.must(manager, "organizations:PutResourcePolicy", &organizations.PutResourcePolicyInput{Content: optional.Some(lends)})
	p.must(manager, "organizations:RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: left})
	sound(t, p.server)

	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil || !report.Accepted || count(report.Changes, failed) > 0 {
		t.Fatalf("%v: %+v", err, report)
	}
	var lost []string
	for _, c := range report.Changes {
		if c.Outcome == gone || c.Outcome == byHand {
			lost = append(lost, c.Outcome+": "+c.Name+": "+c.Reason)
		} else if c.Outcome != madeAgain {
			t.Errorf("%s of record %d: %s", c.Name, c.Sequence, c.Outcome)
		}
	}
	if len(lost) != 3 || !strings.HasPrefix(lost[0], byHand+": DetachPolicy: the policy also denies") || lost[1] != gone+": UpdatePolicy: " ||
		!strings.HasPrefix(lost[2], byHand+": RemoveAccountFromOrganization: the account is in the organization again") {
		t.Errorf("lost %q", lost)
	}

	w := p.serving(dir)
	for target, want := range map[optional.Of[string]]string{
		listed:  made.V,
		unit:    everything.V + " " + denying.V,
		account: everything.V + " " + denying.V + " " + updated.V,
		root:    everything.V,
	} {
		if got := w.attachedTo(target); len(got) != len(want) || !containsAll(got, want) {
			t.Errorf("%s has %s, want %s", target.V, got, want)
		}
	}
	described := w.must(w.caller(owner), "organizations:DescribePolicy", &organizations.DescribePolicyInput{PolicyID: updated}).(*organizations.DescribePolicyOutput)
	if described.Policy.Content != content || described.Policy.PolicySummary.Name == "another" {
		t.Errorf("the policy is %+v", described.Policy)
	}
	own := w.must(w.caller(owner), "organizations:DescribeResourcePolicy", &organizations.DescribeResourcePolicyInput{}).(*organizations.DescribeResourcePolicyOutput)
	if own.ResourcePolicy.Content != lends {
		t.Errorf("the resource policy is %s", own.ResourcePolicy.Content)
	}
}

func containsAll(ids, want string) bool {
	for id := range strings.FieldsSeq(want) {
		if !strings.Contains(ids, id) {
			return false
		}
	}
	return true
}

// TestDetachedByType: what was attached before its type was disabled and enabled
// is attached no more, neither to who verifies the store nor to who restores it.
func TestDetachedByType(t *testing.T) {
	t.Parallel()
	var root, policy optional.Of[string]
	p := newPast(t, func(w *world) { root = w.organization() })
	policy = p.controlPolicy(serviceControl, sampleControl)
	p.attach(policy, root)
	p.must(p.caller(owner), "organizations:DisablePolicyType", &organizations.DisablePolicyTypeInput{RootID: root, PolicyType: optional.Some(serviceControl)})
	sound(t, p.server)
	p.enable(root, serviceControl)
	sound(t, p.server)
	if got := p.attachedTo(root); got != "p-FullAWSAccess" {
		t.Errorf("the root has %s", got)
	}
}

// TestVersionsAgain: the version of a policy that was put in force last is in
// force again, with its document, and no other one is made anew.
func TestVersionsAgain(t *testing.T) {
	t.Parallel()
	var policy, back optional.Of[string]
	p := newPast(t, func(w *world) { policy, back = w.managedPolicy(), w.managedPolicy() })
	root := p.caller(owner)
	version := func(policy optional.Of[string], document string) optional.Of[string] {
		out := p.must(root, "iam:CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyARN: policy, PolicyDocument: optional.Some(document), SetAsDefault: optional.Some(true)})
		return optional.Some(out.(*iam.CreatePolicyVersionOutput).PolicyVersion.VersionID)
	}
	const nothing = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`
	passed := version(policy, sampleDocument)
	version(policy, nothing)
	p.must(root, "iam:DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyARN: policy, VersionID: passed})
	version(back, nothing)
	p.must(root, "iam:SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: back, VersionID: optional.Some("v1")})
	sound(t, p.server)

	dir := p.putBack()
	if report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err != nil || count(report.Changes, madeAgain) != 1 || count(report.Changes, failed) > 0 {
		t.Fatalf("%v: %+v", err, report)
	}
	w := p.serving(dir)
	sound(t, w.server)
	out := w.must(w.caller(owner), "iam:GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyARN: policy, VersionID: optional.Some("v3")}).(*iam.GetPolicyVersionOutput)
	if !out.PolicyVersion.IsDefaultVersion || out.PolicyVersion.Document.V != nothing {
		t.Errorf("version v3 is %+v", out.PolicyVersion)
	}
	for policy, want := range map[optional.Of[string]]int{policy: 2, back: 1} {
		list := w.must(w.caller(owner), "iam:ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyARN: policy}).(*iam.ListPolicyVersionsOutput)
		if len(list.Versions) != want {
			t.Errorf("%s has the versions %+v", policy.V, list.Versions)
		}
	}
}
