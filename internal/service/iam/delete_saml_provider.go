package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteSAMLProviderInput names a provider.
type DeleteSAMLProviderInput struct {
	SAMLProviderARN optional.Of[string] `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
}

// Validate checks the limits of the public API.
func (in *DeleteSAMLProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "sAMLProviderArn", in.SAMLProviderARN)
}

// deleteSAMLProvider implements DeleteSAMLProvider. Roles that trust the provider
// stay as they are.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteSAMLProvider.html
func (s *Service) deleteSAMLProvider() operation.Operation {
	return operation.Change[DeleteSAMLProviderInput, operation.None, samlTarget, *DeleteSAMLProviderInput]{
		Name:    "DeleteSAMLProvider",
		Actions: []string{"iam:DeleteSAMLProvider"},
		Subject: func(c *operation.Call, in *DeleteSAMLProviderInput) (samlTarget, error) {
			return s.samlProviderNamed(c, in.SAMLProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *DeleteSAMLProviderInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteSAMLProvider", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DeleteSAMLProviderInput, t samlTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if err := samlProviders.Delete(c.Context, tx, providerKey(t.provider.Account, t.name), t.rev); err != nil {
				return nil, fmt.Errorf("deleting SAML provider %s: %w", t.name, err)
			}
			tx.Touch(samlProviderEntity(t.provider.Account, t.name))
			if err := countDown(c, tx, samlProviderCount); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
