package organizations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	// invitationLife is how long an invitation can be accepted, and handshakeSeen
	// for how long it is listed after it has ended.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html
	invitationLife = 15 * 24 * time.Hour
	handshakeSeen  = 30 * 24 * time.Hour
)

// States of a handshake.
const (
	handshakeOpen     = "OPEN"
	handshakeAccepted = "ACCEPTED"
	handshakeCanceled = "CANCELED"
	handshakeDeclined = "DECLINED"
	handshakeExpired  = "EXPIRED"
)

// actionInvite is the one action of handshakes here.
const actionInvite = "INVITE"

// A handshake is an invitation of an account to an organization.
type handshake struct {
	ID           string    `json:"id"` // h-…
	Organization string    `json:"organization"`
	Management   string    `json:"management"`
	Features     string    `json:"features"`
	Account      string    `json:"account"` // who is invited
	State        string    `json:"state"`   // as it was written: an invitation expires by itself
	Requested    time.Time `json:"requested"`
	Expires      time.Time `json:"expires"`
	Ended        time.Time `json:"ended,omitzero"` // when it was answered or canceled
	Name         string    `json:"name,omitempty"` // of the management account
	Email        string    `json:"email,omitempty"`
	Notes        string    `json:"notes,omitempty"`
	Tags         pairs.Map `json:"tags,omitempty"` // of the account, once it is a member
}

var handshakes = &store.Table[handshake]{
	Schema: driver.Schema{
		Name:       "organizations_handshake",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "organization"}, {Name: "account"}},
		Indexes: []driver.IndexSchema{
			{Name: "organization", Columns: []string{"organization"}},
			{Name: "account", Columns: []string{"account"}},
		},
	},
	Version: 1,
	Key:     func(h *handshake) store.Key { return idKey(h.ID) },
	Indexed: func(h *handshake) store.Key { return store.Key{store.S(h.Organization), store.S(h.Account)} },
	Account: func(h *handshake) string { return h.Management },
}

func handshakeID(h *handshake) string { return h.ID }

// state is that at a time.
func (h *handshake) state(now time.Time) string {
	if h.State == handshakeOpen && !now.Before(h.Expires) {
		return handshakeExpired
	}
	return h.State
}

// seen reports whether lists still have the handshake.
func (h *handshake) seen(now time.Time) bool {
	ended := h.Ended
	if ended.IsZero() {
		ended = h.Expires
	}
	return now.Before(ended.Add(handshakeSeen))
}

func (h *handshake) arn(partition string) string {
	return "arn:" + partition + ":organizations::" + h.Management + ":handshake/" + h.Organization + "/invite/" + h.ID
}

// A HandshakeParty is an account, an organization or an address.
type HandshakeParty struct {
	ID   optional.Of[string] `aws:"Id" audit:"id"`
	Type optional.Of[string] `aws:"Type" audit:"type"`
}

// A Handshake as outputs show it.
type Handshake struct {
	ID                  string              `aws:"Id" audit:"id"`
	ARN                 string              `aws:"Arn" audit:"arn"`
	Parties             []HandshakeParty    `aws:"Parties" audit:"parties"`
	State               string              `aws:"State" audit:"state"`
	RequestedTimestamp  time.Time           `aws:"RequestedTimestamp" audit:"requestedTimestamp"`
	ExpirationTimestamp time.Time           `aws:"ExpirationTimestamp" audit:"expirationTimestamp"`
	Action              string              `aws:"Action" audit:"action"`
	Resources           []HandshakeResource `aws:"Resources"`
}

// A HandshakeResource is what a party is told.
type HandshakeResource struct {
	Value     string            `aws:"Value"`
	Type      string            `aws:"Type"`
	Resources []HandshakeDetail `aws:"Resources"`
}

// A HandshakeDetail is what a party is told of a resource.
type HandshakeDetail struct {
	Value string `aws:"Value"`
	Type  string `aws:"Type"`
}

func (h *handshake) shown(partition string, now time.Time) Handshake {
	party := func(id, kind string) HandshakeParty { return HandshakeParty{optional.Some(id), optional.Some(kind)} }
	organization := HandshakeResource{Value: h.Organization, Type: "ORGANIZATION"}
	for _, d := range []HandshakeDetail{{h.Email, "MASTER_EMAIL"}, {h.Name, "MASTER_NAME"}, {h.Features, "ORGANIZATION_FEATURE_SET"}} {
		if d.Value != "" {
			organization.Resources = append(organization.Resources, d)
		}
	}
	shown := Handshake{
		ID:                  h.ID,
		ARN:                 h.arn(partition),
		Parties:             []HandshakeParty{party(h.Organization, "ORGANIZATION"), party(h.Account, "ACCOUNT")},
		State:               h.state(now),
		RequestedTimestamp:  h.Requested,
		ExpirationTimestamp: h.Expires,
		Action:              actionInvite,
		Resources:           []HandshakeResource{organization, {Value: h.Account, Type: "ACCOUNT"}},
	}
	if h.Notes != "" {
		shown.Resources = append(shown.Resources, HandshakeResource{Value: h.Notes, Type: "NOTES"})
	}
	return shown
}

// A shaking is the seat of a call about a handshake.
type shaking struct {
	*seat
	handshake *handshake // nil where the caller's account has no such one
	row       store.Rev
}

// shaking finds the handshake that a call is about, if the caller is a party.
func (s *Service) shaking(c *operation.Call, id string) (*shaking, error) {
	t := &shaking{}
	var err error
	if t.seat, err = s.seat(c, about{}); err != nil {
		return nil, err
	}
	h, rev, err := handshakes.Get(c.Context, t.reader, idKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading handshake %s: %w", id, err)
	}
	if account := c.Caller.Principal.Account; account == h.Account || account == h.Management {
		t.handshake, t.row, t.resource = h, rev, h.arn(c.Partition)
	}
	return t, nil
}

// found refuses who is no party.
func (t *shaking) found() (*handshake, error) {
	if t.handshake == nil {
		return nil, fault.New(handshakeNotFound, "We can't find a handshake with the HandshakeId that you specified.")
	}
	return t.handshake, nil
}

// end brings an open handshake into another state, for one of its parties.
func (t *shaking) end(c *operation.Call, tx store.Txn, party func(*handshake) string, state string) (*handshake, error) {
	h, err := t.found()
	if err != nil {
		return nil, err
	}
	switch now := h.state(c.Time); {
	case party(h) != c.Caller.Principal.Account:
		return nil, errDenied
	case now == state:
		return nil, fault.New(handshakeInState, "The specified handshake is already in the requested state.")
	case now != handshakeOpen:
		return nil, errTransition
	}
	h.State, h.Ended = state, c.Time
	return h, putHandshake(c.Context, tx, h, t.row)
}

var errTransition = fault.New(invalidTransition, "You can't perform the operation on the handshake in its current state.")

func putHandshake(ctx context.Context, tx store.Txn, h *handshake, rev store.Rev) error {
	if err := handshakes.Put(ctx, tx, h, rev); err != nil {
		return fmt.Errorf("writing handshake %s: %w", h.ID, err)
	}
	return nil
}

func sender(h *handshake) string { return h.Management }

func recipient(h *handshake) string { return h.Account }
