package kms_test

import (
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func (a *actor) described(key string) kms.KeyMetadata {
	a.w.t.Helper()
	return must[kms.DescribeKeyOutput](a, &kms.DescribeKeyInput{KeyID: str(key)}).KeyMetadata
}

func TestScheduleKeyDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for name, days := range map[string]optional.Of[int]{"alias/least": optional.Some(7), "alias/most": optional.Some(30), "alias/default": {}} {
		key := owner.createKey()
		owner.createAlias(name, key.KeyID)
		blob := owner.encrypt(name, "x")
		out := must[kms.ScheduleKeyDeletionOutput](owner, &kms.ScheduleKeyDeletionInput{KeyID: str(key.KeyID), PendingWindowInDays: days})
		due := w.now.Truncate(time.Millisecond).Add(time.Duration(days.Or(30)) * 24 * time.Hour)
		if want := (kms.ScheduleKeyDeletionOutput{KeyID: key.ARN, DeletionDate: optional.Some(due), KeyState: "PendingDeletion", PendingWindowInDays: days.Or(30)}); *out != want {
			t.Errorf("%s: answered %+v, want %+v", name, *out, want)
		}
		request, window, date := `{"keyId":"`+key.KeyID+`"}`, "30", "Mar 31, 2026, 12:00:00 PM"
		switch name {
		case "alias/least":
			request, window, date = `{"keyId":"`+key.KeyID+`","pendingWindowInDays":7}`, "7", "Mar 8, 2026, 12:00:00 PM"
		case "alias/most":
			request = `{"keyId":"` + key.KeyID + `","pendingWindowInDays":30}`
		}
		w.recorded(request, `{"keyId":"`+key.ARN+`","deletionDate":"`+date+`","keyState":"PendingDeletion","pendingWindowInDays":`+window+`}`, `{}`, ofKey(key))

		m := owner.described(name) // the alias stays
		if m.KeyID != key.KeyID || m.Enabled || m.KeyState != "PendingDeletion" || m.DeletionDate != optional.Some(due) || m.PendingDeletionWindowInDays.Set {
			t.Errorf("%s: described as %+v", name, m)
		}
		owner.refused(&kms.ScheduleKeyDeletionInput{KeyID: str(key.KeyID)}, kms.InvalidState, key.ARN+" is pending deletion.")
		owner.refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidState, key.ARN+" is pending deletion.")
	}
}

func TestPendingWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	const narrow = "PendingWindowInDays must be between 7 and 30."
	const at = "1 validation error detected: Value '"
	cases := map[int]string{
		1: narrow, 6: narrow, 31: narrow, 365: narrow,
		-1:  at + "-1' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value greater than or equal to 1",
		0:   at + "0' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value greater than or equal to 1",
		366: at + "366' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value less than or equal to 365",
	}
	for days, message := range cases {
		owner.refused(&kms.ScheduleKeyDeletionInput{KeyID: str(key.KeyID), PendingWindowInDays: optional.Some(days)}, fault.Validation, message)
	}
	if m := owner.described(key.KeyID); m.KeyState != "Enabled" {
		t.Errorf("the key is %s", m.KeyState)
	}
}

// A policy can demand more time than the service does; a time that is not given counts as well.
func TestPendingWindowCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	patient := w.user(home, "patient", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:ScheduleKeyDeletion","kms:CancelKeyDeletion"],"Resource":"*",
		"Condition":{"NumericGreaterThanEqualsIfExists":{"kms:ScheduleKeyDeletionPendingWindowInDays":"21"}}}}`)
	key := owner.createKey()
	for days, want := range map[int]bool{7: false, 20: false, 21: true, 30: true, 0: true} {
		in := &kms.ScheduleKeyDeletionInput{KeyID: str(key.KeyID), PendingWindowInDays: optional.Of[int]{V: days, Set: days != 0}}
		if !want {
			patient.denied(in, "kms:ScheduleKeyDeletion", key.ARN, noIdentity("kms:ScheduleKeyDeletion"))
			continue
		}
		patient.may("schedule", in)
		patient.may("cancel", &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)}) // where the condition key is absent
	}
}

// A key is not for other accounts to delete, or to keep, even for those that may use it.
func TestDeletionAcrossAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, guest := w.root(home), w.user(abroad, "guest", everything)
	key := owner.createKey(delegated(abroad))
	guest.encrypt(key.ARN, "x")
	guest.denied(&kms.ScheduleKeyDeletionInput{KeyID: str(key.ARN)}, "kms:ScheduleKeyDeletion", key.ARN, noResource("kms:ScheduleKeyDeletion"))
	owner.schedule(key, 7)
	guest.denied(&kms.CancelKeyDeletionInput{KeyID: str(key.ARN)}, "kms:CancelKeyDeletion", key.ARN, noResource("kms:CancelKeyDeletion"))
}
