package organizations

import (
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// InviteAccountToOrganizationInput asks for an account to be invited.
type InviteAccountToOrganizationInput struct {
	Target HandshakeParty      `aws:"Target" audit:"target"`
	Notes  optional.Of[string] `aws:"Notes"`
	Tags   []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *InviteAccountToOrganizationInput) Validate(c *check.Checks) {
	may(c, in.Target.ID, 1, 64, nil)
	oneOf(c, in.Target.Type, "ACCOUNT", "ORGANIZATION", "EMAIL")
	may(c, in.Notes, 0, 1024, nil)
	checkTags(c, in.Tags)
	required(c, in.Target.ID.Set, in.Target.Type.Set)
}

// InviteAccountToOrganizationOutput is the invitation.
type InviteAccountToOrganizationOutput struct {
	Handshake Handshake `aws:"Handshake" audit:"handshake"`
}

// inviteAccountToOrganization implements InviteAccountToOrganization, for
// accounts that are named by their ids: addresses of accounts that belong to no
// organization are not known.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html
func (s *Service) inviteAccountToOrganization() operation.Operation {
	return operation.Change[InviteAccountToOrganizationInput, InviteAccountToOrganizationOutput, *seat, *InviteAccountToOrganizationInput]{
		Name:    "InviteAccountToOrganization",
		Actions: []string{prefix + "InviteAccountToOrganization", actionTag},
		Subject: seated(s, func(in *InviteAccountToOrganizationInput) about { return about{tags: in.Tags} }),
		Asks:    asks[InviteAccountToOrganizationInput](prefix + "InviteAccountToOrganization"),
		Run:     s.runInviteAccountToOrganization,
	}.Operation()
}

func (s *Service) runInviteAccountToOrganization(c *operation.Call, tx store.Txn, in *InviteAccountToOrganizationInput, t *seat) (*InviteAccountToOrganizationOutput, error) {
	if err := t.managing(c); err != nil {
		return nil, err
	}
	if err := s.invitable(c, tx, in.Target); err != nil {
		return nil, err
	}
	if t.Accounts >= accountsMax {
		return nil, &fault.Fault{Code: handshakeConstraint, Reason: "ACCOUNT_NUMBER_LIMIT_EXCEEDED", Message: "You have exceeded the allowed number of AWS accounts."}
	}
	twice := false
	err := scan(c.Context, tx, handshakes, "account", in.Target.ID.V, "", handshakeID, func(h *handshake) bool {
		twice = h.Organization == t.ID && h.state(c.Time) == handshakeOpen
		return !twice
	})
	if err != nil {
		return nil, err
	}
	if twice {
		return nil, fault.New(duplicateHandshake, "A handshake with the same action and target already exists.")
	}
	known, err := s.accounts.Membership(c.Context, tx, t.Management)
	if err != nil {
		return nil, err
	}
	h := &handshake{
		ID: "h-" + draw(32), Organization: t.ID, Management: t.Management, Features: t.Features, Account: in.Target.ID.V, State: handshakeOpen,
		Requested: c.Time, Expires: c.Time.Add(invitationLife), Name: known.Name, Email: known.Email, Notes: in.Notes.V, Tags: tagMap(in.Tags),
	}
	if err := handshakes.Insert(c.Context, tx, h); err != nil {
		return nil, fmt.Errorf("inviting account %s: %w", h.Account, err)
	}
	return &InviteAccountToOrganizationOutput{Handshake: h.shown(c.Partition, c.Time)}, nil
}

var errMember = &fault.Fault{
	Code: handshakeConstraint, Reason: "ALREADY_IN_AN_ORGANIZATION",
	Message: "The handshake request is invalid because the invited account is already a member of an organization.",
}

// invitable refuses parties that are no account outside of organizations.
func (s *Service) invitable(c *operation.Call, r store.Reader, p HandshakeParty) error {
	switch {
	case p.Type.V == "EMAIL":
		return invalid("INVALID_EMAIL_ADDRESS_TARGET", "You specified an invalid email address for the invited account owner.")
	case p.Type.V != "ACCOUNT" || strings.Contains(p.ID.V, "@"):
		return errParty
	case !accountPattern.MatchString(p.ID.V):
		return errPattern
	}
	known, err := s.accounts.Membership(c.Context, r, p.ID.V)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errParty
	case err != nil:
		return err
	case known.Organization != "":
		return errMember
	}
	return nil
}

var errParty = invalid("INVALID_PARTY_TYPE_TARGET", "You specified the wrong type of entity (account, organization, or email) as a party.")
