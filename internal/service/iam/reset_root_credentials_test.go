package iam_test

import (
	"slices"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
)

// TestResetRootCredentials: one access key is left of a root user, a new one.
func TestResetRootCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := do[iam.CreateAccessKeyOutput](t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{}).AccessKey.AccessKeyID
	ann := some("ann")
	do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: ann})
	kept := do[iam.CreateAccessKeyOutput](t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: ann}).AccessKey.AccessKeyID
	out := do[iam.ResetRootCredentialsOutput](t, w.operator(), "ResetRootCredentials", &iam.ResetRootCredentialsInput{AccountID: some(account)})
	if out.AccountID != account || !slices.Equal(out.Deleted, []string{rootKeyID, second}) {
		t.Errorf("reset %+v", out)
	}
	for _, gone := range out.Deleted {
		if _, err := w.iam.Credential(t.Context(), gone, ""); !fault.Is(err, fault.UnrecognizedClient) {
			t.Errorf("the access key %s of before: %v", gone, err)
		}
	}
	if got := w.credential(out.AccessKeyID); string(got.Secret.Reveal(reveal.Token{})) != string(out.SecretAccessKey.Reveal(reveal.Token{})) ||
		got.Caller.Principal.ARN != "arn:aws:iam::"+account+":root" {
		t.Errorf("the access key is of %+v", got.Caller.Principal)
	}
	for _, id := range []string{kept, otherKeyID} {
		w.credential(id) // is another's
	}
	again := do[iam.ResetRootCredentialsOutput](t, w.operator(), "ResetRootCredentials", &iam.ResetRootCredentialsInput{AccountID: some(account)})
	if !slices.Equal(again.Deleted, []string{out.AccessKeyID}) {
		t.Errorf("reset again %+v", again)
	}
}

func TestResetRootCredentialsRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refuse(t, w.operator(), "ResetRootCredentials", &iam.ResetRootCredentialsInput{AccountID: some("1234")}, fault.Validation,
		`1 validation error detected: Value '1234' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \d{12}`)
	refuse(t, w.operator(), "ResetRootCredentials", &iam.ResetRootCredentialsInput{AccountID: some("123412341234")}, iam.NoSuchEntity,
		"The account with id 123412341234 cannot be found.")
	refuse(t, w.operator(), "ResetRootCredentials", &iam.ResetRootCredentialsInput{}, iam.InvalidInput,
		"There is more than one account: "+min(account, other)+", "+max(account, other)+". Name the one whose root user is meant.")
	for _, someone := range []*actor{w.root(), w.actorNamed("everything", "")} {
		if _, err := someone.call("ResetRootCredentials", &iam.ResetRootCredentialsInput{AccountID: some(account)}); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("a caller who is no operator: %v", err)
		}
	}
	w.credential(rootKeyID) // counts still
}
