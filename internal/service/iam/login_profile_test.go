package iam_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func login(name, password string) *iam.CreateLoginProfileInput {
	return &iam.CreateLoginProfileInput{UserName: some(name), Password: text(password)}
}

func changing(old, password string) *iam.ChangePasswordInput {
	return &iam.ChangePasswordInput{OldPassword: text(old), NewPassword: text(password)}
}

// The life of a password, by those who manage users.
func TestLoginProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("Ann")
	get := &iam.GetLoginProfileInput{UserName: some("ann")}
	const none = "Login Profile for User Ann cannot be found."
	refuse(t, w.root(), "GetLoginProfile", get, iam.NoSuchEntity, none)
	refuse(t, w.root(), "UpdateLoginProfile", &iam.UpdateLoginProfileInput{UserName: some("ann"), Password: text("Another-1")}, iam.NoSuchEntity, none)
	refuse(t, w.root(), "DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: some("ann")}, iam.NoSuchEntity, none)
	refuse(t, w.root(), "CreateLoginProfile", login("bob", "Correct-1"), iam.NoSuchEntity, "The user with name bob cannot be found.")
	refuse(t, w.root(), "CreateLoginProfile", &iam.CreateLoginProfileInput{Password: text("Correct-1")}, fault.Validation, "Must specify userName when calling with non-User credentials")

	in := login("ann", "Correct-1")
	in.PasswordResetRequired = optional.Some(true)
	made := do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", in).LoginProfile
	want := iam.LoginProfile{UserName: "Ann", CreateDate: start.Truncate(time.Second), PasswordResetRequired: true}
	if made != want {
		t.Errorf("got %+v, want %+v", made, want)
	}
	refuse(t, w.root(), "CreateLoginProfile", in, iam.EntityAlreadyExists, "Login Profile for user Ann already exists.")
	refuse(t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")}, iam.DeleteConflict, "Cannot delete entity, must delete login profile first.")

	w.later = time.Hour
	do[operation.None](t, w.root(), "UpdateLoginProfile", &iam.UpdateLoginProfileInput{UserName: some("ann"), Password: text("Another-1")})
	if got := do[iam.GetLoginProfileOutput](t, w.root(), "GetLoginProfile", get).LoginProfile; got != want {
		t.Errorf("with another password: %+v", got)
	}
	do[operation.None](t, w.root(), "UpdateLoginProfile", &iam.UpdateLoginProfileInput{UserName: some("ann"), PasswordResetRequired: optional.Some(false)})
	want.PasswordResetRequired = false
	if got := do[iam.GetLoginProfileOutput](t, w.root(), "GetLoginProfile", get).LoginProfile; got != want {
		t.Errorf("without a reset: %+v", got)
	}
	do[operation.None](t, w.root(), "DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: some("ann")})
	refuse(t, w.root(), "GetLoginProfile", get, iam.NoSuchEntity, none)
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
}

func TestPasswordCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const one = "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must "
	const pattern = `satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`
	for password, message := range map[string]string{
		"":                               "2 validation errors detected: Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 1; Value at 'password' failed to satisfy constraint: Member must " + pattern,
		"Ā-secret-1":                     one + pattern,
		"bell\a-Secret-1":                one + pattern,
		"A1-" + strings.Repeat("é", 126): one + "have length less than or equal to 128",
	} {
		refuse(t, w.root(), "CreateLoginProfile", login("ann", password), fault.Validation, message)
	}
	refuse(t, w.root(), "CreateLoginProfile", &iam.CreateLoginProfileInput{UserName: some("ann")}, fault.Validation,
		"1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must not be null")
	w.createUser("ann")
	do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", login("ann", "A1-"+strings.Repeat("é", 125)))
}

func TestAccountPasswordPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const none = "The Password Policy with domain name 111122223333 cannot be found."
	refuse(t, w.root(), "GetAccountPasswordPolicy", &iam.GetAccountPasswordPolicyInput{}, iam.NoSuchEntity, none)
	refuse(t, w.root(), "DeleteAccountPasswordPolicy", &iam.DeleteAccountPasswordPolicyInput{}, iam.NoSuchEntity, "The account policy with name PasswordPolicy cannot be found.")
	get := func() iam.PasswordPolicy {
		t.Helper()
		return do[iam.GetAccountPasswordPolicyOutput](t, w.root(), "GetAccountPasswordPolicy", &iam.GetAccountPasswordPolicyInput{}).PasswordPolicy
	}
	do[operation.None](t, w.root(), "UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{})
	if got := get(); got != (iam.PasswordPolicy{MinimumPasswordLength: 6}) {
		t.Errorf("by default: %+v", got)
	}
	yes := optional.Some(true)
	do[operation.None](t, w.root(), "UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: optional.Some(128), RequireSymbols: yes, RequireNumbers: yes, RequireUppercaseCharacters: yes, RequireLowercaseCharacters: yes,
		AllowUsersToChangePassword: yes, MaxPasswordAge: optional.Some(1095), PasswordReusePrevention: optional.Some(24), HardExpiry: optional.Some(false),
	})
	if got := get(); got != (iam.PasswordPolicy{
		MinimumPasswordLength: 128, RequireSymbols: true, RequireNumbers: true, RequireUppercaseCharacters: true, RequireLowercaseCharacters: true,
		AllowUsersToChangePassword: true, ExpirePasswords: true, MaxPasswordAge: optional.Some(1095), PasswordReusePrevention: optional.Some(24), HardExpiry: optional.Some(false),
	}) {
		t.Errorf("in full: %+v", got)
	}
	refuse(t, w.otherRoot(), "GetAccountPasswordPolicy", &iam.GetAccountPasswordPolicyInput{}, iam.NoSuchEntity, "The Password Policy with domain name 444455556666 cannot be found.")
	do[operation.None](t, w.root(), "DeleteAccountPasswordPolicy", &iam.DeleteAccountPasswordPolicyInput{})
	refuse(t, w.root(), "GetAccountPasswordPolicy", &iam.GetAccountPasswordPolicyInput{}, iam.NoSuchEntity, none)
}

// Which passwords a policy admits; what it refuses is never hashed.
func TestPasswordPolicyViolations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	yes := optional.Some(true)
	own := func(in iam.UpdateAccountPasswordPolicyInput) *iam.UpdateAccountPasswordPolicyInput { return &in }
	for _, tt := range []struct {
		policy   *iam.UpdateAccountPasswordPolicyInput
		password string
		message  string
	}{
		{nil, "Short-1", "Password should have a minimum length of 8"},
		{nil, "lowercase1", "Password does not conform to the account password policy."},
		{nil, "UPPER-----", "Password does not conform to the account password policy."},
		{own(iam.UpdateAccountPasswordPolicyInput{}), "fives", "Password should have a minimum length of 6"},
		{own(iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: optional.Some(20)}), strings.Repeat("é", 19), "Password should have a minimum length of 20"},
		{own(iam.UpdateAccountPasswordPolicyInput{RequireUppercaseCharacters: yes}), "lower-1", "Password should have at least one uppercase letter"},
		{own(iam.UpdateAccountPasswordPolicyInput{RequireLowercaseCharacters: yes}), "UPPER-1", "Password should have at least one lowercase letter"},
		{own(iam.UpdateAccountPasswordPolicyInput{RequireNumbers: yes}), "Letters-", "Password should have at least one number"},
		{own(iam.UpdateAccountPasswordPolicyInput{RequireSymbols: yes}), "Letters1é~", "Password should have at least one symbol"},
	} {
		if tt.policy != nil {
			do[operation.None](t, w.root(), "UpdateAccountPasswordPolicy", tt.policy)
		}
		refuse(t, w.root(), "CreateLoginProfile", login("ann", tt.password), iam.PasswordPolicyViolation, tt.message)
	}
	do[operation.None](t, w.root(), "DeleteAccountPasswordPolicy", &iam.DeleteAccountPasswordPolicyInput{})
	do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", login("ann", "three-k1nds"))
}

// A user changes its own password, by its own policy or the account's.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", "")
	bob := w.actorNamed("bob", statement("Allow", "iam:ChangePassword", "arn:aws:iam::*:user/${aws:username}"))
	const denied = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ChangePassword on resource: arn:aws:iam::111122223333:user/ann because no "
	refuse(t, ann, "ChangePassword", changing("First-1st", "Second-2nd"), fault.AccessDenied, denied+"identity-based policy allows the iam:ChangePassword action")
	refuse(t, bob, "ChangePassword", changing("First-1st", "Second-2nd"), iam.NoSuchEntity, "Login Profile for User bob cannot be found.")
	refuse(t, w.root(), "ChangePassword", changing("First-1st", "Second-2nd"), iam.InvalidUserType, "Only IAM Users can change their own password")

	do[operation.None](t, w.root(), "UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{AllowUsersToChangePassword: optional.Some(true), PasswordReusePrevention: optional.Some(2)})
	in := login("ann", "First-1st")
	in.PasswordResetRequired = optional.Some(true)
	do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", in)
	refuse(t, ann, "ChangePassword", changing("First-1s", "Second-2nd"), fault.AccessDenied, "The old password was incorrect.")
	const reused = "Policy constraint violation with password reuse prevention during password change."
	refuse(t, ann, "ChangePassword", changing("First-1st", "First-1st"), iam.PasswordPolicyViolation, reused)
	refuse(t, ann, "ChangePassword", changing("First-1st", "2"), iam.PasswordPolicyViolation, "Password should have a minimum length of 6")
	do[operation.None](t, ann, "ChangePassword", changing("First-1st", "Second-2nd"))
	if got := do[iam.GetLoginProfileOutput](t, w.root(), "GetLoginProfile", &iam.GetLoginProfileInput{UserName: some("ann")}); got.LoginProfile.PasswordResetRequired {
		t.Error("a password that was changed is still to be changed")
	}
	refuse(t, ann, "ChangePassword", changing("Second-2nd", "First-1st"), iam.PasswordPolicyViolation, reused)
	do[operation.None](t, ann, "ChangePassword", changing("Second-2nd", "Third-3rd"))
	do[operation.None](t, ann, "ChangePassword", changing("Third-3rd", "First-1st")) // two others were used since

	// A Deny of its own is stronger than what the account allows.
	w.put("ann", "deny", statement("Deny", "iam:ChangePassword", "*"))
	if _, err := ann.call("ChangePassword", changing("First-1st", "Fourth-4th")); !fault.Is(err, fault.AccessDenied) || !strings.Contains(fault.From(err).Message, "explicit deny") {
		t.Errorf("with a Deny: %v", err)
	}
}

// A password that changes while another one is hashed for its user is not overwritten.
func TestPasswordChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", login("ann", "First-1st"))
	w.meanwhile = func() {
		w.meanwhile = nil
		do[operation.None](t, w.root(), "UpdateLoginProfile", &iam.UpdateLoginProfileInput{UserName: some("ann"), Password: text("Second-2nd")})
	}
	refuse(t, w.root(), "UpdateLoginProfile", &iam.UpdateLoginProfileInput{UserName: some("ann"), Password: text("Third-3rd")},
		iam.EntityTemporarilyUnmodifiable, "Login Profile for User ann cannot be modified while it is being changed.")
	matches, err := iam.PasswordMatches(t.Context(), w.store, ann.UserID, text("Second-2nd"))
	if err != nil || !matches {
		t.Errorf("the password is another: %v", err)
	}
}

// What is kept of a password is no password, and not the same twice.
func TestPasswordHashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var kept [][]byte
	for _, name := range []string{"ann", "bob"} {
		u := w.createUser(name)
		do[iam.CreateLoginProfileOutput](t, w.root(), "CreateLoginProfile", login(name, "Correct-1"))
		body, err := iam.LoginRecord(t.Context(), w.store, u.UserID)
		if err != nil || bytes.Contains(body, []byte("Correct")) {
			t.Fatalf("kept is %s, %v", body, err)
		}
		kept = append(kept, body[bytes.Index(body, []byte(`"salt"`)):])
		for password, want := range map[string]bool{"Correct-1": true, "correct-1": false, "Correct-1 ": false} {
			if got, err := iam.PasswordMatches(t.Context(), w.store, u.UserID, text(password)); err != nil || got != want {
				t.Errorf("%q matches: %t, %v", password, got, err)
			}
		}
	}
	if bytes.Equal(kept[0], kept[1]) {
		t.Error("two users' equal passwords are kept as the same bytes")
	}
}
