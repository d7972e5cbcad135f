package app

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
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

// TestAliasesAgain: an alias names the key that it was given last, where that is
// here. Where it is not, the operator is told.
func TestAliasesAgain(t *testing.T) {
	t.Parallel()
	var moved, moving, deleted, anew, keyed optional.Of[string]
	var to string
	p := newPast(t, func(w *world) {
		moved, moving, deleted, anew = optional.Some(w.alias()), optional.Some(w.alias()), optional.Some(w.alias()), optional.Some(w.alias())
		to = w.key()
		keyed = optional.Some(to)
	})
	root := p.caller(owner)
	update := func(w *world, alias optional.Of[string], key string) {
		w.must(w.caller(owner), "kms:UpdateAlias", &kms.UpdateAliasInput{AliasName: alias, TargetKeyID: optional.Some(key)})
	}
	remove := func(alias optional.Of[string]) {
		p.must(root, "kms:DeleteAlias", &kms.DeleteAliasInput{AliasName: alias})
	}
	create := func(alias optional.Of[string], key string) {
		p.must(root, "kms:CreateAlias", &kms.CreateAliasInput{AliasName: alias, TargetKeyID: optional.Some(key)})
	}
	made, fresh := p.key(), optional.Some("alias/made")
	update(p.world, moved, to)
	update(p.world, moving, to)
	update(p.world, moving, made)
	remove(deleted)
	remove(anew)
	create(anew, to)
	create(fresh, to)
	update(p.world, fresh, made)
	create(optional.Some("alias/gone"), to)
	remove(optional.Some("alias/gone"))
	sound(t, p.server)

	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil || !report.Accepted {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{
		"CreateKey lost",
		"UpdateAlias made again", // moved
		"UpdateAlias superseded", // moving
		"UpdateAlias to do by hand",
		"DeleteAlias made again", // deleted
		"DeleteAlias superseded", // anew
		"CreateAlias made again",
		"CreateAlias superseded", // fresh
		"UpdateAlias lost",
		"CreateAlias superseded", // gone
		"DeleteAlias nothing to do",
	})
	w := p.serving(dir)
	sound(t, w.server)
	list := w.must(w.caller(owner), "kms:ListAliases", &kms.ListAliasesInput{KeyID: keyed}).(*kms.ListAliasesOutput)
	if len(list.Aliases) != 2 || list.Aliases[0].AliasName != moved.V || list.Aliases[1].AliasName != anew.V {
		t.Errorf("the key has the aliases %+v", list.Aliases)
	}
	if _, err := w.call(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: deleted}); !fault.Is(err, kms.NotFound) {
		t.Errorf("a deleted alias: %v", err)
	}
	w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: moving})
}

// TestKeyTagsAgain: a key has the tags that it had last, also those of which the
// last change said nothing.
func TestKeyTagsAgain(t *testing.T) {
	t.Parallel()
	var key optional.Of[string]
	tag := func(w *world, name, value string) {
		w.must(w.caller(owner), "kms:TagResource", &kms.TagResourceInput{KeyID: key, Tags: []kms.Tag{{TagKey: optional.Some(name), TagValue: optional.Some(value)}}})
	}
	untag := func(w *world, names ...string) {
		w.must(w.caller(owner), "kms:UntagResource", &kms.UntagResourceInput{KeyID: key, TagKeys: names})
	}
	p := newPast(t, func(w *world) {
		key = optional.Some(w.key())
		tag(w, "kept", "=")
		tag(w, "taken", "off")
		tag(w, "back", "1")
	})
	untag(p.world, "taken", "back")
	tag(p.world, "back", "2")
	tag(p.world, "new", "")
	want := p.must(p.caller(owner), "kms:ListResourceTags", &kms.ListResourceTagsInput{KeyID: key}).(*kms.ListResourceTagsOutput).Tags
	sound(t, p.server)

	// Once more on top of what was made again, whose record says it in other words.
	dir := p.putBack()
	for range 2 {
		report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
		if err != nil || !report.Accepted || count(report.Changes, madeAgain) != 1 {
			t.Fatalf("%v: %+v", err, report)
		}
		w := p.serving(dir)
		sound(t, w.server)
		if got := w.must(w.caller(owner), "kms:ListResourceTags", &kms.ListResourceTagsInput{KeyID: key}).(*kms.ListResourceTagsOutput).Tags; !slices.Equal(got, want) {
			t.Errorf("the tags are %v, want %v", got, want)
		}
		if err := w.server.close(); err != nil {
			t.Fatal(err)
		}
		p.world, p.dir = w, dir
		dir = p.putBack()
	}
}

// TestTagsOfAnother: tags of a replica that was destroyed are not those of another one
// that was made in its place.
func TestTagsOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	steps := newSteps(true)
	add := func(name string, members map[string]string) *step {
		l := &operation.Lost{
			Source: kms.EventSource, Name: name, Account: owner, Region: secondRegion, Sequence: uint64(len(steps.last)), Members: members,
			Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: "arn:aws:kms:" + secondRegion + ":" + owner + ":key/mrk-1"}},
		}
		st := w.server.trace(l)
		steps.add(&st)
		return steps.last[st.trace.Subject]
	}
	tag := func(key string) map[string]string {
		return map[string]string{"tags.0.tagKey": key, "tags.0.tagValue": "1"}
	}
	add("TagResource", tag("a"))
	if st := add("TagResource", tag("b")); len(st.lost.Pairs("tagged")) != 2 {
		t.Errorf("two tags of one replica are %v", st.lost.Pairs("tagged"))
	}
	add("CreateKey", map[string]string{})
	if st := add("UntagResource", map[string]string{"tagKeys.0": "c"}); len(st.lost.Pairs("tagged")) != 1 {
		t.Errorf("the tag of another replica is %v", st.lost.Pairs("tagged"))
	}
}
