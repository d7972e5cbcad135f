package organizations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// accountsMax is the most accounts that AWS lets an organization have on request.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const accountsMax = 10000

// States of an account.
const (
	stateActive    = "ACTIVE"
	stateSuspended = "SUSPENDED"
)

// Ways into an organization.
const (
	joinedInvited = "INVITED"
	joinedCreated = "CREATED"
)

// A member is an account of an organization, with the policies attached to it.
// The account itself notes of which it is a member: a row that is missing here
// is noticed.
type member struct {
	Account      string      `json:"account"`
	Organization string      `json:"organization"`
	Management   string      `json:"management"`
	Parent       string      `json:"parent"`
	Name         string      `json:"name,omitempty"`
	Email        string      `json:"email,omitempty"`
	State        string      `json:"state"`
	Method       string      `json:"method"` // how it came into the organization
	Joined       time.Time   `json:"joined"`
	Attached     attachments `json:"attached"`
	Tags         pairs.Map   `json:"tags,omitempty"`

	Delegations []serviceAccess `json:"delegations,omitempty"` // services that it administers
}

var members = &store.Table[member]{
	Schema: driver.Schema{
		Name:       "organizations_account",
		PrimaryKey: []driver.Column{{Name: "account"}},
		Indexed:    []driver.Column{{Name: "organization"}, {Name: "parent"}, {Name: "email"}},
		Indexes: []driver.IndexSchema{
			{Name: "organization", Columns: []string{"organization"}},
			{Name: "parent", Columns: []string{"parent"}},
			{Name: "email", Columns: []string{"email"}},
		},
	},
	Version: 1,
	Key:     func(m *member) store.Key { return idKey(m.Account) },
	Indexed: func(m *member) store.Key {
		return store.Key{store.S(m.Organization), store.S(m.Parent), store.S(m.Email)}
	},
	Account: func(m *member) string { return m.Management },
}

func memberID(m *member) string { return m.Account }

// member returns an account of the organization. It is nil where there is none.
func (o *organization) member(ctx context.Context, r store.Reader, account string) (*member, store.Rev, error) {
	m, rev, err := members.Get(ctx, r, idKey(account))
	if errors.Is(err, store.ErrNotFound) || err == nil && m.Organization != o.ID {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading account %s of organization %s: %w", account, o.ID, err)
	}
	return m, rev, nil
}

// join makes an account a member of the organization, below its root. Calls of
// the account that have not been recorded are judged anew.
func (s *Service) join(ctx context.Context, tx store.Txn, o *organization, m *member) error {
	m.Organization, m.Management, m.Parent, m.State = o.ID, o.Management, o.Root, stateActive
	if err := members.Insert(ctx, tx, m); err != nil {
		return fmt.Errorf("making account %s a member of organization %s: %w", m.Account, o.ID, err)
	}
	tx.Touch(memberEntity(m.Account))
	o.Accounts++
	return nil
}

// leave makes an account a member no more. Its own policies are detached.
func (s *Service) leave(ctx context.Context, tx store.Txn, o *organization, m *member, rev store.Rev) error {
	if len(m.Delegations) > 0 {
		return violates("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", "You attempted to remove an account that is registered as a delegated administrator for a service integrated with your organization. To complete this operation, you must first deregister this account as a delegated administrator.")
	}
	if err := o.detachAll(ctx, tx, &m.Attached); err != nil {
		return err
	}
	if err := members.Delete(ctx, tx, idKey(m.Account), rev); err != nil {
		return fmt.Errorf("taking account %s out of organization %s: %w", m.Account, o.ID, err)
	}
	if err := s.accounts.SetOrganization(ctx, tx, m.Account, ""); err != nil {
		return err
	}
	tx.Touch(memberEntity(m.Account))
	o.Accounts--
	return nil
}

func putMember(ctx context.Context, tx store.Txn, m *member, rev store.Rev) error {
	if err := members.Put(ctx, tx, m, rev); err != nil {
		return fmt.Errorf("writing account %s of organization %s: %w", m.Account, m.Organization, err)
	}
	return nil
}

// An Account as outputs show it. Name and Email are absent where nobody told
// them. As AWS's records hide both, ours do not show them.
type Account struct {
	ID              string              `aws:"Id"`
	ARN             string              `aws:"Arn"`
	Email           optional.Of[string] `aws:"Email"`
	Name            optional.Of[string] `aws:"Name"`
	Status          string              `aws:"Status"`
	State           string              `aws:"State"`
	Paths           []string            `aws:"Paths"`
	JoinedMethod    string              `aws:"JoinedMethod"`
	JoinedTimestamp time.Time           `aws:"JoinedTimestamp"`
}

func (o *organization) shownAccount(partition string, m *member, line []*unit) Account {
	return Account{
		ID:              m.Account,
		ARN:             o.arn(partition, "account", m.Account),
		Email:           optional.Of[string]{V: m.Email, Set: m.Email != ""},
		Name:            optional.Of[string]{V: m.Name, Set: m.Name != ""},
		Status:          m.State,
		State:           m.State,
		Paths:           []string{o.path(line) + m.Account + "/"},
		JoinedMethod:    m.Method,
		JoinedTimestamp: m.Joined,
	}
}

// shownAccounts shows accounts that may stand under different parents.
func (o *organization) shownAccounts(ctx context.Context, r store.Reader, partition string, list []*member) ([]Account, error) {
	lines := make(map[string][]*unit)
	shown := make([]Account, len(list))
	for i, m := range list {
		if lines[m.Parent] == nil {
			line, err := o.lineage(ctx, r, m.Parent)
			if err != nil {
				return nil, err
			}
			lines[m.Parent] = line
		}
		shown[i] = o.shownAccount(partition, m, lines[m.Parent])
	}
	return shown, nil
}
