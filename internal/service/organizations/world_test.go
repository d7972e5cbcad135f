package organizations_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Accounts of the world: two that manage organizations, and one that is in none.
const (
	manager = "111122223333"
	rival   = "444455556666"
	alone   = "777788889999"
)

// start is the time of every call, unless the world says otherwise.
var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// A world is the service over the accounts of the service of identities, and a
// corridor as short as can be.
type world struct {
	t             testing.TB
	store         *store.Store
	iam           *iam.Service
	organizations *organizations.Service
	ops           map[string]operation.Operation
	now           time.Time // of the next call
}

// accounts are those of the service of identities.
type accounts struct{ *iam.Service }

func (a accounts) Membership(ctx context.Context, r store.Reader, account string) (organizations.Membership, error) {
	m, err := a.Service.Membership(ctx, r, account)
	return organizations.Membership(m), err
}

func (a accounts) CreateMember(ctx context.Context, tx store.Txn, m organizations.NewMember) (string, error) {
	return a.Service.CreateMember(ctx, tx, iam.NewMember{Membership: iam.Membership(m.Membership), Management: m.Management, Role: m.Role, Created: m.Created.Unix()})
}

func newWorld(t testing.TB) *world {
	t.Helper()
	root, err := sealed.NewRootKey(confidential.New(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ops: make(map[string]operation.Operation), now: start}
	w.store, err = store.Open(t.Context(), drivertest.Open(t), store.Options{Tables: append(iam.Tables(), organizations.Tables()...), Sealer: keyring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	w.iam = iam.New(iam.Options{
		Store: w.store, Keyring: keyring, Development: true, Now: func() time.Time { return start },
		Places: func(ctx context.Context, account string) (*authz.Place, error) {
			return w.organizations.Place(ctx, account)
		},
	})
	w.organizations = organizations.New(organizations.Options{Store: w.store, Keyring: keyring, Accounts: accounts{w.iam}, Partition: "aws"})
	for _, op := range w.iam.Operations() {
		w.ops["iam:"+op.Name] = op
	}
	for _, op := range w.organizations.Operations() {
		w.ops[op.Name] = op
	}
	return w
}

func some(s string) optional.Of[string] { return optional.Some(s) }

// call walks an operation as the root user of an account, or with an access key.
func (w *world) call(as, name string, in any) (any, error) {
	op, ok := w.ops[name]
	if !ok {
		w.t.Fatalf("no operation %s", name)
	}
	if err := op.Validate(in); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if _, err := w.iam.Credential(ctx, as, ""); err != nil { // makes the account on first sight
		return nil, err
	}
	walk := func(r store.Reader, tx store.Txn) (any, error) {
		credential, err := w.iam.Credential(ctx, as, "")
		if err != nil {
			return nil, err
		}
		if credential.Refusal != nil {
			return nil, credential.Refusal
		}
		c := &operation.Call{
			Context: ctx, Time: w.now, Operation: name, Region: "us-east-1", Partition: "aws", Caller: credential.Caller,
			Facts: &authz.Facts{Time: w.now, Region: "us-east-1"},
		}
		c.Begin(func() (store.Reader, error) { return r, nil })
		var judge authz.Judge
		out, err := op.Walk(c, tx, in, func(asks []authz.Ask) error {
			if len(asks) == 0 {
				return errors.New("the operation asks nothing")
			}
			for i := range asks {
				if err := judge.Allow(c.Facts, c.Caller, &asks[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && tx != nil && c.Caller.Require != nil {
			c.Caller.Require(tx)
		}
		return out, err
	}
	if !op.Writes {
		snapshot, err := w.store.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		defer snapshot.Close()
		return walk(snapshot, nil)
	}
	var out any
	_, err := w.store.Update(ctx, opID(), func(tx store.Txn) (err error) {
		out, err = walk(tx, tx)
		return err
	})
	return out, err
}

func opID() (id store.OpID) {
	_, _ = rand.Read(id[:])
	return id
}

// do makes a call that must succeed.
func do[Out any](w *world, as, name string, in any) *Out {
	w.t.Helper()
	out, err := w.call(as, name, in)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out.(*Out)
}

// done makes a call that must succeed and answers nothing.
func (w *world) done(as, name string, in any) {
	w.t.Helper()
	do[operation.None](w, as, name, in)
}

// refuse makes a call that must be refused with a code, a reason and a text.
func (w *world) refuse(as, name string, in any, code fault.Code, reason, text string) {
	w.t.Helper()
	_, err := w.call(as, name, in)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != code || f.Reason != reason || f.Message != text {
		w.t.Errorf("%s: got %v (%+v), want %s %s: %s", name, err, f, code, reason, text)
	}
}

// organization makes an organization of an account and returns the id of its root.
func (w *world) organization(of string) string {
	w.t.Helper()
	do[organizations.CreateOrganizationOutput](w, of, "CreateOrganization", &organizations.CreateOrganizationInput{})
	return w.root(of).ID
}

func (w *world) root(of string) organizations.Root {
	w.t.Helper()
	return do[organizations.ListRootsOutput](w, of, "ListRoots", &organizations.ListRootsInput{}).Roots[0]
}

func (w *world) enable(root, kind string) {
	w.t.Helper()
	do[organizations.EnablePolicyTypeOutput](w, manager, "EnablePolicyType", &organizations.EnablePolicyTypeInput{RootID: some(root), PolicyType: some(kind)})
}

func (w *world) unit(parent, name string) organizations.OrganizationalUnit {
	w.t.Helper()
	return do[organizations.CreateOrganizationalUnitOutput](w, manager, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{
		ParentID: some(parent), Name: some(name),
	}).OrganizationalUnit
}

func (w *world) account(name string) string {
	w.t.Helper()
	out := do[organizations.CreateAccountOutput](w, manager, "CreateAccount", &organizations.CreateAccountInput{
		Email: some(name + "@example.com"), AccountName: some(name),
	})
	return do[organizations.DescribeCreateAccountStatusOutput](w, manager, "DescribeCreateAccountStatus", &organizations.DescribeCreateAccountStatusInput{
		CreateAccountRequestID: some(out.CreateAccountStatus.ID),
	}).CreateAccountStatus.AccountID.V
}

const (
	scp = "SERVICE_CONTROL_POLICY"
	rcp = "RESOURCE_CONTROL_POLICY"

	full    = "p-FullAWSAccess"
	rcpFull = "p-RCPFullAWSAccess"

	denies  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}]}`
	confine = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}`
)

func policyInput(kind, name, content string) *organizations.CreatePolicyInput {
	return &organizations.CreatePolicyInput{Type: some(kind), Name: some(name), Description: some("a test"), Content: some(content)}
}

func (w *world) policy(kind, name, content string) string {
	w.t.Helper()
	return do[organizations.CreatePolicyOutput](w, manager, "CreatePolicy", policyInput(kind, name, content)).Policy.PolicySummary.ID
}

func (w *world) attach(policy, target string) {
	w.t.Helper()
	w.done(manager, "AttachPolicy", &organizations.AttachPolicyInput{PolicyID: some(policy), TargetID: some(target)})
}

func (w *world) detach(policy, target string) {
	w.t.Helper()
	w.done(manager, "DetachPolicy", &organizations.DetachPolicyInput{PolicyID: some(policy), TargetID: some(target)})
}

// attached lists the ids of the policies of a type on an entity.
func (w *world) attached(target, kind string) (ids []string) {
	w.t.Helper()
	out := do[organizations.ListPoliciesForTargetOutput](w, manager, "ListPoliciesForTarget", &organizations.ListPoliciesForTargetInput{
		TargetID: some(target), Filter: some(kind),
	})
	for _, p := range out.Policies {
		ids = append(ids, p.ID)
	}
	return ids
}
