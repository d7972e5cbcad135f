package app

import (
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// The use of an access key is known to the call that follows it, refused ones too.
func TestAccessKeyLastUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.newUser(owner, "reader")
	get := func() iam.AccessKeyLastUsed {
		t.Helper()
		out := w.must(w.caller(owner), "iam:GetAccessKeyLastUsed", &iam.GetAccessKeyLastUsedInput{AccessKeyID: optional.Some(user.AccessKeyID)})
		return out.(*iam.GetAccessKeyLastUsedOutput).AccessKeyLastUsed
	}
	if got := get(); got.LastUsedDate.Set || got.ServiceName != "N/A" || got.Region != "N/A" {
		t.Errorf("never used: %+v", got)
	}
	if _, err := w.call(user, "kms:ListKeys", &kms.ListKeysInput{}); err == nil {
		t.Error("a user without policies lists keys")
	}
	if got := get(); !got.LastUsedDate.Set || got.ServiceName != "kms" {
		t.Errorf("used: %+v", got)
	}
}
