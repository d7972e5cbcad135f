package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// SimulatePrincipalPolicyInput asks what the policies of a user or role allow,
// with more of them if there are any.
type SimulatePrincipalPolicyInput struct {
	PolicySourceARN                    optional.Of[string] `aws:"PolicySourceArn" audit:"policySourceArn"`
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
func (in *SimulatePrincipalPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkSourceARN(c, in.PolicySourceARN)
	in.simulated().check(c)
}

// checkSourceARN demands the ARN of whose policies are asked about.
func checkSourceARN(c *check.Checks, source optional.Of[string]) {
	if c.Required("policySourceArn", source.Set) {
		c.Length("policySourceArn", source, sourceARNMin, resourceNameMax)
	}
}

func (in *SimulatePrincipalPolicyInput) simulated() *simulated {
	return &simulated{
		Source:         in.PolicySourceARN.V,
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

// simulatePrincipalPolicy implements SimulatePrincipalPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *Service) simulatePrincipalPolicy() operation.Operation {
	return operation.Use[SimulatePrincipalPolicyInput, SimulatePolicyOutput, struct{}, *SimulatePrincipalPolicyInput]{
		Name:    "SimulatePrincipalPolicy",
		Actions: []string{"iam:SimulatePrincipalPolicy"},
		Subject: func(*operation.Call, *SimulatePrincipalPolicyInput) (struct{}, error) { return struct{}{}, nil },
		Asks: func(c *operation.Call, in *SimulatePrincipalPolicyInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:SimulatePrincipalPolicy", in.PolicySourceARN.V, &facts{}))
		},
		Run: func(c *operation.Call, in *SimulatePrincipalPolicyInput, _ struct{}) (*SimulatePolicyOutput, error) {
			from, err := s.policySource(c, in.PolicySourceARN.V)
			if err != nil {
				return nil, err
			}
			return s.simulate(c, in.simulated(), from)
		},
	}.Operation()
}
