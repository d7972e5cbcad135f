package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListKeyPoliciesInput asks for the names of a key's policies.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html
type ListKeyPoliciesInput struct {
	KeyID  optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Limit  optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker optional.Of[string] `aws:"Marker" audit:"marker"`
}

// ListKeyPoliciesOutput names the one policy that a key has. There is never a
// second page.
type ListKeyPoliciesOutput struct {
	PolicyNames []string `aws:"PolicyNames"`
	Truncated   bool     `aws:"Truncated"`
}

const listKeyPoliciesMax = 1000

// Validate checks the limits of the public model.
func (in *ListKeyPoliciesInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPage(c, in.Limit, listKeyPoliciesMax)
	checkMarker(c, in.Marker)
}

func (s *Service) listKeyPolicies() operation.Operation {
	return operation.Use[ListKeyPoliciesInput, ListKeyPoliciesOutput, *target, *ListKeyPoliciesInput]{
		Name:    "ListKeyPolicies",
		Actions: []string{"kms:ListKeyPolicies"},
		Subject: func(c *operation.Call, in *ListKeyPoliciesInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[ListKeyPoliciesInput]("kms:ListKeyPolicies", false),
		Run: func(c *operation.Call, in *ListKeyPoliciesInput, t *target) (*ListKeyPoliciesOutput, error) {
			k, err := t.found(c)
			if err != nil {
				return nil, err
			}
			if _, _, err := s.after(c, listing{"ListKeyPolicies", k.ARN}, in.Marker); err != nil {
				return nil, err
			}
			return &ListKeyPoliciesOutput{PolicyNames: []string{policyNameDefault}}, nil
		},
	}.Operation()
}
