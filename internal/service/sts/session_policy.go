package sts

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	// sessionPolicyMax bounds a session policy, and it together with the ARNs of managed ones, in
	// characters.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	sessionPolicyMax     = 2048
	sessionPolicyARNsMax = 10
)

// PolicyDescriptorType names a managed policy.
type PolicyDescriptorType struct {
	ARN optional.Of[string] `aws:"arn" audit:"arn"`
}

// checkPolicyMembers demands the form of session policies.
func checkPolicyMembers(c *check.Checks, arns []PolicyDescriptorType, document optional.Of[string]) {
	c.Items("policyArns", arns != nil, len(arns), 0, sessionPolicyARNsMax)
	for i, p := range arns {
		checkARN(c, element("policyArns", i)+".arn", p.ARN)
	}
	checkText(c, "policy", document, 1, sessionPolicyMax, documentPattern)
}

// limit gives a session to be its session policies, and refuses those that are none. They
// are looked at last, so that only who may have the session gives us documents to read.
//
// Of managed policies the session keeps the ids: what they say counts as it is at each
// use. AWS packs the ARNs into its tokens, not what the policies say.
func (s *Service) limit(c *operation.Call, of *session.Session, arns []PolicyDescriptorType, document optional.Of[string]) error {
	size := utf8.RuneCountInString(document.V)
	names := make([]string, len(arns))
	for i, p := range arns {
		names[i] = p.ARN.V
		size += utf8.RuneCountInString(p.ARN.V)
	}
	if size > sessionPolicyMax {
		return packedTooLarge((100*size + sessionPolicyMax - 1) / sessionPolicyMax)
	}
	if len(names) > 0 {
		r, err := c.Reader()
		if err != nil {
			return err
		}
		ids, stamps, missing, err := s.policies.ManagedPolicies(c.Context, r, of.Account, names)
		if err != nil {
			return err
		}
		if len(ids) < len(names) {
			return fault.New(fault.Validation, "Policy %s does not exist or is not attachable.", missing)
		}
		c.RestOn(stamps...)
		of.Managed = ids
	}
	if !document.Set {
		return nil
	}
	of.Policies = []string{document.V}
	_, err := policy.Compile(policy.Identity, "session", []byte(document.V), nil)
	var malformed *policy.Malformed
	if errors.As(err, &malformed) {
		return &fault.Fault{Code: fault.MalformedPolicy, Message: malformed.Message}
	}
	if err != nil {
		return fmt.Errorf("compiling a session policy: %w", err)
	}
	return nil
}

// packs reports whether a session has what its author may make large.
func packs(of *session.Session) bool {
	return len(of.Policies) > 0 || len(of.Managed) > 0 || len(of.Tags) > 0
}

func packedTooLarge(percent int) error {
	return fault.New(PackedPolicyTooLarge, "Packed policy consumes %d%% of allotted space, please use smaller policy.", percent)
}
