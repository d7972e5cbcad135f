package organizations

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// AcceptHandshakeInput asks for the caller's account to join the organization that invited it.
type AcceptHandshakeInput struct {
	HandshakeID optional.Of[string] `aws:"HandshakeId" audit:"handshakeId"`
}

// Validate checks the limits of the public API.
func (in *AcceptHandshakeInput) Validate(c *check.Checks) {
	may(c, in.HandshakeID, 0, 34, handshakePattern)
	required(c, in.HandshakeID.Set)
}

// AcceptHandshakeOutput is the handshake.
type AcceptHandshakeOutput struct {
	Handshake Handshake `aws:"Handshake" audit:"handshake"`
}

// acceptHandshake implements AcceptHandshake. Policies of the organization
// are in force for the account when it is answered.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html
func (s *Service) acceptHandshake() operation.Operation {
	return operation.Change[AcceptHandshakeInput, AcceptHandshakeOutput, *shaking, *AcceptHandshakeInput]{
		Name:    "AcceptHandshake",
		Actions: []string{prefix + "AcceptHandshake"},
		Subject: func(c *operation.Call, in *AcceptHandshakeInput) (*shaking, error) {
			return s.shaking(c, in.HandshakeID.V)
		},
		Asks: func(c *operation.Call, _ *AcceptHandshakeInput, t *shaking, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, prefix+"AcceptHandshake"))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *AcceptHandshakeInput, t *shaking) (*AcceptHandshakeOutput, error) {
			h, err := s.accept(c, tx, t)
			if err != nil {
				return nil, err
			}
			return &AcceptHandshakeOutput{Handshake: h.shown(c.Partition, c.Time)}, nil
		},
	}.Operation()
}

func (s *Service) accept(c *operation.Call, tx store.Txn, t *shaking) (*handshake, error) {
	h, err := t.end(c, tx, recipient, handshakeAccepted)
	if err != nil {
		return nil, err
	}
	if t.organization != nil {
		return nil, errMember
	}
	o, rev, err := organizations.Get(c.Context, tx, idKey(h.Organization))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errTransition // the organization is gone
	}
	if err != nil {
		return nil, fmt.Errorf("reading organization %s: %w", h.Organization, err)
	}
	if o.Accounts >= accountsMax {
		return nil, &fault.Fault{Code: handshakeConstraint, Reason: "ACCOUNT_NUMBER_LIMIT_EXCEEDED", Message: "You have exceeded the allowed number of AWS accounts."}
	}
	known, err := s.accounts.Membership(c.Context, tx, h.Account)
	if err != nil {
		return nil, err
	}
	m := &member{Account: h.Account, Name: known.Name, Email: known.Email, Method: joinedInvited, Joined: c.Time, Tags: h.Tags}
	if err := s.join(c.Context, tx, o, m); err != nil {
		return nil, err
	}
	if err := s.accounts.SetOrganization(c.Context, tx, h.Account, o.ID); err != nil {
		return nil, err
	}
	return h, o.put(c.Context, tx, rev)
}
