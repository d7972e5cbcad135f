package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// SimulateCustomPolicyInput asks what given policies allow.
type SimulateCustomPolicyInput struct {
	PolicyInputList                    []string            `aws:"PolicyInputList" audit:"policyInputList"`
	PermissionsBoundaryPolicyInputList []string            `aws:"PermissionsBoundaryPolicyInputList" audit:"permissionsBoundaryPolicyInputList"`
	ActionNames                        []string            `aws:"ActionNames" audit:"actionNames"`
	ResourceARNs                       []string            `aws:"ResourceArns" audit:"resourceArns"`
	ResourcePolicy                     optional.Of[string] `aws:"ResourcePolicy" audit:"resourcePolicy"`
	ResourceOwner                      optional.Of[string] `aws:"ResourceOwner" audit:"resourceOwner"`
	CallerARN                          optional.Of[string] `aws:"CallerArn" audit:"callerArn"`
	ContextEntries                     []ContextEntry      `aws:"ContextEntries" audit:"contextEntries"`
	ResourceHandlingOption             optional.Of[string] `aws:"ResourceHandlingOption" audit:"resourceHandlingOption"`
	MaxItems                           optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
	Marker                             optional.Of[string] `aws:"Marker" audit:"marker"`
}

// Validate checks the limits of the public API.
func (in *SimulateCustomPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Required("policyInputList", in.PolicyInputList != nil)
	in.simulated().check(c)
}

func (in *SimulateCustomPolicyInput) simulated() *simulated {
	return &simulated{
		Policies:       in.PolicyInputList,
		Boundaries:     in.PermissionsBoundaryPolicyInputList,
		Actions:        in.ActionNames,
		Resources:      in.ResourceARNs,
		ResourcePolicy: in.ResourcePolicy,
		ResourceOwner:  in.ResourceOwner,
		Caller:         in.CallerARN,
		Entries:        in.ContextEntries,
		Handling:       in.ResourceHandlingOption,
		marker:         in.Marker,
		maxItems:       in.MaxItems,
	}
}

// simulateCustomPolicy implements SimulateCustomPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
func (s *Service) simulateCustomPolicy() operation.Operation {
	return operation.Use[SimulateCustomPolicyInput, SimulatePolicyOutput, struct{}, *SimulateCustomPolicyInput]{
		Name:    "SimulateCustomPolicy",
		Actions: []string{"iam:SimulateCustomPolicy"},
		Subject: func(*operation.Call, *SimulateCustomPolicyInput) (struct{}, error) { return struct{}{}, nil },
		Asks: func(c *operation.Call, _ *SimulateCustomPolicyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:SimulateCustomPolicy", "*", &facts{}))
		},
		Run: func(c *operation.Call, in *SimulateCustomPolicyInput, _ struct{}) (*SimulatePolicyOutput, error) {
			return s.simulate(c, in.simulated(), source{})
		},
	}.Operation()
}
