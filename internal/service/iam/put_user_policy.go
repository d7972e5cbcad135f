package iam

import (
	"errors"
	"fmt"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	// policySizeMax is the quota of all inline policies of a user together, in
	// characters without white space.
	policySizeMax = 2048

	// policyBytesMax bounds the documents of a user or a role as they are kept: white space
	// counts nothing for the quota, and could make a record larger than the
	// store takes.
	policyBytesMax = 512 << 10
)

// PutUserPolicyInput is an inline policy for a user, in place of one that has
// the same name.
type PutUserPolicyInput struct {
	UserName       optional.Of[string] `aws:"UserName" audit:"userName"`
	PolicyName     optional.Of[string] `aws:"PolicyName" audit:"policyName"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
}

// Validate checks the limits of the public API.
func (in *PutUserPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
	checkDocument(c, "policyDocument", in.PolicyDocument)
}

// putUserPolicy implements PutUserPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html
func (s *Service) putUserPolicy() operation.Operation {
	return operation.Change[PutUserPolicyInput, operation.None, target, *PutUserPolicyInput]{
		Name:    "PutUserPolicy",
		Actions: []string{"iam:PutUserPolicy"},
		Subject: func(c *operation.Call, in *PutUserPolicyInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *PutUserPolicyInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askBounded(c, "iam:PutUserPolicy", &facts{}))
		},
		Run: s.runPutUserPolicy,
	}.Operation()
}

func (s *Service) runPutUserPolicy(c *operation.Call, tx store.Txn, in *PutUserPolicyInput, t target) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	if err := wellFormed(in.PolicyName.V, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	u := *t.user
	u.Policies = u.Policies.With(in.PolicyName.V, in.PolicyDocument.V)
	if size, bytes := policySize(u.Policies); size > policySizeMax || bytes > policyBytesMax {
		return nil, fault.New(fault.LimitExceeded, "Maximum policy size of %d bytes exceeded for user %s", policySizeMax, u.Name)
	}
	if err := putUser(c.Context, tx, u, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}

// wellFormed refuses a document that is no identity policy, in AWS's words.
func wellFormed(name, document string) error {
	_, err := policy.Compile(policy.Identity, name, []byte(document), nil)
	var malformed *policy.Malformed
	if errors.As(err, &malformed) {
		return &fault.Fault{Code: fault.MalformedPolicy, Message: malformed.Message}
	}
	if err != nil {
		return fmt.Errorf("compiling policy %s: %w", name, err)
	}
	return nil
}

// policySize is documentSize of several documents together.
func policySize(documents pairs.Map) (characters, bytes int) {
	for _, p := range documents {
		c, b := documentSize(p.Value)
		characters, bytes = characters+c, bytes+b
	}
	return characters, bytes
}

// documentSize counts the characters of a document without white space, and its bytes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func documentSize(document string) (characters, bytes int) {
	for _, r := range document {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			characters++
		}
	}
	return characters, len(document)
}
