package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// EnableOrganizationsRootSessionsInput asks that the organization may act as the root users of its
// members, for the tasks of other services than this one.
type EnableOrganizationsRootSessionsInput struct{}

// Validate has nothing to check.
func (*EnableOrganizationsRootSessionsInput) Validate(*check.Checks) {}

// EnableOrganizationsRootSessionsOutput has the features that are on.
type EnableOrganizationsRootSessionsOutput struct {
	OrganizationID  string   `aws:"OrganizationId" audit:"organizationId"`
	EnabledFeatures []string `aws:"EnabledFeatures" audit:"enabledFeatures"`
}

// enableOrganizationsRootSessions implements EnableOrganizationsRootSessions.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOrganizationsRootSessions.html
func (s *Service) enableOrganizationsRootSessions() operation.Operation {
	return operation.Change[EnableOrganizationsRootSessionsInput, EnableOrganizationsRootSessionsOutput, *central, *EnableOrganizationsRootSessionsInput]{
		Name:    "EnableOrganizationsRootSessions",
		Actions: []string{"iam:EnableOrganizationsRootSessions"},
		Subject: func(c *operation.Call, _ *EnableOrganizationsRootSessionsInput) (*central, error) {
			return s.central(c)
		},
		Asks: centralAsks[EnableOrganizationsRootSessionsInput]("iam:EnableOrganizationsRootSessions"),
		Run: func(c *operation.Call, tx store.Txn, _ *EnableOrganizationsRootSessionsInput, t *central) (*EnableOrganizationsRootSessionsOutput, error) {
			enabled, err := t.set(c, tx, rootSessions, true)
			if err != nil {
				return nil, err
			}
			return &EnableOrganizationsRootSessionsOutput{OrganizationID: t.Organization, EnabledFeatures: enabled}, nil
		},
	}.Operation()
}
