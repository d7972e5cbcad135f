package iam

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/arn"
	"claviger/internal/words/confidential"
	"claviger/internal/words/ident"
	"claviger/internal/words/pairs"
)

// Places finds where an account stands in its organization, as of now or later.
// The organizations are another service's; this one only notes in the account
// itself of which it is a member, so that an account is never without its
// policies because a row of theirs is missing.
type Places func(ctx context.Context, account string) (*authz.Place, error)

// A Membership is what an organization may know of an account.
type Membership struct {
	Organization string // its id; empty where the account is in none
	Name, Email  string // empty where nobody told
}

// Membership returns what an organization may know of an account. The error
// wraps store.ErrNotFound where there is no such account.
func (s *Service) Membership(ctx context.Context, r store.Reader, id string) (Membership, error) {
	a, _, err := getAccount(ctx, r, id)
	if err != nil {
		return Membership{}, err
	}
	return Membership{Organization: a.Organization, Name: a.Name, Email: a.Email}, nil
}

// SetOrganization makes an account a member of an organization, or of none, and
// ends what rests on the account.
func (s *Service) SetOrganization(ctx context.Context, tx store.Txn, id, organization string) error {
	a, rev, err := getAccount(ctx, tx, id)
	if err != nil {
		return err
	}
	a.Organization, a.RootFeatures = organization, nil
	if err := accounts.Put(ctx, tx, a, rev); err != nil {
		return fmt.Errorf("writing account %s: %w", id, err)
	}
	tx.Touch(accountEntity(id))
	return nil
}

// A NewMember is an account that an organization has made.
type NewMember struct {
	Membership
	Management string // account that may assume Role
	Role       string // name of the role with all permissions
	Created    int64  // seconds since 1970
}

// CreateMember makes an account without an access key of its root user, with a
// role that the management account may assume. It returns the account's id.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access-cross-account-role.html
func (s *Service) CreateMember(ctx context.Context, tx store.Txn, m NewMember) (string, error) {
	id, err := drawAccountID(ctx, tx)
	if err != nil {
		return "", err
	}
	a := account{ID: id, Name: m.Name, Email: m.Email, Organization: m.Organization, Created: m.Created, Roles: 1}
	if err := s.insertAccount(ctx, tx, a, "", confidential.Bytes{}); err != nil {
		return "", err
	}
	trust, err := s.newTrust(ctx, tx, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+
		arn.Root(s.partition, m.Management)+`"},"Action":"sts:AssumeRole"}]}`)
	if err != nil {
		return "", err
	}
	o := &role{
		ID:      ident.Unique("AROA", 21),
		Account: id,
		Path:    "/",
		Name:    m.Role,
		Created: m.Created,
		Longest: sessionDefault,
		Trust:   trust,
		Policies: pairs.Map{{
			Key:   "AdministratorAccess",
			Value: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		}},
	}
	if err := roles.Insert(ctx, tx, o); err != nil {
		return "", fmt.Errorf("making role %s of account %s: %w", m.Role, id, err)
	}
	return id, nil
}

// place finds where the account of a caller stands in its organization, and has
// the caller rest on it. Whoever belongs to a closed account may do nothing any
// more.
func (s *Service) place(ctx context.Context, c *authz.Credential) error {
	account := c.Caller.Principal.Account
	if s.places == nil || account == "" || c.Refusal != nil || c.Caller.Place != nil {
		return nil
	}
	p, err := s.places(ctx, account)
	if err != nil {
		return fmt.Errorf("finding the organization of account %s: %w", account, err)
	}
	c.Caller.Place = p
	rest(c.Caller, &authz.Caller{Stamps: p.Stamps, Require: p.Require})
	if p.Closed {
		c.Refusal, c.Caller = unrecognized(), powerless(c.Caller)
	}
	return nil
}
