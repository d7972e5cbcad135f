package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// DisableOrganizationsRootSessionsInput asks that the organization may not act as the root users
// of its members any more.
type DisableOrganizationsRootSessionsInput struct{}

// Validate has nothing to check.
func (*DisableOrganizationsRootSessionsInput) Validate(*check.Checks) {}

// DisableOrganizationsRootSessionsOutput has the features that are on.
type DisableOrganizationsRootSessionsOutput struct {
	OrganizationID  string   `aws:"OrganizationId" audit:"organizationId"`
	EnabledFeatures []string `aws:"EnabledFeatures" audit:"enabledFeatures"`
}

// disableOrganizationsRootSessions implements DisableOrganizationsRootSessions.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DisableOrganizationsRootSessions.html
func (s *Service) disableOrganizationsRootSessions() operation.Operation {
	return operation.Change[DisableOrganizationsRootSessionsInput, DisableOrganizationsRootSessionsOutput, *central, *DisableOrganizationsRootSessionsInput]{
		Name:    "DisableOrganizationsRootSessions",
		Actions: []string{"iam:DisableOrganizationsRootSessions"},
		Subject: func(c *operation.Call, _ *DisableOrganizationsRootSessionsInput) (*central, error) {
			return s.central(c)
		},
		Asks: centralAsks[DisableOrganizationsRootSessionsInput]("iam:DisableOrganizationsRootSessions"),
		Run: func(c *operation.Call, tx store.Txn, _ *DisableOrganizationsRootSessionsInput, t *central) (*DisableOrganizationsRootSessionsOutput, error) {
			enabled, err := t.set(c, tx, rootSessions, false)
			if err != nil {
				return nil, err
			}
			return &DisableOrganizationsRootSessionsOutput{OrganizationID: t.Organization, EnabledFeatures: enabled}, nil
		},
	}.Operation()
}
