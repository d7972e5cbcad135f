package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreatePolicyInput asks for a new managed policy.
type CreatePolicyInput struct {
	PolicyName     optional.Of[string] `aws:"PolicyName" audit:"policyName"`
	Path           optional.Of[string] `aws:"Path" audit:"path"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
	Description    optional.Of[string] `aws:"Description" audit:"description"`
	Tags           []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreatePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
	checkPolicyPath(c, in.Path)
	checkDocument(c, "policyDocument", in.PolicyDocument)
	c.Length("description", in.Description, 0, descriptionMax)
	checkTags(c, in.Tags)
}

// CreatePolicyOutput is the new policy. As on AWS it does not repeat the
// description; GetPolicy tells it.
type CreatePolicyOutput struct {
	Policy Policy `aws:"Policy" audit:"policy"`
}

// createPolicy implements CreatePolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
func (s *Service) createPolicy() operation.Operation {
	return operation.Change[CreatePolicyInput, CreatePolicyOutput, *managedPolicy, *CreatePolicyInput]{
		Name:    "CreatePolicy",
		Actions: []string{"iam:CreatePolicy", "iam:TagPolicy"},
		Subject: func(c *operation.Call, in *CreatePolicyInput) (*managedPolicy, error) {
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			existing, _, err := findManagedPolicy(c.Context, r, ownAccount(c), in.PolicyName.V)
			return existing, err
		},
		Asks: func(c *operation.Call, in *CreatePolicyInput, _ *managedPolicy, asks []authz.Ask) []authz.Ask {
			resource := managedPolicyARN(c.Partition, ownAccount(c), in.Path.Or("/"), in.PolicyName.V)
			tags := tagMap(in.Tags)
			f := &facts{requestTags: tags, requestKeys: tags.Keys()}
			asks = append(asks, ask(c, "iam:CreatePolicy", resource, f))
			if len(tags) > 0 {
				asks = append(asks, ask(c, "iam:TagPolicy", resource, f))
			}
			return asks
		},
		Run: runCreatePolicy,
	}.Operation()
}

func runCreatePolicy(c *operation.Call, tx store.Txn, in *CreatePolicyInput, existing *managedPolicy) (*CreatePolicyOutput, error) {
	if existing != nil {
		return nil, fault.New(EntityAlreadyExists, "A policy called %s already exists. Duplicate names are not allowed.", in.PolicyName.V)
	}
	if err := checkManaged(in.PolicyName.V, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if a.Policies >= managedPoliciesMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for PoliciesPerAccount: %d", managedPoliciesMax)
	}
	now := c.Time.Unix()
	p := &managedPolicy{
		ID:          ident.Unique("ANPA", 21),
		Account:     a.ID,
		Path:        in.Path.Or("/"),
		Name:        in.PolicyName.V,
		Description: in.Description.V,
		Created:     now,
		Updated:     now,
		Default:     1,
		Last:        1,
		Versions:    []policyVersion{{Number: 1, Created: now}},
		Tags:        tagMap(in.Tags),
	}
	u := &policyUse{Account: a.ID, Policy: p.ID}
	if err := insertManagedPolicy(c, tx, p, u, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	// Whoever creates the same name at the same time writes the account too:
	// one of both starts again, and finds the other's policy.
	if err := countManagedPolicy(c.Context, tx, *a, rev, +1); err != nil {
		return nil, err
	}
	shown := p.shown(c.Partition, u)
	shown.Tags = tagList(p.Tags)
	return &CreatePolicyOutput{Policy: shown}, nil
}

func insertManagedPolicy(c *operation.Call, tx store.Txn, p *managedPolicy, u *policyUse, document string) error {
	if err := managedPolicies.Insert(c.Context, tx, p); err != nil {
		return fmt.Errorf("making policy %s: %w", p.ID, err)
	}
	if err := policyUses.Insert(c.Context, tx, u); err != nil {
		return fmt.Errorf("making the count of policy %s: %w", p.ID, err)
	}
	return insertDocument(c, tx, p, 1, document)
}

func insertDocument(c *operation.Call, tx store.Txn, p *managedPolicy, number int, text string) error {
	d := &policyDocument{Policy: p.ID, Number: number, Account: p.Account, Text: text}
	if err := policyDocuments.Insert(c.Context, tx, d); err != nil {
		return fmt.Errorf("writing version %d of policy %s: %w", number, p.ID, err)
	}
	return nil
}
