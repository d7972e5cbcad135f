package iam

import (
	"slices"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// GetContextKeysForCustomPolicyInput has policies.
type GetContextKeysForCustomPolicyInput struct {
	PolicyInputList []string `aws:"PolicyInputList" audit:"policyInputList"`
}

// Validate checks the limits of the public API.
func (in *GetContextKeysForCustomPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	if c.Required("policyInputList", in.PolicyInputList != nil) {
		checkDocuments(c, "policyInputList", in.PolicyInputList)
	}
}

// GetContextKeysForPolicyOutput lists the condition keys and variables that
// policies name, each once and as it is written first.
type GetContextKeysForPolicyOutput struct {
	ContextKeyNames []string `aws:"ContextKeyNames"`
}

// getContextKeysForCustomPolicy implements GetContextKeysForCustomPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html
func (s *Service) getContextKeysForCustomPolicy() operation.Operation {
	return operation.Use[GetContextKeysForCustomPolicyInput, GetContextKeysForPolicyOutput, struct{}, *GetContextKeysForCustomPolicyInput]{
		Name:    "GetContextKeysForCustomPolicy",
		Actions: []string{"iam:GetContextKeysForCustomPolicy"},
		Subject: func(*operation.Call, *GetContextKeysForCustomPolicyInput) (struct{}, error) { return struct{}{}, nil },
		Asks: func(c *operation.Call, _ *GetContextKeysForCustomPolicyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:GetContextKeysForCustomPolicy", "*", &facts{}))
		},
		Run: func(_ *operation.Call, in *GetContextKeysForCustomPolicyInput, _ struct{}) (*GetContextKeysForPolicyOutput, error) {
			return keysOf(nil, in.PolicyInputList)
		},
	}.Operation()
}

// keysOf lists the keys of policies and of documents.
func keysOf(policies []*policy.Policy, documents []string) (*GetContextKeysForPolicyOutput, error) {
	given, err := compileInputs("PolicyInputList", documents)
	if err != nil {
		return nil, err
	}
	return &GetContextKeysForPolicyOutput{ContextKeyNames: contextKeys(slices.Concat(policies, given))}, nil
}
