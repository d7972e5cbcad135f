package iam

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// ListOrganizationsFeaturesInput asks what of centralised root access is on.
type ListOrganizationsFeaturesInput struct{}

// Validate has nothing to check.
func (*ListOrganizationsFeaturesInput) Validate(*check.Checks) {}

// ListOrganizationsFeaturesOutput has the features that are on.
type ListOrganizationsFeaturesOutput struct {
	OrganizationID  string   `aws:"OrganizationId"`
	EnabledFeatures []string `aws:"EnabledFeatures"`
}

// listOrganizationsFeatures implements ListOrganizationsFeatures.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html
func (s *Service) listOrganizationsFeatures() operation.Operation {
	return operation.Use[ListOrganizationsFeaturesInput, ListOrganizationsFeaturesOutput, *central, *ListOrganizationsFeaturesInput]{
		Name:    "ListOrganizationsFeatures",
		Actions: []string{"iam:ListOrganizationsFeatures"},
		Subject: func(c *operation.Call, _ *ListOrganizationsFeaturesInput) (*central, error) { return s.central(c) },
		Asks:    centralAsks[ListOrganizationsFeaturesInput]("iam:ListOrganizationsFeatures"),
		Run: func(c *operation.Call, _ *ListOrganizationsFeaturesInput, t *central) (*ListOrganizationsFeaturesOutput, error) {
			if err := t.administered(c); err != nil {
				return nil, err
			}
			return &ListOrganizationsFeaturesOutput{OrganizationID: t.Organization, EnabledFeatures: append([]string{}, t.management.RootFeatures...)}, nil
		},
	}.Operation()
}
