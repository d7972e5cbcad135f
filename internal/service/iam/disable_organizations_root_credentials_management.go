package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// DisableOrganizationsRootCredentialsManagementInput asks that the organization may manage no
// credentials of the root users of its members any more.
type DisableOrganizationsRootCredentialsManagementInput struct{}

// Validate has nothing to check.
func (*DisableOrganizationsRootCredentialsManagementInput) Validate(*check.Checks) {}

// DisableOrganizationsRootCredentialsManagementOutput has the features that are on.
type DisableOrganizationsRootCredentialsManagementOutput struct {
	OrganizationID  string   `aws:"OrganizationId" audit:"organizationId"`
	EnabledFeatures []string `aws:"EnabledFeatures" audit:"enabledFeatures"`
}

// disableOrganizationsRootCredentialsManagement implements DisableOrganizationsRootCredentialsManagement.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DisableOrganizationsRootCredentialsManagement.html
func (s *Service) disableOrganizationsRootCredentialsManagement() operation.Operation {
	return operation.Change[DisableOrganizationsRootCredentialsManagementInput, DisableOrganizationsRootCredentialsManagementOutput, *central, *DisableOrganizationsRootCredentialsManagementInput]{
		Name:    "DisableOrganizationsRootCredentialsManagement",
		Actions: []string{"iam:DisableOrganizationsRootCredentialsManagement"},
		Subject: func(c *operation.Call, _ *DisableOrganizationsRootCredentialsManagementInput) (*central, error) {
			return s.central(c)
		},
		Asks: centralAsks[DisableOrganizationsRootCredentialsManagementInput]("iam:DisableOrganizationsRootCredentialsManagement"),
		Run: func(c *operation.Call, tx store.Txn, _ *DisableOrganizationsRootCredentialsManagementInput, t *central) (*DisableOrganizationsRootCredentialsManagementOutput, error) {
			enabled, err := t.set(c, tx, rootCredentialsManagement, false)
			if err != nil {
				return nil, err
			}
			return &DisableOrganizationsRootCredentialsManagementOutput{OrganizationID: t.Organization, EnabledFeatures: enabled}, nil
		},
	}.Operation()
}
