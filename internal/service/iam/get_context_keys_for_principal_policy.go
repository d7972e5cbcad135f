package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetContextKeysForPrincipalPolicyInput names a user or role, and may have more policies.
type GetContextKeysForPrincipalPolicyInput struct {
	PolicySourceARN optional.Of[string] `aws:"PolicySourceArn" audit:"policySourceArn"`
	PolicyInputList []string            `aws:"PolicyInputList" audit:"policyInputList"`
}

// Validate checks the limits of the public API.
func (in *GetContextKeysForPrincipalPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSourceARN(c, in.PolicySourceARN)
	checkDocuments(c, "policyInputList", in.PolicyInputList)
}

// getContextKeysForPrincipalPolicy implements GetContextKeysForPrincipalPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html
func (s *Service) getContextKeysForPrincipalPolicy() operation.Operation {
	return operation.Use[GetContextKeysForPrincipalPolicyInput, GetContextKeysForPolicyOutput, struct{}, *GetContextKeysForPrincipalPolicyInput]{
		Name:    "GetContextKeysForPrincipalPolicy",
		Actions: []string{"iam:GetContextKeysForPrincipalPolicy"},
		Subject: func(*operation.Call, *GetContextKeysForPrincipalPolicyInput) (struct{}, error) {
			return struct{}{}, nil
		},
		Asks: func(c *operation.Call, in *GetContextKeysForPrincipalPolicyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:GetContextKeysForPrincipalPolicy", in.PolicySourceARN.V, &facts{}))
		},
		Run: func(c *operation.Call, in *GetContextKeysForPrincipalPolicyInput, _ struct{}) (*GetContextKeysForPolicyOutput, error) {
			from, err := s.policySource(c, in.PolicySourceARN.V)
			if err != nil {
				return nil, err
			}
			return keysOf(from.identity(), in.PolicyInputList)
		},
	}.Operation()
}
