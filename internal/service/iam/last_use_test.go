package iam_test

import (
	"context"
	"testing"
	"time"

	"claviger/internal/kernel/lastuse"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/service/iam"
)

// A ledger is a trail of briefs, told to the service as they come and read by it later.
type ledger []struct {
	at time.Time
	of record.Brief
}

func (l ledger) read(_ context.Context, from uint64, fn func(uint64, string, time.Time, *record.Brief) error) error {
	for i := int(from) - 1; i < len(l); i++ {
		if err := fn(uint64(i+1), account, l[i].at, &l[i].of); err != nil {
			return err
		}
	}
	return nil
}

// An access key's and a role's last use is known at once, after it was stored, and
// after a start that had to read it off the trail.
func TestLastUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	key := w.createKey("ann").AccessKeyID
	roleID := w.createRole("r").RoleID
	used := func(id string) iam.AccessKeyLastUsed {
		t.Helper()
		out := do[iam.GetAccessKeyLastUsedOutput](t, w.root(), "GetAccessKeyLastUsed", &iam.GetAccessKeyLastUsedInput{AccessKeyID: some(id)})
		if id == key && out.UserName.V != "ann" || id == rootKeyID && out.UserName.Set {
			t.Errorf("%s is %+v's", id, out.UserName)
		}
		return out.AccessKeyLastUsed
	}
	ofRole := func() iam.RoleLastUsed {
		t.Helper()
		return *do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some("r")}).Role.RoleLastUsed
	}
	never := iam.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}
	if got := used(key); got != never {
		t.Errorf("never used: %+v", got)
	}
	if got := ofRole(); got != (iam.RoleLastUsed{}) {
		t.Errorf("a role that was never used: %+v", got)
	}

	var l ledger
	add := func(minutes int, b record.Brief) {
		l = append(l, ledger{{start.Add(time.Duration(minutes) * time.Minute), b}}...)
		last := len(l) - 1
		w.iam.Recorded(uint64(len(l)), account, l[last].at, &l[last].of)
	}
	add(1, record.Brief{Source: "kms.amazonaws.com", Region: "eu-west-1", AccessKeyID: key})
	add(2, record.Brief{Source: "iam.amazonaws.com", Region: "us-east-1", AccessKeyID: key, Refused: true})
	add(3, record.Brief{Source: "kms.amazonaws.com", Region: "eu-west-1", AccessKeyID: "ASIASESSION", RoleID: roleID})
	expect := func(about string) {
		t.Helper()
		got := used(key)
		if !got.LastUsedDate.V.Equal(start.Truncate(time.Second).Add(2*time.Minute)) || got.ServiceName != "iam" || got.Region != "us-east-1" {
			t.Errorf("%s: %+v", about, got)
		}
		if got := ofRole(); !got.LastUsedDate.V.Equal(start.Truncate(time.Second).Add(3*time.Minute)) || got.Region.V != "eu-west-1" {
			t.Errorf("%s: the role: %+v", about, got)
		}
	}
	expect("at once")
	if err := w.iam.StoreLastUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("stored")
	if got := used(rootKeyID); got != never {
		t.Errorf("the root user's: %+v", got)
	}

	// A use that only the trail has: the process that was told of it is gone.
	l = append(l, ledger{{start.Add(time.Hour), record.Brief{Source: "sts.amazonaws.com", Region: "us-east-1", AccessKeyID: rootKeyID}}}...)
	if _, err := lastuse.CatchUp(t.Context(), l.read, w.iam.FollowLastUses()); err != nil {
		t.Fatal(err)
	}
	expect("after a start")
	if got := used(rootKeyID); got.ServiceName != "sts" || !got.LastUsedDate.Set {
		t.Errorf("the root user's, after a start: %+v", got)
	}

	refuse(t, w.otherRoot(), "GetAccessKeyLastUsed", &iam.GetAccessKeyLastUsedInput{AccessKeyID: some(key)}, iam.NoSuchEntity, "The Access Key with id "+key+" cannot be found")
	do[operation.None](t, w.root(), "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: some("ann"), AccessKeyID: some(key)})
	refuse(t, w.root(), "GetAccessKeyLastUsed", &iam.GetAccessKeyLastUsedInput{AccessKeyID: some(key)}, iam.NoSuchEntity, "The Access Key with id "+key+" cannot be found")
	do[operation.None](t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")})
	w.createRole("r")
	if got := ofRole(); got != (iam.RoleLastUsed{}) {
		t.Errorf("a namesake: %+v", got)
	}
}
