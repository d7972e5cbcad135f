package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// EnableOrganizationsRootCredentialsManagementInput asks that the organization may manage the
// credentials of the root users of its members.
type EnableOrganizationsRootCredentialsManagementInput struct{}

// Validate has nothing to check.
func (*EnableOrganizationsRootCredentialsManagementInput) Validate(*check.Checks) {}

// EnableOrganizationsRootCredentialsManagementOutput has the features that are on.
type EnableOrganizationsRootCredentialsManagementOutput struct {
	OrganizationID  string   `aws:"OrganizationId" audit:"organizationId"`
	EnabledFeatures []string `aws:"EnabledFeatures" audit:"enabledFeatures"`
}

// enableOrganizationsRootCredentialsManagement implements EnableOrganizationsRootCredentialsManagement.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOrganizationsRootCredentialsManagement.html
func (s *Service) enableOrganizationsRootCredentialsManagement() operation.Operation {
	return operation.Change[EnableOrganizationsRootCredentialsManagementInput, EnableOrganizationsRootCredentialsManagementOutput, *central, *EnableOrganizationsRootCredentialsManagementInput]{
		Name:    "EnableOrganizationsRootCredentialsManagement",
		Actions: []string{"iam:EnableOrganizationsRootCredentialsManagement"},
		Subject: func(c *operation.Call, _ *EnableOrganizationsRootCredentialsManagementInput) (*central, error) {
			return s.central(c)
		},
		Asks: centralAsks[EnableOrganizationsRootCredentialsManagementInput]("iam:EnableOrganizationsRootCredentialsManagement"),
		Run: func(c *operation.Call, tx store.Txn, _ *EnableOrganizationsRootCredentialsManagementInput, t *central) (*EnableOrganizationsRootCredentialsManagementOutput, error) {
			enabled, err := t.set(c, tx, rootCredentialsManagement, true)
			if err != nil {
				return nil, err
			}
			return &EnableOrganizationsRootCredentialsManagementOutput{OrganizationID: t.Organization, EnabledFeatures: enabled}, nil
		},
	}.Operation()
}
