package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DescribeAccountInput asks for an account of the organization.
type DescribeAccountInput struct {
	AccountID optional.Of[string] `aws:"AccountId" audit:"accountId"`
}

// Validate checks the limits of the public API.
func (in *DescribeAccountInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	required(c, in.AccountID.Set)
}

// DescribeAccountOutput is the account.
type DescribeAccountOutput struct {
	Account Account `aws:"Account"`
}

// describeAccount implements DescribeAccount.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html
func (s *Service) describeAccount() operation.Operation {
	return operation.Use[DescribeAccountInput, DescribeAccountOutput, *seat, *DescribeAccountInput]{
		Name:    "DescribeAccount",
		Actions: []string{prefix + "DescribeAccount"},
		Subject: seated(s, func(in *DescribeAccountInput) about { return about{id: in.AccountID.V} }),
		Asks:    asks[DescribeAccountInput](prefix + "DescribeAccount"),
		Run:     told(s.runDescribeAccount),
	}.Operation()
}

func (s *Service) runDescribeAccount(c *operation.Call, in *DescribeAccountInput, t *seat) (*DescribeAccountOutput, error) {
	m, _, err := t.member(c.Context, t.reader, in.AccountID.V)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errNoAccount
	}
	shown, err := t.shownAccounts(c.Context, t.reader, c.Partition, []*member{m})
	if err != nil {
		return nil, err
	}
	return &DescribeAccountOutput{Account: shown[0]}, nil
}
