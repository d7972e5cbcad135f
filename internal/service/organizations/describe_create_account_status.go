package organizations

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DescribeCreateAccountStatusInput asks how far a request to create an account has come.
type DescribeCreateAccountStatusInput struct {
	CreateAccountRequestID optional.Of[string] `aws:"CreateAccountRequestId" audit:"createAccountRequestId"`
}

// Validate checks the limits of the public API.
func (in *DescribeCreateAccountStatusInput) Validate(c *check.Checks) {
	may(c, in.CreateAccountRequestID, 0, 36, creationPattern)
	required(c, in.CreateAccountRequestID.Set)
}

// DescribeCreateAccountStatusOutput is how far it has come.
type DescribeCreateAccountStatusOutput struct {
	CreateAccountStatus CreateAccountStatus `aws:"CreateAccountStatus"`
}

// describeCreateAccountStatus implements DescribeCreateAccountStatus.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeCreateAccountStatus.html
func (s *Service) describeCreateAccountStatus() operation.Operation {
	return operation.Use[DescribeCreateAccountStatusInput, DescribeCreateAccountStatusOutput, *seat, *DescribeCreateAccountStatusInput]{
		Name:    "DescribeCreateAccountStatus",
		Actions: []string{prefix + "DescribeCreateAccountStatus"},
		Subject: seated(s, func(in *DescribeCreateAccountStatusInput) about { return about{} }),
		Asks:    asks[DescribeCreateAccountStatusInput](prefix + "DescribeCreateAccountStatus"),
		Run:     told(s.runDescribeCreateAccountStatus),
	}.Operation()
}

func (s *Service) runDescribeCreateAccountStatus(c *operation.Call, in *DescribeCreateAccountStatusInput, t *seat) (*DescribeCreateAccountStatusOutput, error) {
	n, _, err := creations.Get(c.Context, t.reader, idKey(in.CreateAccountRequestID.V))
	if errors.Is(err, store.ErrNotFound) || err == nil && n.Organization != t.ID {
		return nil, fault.New(createStatusNotFound, "You specified a create account request that doesn't exist.")
	}
	if err != nil {
		return nil, fmt.Errorf("reading request %s: %w", in.CreateAccountRequestID.V, err)
	}
	return &DescribeCreateAccountStatusOutput{CreateAccountStatus: n.shown()}, nil
}
