package organizations_test

import (
	"fmt"
	"slices"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
)

const noAccount = "You specified an account that doesn't exist."

// TestCreateAccount: a new account is answered as one that is being made, and is
// there; its role lets the management account in.
func TestCreateAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	in := &organizations.CreateAccountInput{
		Email: some("one@example.com"), AccountName: some("One"), RoleName: some("Access"),
		Tags: []organizations.Tag{{Key: some("team"), Value: some("red")}},
	}
	status := do[organizations.CreateAccountOutput](w, manager, "CreateAccount", in).CreateAccountStatus
	matches(t, map[string]string{status.ID: `car-[a-z0-9]{8,32}`})
	if status.State != "IN_PROGRESS" || status.AccountName != "One" || status.AccountID.Set || status.CompletedTimestamp.Set {
		t.Errorf("%+v", status)
	}
	describe := &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestID: some(status.ID)}
	status = do[organizations.DescribeCreateAccountStatusOutput](w, manager, "DescribeCreateAccountStatus", describe).CreateAccountStatus
	if status.State != "SUCCEEDED" || !status.CompletedTimestamp.Set || status.FailureReason.Set {
		t.Errorf("%+v", status)
	}
	id := status.AccountID.V
	a := do[organizations.DescribeAccountOutput](w, manager, "DescribeAccount", &organizations.DescribeAccountInput{AccountID: some(id)}).Account
	o := do[organizations.DescribeOrganizationOutput](w, manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}).Organization
	if a.ID != id || a.Name.V != "One" || a.Email.V != "one@example.com" || a.Status != "ACTIVE" || a.State != "ACTIVE" || a.JoinedMethod != "CREATED" ||
		!a.JoinedTimestamp.Equal(start) || a.ARN != "arn:aws:organizations::"+manager+":account/"+o.ID+"/"+id ||
		!slices.Equal(a.Paths, []string{o.ID + "/" + root + "/" + id + "/"}) {
		t.Errorf("%+v", a)
	}
	tags := do[organizations.ListTagsForResourceOutput](w, manager, "ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceID: some(id)}).Tags
	if len(tags) != 1 || tags[0].Key.V != "team" {
		t.Errorf("tags %+v", tags)
	}
	role := do[iam.GetRoleOutput](w, id, "iam:GetRole", &iam.GetRoleInput{RoleName: some("Access")}).Role
	if role.AssumeRolePolicyDocument != `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+manager+`:root"},"Action":"sts:AssumeRole"}]}` {
		t.Errorf("the role trusts %s", role.AssumeRolePolicyDocument)
	}

	// The same address again: the request fails, and makes nothing.
	in.AccountName, in.RoleName = some("Two"), some("")
	w.refuse(manager, "CreateAccount", in, "InvalidInputException", "INVALID_PATTERN", "You provided a value that does not match the required pattern.")
	in.RoleName.Set = false
	failed := do[organizations.CreateAccountOutput](w, manager, "CreateAccount", in).CreateAccountStatus
	describe.CreateAccountRequestID = some(failed.ID)
	status = do[organizations.DescribeCreateAccountStatusOutput](w, manager, "DescribeCreateAccountStatus", describe).CreateAccountStatus
	if status.State != "FAILED" || status.FailureReason.V != "EMAIL_ALREADY_EXISTS" || status.AccountID.Set {
		t.Errorf("%+v", status)
	}
	list := func(states ...string) int {
		return len(do[organizations.ListCreateAccountStatusOutput](w, manager, "ListCreateAccountStatus", &organizations.ListCreateAccountStatusInput{States: states}).CreateAccountStatuses)
	}
	if list() != 2 || list("FAILED") != 1 || list("SUCCEEDED") != 1 || list("IN_PROGRESS") != 0 || list("FAILED", "SUCCEEDED") != 2 {
		t.Errorf("requests: %d, failed %d, succeeded %d", list(), list("FAILED"), list("SUCCEEDED"))
	}
	if n := len(do[organizations.ListAccountsOutput](w, manager, "ListAccounts", &organizations.ListAccountsInput{}).Accounts); n != 2 {
		t.Errorf("%d accounts", n)
	}
	w.organization(rival)
	w.refuse(rival, "DescribeCreateAccountStatus", describe, "CreateAccountStatusNotFoundException", "", "You specified a create account request that doesn't exist.")

	// The role has its usual name where none was asked for.
	usual := w.account("usual")
	do[iam.GetRoleOutput](w, usual, "iam:GetRole", &iam.GetRoleInput{RoleName: some("OrganizationAccountAccessRole")})
}

// TestMoveAccount: an account stands below one parent.
func TestMoveAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	u, id := w.unit(root, "one"), w.account("one")
	move := func(id, from, to string) any {
		return &organizations.MoveAccountInput{AccountID: some(id), SourceParentID: some(from), DestinationParentID: some(to)}
	}
	w.refuse(manager, "MoveAccount", move("000000000000", root, u.ID), "AccountNotFoundException", "", noAccount)
	w.refuse(manager, "MoveAccount", move(id, u.ID, root), "SourceParentNotFoundException", "", "You specified a source parent that doesn't exist.")
	w.refuse(manager, "MoveAccount", move(id, root, "ou-none-12345678"), "DestinationParentNotFoundException", "", "You specified a destination parent that doesn't exist.")
	w.refuse(manager, "MoveAccount", move(id, root, root), "DuplicateAccountException", "", "The specified account is already present in the destination parent.")
	w.done(manager, "MoveAccount", move(id, root, u.ID))
	under := func(parent string) (ids []string) {
		for _, a := range do[organizations.ListAccountsForParentOutput](w, manager, "ListAccountsForParent", &organizations.ListAccountsForParentInput{ParentID: some(parent)}).Accounts {
			ids = append(ids, a.ID)
		}
		return ids
	}
	if !slices.Equal(under(u.ID), []string{id}) || !slices.Equal(under(root), []string{manager}) {
		t.Errorf("below the unit %v, below the root %v", under(u.ID), under(root))
	}
	children := do[organizations.ListChildrenOutput](w, manager, "ListChildren", &organizations.ListChildrenInput{ParentID: some(u.ID), ChildType: some("ACCOUNT")}).Children
	if !slices.Equal(children, []organizations.Child{{ID: id, Type: "ACCOUNT"}}) {
		t.Errorf("%+v", children)
	}
}

// TestRemoveAccount: members leave or are removed; a management account does
// neither, and a closed account stays closed.
func TestRemoveAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.organization(manager)
	id, shut := w.account("one"), w.account("two")
	remove := func(id string) any { return &organizations.RemoveAccountFromOrganizationInput{AccountID: some(id)} }
	w.refuse(manager, "RemoveAccountFromOrganization", remove("000000000000"), "AccountNotFoundException", "", noAccount)
	w.refuse(manager, "RemoveAccountFromOrganization", remove(manager), "MasterCannotLeaveOrganizationException", "", "You can't remove a management account from an organization.")
	w.done(manager, "RemoveAccountFromOrganization", remove(id))
	w.refuse(manager, "RemoveAccountFromOrganization", remove(id), "AccountNotFoundException", "", noAccount)
	w.refuse(id, "DescribeOrganization", &organizations.DescribeOrganizationInput{}, "AWSOrganizationsNotInUseException", "", notInUse)
	w.organization(id) // it is free to manage its own

	closing := func(id string) any { return &organizations.CloseAccountInput{AccountID: some(id)} }
	w.refuse(manager, "CloseAccount", closing("000000000000"), "AccountNotFoundException", "", noAccount)
	w.refuse(manager, "CloseAccount", closing(manager), "ConstraintViolationException", "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
		"You attempted to close the management account. To close the management account for the organization, you must first either remove or close all member accounts in the organization.")
	do[organizations.DescribeOrganizationOutput](w, shut, "DescribeOrganization", &organizations.DescribeOrganizationInput{})
	w.done(manager, "CloseAccount", closing(shut))
	w.refuse(shut, "DescribeOrganization", &organizations.DescribeOrganizationInput{}, fault.UnrecognizedClient, "", "The security token included in the request is invalid.")
	w.refuse(manager, "CloseAccount", closing(shut), "AccountAlreadyClosedException", "", "The provided account is already closed.")
	w.refuse(manager, "RemoveAccountFromOrganization", remove(shut), "ConstraintViolationException", "ACCOUNT_CANNOT_LEAVE_ORGANIZATION", "You can't remove a closed account from an organization.")
	a := do[organizations.DescribeAccountOutput](w, manager, "DescribeAccount", &organizations.DescribeAccountInput{AccountID: some(shut)}).Account
	if a.Status != "SUSPENDED" || a.State != "SUSPENDED" {
		t.Errorf("%+v", a)
	}
}

// TestAccountTags: tags come and go.
func TestAccountTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	w.enable(root, scp)
	p, u := w.policy(scp, "one", denies), w.unit(root, "one")
	tag := func(key, value string) []organizations.Tag {
		return []organizations.Tag{{Key: some(key), Value: some(value)}}
	}
	for _, id := range []string{root, u.ID, p, w.account("one")} {
		w.done(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(id), Tags: tag("Team", "red")})
		w.done(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(id), Tags: tag("team", "")})
		w.done(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(id), Tags: tag("Team", "blue")})
		w.done(manager, "UntagResource", &organizations.UntagResourceInput{ResourceID: some(id), TagKeys: []string{"team", "none"}})
		list := do[organizations.ListTagsForResourceOutput](w, manager, "ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceID: some(id)}).Tags
		if len(list) != 1 || list[0].Key.V != "Team" || list[0].Value.V != "blue" {
			t.Errorf("%s has %+v", id, list)
		}
	}
	many := make([]organizations.Tag, 49)
	for i := range many {
		many[i] = organizations.Tag{Key: some(fmt.Sprintf("key %d", i)), Value: some("")}
	}
	w.refuse(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(root), Tags: append(many, tag("x", "y")...)}, "ConstraintViolationException", "MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
	w.refuse(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some("000000000000"), Tags: tag("a", "b")}, "TargetNotFoundException", "", "You specified a target that doesn't exist.")
	w.refuse(manager, "TagResource", &organizations.TagResourceInput{ResourceID: some(full), Tags: tag("a", "b")}, "InvalidInputException", "IMMUTABLE_POLICY",
		"You specified a policy that is managed by Amazon Web Services and can't be modified.")
	if list := do[organizations.ListTagsForResourceOutput](w, manager, "ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceID: some(full)}).Tags; list == nil || len(list) != 0 {
		t.Errorf("AWS's policy has %+v", list)
	}
}
