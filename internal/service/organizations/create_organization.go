package organizations

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateOrganizationInput asks for an organization whose management account is
// the caller's.
type CreateOrganizationInput struct {
	FeatureSet optional.Of[string] `aws:"FeatureSet" audit:"featureSet"`
}

// Validate checks the feature set.
func (in *CreateOrganizationInput) Validate(c *check.Checks) {
	oneOf(c, in.FeatureSet, allFeatures, billingOnly)
}

// CreateOrganizationOutput is the new organization.
type CreateOrganizationOutput struct {
	Organization Organization `aws:"Organization" audit:"organization"`
}

// createOrganization implements CreateOrganization.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html
func (s *Service) createOrganization() operation.Operation {
	return operation.Change[CreateOrganizationInput, CreateOrganizationOutput, *seat, *CreateOrganizationInput]{
		Name:    "CreateOrganization",
		Actions: []string{prefix + "CreateOrganization"},
		Subject: func(c *operation.Call, _ *CreateOrganizationInput) (*seat, error) { return s.seat(c, about{}) },
		Asks:    asks[CreateOrganizationInput](prefix + "CreateOrganization"),
		Run:     s.runCreateOrganization,
	}.Operation()
}

func (s *Service) runCreateOrganization(c *operation.Call, tx store.Txn, in *CreateOrganizationInput, t *seat) (*CreateOrganizationOutput, error) {
	if t.organization != nil {
		return nil, fault.New(alreadyInOrganization, "The provided account is already a member of an organization.")
	}
	account := c.Caller.Principal.Account
	known, err := s.accounts.Membership(c.Context, tx, account)
	if err != nil {
		return nil, err
	}
	o := &organization{
		ID: "o-" + draw(10), Management: account, Root: "r-" + draw(4), Features: in.FeatureSet.Or(allFeatures), Created: c.Time.Unix(),
	}
	for { // the ids of roots are short: another one may have been drawn before
		_, _, err := units.Get(c.Context, tx, idKey(o.Root))
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("drawing the id of a root: %w", err)
		}
		o.Root = "r-" + draw(4)
	}
	m := &member{Account: account, Name: known.Name, Email: known.Email, Method: joinedInvited, Joined: c.Time}
	if err := s.join(c.Context, tx, o, m); err != nil {
		return nil, err
	}
	if err := s.accounts.SetOrganization(c.Context, tx, account, o.ID); err != nil {
		return nil, err
	}
	root := &unit{ID: o.Root, Organization: o.ID, Management: account, Parent: o.ID, Name: rootName}
	if err := units.Insert(c.Context, tx, root); err != nil {
		return nil, fmt.Errorf("making the root of organization %s: %w", o.ID, err)
	}
	if err := organizations.Insert(c.Context, tx, o); err != nil {
		return nil, fmt.Errorf("making organization %s: %w", o.ID, err)
	}
	tx.Touch(organizationEntity(o.ID))
	return &CreateOrganizationOutput{Organization: o.shown(c, known.Email)}, nil
}
