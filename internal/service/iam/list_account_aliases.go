package iam

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAccountAliasesInput asks for the alias of the caller's account.
type ListAccountAliasesInput struct {
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListAccountAliasesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPage(c, in.Marker, in.MaxItems)
}

// ListAccountAliasesOutput has the alias, if there is one.
type ListAccountAliasesOutput struct {
	AccountAliases []string            `aws:"AccountAliases"`
	IsTruncated    bool                `aws:"IsTruncated"`
	Marker         optional.Of[string] `aws:"Marker"`
}

// listAccountAliases implements ListAccountAliases. An account has one alias at
// most, so that there is no second page.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html
func (s *Service) listAccountAliases() operation.Operation {
	return operation.Use[ListAccountAliasesInput, ListAccountAliasesOutput, accountTarget, *ListAccountAliasesInput]{
		Name:    "ListAccountAliases",
		Actions: []string{"iam:ListAccountAliases"},
		Subject: func(c *operation.Call, _ *ListAccountAliasesInput) (accountTarget, error) { return s.ownRecord(c) },
		Asks:    asksOfAccount[ListAccountAliasesInput]("iam:ListAccountAliases"),
		Run: func(c *operation.Call, in *ListAccountAliasesInput, t accountTarget) (*ListAccountAliasesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, err := s.after(listOf(c, "ListAccountAliases", ""), in.Marker); err != nil {
				return nil, err
			}
			out := &ListAccountAliasesOutput{AccountAliases: []string{}}
			if t.account.Alias != "" {
				out.AccountAliases = append(out.AccountAliases, t.account.Alias)
			}
			return out, nil
		},
	}.Operation()
}
