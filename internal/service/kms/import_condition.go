package kms

import (
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/words/optional"
)

// importConditions answer for the condition keys of the operations that import
// key material.
type importConditions struct {
	wrappingAlgorithm, wrappingKeySpec string // of GetParametersForImport

	expirationModel string // of ImportKeyMaterial
	validTo         optional.Of[time.Time]
}

func (c *importConditions) lookup(k *policy.Key) policy.Values {
	switch k.Name {
	case "kms:wrappingalgorithm":
		return policy.Text(c.wrappingAlgorithm)
	case "kms:wrappingkeyspec":
		return policy.Text(c.wrappingKeySpec)
	case "kms:expirationmodel":
		return policy.Text(c.expirationModel)
	case "kms:validto":
		if c.validTo.Set {
			return policy.Text(c.validTo.V.UTC().Format(time.RFC3339Nano))
		}
	}
	return policy.Values{}
}
