package organizations

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// DeleteOrganizationInput asks for the caller's organization to be deleted.
type DeleteOrganizationInput struct{}

// Validate has nothing to check.
func (*DeleteOrganizationInput) Validate(*check.Checks) {}

// deletedMax is how many units and policies go with an organization: what one
// transaction has room for.
const deletedMax = 400

// deleteOrganization implements DeleteOrganization.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganization.html
func (s *Service) deleteOrganization() operation.Operation {
	return operation.Change[DeleteOrganizationInput, operation.None, *seat, *DeleteOrganizationInput]{
		Name:    "DeleteOrganization",
		Actions: []string{prefix + "DeleteOrganization"},
		Subject: func(c *operation.Call, _ *DeleteOrganizationInput) (*seat, error) { return s.seat(c, about{}) },
		Asks:    asks[DeleteOrganizationInput](prefix + "DeleteOrganization"),
		Run:     s.runDeleteOrganization,
	}.Operation()
}

func (s *Service) runDeleteOrganization(c *operation.Call, tx store.Txn, _ *DeleteOrganizationInput, t *seat) (*operation.None, error) {
	if err := t.managing(c); err != nil {
		return nil, err
	}
	if t.Accounts > 1 {
		return nil, fault.New(organizationNotEmpty, "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account.")
	}
	if t.Units+t.Types[0].Policies+t.Types[1].Policies > deletedMax {
		return nil, fault.New(organizationNotEmpty, "The organization isn't empty. To delete an organization, you must first delete its organizational units and policies.")
	}
	m, rev, err := t.member(c.Context, tx, t.Management)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("the management account is not among those of organization %s", t.ID)
	}
	if err := members.Delete(c.Context, tx, idKey(m.Account), rev); err != nil {
		return nil, fmt.Errorf("deleting organization %s: %w", t.ID, err)
	}
	if err := s.accounts.SetOrganization(c.Context, tx, m.Account, ""); err != nil {
		return nil, err
	}
	tx.Touch(memberEntity(m.Account))
	if err := deleteAll(c, tx, units, t.ID); err != nil {
		return nil, err
	}
	if err := deleteAll(c, tx, policies, t.ID); err != nil {
		return nil, err
	}
	if _, own, err := t.resourcePolicy(c.Context, tx); err != nil {
		return nil, err
	} else if own != 0 {
		if err := resourcePolicies.Delete(c.Context, tx, idKey(t.ID), own); err != nil {
			return nil, fmt.Errorf("deleting the resource policy of organization %s: %w", t.ID, err)
		}
	}
	if err := organizations.Delete(c.Context, tx, idKey(t.ID), t.rev); err != nil {
		return nil, fmt.Errorf("deleting organization %s: %w", t.ID, err)
	}
	tx.Touch(organizationEntity(t.ID))
	return &operation.None{}, nil
}

// deleteAll deletes what an organization has in a table.
func deleteAll[T any](c *operation.Call, tx store.Txn, table *store.Table[T], id string) error {
	revs := make(map[*T]store.Rev)
	err := table.Scan(c.Context, tx, "organization", store.Key{store.S(id)}, nil, deletedMax+1, func(row *T, rev store.Rev) error {
		revs[row] = rev
		return nil
	})
	for row, rev := range revs {
		if err == nil {
			err = table.Delete(c.Context, tx, table.Key(row), rev)
		}
	}
	if err != nil {
		return fmt.Errorf("deleting %s of organization %s: %w", table.Schema.Name, id, err)
	}
	return nil
}
