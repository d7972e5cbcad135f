package iam_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func (w *world) createGroup(name string) iam.Group {
	w.t.Helper()
	return do[iam.CreateGroupOutput](w.t, w.root(), "CreateGroup", &iam.CreateGroupInput{GroupName: some(name)}).Group
}

func (w *world) join(user, group string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "AddUserToGroup", &iam.AddUserToGroupInput{UserName: some(user), GroupName: some(group)})
}

func (w *world) leave(user, group string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "RemoveUserFromGroup", &iam.RemoveUserFromGroupInput{UserName: some(user), GroupName: some(group)})
}

func (w *world) putGroup(group, name, document string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "PutGroupPolicy", &iam.PutGroupPolicyInput{GroupName: some(group), PolicyName: some(name), PolicyDocument: some(document)})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := do[iam.CreateGroupOutput](t, w.root(), "CreateGroup", &iam.CreateGroupInput{GroupName: some("Red"), Path: some("/team/")}).Group
	if len(made.GroupID) != 21 || !strings.HasPrefix(made.GroupID, "AGPA") || made.ARN != "arn:aws:iam::111122223333:group/team/Red" || made.Path != "/team/" || made.CreateDate.Unix() != start.Unix() {
		t.Errorf("made %+v", made)
	}
	refuse(t, w.root(), "CreateGroup", &iam.CreateGroupInput{GroupName: some("rEd")}, iam.EntityAlreadyExists, "Group with name rEd already exists.")
	w.createGroup("blue")
	for _, user := range []string{"cid", "Ann", "bob"} {
		w.createUser(user)
		w.join(user, "red")
		w.join(user, "RED") // nothing happens
	}
	w.join("bob", "blue")
	var names []string
	in := &iam.GetGroupInput{GroupName: some("red"), MaxItems: optional.Some(2)}
	for _, want := range []int{2, 1} {
		out := do[iam.GetGroupOutput](t, w.root(), "GetGroup", in)
		if out.Group != made || len(out.Users) != want || out.IsTruncated != out.Marker.Set || out.IsTruncated != (want == 2) {
			t.Fatalf("got %+v", out)
		}
		for _, u := range out.Users {
			names = append(names, u.UserName.V)
		}
		in.Marker = out.Marker
	}
	if want := []string{"Ann", "bob", "cid"}; !slices.Equal(names, want) {
		t.Errorf("in the group: %v, want %v", names, want)
	}
	ofBob := func(max, pages int) (names []string) {
		t.Helper()
		in := &iam.ListGroupsForUserInput{UserName: some("bob"), MaxItems: optional.Some(max)}
		for page := 1; ; page++ {
			out := do[iam.ListGroupsForUserOutput](t, w.root(), "ListGroupsForUser", in)
			if out.IsTruncated != out.Marker.Set || out.IsTruncated != (page < pages) {
				t.Fatalf("page %d is %+v", page, out)
			}
			for _, g := range out.Groups {
				names = append(names, g.GroupName)
			}
			if !out.IsTruncated {
				return names
			}
			in.Marker = out.Marker
		}
	}
	for max, pages := range map[int]int{1: 2, 2: 1, 100: 1} {
		if got := ofBob(max, pages); !slices.Equal(got, []string{"blue", "Red"}) {
			t.Errorf("bob is in %v", got)
		}
	}
	list := do[iam.ListGroupsOutput](t, w.root(), "ListGroups", &iam.ListGroupsInput{MaxItems: optional.Some(1)})
	if len(list.Groups) != 1 || list.Groups[0].GroupName != "blue" || !list.IsTruncated {
		t.Errorf("listed: %+v", list)
	}
	list = do[iam.ListGroupsOutput](t, w.root(), "ListGroups", &iam.ListGroupsInput{Marker: list.Marker})
	if len(list.Groups) != 1 || list.Groups[0] != made || list.IsTruncated {
		t.Errorf("listed: %+v", list)
	}
	list = do[iam.ListGroupsOutput](t, w.root(), "ListGroups", &iam.ListGroupsInput{PathPrefix: some("/te")})
	if len(list.Groups) != 1 || list.Groups[0] != made {
		t.Errorf("listed under a path: %+v", list)
	}

	remove := &iam.DeleteGroupInput{GroupName: some("red")}
	arn := w.createPolicy("p", allowAll)
	do[operation.None](t, w.root(), "AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(arn)})
	w.putGroup("red", "own", allowAll)
	refuse(t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")}, iam.DeleteConflict, "Cannot delete entity, must remove users from group first.")
	refuse(t, w.root(), "DeleteGroup", remove, iam.DeleteConflict, "Cannot delete entity, must remove users from group first.")
	for _, user := range []string{"ann", "bob", "cid"} {
		w.leave(user, "red")
	}
	refuse(t, w.root(), "RemoveUserFromGroup", &iam.RemoveUserFromGroupInput{UserName: some("Cid"), GroupName: some("red")}, iam.NoSuchEntity, "User cid not in group Red")
	refuse(t, w.root(), "DeleteGroup", remove, iam.DeleteConflict, "Cannot delete entity, must detach all policies first.")
	do[operation.None](t, w.root(), "DetachGroupPolicy", &iam.DetachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(arn)})
	refuse(t, w.root(), "DeleteGroup", remove, iam.DeleteConflict, "Cannot delete entity, must delete policies first.")
	do[operation.None](t, w.root(), "DeleteGroupPolicy", &iam.DeleteGroupPolicyInput{GroupName: some("red"), PolicyName: some("own")})
	do[operation.None](t, w.root(), "DeleteGroup", remove)
	refuse(t, w.root(), "DeleteGroup", remove, iam.NoSuchEntity, "The group with name red cannot be found.")
	if got := ofBob(100, 1); !slices.Equal(got, []string{"blue"}) {
		t.Errorf("bob is in %v", got)
	}
}

// What a group has is in force for who is in it when the call is answered that says so.
func TestGroupPoliciesAreInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.actorNamed("ann", ""), w.actorNamed("bob", "")
	w.createGroup("red")
	arn := w.createPolicy("p", statement("Allow", "iam:ListUsers", "*"))
	attach := &iam.AttachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(arn)}
	allowed := func(a *actor, want bool) {
		t.Helper()
		_, err := a.call("ListUsers", &iam.ListUsersInput{})
		if want && err != nil || !want && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("allowed: %t, %v", want, err)
		}
	}
	w.join("ann", "red")
	allowed(ann, false)
	do[operation.None](t, w.root(), "AttachGroupPolicy", attach)
	do[operation.None](t, w.root(), "AttachGroupPolicy", attach)
	allowed(ann, true)
	allowed(bob, false)
	w.join("bob", "red")
	allowed(bob, true)
	w.version(arn, statement("Deny", "iam:ListUsers", "*"))
	allowed(ann, false)
	w.putGroup("red", "own", allowAll)
	allowed(bob, false)
	do[operation.None](t, w.root(), "DetachGroupPolicy", &iam.DetachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(arn)})
	allowed(ann, true)
	allowed(bob, true)
	do[operation.None](t, w.root(), "UpdateGroup", &iam.UpdateGroupInput{GroupName: some("red"), NewGroupName: some("blue"), NewPath: some("/x/")})
	allowed(ann, true)
	w.leave("ann", "blue")
	allowed(ann, false)
	allowed(bob, true)
	if a := w.credential(bob.keyID).Caller; len(a.Identity) != 1 {
		t.Errorf("bob has %d policies", len(a.Identity))
	}
	do[operation.None](t, w.root(), "DeleteGroupPolicy", &iam.DeleteGroupPolicyInput{GroupName: some("blue"), PolicyName: some("own")})
	allowed(bob, false)

	// A group that is missing might deny.
	w.put("bob", "own", allowAll)
	id := do[iam.GetGroupOutput](t, w.root(), "GetGroup", &iam.GetGroupInput{GroupName: some("blue")}).Group.GroupID
	w.update(func(tx store.Txn) error { return iam.LoseGroup(t.Context(), tx, id) })
	if _, err := bob.call("ListUsers", &iam.ListUsersInput{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("without the row of its group: %v", err)
	}
}

func TestGroupPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createGroup("red")
	var arns []string
	for i := range 11 {
		arns = append(arns, w.createPolicy(fmt.Sprintf("p%02d", i), allowAll))
	}
	for _, arn := range arns[:10] {
		do[operation.None](t, w.root(), "AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(arn)})
	}
	refuse(t, w.root(), "AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: some("red"), PolicyARN: some(arns[10])}, fault.LimitExceeded, "Cannot exceed quota for PoliciesPerGroup: 10")
	attached := do[iam.ListAttachedGroupPoliciesOutput](t, w.root(), "ListAttachedGroupPolicies", &iam.ListAttachedGroupPoliciesInput{GroupName: some("red"), MaxItems: optional.Some(9)})
	if len(attached.AttachedPolicies) != 9 || !attached.IsTruncated {
		t.Errorf("attached: %+v", attached)
	}
	attached = do[iam.ListAttachedGroupPoliciesOutput](t, w.root(), "ListAttachedGroupPolicies", &iam.ListAttachedGroupPoliciesInput{GroupName: some("red"), Marker: attached.Marker})
	if want := []iam.AttachedPolicy{{PolicyName: "p09", PolicyARN: arns[9]}}; !slices.Equal(attached.AttachedPolicies, want) || attached.IsTruncated {
		t.Errorf("attached: %+v", attached)
	}

	w.putGroup("red", "b", allowAll)
	w.putGroup("red", "a", sized(t, 5120-len(allowAll)))
	put := &iam.PutGroupPolicyInput{GroupName: some("red"), PolicyName: some("c"), PolicyDocument: some(allowAll)}
	refuse(t, w.root(), "PutGroupPolicy", put, fault.LimitExceeded, "Maximum policy size of 5120 bytes exceeded for group red")
	put.PolicyDocument = some("{")
	refuse(t, w.root(), "PutGroupPolicy", put, fault.MalformedPolicy, "Syntax errors in policy.")
	got := do[iam.GetGroupPolicyOutput](t, w.root(), "GetGroupPolicy", &iam.GetGroupPolicyInput{GroupName: some("RED"), PolicyName: some("b")})
	if want := (iam.GetGroupPolicyOutput{GroupName: "red", PolicyName: "b", PolicyDocument: allowAll}); *got != want {
		t.Errorf("got %+v", got)
	}
	listed := do[iam.ListGroupPoliciesOutput](t, w.root(), "ListGroupPolicies", &iam.ListGroupPoliciesInput{GroupName: some("red")})
	if !slices.Equal(listed.PolicyNames, []string{"a", "b"}) || listed.IsTruncated {
		t.Errorf("listed: %+v", listed)
	}
	refuse(t, w.root(), "GetGroupPolicy", &iam.GetGroupPolicyInput{GroupName: some("red"), PolicyName: some("c")}, iam.NoSuchEntity, "The group policy with name c cannot be found.")
	refuse(t, w.root(), "DeleteGroupPolicy", &iam.DeleteGroupPolicyInput{GroupName: some("red"), PolicyName: some("c")}, iam.NoSuchEntity, "The group policy with name c cannot be found.")
}

func TestGroupQuotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	for i := range 11 {
		w.createGroup(fmt.Sprint("g", i))
	}
	for i := range 10 {
		w.join("ann", fmt.Sprint("g", i))
	}
	refuse(t, w.root(), "AddUserToGroup", &iam.AddUserToGroupInput{UserName: some("ann"), GroupName: some("g10")}, fault.LimitExceeded, "Cannot exceed quota for GroupsPerUser: 10")
	w.leave("ann", "g3")
	w.join("ann", "g10")
	w.update(func(tx store.Txn) error { return iam.SetGroups(t.Context(), tx, account, 299) })
	w.createGroup("last")
	refuse(t, w.root(), "CreateGroup", &iam.CreateGroupInput{GroupName: some("more")}, fault.LimitExceeded, "Cannot exceed quota for GroupsPerAccount: 300")
	do[operation.None](t, w.root(), "DeleteGroup", &iam.DeleteGroupInput{GroupName: some("last")})
	w.createGroup("more")
}

// groupCalls has, by operation, a call about a group that may not exist.
var groupCalls = map[string]func(group string) any{
	"AddUserToGroup":            func(g string) any { return &iam.AddUserToGroupInput{GroupName: some(g), UserName: some("ann")} },
	"AttachGroupPolicy":         func(g string) any { return &iam.AttachGroupPolicyInput{GroupName: some(g), PolicyARN: some(admin)} },
	"DeleteGroup":               func(g string) any { return &iam.DeleteGroupInput{GroupName: some(g)} },
	"DeleteGroupPolicy":         func(g string) any { return &iam.DeleteGroupPolicyInput{GroupName: some(g), PolicyName: some("p")} },
	"DetachGroupPolicy":         func(g string) any { return &iam.DetachGroupPolicyInput{GroupName: some(g), PolicyARN: some(admin)} },
	"GetGroup":                  func(g string) any { return &iam.GetGroupInput{GroupName: some(g)} },
	"GetGroupPolicy":            func(g string) any { return &iam.GetGroupPolicyInput{GroupName: some(g), PolicyName: some("p")} },
	"ListAttachedGroupPolicies": func(g string) any { return &iam.ListAttachedGroupPoliciesInput{GroupName: some(g)} },
	"ListGroupPolicies":         func(g string) any { return &iam.ListGroupPoliciesInput{GroupName: some(g)} },
	"PutGroupPolicy": func(g string) any {
		return &iam.PutGroupPolicyInput{GroupName: some(g), PolicyName: some("p"), PolicyDocument: some(allowAll)}
	},
	"RemoveUserFromGroup": func(g string) any { return &iam.RemoveUserFromGroupInput{GroupName: some(g), UserName: some("ann")} },
	"UpdateGroup":         func(g string) any { return &iam.UpdateGroupInput{GroupName: some(g), NewPath: some("/x/")} },
}

const admin = "arn:aws:iam::aws:policy/AdministratorAccess"

func TestGroupRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createGroup("red")
	w.createUser("ann")
	nobody := w.actorNamed("nobody", "")
	const invalid = "The specified value for groupName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
	for name, in := range groupCalls {
		refuse(t, w.root(), name, in("none"), iam.NoSuchEntity, "The group with name none cannot be found.")
		refuse(t, w.otherRoot(), name, in("red"), iam.NoSuchEntity, "The group with name red cannot be found.")
		refuse(t, w.root(), name, in("a b"), fault.Validation, invalid)
		for _, group := range []string{"red", "none"} {
			refuse(t, nobody, name, in(group), fault.AccessDenied, "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:"+name+
				" on resource: arn:aws:iam::111122223333:group/"+group+" because no identity-based policy allows the iam:"+name+" action")
		}
	}
	refuse(t, w.root(), "AddUserToGroup", &iam.AddUserToGroupInput{GroupName: some("red"), UserName: some("none")}, iam.NoSuchEntity, "The user with name none cannot be found.")
	refuse(t, w.root(), "RemoveUserFromGroup", &iam.RemoveUserFromGroupInput{GroupName: some("red"), UserName: some("none")}, iam.NoSuchEntity, "The user with name none cannot be found.")
}

// A group is not deleted while somebody joins it: of both one is refused.
func TestJoinWhileDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	for range 20 {
		w.createGroup("red")
		refused := make(chan error, 2)
		go func() {
			_, err := w.root().call("AddUserToGroup", &iam.AddUserToGroupInput{UserName: some("ann"), GroupName: some("red")})
			refused <- err
		}()
		go func() {
			_, err := w.root().call("DeleteGroup", &iam.DeleteGroupInput{GroupName: some("red")})
			refused <- err
		}()
		if a, b := <-refused, <-refused; (a == nil) == (b == nil) {
			t.Fatalf("one must be refused: %v, %v", a, b)
		}
		for _, g := range do[iam.ListGroupsForUserOutput](t, w.root(), "ListGroupsForUser", &iam.ListGroupsForUserInput{UserName: some("ann")}).Groups {
			w.leave("ann", g.GroupName)
			do[operation.None](t, w.root(), "DeleteGroup", &iam.DeleteGroupInput{GroupName: some("red")})
		}
	}
}

// The policies of groups are simulated as the groups', whether one asks about the group or
// about somebody who is in it.
func TestSimulateGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createGroup("red")
	w.join("ann", "red")
	w.putGroup("red", "p", allowAll)
	for _, source := range []string{"user/ann", "group/red"} {
		out := do[iam.SimulatePolicyOutput](t, w.root(), "SimulatePrincipalPolicy", &iam.SimulatePrincipalPolicyInput{
			PolicySourceARN: some("arn:aws:iam::111122223333:" + source), ActionNames: []string{"kms:Encrypt"},
		})
		r := out.EvaluationResults[0]
		if r.EvalDecision != "allowed" || len(r.MatchedStatements) != 1 || r.MatchedStatements[0].SourcePolicyID != "group_red_p" {
			t.Errorf("%s: %+v", source, r)
		}
	}
}
