package iam_test

import (
	"errors"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

func (w *world) bound(user, policy string) {
	w.t.Helper()
	do[operation.None](w.t, w.root(), "PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: some(user), PermissionsBoundary: some(policy)})
}

// A boundary allows nothing by itself, and what it does not allow nothing else can.
// Each change of it is in force when its call is answered.
func TestPermissionsBoundary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", allowAll)
	limit := w.createPolicy("limit", statement("Allow", "iam:Get*", "*"))
	list, get := &iam.ListUsersInput{}, &iam.GetUserInput{UserName: some("ann")}
	const who = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: "
	const listing = who + "iam:ListUsers on resource: arn:aws:iam::111122223333:user/ "
	const nothing = "because no permissions boundary allows the iam:ListUsers action"
	do[iam.ListUsersOutput](t, ann, "ListUsers", list)
	w.bound("ann", limit)
	refuse(t, ann, "ListUsers", list, fault.AccessDenied, listing+nothing)
	do[iam.GetUserOutput](t, ann, "GetUser", get)
	w.version(limit, statement("Deny", "iam:Get*", "*"))
	refuse(t, ann, "ListUsers", list, fault.AccessDenied, listing+nothing)
	refuse(t, ann, "GetUser", get, fault.AccessDenied, who+"iam:GetUser on resource: arn:aws:iam::111122223333:user/ann with an explicit deny in a permissions boundary")
	w.version(limit, allowAll)
	do[iam.ListUsersOutput](t, ann, "ListUsers", list)
	w.bound("ann", "arn:aws:iam::aws:policy/IAMReadOnlyAccess")
	do[iam.ListUsersOutput](t, ann, "ListUsers", list)
	if _, err := ann.call("CreateUser", &iam.CreateUserInput{UserName: some("bob")}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("beyond the boundary: %v", err)
	}
	do[operation.None](t, w.root(), "DeleteUserPermissionsBoundary", &iam.DeleteUserPermissionsBoundaryInput{UserName: some("ann")})
	do[iam.CreateUserOutput](t, ann, "CreateUser", &iam.CreateUserInput{UserName: some("bob")})

	bare := w.actorNamed("bare", "")
	w.bound("bare", "arn:aws:iam::aws:policy/AdministratorAccess")
	if _, err := bare.call("ListUsers", list); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("a boundary allows by itself: %v", err)
	}
}

func TestBoundaryIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limit, other := w.createPolicy("limit", allowAll), w.createPolicy("other", allowAll)
	boundary := func(b *iam.AttachedPermissionsBoundary) string {
		if b == nil {
			return ""
		}
		if b.PermissionsBoundaryType != "Policy" {
			t.Errorf("type %q", b.PermissionsBoundaryType)
		}
		return b.PermissionsBoundaryARN
	}
	uses := func(limits, others int) {
		t.Helper()
		if p := w.policy(limit); p.PermissionsBoundaryUsageCount != limits || p.AttachmentCount != 0 {
			t.Errorf("uses of limit: %+v, want %d", p, limits)
		}
		if p := w.policy(other); p.PermissionsBoundaryUsageCount != others || p.AttachmentCount != 0 {
			t.Errorf("uses of other: %+v, want %d", p, others)
		}
	}
	user := do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("ann"), PermissionsBoundary: some(limit)}).User
	role := do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{RoleName: some("r"), AssumeRolePolicyDocument: some(trusting(account)), PermissionsBoundary: some(limit)}).Role
	if boundary(user.PermissionsBoundary) != limit || boundary(role.PermissionsBoundary) != limit {
		t.Errorf("made: %+v, %+v", user, role)
	}
	uses(2, 0)
	shown := func(want string) {
		t.Helper()
		u := do[iam.GetUserOutput](t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("ann")}).User
		r := do[iam.GetRoleOutput](t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: some("r")}).Role
		if boundary(u.PermissionsBoundary) != want || boundary(r.PermissionsBoundary) != want {
			t.Errorf("got %+v and %+v, want %q", u, r, want)
		}
	}
	shown(limit)
	if u := do[iam.ListUsersOutput](t, w.root(), "ListUsers", &iam.ListUsersInput{}).Users; len(u) != 1 || u[0].PermissionsBoundary != nil {
		t.Errorf("listed: %+v", u)
	}
	if r := do[iam.ListRolesOutput](t, w.root(), "ListRoles", &iam.ListRolesInput{}).Roles; len(r) != 1 || r[0].PermissionsBoundary != nil {
		t.Errorf("listed: %+v", r)
	}
	listed := do[iam.ListPoliciesOutput](t, w.root(), "ListPolicies", &iam.ListPoliciesInput{PolicyUsageFilter: some("PermissionsBoundary")}).Policies
	if len(listed) != 1 || listed[0].ARN != limit {
		t.Errorf("boundaries: %+v", listed)
	}
	putRole := func(policy string) *iam.PutRolePermissionsBoundaryInput {
		return &iam.PutRolePermissionsBoundaryInput{RoleName: some("R"), PermissionsBoundary: some(policy)}
	}
	for range 2 {
		w.bound("ann", other)
		do[operation.None](t, w.root(), "PutRolePermissionsBoundary", putRole(other))
		shown(other)
		uses(0, 2)
	}
	refuse(t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(other)}, iam.DeleteConflict, "Cannot delete a policy attached to entities.")
	do[operation.None](t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(limit)})
	refuse(t, w.root(), "PutRolePermissionsBoundary", putRole(limit), iam.NoSuchEntity, "Scope ARN: "+limit+" does not exist or is not attachable.")
	for range 2 {
		do[operation.None](t, w.root(), "DeleteUserPermissionsBoundary", &iam.DeleteUserPermissionsBoundaryInput{UserName: some("ann")})
		do[operation.None](t, w.root(), "DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: some("r")})
		shown("")
	}
	// Who is deleted uses nothing any more.
	w.bound("ann", other)
	do[operation.None](t, w.root(), "PutRolePermissionsBoundary", putRole(other))
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
	do[operation.None](t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")})
	do[operation.None](t, w.root(), "DeletePolicy", &iam.DeletePolicyInput{PolicyARN: some(other)})
}

func TestBoundaryRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	w.createRole("r")
	limit := w.createPolicy("limit", allowAll)
	const invalid = "Value (arn:nothing-of-the-kind) for parameter PermissionsBoundary is invalid."
	refuse(t, w.root(), "PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: some("ann"), PermissionsBoundary: some("arn:nothing-of-the-kind")}, fault.Validation, invalid)
	refuse(t, w.root(), "PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: some("r"), PermissionsBoundary: some("arn:nothing-of-the-kind")}, fault.Validation, invalid)
	refuse(t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("new"), PermissionsBoundary: some("arn:nothing-of-the-kind")}, fault.Validation, invalid)
	refuse(t, w.root(), "PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: some("none"), PermissionsBoundary: some(limit)}, iam.NoSuchEntity, "The user with name none cannot be found.")
	refuse(t, w.root(), "PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: some("none"), PermissionsBoundary: some(limit)}, iam.NoSuchEntity, "The role with name none cannot be found.")
	refuse(t, w.root(), "DeleteUserPermissionsBoundary", &iam.DeleteUserPermissionsBoundaryInput{UserName: some("none")}, iam.NoSuchEntity, "The user with name none cannot be found.")
	refuse(t, w.root(), "DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: some("none")}, iam.NoSuchEntity, "The role with name none cannot be found.")

	// A boundary that is missing might deny.
	ann := w.as(w.createKey("ann").AccessKeyID)
	w.put("ann", "own", allowAll)
	w.bound("ann", limit)
	id := w.policy(limit).PolicyID
	do[iam.ListUsersOutput](t, ann, "ListUsers", &iam.ListUsersInput{})
	w.update(func(tx store.Txn) error { return iam.LosePolicy(t.Context(), tx, id) })
	if _, err := ann.call("ListUsers", &iam.ListUsersInput{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("without the row of its boundary: %v", err)
	}
}

// iam:PermissionsBoundary lets somebody make users and roles, and give them rights, within a
// boundary only. It is the one in the request, or else the one that they have.
func TestBoundaryInConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limit, other, wide := w.createPolicy("limit", allowAll), w.createPolicy("other", allowAll), w.createPolicy("wide", allowAll)
	lead := w.actorNamed("lead", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Create*","iam:Put*","iam:Delete*","iam:Attach*","iam:Detach*"],"Resource":"*",
		"Condition":{"ArnEquals":{"iam:PermissionsBoundary":"`+limit+`"}}},
		{"Effect":"Deny","Action":["iam:DeleteUserPermissionsBoundary","iam:DeleteRolePermissionsBoundary"],"Resource":"*"}]}`)
	allowed := func(name string, in any, want bool) {
		t.Helper()
		_, err := lead.call(name, in)
		if want && err != nil || !want && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s of %+v: %v", name, in, err)
		}
	}
	allowed("CreateUser", &iam.CreateUserInput{UserName: some("a")}, false)
	allowed("CreateUser", &iam.CreateUserInput{UserName: some("a"), PermissionsBoundary: some(other)}, false)
	allowed("CreateUser", &iam.CreateUserInput{UserName: some("a"), PermissionsBoundary: some(limit)}, true)
	allowed("CreateRole", &iam.CreateRoleInput{RoleName: some("a"), AssumeRolePolicyDocument: some(trusting(account))}, false)
	allowed("CreateRole", &iam.CreateRoleInput{RoleName: some("a"), AssumeRolePolicyDocument: some(trusting(account)), PermissionsBoundary: some(limit)}, true)
	w.createUser("b")
	w.createRole("b")
	for name, within := range map[string]bool{"a": true, "b": false} {
		n := some(name)
		allowed("AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: n, PolicyARN: some(wide)}, within)
		allowed("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: n, PolicyARN: some(wide)}, within)
		allowed("PutUserPolicy", &iam.PutUserPolicyInput{UserName: n, PolicyName: n, PolicyDocument: some(allowAll)}, within)
		allowed("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: n, PolicyName: n, PolicyDocument: some(allowAll)}, within)
		allowed("DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: n, PolicyName: n}, within)
		allowed("DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: n, PolicyName: n}, within)
		allowed("DetachUserPolicy", &iam.DetachUserPolicyInput{UserName: n, PolicyARN: some(wide)}, within)
		allowed("DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: n, PolicyARN: some(wide)}, within)
		allowed("PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: n, PermissionsBoundary: some(other)}, false)
		allowed("PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: n, PermissionsBoundary: some(other)}, false)
		allowed("PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: n, PermissionsBoundary: some(limit)}, true)
		allowed("PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: n, PermissionsBoundary: some(limit)}, true)
		allowed("DeleteUserPermissionsBoundary", &iam.DeleteUserPermissionsBoundaryInput{UserName: n}, false)
		allowed("DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: n}, false)
	}
}
