package iam_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
)

// A countingDriver counts the rows that are read.
type countingDriver struct {
	driver.Driver
	rows atomic.Int64
}

func (d *countingDriver) Snapshot(ctx context.Context) (driver.Snapshot, error) {
	s, err := d.Driver.Snapshot(ctx)
	return &countingSnapshot{s, &d.rows}, err
}

type countingSnapshot struct {
	driver.Snapshot
	rows *atomic.Int64
}

func (s *countingSnapshot) Get(ctx context.Context, table *driver.Schema, key driver.Key) (driver.Row, error) {
	s.rows.Add(1)
	return s.Snapshot.Get(ctx, table, key)
}

func (s *countingSnapshot) Scan(ctx context.Context, table *driver.Schema, index string, prefix, after driver.Key, limit int, fn func(driver.Row) error) error {
	return s.Snapshot.Scan(ctx, table, index, prefix, after, limit, func(r driver.Row) error {
		s.rows.Add(1)
		return fn(r)
	})
}

// What it costs to change a policy, and to read somebody anew who has it, does not grow with the
// number of users and policies, nor with how many have the policy or are in the group.
func TestChangesCostTheSame(t *testing.T) {
	t.Parallel()
	d := &countingDriver{}
	w := worldOn(t, iam.Options{}, d)
	ann := w.actorNamed("ann", "")
	w.createGroup("red")
	policy := w.createPolicy("p", allowAll)
	do[operation.None](t, w.root(), "AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(policy)})
	w.attach("ann", policy)
	w.join("ann", "red")
	w.version(policy, allowAll)
	cost := func(fn func()) int64 {
		before := d.rows.Load()
		fn()
		return d.rows.Load() - before
	}
	measure := func() (costs [4]int64) {
		w.credential(rootKeyID)
		w.credential(ann.keyID)
		costs[0] = cost(func() {
			do[operation.None](t, w.root(), "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: some(policy), VersionID: some("v1")})
		})
		costs[1] = cost(func() { w.credential(ann.keyID) })
		costs[2] = cost(func() { w.putGroup("red", "own", allowAll) })
		costs[3] = cost(func() { w.credential(ann.keyID) })
		return costs
	}
	alone := measure()
	for i := range 50 {
		name := fmt.Sprint("user", i)
		w.createUser(name)
		w.attach(name, policy)
		w.join(name, "red")
		w.createPolicy(name, allowAll)
	}
	if among := measure(); among != alone || alone[0] == 0 || alone[1] == 0 {
		t.Errorf("rows read: %v among many, %v alone", among, alone)
	}
	if warm := cost(func() { w.credential(ann.keyID) }); warm != 0 {
		t.Errorf("a warm credential reads %d rows", warm)
	}
}

// Who changes one identity leaves what is in memory of the others as it is, also those of the same
// account who have the same policies and are in the same group.
func TestChangesLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	drawnAnew(t, disturbing)
}

// disturbing makes a world and returns the changes in it that had somebody be read
// anew whom they are not about.
func disturbing(t *testing.T) (after []string) {
	d := &countingDriver{}
	w := worldOn(t, iam.Options{}, d)
	ann := w.actorNamed("ann", allowAll)
	policy := w.createPolicy("p", allowAll)
	w.createGroup("red")
	w.attach("ann", policy)
	w.join("ann", "red")
	w.createUser("bob")
	w.createRole("r")
	root := w.root()
	red := []iam.Tag{{Key: some("team"), Value: some("red")}}
	for name, change := range map[string]func(){
		"CreateUser":       func() { w.createUser("carol") },
		"CreateAccessKey":  func() { w.createKey("bob") },
		"PutUserPolicy":    func() { w.put("bob", "own", allowAll) },
		"TagUser":          func() { do[operation.None](t, root, "TagUser", &iam.TagUserInput{UserName: some("bob"), Tags: red}) },
		"AttachUserPolicy": func() { w.attach("bob", policy) },
		"AddUserToGroup":   func() { w.join("bob", "red") },
		"CreateRole":       func() { w.createRole("another") },
		"TagRole":          func() { do[operation.None](t, root, "TagRole", &iam.TagRoleInput{RoleName: some("r"), Tags: red}) },
		"AttachRolePolicy": func() {
			do[operation.None](t, root, "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: some("r"), PolicyARN: some(policy)})
		},
		"CreatePolicy": func() { w.createPolicy("q", allowAll) },
		"CreateGroup":  func() { w.createGroup("blue") },
	} {
		before := w.credential(ann.keyID)
		change()
		read := d.rows.Load()
		if w.credential(ann.keyID) != before || d.rows.Load() != read {
			after = append(after, name)
		}
	}
	// And the one whom a change is about is read anew.
	before := w.credential(ann.keyID)
	w.put("ann", "own", allowAll)
	if w.credential(ann.keyID) == before {
		t.Error("who was changed is lent as before")
	}
	return after
}
