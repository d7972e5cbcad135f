package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetSAMLProviderInput names a provider.
type GetSAMLProviderInput struct {
	SAMLProviderARN optional.Of[string] `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
}

// Validate checks the limits of the public API.
func (in *GetSAMLProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "sAMLProviderArn", in.SAMLProviderARN)
}

// GetSAMLProviderOutput is the provider.
type GetSAMLProviderOutput struct {
	SAMLProviderUUID     string    `aws:"SAMLProviderUUID"`
	SAMLMetadataDocument string    `aws:"SAMLMetadataDocument"`
	CreateDate           time.Time `aws:"CreateDate"`
	ValidUntil           time.Time `aws:"ValidUntil"`
	Tags                 []Tag     `aws:"Tags"`
}

// getSAMLProvider implements GetSAMLProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSAMLProvider.html
func (s *Service) getSAMLProvider() operation.Operation {
	return operation.Use[GetSAMLProviderInput, GetSAMLProviderOutput, samlTarget, *GetSAMLProviderInput]{
		Name:    "GetSAMLProvider",
		Actions: []string{"iam:GetSAMLProvider"},
		Subject: func(c *operation.Call, in *GetSAMLProviderInput) (samlTarget, error) {
			return s.samlProviderNamed(c, in.SAMLProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *GetSAMLProviderInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetSAMLProvider", &facts{}))
		},
		Run: func(_ *operation.Call, _ *GetSAMLProviderInput, t samlTarget) (*GetSAMLProviderOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := t.provider
			return &GetSAMLProviderOutput{
				SAMLProviderUUID:     p.ID,
				SAMLMetadataDocument: p.Metadata,
				CreateDate:           seconds(p.Created),
				ValidUntil:           seconds(p.Until),
				Tags:                 tagList(p.Tags),
			}, nil
		},
	}.Operation()
}
