package organizations_test

import (
	"slices"
	"testing"
	"time"

	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
)

// invite invites an account to the manager's organization.
func (w *world) invite(account string) organizations.Handshake {
	w.t.Helper()
	return do[organizations.InviteAccountToOrganizationOutput](w, manager, "InviteAccountToOrganization", inviting(account, "ACCOUNT")).Handshake
}

func inviting(id, kind string) *organizations.InviteAccountToOrganizationInput {
	return &organizations.InviteAccountToOrganizationInput{Target: organizations.HandshakeParty{ID: some(id), Type: some(kind)}, Notes: some("welcome"), Tags: []organizations.Tag{{Key: some("a"), Value: some("b")}}}
}

// known makes an account on first sight, and returns its id.
func (w *world) known(account string) string {
	w.t.Helper()
	if _, err := w.call(account, "ListHandshakesForAccount", &organizations.ListHandshakesForAccountInput{}); err != nil {
		w.t.Fatal(err)
	}
	return account
}

// TestInvitation: an invitation is answered by who got it, or withdrawn by who
// sent it, once; whoever accepts is a member.
func TestInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	w.known(alone)
	h := w.invite(alone)
	o := do[organizations.DescribeOrganizationOutput](w, manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}).Organization.ID
	matches(t, map[string]string{h.ID: `h-[0-9a-z]{8,32}`, h.ARN: `arn:aws:organizations::` + manager + `:handshake/` + o + `/invite/` + h.ID})
	if h.Action != "INVITE" || h.State != "OPEN" || !h.RequestedTimestamp.Equal(start) || !h.ExpirationTimestamp.Equal(start.Add(15*24*time.Hour)) ||
		h.Parties[0].ID.V != o || h.Parties[1].ID.V != alone || h.Resources[0].Value != o || h.Resources[1].Value != alone || h.Resources[2].Value != "welcome" {
		t.Errorf("%+v", h)
	}
	const member, missing = "The handshake request is invalid because the invited account is already a member of an organization.", "We can't find a handshake with the HandshakeId that you specified."
	accept, decline, cancel := &organizations.AcceptHandshakeInput{HandshakeID: some(h.ID)}, &organizations.DeclineHandshakeInput{HandshakeID: some(h.ID)}, &organizations.CancelHandshakeInput{HandshakeID: some(h.ID)}
	w.refuse(manager, "InviteAccountToOrganization", inviting(alone, "ACCOUNT"), "DuplicateHandshakeException", "", "A handshake with the same action and target already exists.")
	w.refuse(manager, "InviteAccountToOrganization", inviting(manager, "ACCOUNT"), "HandshakeConstraintViolationException", "ALREADY_IN_AN_ORGANIZATION", member)
	w.refuse(manager, "InviteAccountToOrganization", inviting(o, "ORGANIZATION"), "InvalidInputException", "INVALID_PARTY_TYPE_TARGET", "You specified the wrong type of entity (account, organization, or email) as a party.")
	w.refuse(manager, "InviteAccountToOrganization", inviting("000000000001", "ACCOUNT"), "InvalidInputException", "INVALID_PARTY_TYPE_TARGET", "You specified the wrong type of entity (account, organization, or email) as a party.")
	w.refuse(manager, "InviteAccountToOrganization", inviting("a@example.com", "EMAIL"), "InvalidInputException", "INVALID_EMAIL_ADDRESS_TARGET", "You specified an invalid email address for the invited account owner.")
	w.refuse(alone, "InviteAccountToOrganization", inviting(rival, "ACCOUNT"), "AWSOrganizationsNotInUseException", "", notInUse)

	// Only the parties see it, and each has its own answer.
	w.refuse(rival, "DescribeHandshake", &organizations.DescribeHandshakeInput{HandshakeID: some(h.ID)}, "HandshakeNotFoundException", "", missing)
	w.refuse(rival, "AcceptHandshake", accept, "HandshakeNotFoundException", "", missing)
	w.refuse(manager, "AcceptHandshake", accept, fault.AccessDenied, "", denied)
	w.refuse(manager, "DeclineHandshake", decline, fault.AccessDenied, "", denied)
	w.refuse(alone, "CancelHandshake", cancel, fault.AccessDenied, "", denied)
	for _, who := range []string{manager, alone} {
		if got := do[organizations.DescribeHandshakeOutput](w, who, "DescribeHandshake", &organizations.DescribeHandshakeInput{HandshakeID: some(h.ID)}).Handshake; got.ID != h.ID {
			t.Errorf("%s sees %+v", who, got)
		}
	}

	if got := do[organizations.AcceptHandshakeOutput](w, alone, "AcceptHandshake", accept).Handshake; got.State != "ACCEPTED" {
		t.Errorf("%+v", got)
	}
	w.refuse(alone, "AcceptHandshake", accept, "HandshakeAlreadyInStateException", "", "The specified handshake is already in the requested state.")
	const transition = "You can't perform the operation on the handshake in its current state."
	w.refuse(alone, "DeclineHandshake", decline, "InvalidHandshakeTransitionException", "", transition)
	w.refuse(manager, "CancelHandshake", cancel, "InvalidHandshakeTransitionException", "", transition)
	a := do[organizations.DescribeAccountOutput](w, manager, "DescribeAccount", &organizations.DescribeAccountInput{AccountID: some(alone)}).Account
	if a.JoinedMethod != "INVITED" || a.Name.Set || a.Email.Set || !slices.Equal(a.Paths, []string{o + "/" + root + "/" + alone + "/"}) {
		t.Errorf("%+v", a)
	}
	tags := do[organizations.ListTagsForResourceOutput](w, manager, "ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceID: some(alone)}).Tags
	if len(tags) != 1 || tags[0].Key.V != "a" {
		t.Errorf("tags %+v", tags)
	}
	if p := w.place(alone); p.Organization != o {
		t.Errorf("the new member stands at %+v", p)
	}
}

// TestInvitationsEnd: declined, withdrawn, or left by an organization that is gone.
func TestInvitationsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.organization(manager)
	one, two, three := w.known("200000000001"), w.known("200000000002"), w.known("200000000003")
	declined, canceled, open := w.invite(one).ID, w.invite(two).ID, w.invite(three).ID
	do[organizations.DeclineHandshakeOutput](w, one, "DeclineHandshake", &organizations.DeclineHandshakeInput{HandshakeID: some(declined)})
	do[organizations.CancelHandshakeOutput](w, manager, "CancelHandshake", &organizations.CancelHandshakeInput{HandshakeID: some(canceled)})
	const transition = "You can't perform the operation on the handshake in its current state."
	w.refuse(two, "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeID: some(canceled)}, "InvalidHandshakeTransitionException", "", transition)
	states := func(f organizations.HandshakeFilter) map[string]string {
		got := make(map[string]string)
		for _, h := range do[organizations.ListHandshakesForOrganizationOutput](w, manager, "ListHandshakesForOrganization", &organizations.ListHandshakesForOrganizationInput{Filter: f}).Handshakes {
			got[h.ID] = h.State
		}
		return got
	}
	got := states(organizations.HandshakeFilter{ActionType: some("INVITE")})
	if len(got) != 3 || got[declined] != "DECLINED" || got[canceled] != "CANCELED" || got[open] != "OPEN" {
		t.Errorf("%v", got)
	}
	if got := states(organizations.HandshakeFilter{ActionType: some("ENABLE_ALL_FEATURES")}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	w.refuse(manager, "ListHandshakesForOrganization", &organizations.ListHandshakesForOrganizationInput{Filter: organizations.HandshakeFilter{ActionType: some("INVITE"), ParentHandshakeID: some("h-12345678")}},
		"InvalidInputException", "MAX_LIMIT_EXCEEDED_FILTER", "You can specify only one filter parameter for the operation.")
	list := do[organizations.ListHandshakesForAccountOutput](w, three, "ListHandshakesForAccount", &organizations.ListHandshakesForAccountInput{}).Handshakes
	if len(list) != 1 || list[0].ID != open {
		t.Errorf("%+v", list)
	}
	again := w.invite(two).ID // after the first was withdrawn

	// In time they expire, and in more time they are listed no more.
	w.now = start.Add(15*24*time.Hour - time.Second)
	if got := states(organizations.HandshakeFilter{}); got[open] != "OPEN" {
		t.Errorf("%v", got)
	}
	w.now = start.Add(15 * 24 * time.Hour)
	if got := states(organizations.HandshakeFilter{}); got[open] != "EXPIRED" || got[declined] != "DECLINED" {
		t.Errorf("%v", got)
	}
	w.refuse(three, "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeID: some(open)}, "InvalidHandshakeTransitionException", "", transition)
	w.now = start.Add(30 * 24 * time.Hour)
	if got := states(organizations.HandshakeFilter{}); len(got) != 2 || got[open] != "EXPIRED" || got[again] != "EXPIRED" {
		t.Errorf("%v", got)
	}
	w.now = start.Add(45 * 24 * time.Hour)
	if got := states(organizations.HandshakeFilter{}); len(got) != 0 {
		t.Errorf("%v", got)
	}

	last := w.invite(three).ID
	w.done(manager, "DeleteOrganization", &organizations.DeleteOrganizationInput{})
	w.refuse(three, "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeID: some(last)}, "InvalidHandshakeTransitionException", "", transition)
}
