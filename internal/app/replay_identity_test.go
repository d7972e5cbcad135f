package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/words/optional"
)

// identityTag is a list of one tag.
func identityTag(key, value string) []iam.Tag {
	return []iam.Tag{{Key: optional.Some(key), Value: optional.Some(value)}}
}

// TestIdentityTagsAgain: users and roles have the tags that they had last, whose
// keys may have got another case, and sessions of roles the duration.
func TestIdentityTagsAgain(t *testing.T) {
	t.Parallel()
	var user, role optional.Of[string]
	p := newPast(t, func(w *world) {
		user, role = w.user(), w.role()
		root := w.caller(owner)
		for _, key := range []string{"Team", "taken", "kept"} {
			w.must(root, "iam:TagUser", &iam.TagUserInput{UserName: user, Tags: identityTag(key, "old")})
		}
		w.must(root, "iam:TagRole", &iam.TagRoleInput{RoleName: role, Tags: identityTag("taken", "old")})
		w.must(root, "iam:UpdateRole", &iam.UpdateRoleInput{RoleName: role, MaxSessionDuration: optional.Some(43200)})
	})
	root := p.caller(owner)
	p.must(root, "iam:UntagUser", &iam.UntagUserInput{UserName: user, TagKeys: []string{"TEAM", "Taken"}})
	p.must(root, "iam:TagUser", &iam.TagUserInput{UserName: user, Tags: identityTag("tEAM", "new=1")})
	p.must(root, "iam:UntagRole", &iam.UntagRoleInput{RoleName: role, TagKeys: []string{"taken"}})
	p.must(root, "iam:UpdateRole", &iam.UpdateRoleInput{RoleName: role, MaxSessionDuration: optional.Some(7200)})
	other := p.user()
	p.must(root, "iam:TagUser", &iam.TagUserInput{UserName: other, Tags: identityTag("a", "b")})
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: other})
	tags := func(w *world) []iam.Tag {
		return w.must(w.caller(owner), "iam:ListUserTags", &iam.ListUserTagsInput{UserName: user}).(*iam.ListUserTagsOutput).Tags
	}
	want := tags(p.world)
	sound(t, p.server)

	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{
		"UntagUser superseded", "TagUser made again", "UntagRole made again", "UpdateRole made again",
		"CreateUser lost", "TagUser nothing to do", "DeleteUser nothing to do",
	})
	w := p.serving(dir)
	sound(t, w.server)
	if got := tags(w); !slices.Equal(got, want) {
		t.Errorf("the tags are %v, want %v", got, want)
	}
	got := w.must(w.caller(owner), "iam:GetRole", &iam.GetRoleInput{RoleName: role}).(*iam.GetRoleOutput).Role
	if len(got.Tags) != 0 || got.MaxSessionDuration != optional.Some(7200) {
		t.Errorf("the role is %+v", got)
	}
}

// TestSignInAgain: that a password or a device is back is told, and no more where
// the user is deleted again in the end. Who did it without a name meant themselves.
func TestSignInAgain(t *testing.T) {
	t.Parallel()
	const another = "Canary-in-a-coal-mine-2"
	var changed, renewed, resets, leaves, signs, without, device, serial, key, credential optional.Of[string]
	var self *authz.Credential
	p := newPast(t, func(w *world) {
		changed, renewed, leaves, signs = w.loginUser(), w.loginUser(), w.loginUser(), w.loginUser()
		device, serial, _ = w.mfaUser()
		resets, key = w.serviceCredential()
		self = w.userWith("self", `["iam:*LoginProfile","iam:*ServiceSpecificCredential"]`)
		without = optional.Some("self")
		w.must(w.caller(owner), "iam:CreateLoginProfile", &iam.CreateLoginProfileInput{UserName: without, Password: secretText(samplePassword)})
		credential = optional.Some(w.must(w.caller(owner), "iam:CreateServiceSpecificCredential", &iam.CreateServiceSpecificCredentialInput{
			UserName: without, ServiceName: optional.Some("codecommit.amazonaws.com"),
		}).(*iam.CreateServiceSpecificCredentialOutput).ServiceSpecificCredential.ServiceSpecificCredentialID)
	})
	p.ahead.Store(int64(time.Minute))
	root, own := p.caller(owner), p.caller(self.AccessKeyID)
	update := func(w *world, user optional.Of[string]) {
		w.must(w.caller(owner), "iam:UpdateLoginProfile", &iam.UpdateLoginProfileInput{UserName: user, Password: secretText(another)})
	}
	update(p.world, changed)
	p.must(root, "iam:DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: renewed})
	p.must(root, "iam:CreateLoginProfile", &iam.CreateLoginProfileInput{UserName: renewed, Password: secretText(another)})
	p.must(root, "iam:ResetServiceSpecificCredential", &iam.ResetServiceSpecificCredentialInput{UserName: resets, ServiceSpecificCredentialID: key})
	p.must(root, "iam:DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: device, SerialNumber: serial})
	p.must(root, "iam:UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: optional.Some(20)})
	update(p.world, leaves)
	p.must(root, "iam:DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: leaves})
	update(p.world, signs)
	p.must(root, "iam:DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: signs})
	p.must(root, "iam:CreateLoginProfile", &iam.CreateLoginProfileInput{UserName: signs, Password: secretText(another)})
	p.must(root, "iam:DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: signs})
	p.must(root, "iam:DeleteUser", &iam.DeleteUserInput{UserName: signs})
	p.must(own, "iam:DeleteLoginProfile", &iam.DeleteLoginProfileInput{})
	p.must(own, "iam:DeleteServiceSpecificCredential", &iam.DeleteServiceSpecificCredentialInput{ServiceSpecificCredentialID: credential})
	sound(t, p.server)

	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{
		"UpdateLoginProfile to do by hand",                                  // changed
		"DeleteLoginProfile superseded", "CreateLoginProfile to do by hand", // renewed
		"ResetServiceSpecificCredential to do by hand",
		"DeactivateMFADevice to do by hand",
		"UpdateAccountPasswordPolicy to do by hand",
		"UpdateLoginProfile superseded", "DeleteLoginProfile made again", // leaves
		"UpdateLoginProfile superseded", "DeleteLoginProfile superseded", "CreateLoginProfile superseded", "DeleteLoginProfile made again", "DeleteUser made again",
		"DeleteLoginProfile made again", "DeleteServiceSpecificCredential made again", // without a name
	})
	w := p.serving(dir)
	problems := func() string {
		v, err := w.server.verifyStore(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, p := range v.Problems {
			all = append(all, p.String())
		}
		return strings.Join(all, "\n")
	}
	if got := problems(); strings.Count(got, "\n") != 0 || !strings.Contains(got, "DeactivateMFADevice of record") {
		t.Errorf("what the store shows to be done by hand is %s", got)
	}
	w.must(w.caller(owner), "iam:DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: device, SerialNumber: serial})
	sound(t, w.server)
}

// TestDeletedPoliciesAgain: a policy that was deleted is deleted, when it has been
// detached from whoever had it.
func TestDeletedPoliciesAgain(t *testing.T) {
	t.Parallel()
	const denying = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*","Resource":"*"}}`
	var harmless, denies, user, group optional.Of[string]
	attach := func(w *world, policy optional.Of[string]) {
		w.must(w.caller(owner), "iam:AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: user, PolicyARN: policy})
	}
	p := newPast(t, func(w *world) {
		user, harmless = w.user(), w.managedPolicy()
		out := w.must(w.caller(owner), "iam:CreatePolicy", &iam.CreatePolicyInput{PolicyName: optional.Some("denying"), PolicyDocument: optional.Some(denying)})
		denies = optional.Some(out.(*iam.CreatePolicyOutput).Policy.ARN)
		attach(w, harmless)
		attach(w, denies)
		group = optional.Some("left")
		w.must(w.caller(owner), "iam:CreateGroup", &iam.CreateGroupInput{GroupName: group})
		w.must(w.caller(owner), "iam:AddUserToGroup", &iam.AddUserToGroupInput{GroupName: group, UserName: user})
	})
	root := p.caller(owner)
	for _, policy := range []optional.Of[string]{harmless, denies} {
		p.must(root, "iam:DetachUserPolicy", &iam.DetachUserPolicyInput{UserName: user, PolicyARN: policy})
		p.must(root, "iam:DeletePolicy", &iam.DeletePolicyInput{PolicyARN: policy})
	}
	p.must(root, "iam:RemoveUserFromGroup", &iam.RemoveUserFromGroupInput{GroupName: group, UserName: user})
	p.must(root, "iam:DeleteGroup", &iam.DeleteGroupInput{GroupName: group})
	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{
		"DetachUserPolicy made again", "DeletePolicy made again",
		"DetachUserPolicy to do by hand", "DeletePolicy to do by hand",
		"RemoveUserFromGroup made again", "DeleteGroup made again",
	})
	w := p.serving(dir)
	w.must(w.caller(owner), "iam:DetachUserPolicy", &iam.DetachUserPolicyInput{UserName: user, PolicyARN: denies})
	w.must(w.caller(owner), "iam:DeletePolicy", &iam.DeletePolicyInput{PolicyARN: denies})
	sound(t, w.server)
}
