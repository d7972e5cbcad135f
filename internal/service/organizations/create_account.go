package organizations

import (
	"fmt"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// CreateAccountInput asks for a new account.
type CreateAccountInput struct {
	Email                  optional.Of[string] `aws:"Email"`
	AccountName            optional.Of[string] `aws:"AccountName"`
	RoleName               optional.Of[string] `aws:"RoleName" audit:"roleName"`
	IAMUserAccessToBilling optional.Of[string] `aws:"IamUserAccessToBilling" audit:"iamUserAccessToBilling"`
	Tags                   []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateAccountInput) Validate(c *check.Checks) {
	may(c, in.Email, 6, 64, emailPattern)
	may(c, in.AccountName, 1, 50, namePattern)
	may(c, in.RoleName, 0, 64, rolePattern)
	if strings.HasPrefix(in.RoleName.V, "AWSServiceRoleFor") {
		c.Refuse(invalid("INVALID_ROLE_NAME", "You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor."))
	}
	oneOf(c, in.IAMUserAccessToBilling, "ALLOW", "DENY")
	checkTags(c, in.Tags)
	required(c, in.Email.Set, in.AccountName.Set)
}

// CreateAccountOutput says that the account is being made.
type CreateAccountOutput struct {
	CreateAccountStatus CreateAccountStatus `aws:"CreateAccountStatus" audit:"createAccountStatus"`
}

// createAccount implements CreateAccount. The account is there when
// it is answered; as on AWS the answer says that it is being made, and
// DescribeCreateAccountStatus that it was. No password is drawn for its root
// user, whom nobody can be before the management account lets somebody.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
func (s *Service) createAccount() operation.Operation {
	return operation.Change[CreateAccountInput, CreateAccountOutput, *seat, *CreateAccountInput]{
		Name:    "CreateAccount",
		Actions: []string{prefix + "CreateAccount", actionTag},
		Subject: func(c *operation.Call, in *CreateAccountInput) (*seat, error) {
			c.Show("email", hidden)
			c.Show("accountName", hidden)
			return s.seat(c, about{tags: in.Tags})
		},
		Asks: asks[CreateAccountInput](prefix + "CreateAccount"),
		Run:  managed(s.runCreateAccount),
	}.Operation()
}

func (s *Service) runCreateAccount(c *operation.Call, tx store.Txn, in *CreateAccountInput, t *seat) (*CreateAccountOutput, error) {
	if t.Accounts >= accountsMax {
		return nil, violates("ACCOUNT_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of AWS accounts.")
	}
	n := &creation{ID: "car-" + draw(32), Organization: t.ID, Management: t.Management, Name: in.AccountName.V, Requested: c.Time}
	taken := false
	err := scan(c.Context, tx, members, "email", in.Email.V, "", memberID, func(*member) bool { taken = true; return false })
	if err != nil {
		return nil, err
	}
	if taken {
		n.Failure = "EMAIL_ALREADY_EXISTS"
	} else if n.Account, err = s.makeAccount(c, tx, in, t); err != nil {
		return nil, err
	}
	if err := creations.Insert(c.Context, tx, n); err != nil {
		return nil, fmt.Errorf("keeping request %s: %w", n.ID, err)
	}
	c.Happened(n.event(c))
	return &CreateAccountOutput{CreateAccountStatus: CreateAccountStatus{
		ID: n.ID, AccountName: n.Name, State: creationInProgress, RequestedTimestamp: n.Requested,
	}}, nil
}

// hidden stands in records for names and addresses of accounts.
const hidden = "****"

// accessRole is the role by which the management account reaches new accounts.
const accessRole = "OrganizationAccountAccessRole"

func (s *Service) makeAccount(c *operation.Call, tx store.Txn, in *CreateAccountInput, t *seat) (string, error) {
	id, err := s.accounts.CreateMember(c.Context, tx, NewMember{
		Membership: Membership{Organization: t.ID, Name: in.AccountName.V, Email: in.Email.V},
		Management: t.Management,
		Role:       in.RoleName.Or(accessRole),
		Created:    c.Time,
	})
	if err != nil {
		return "", err
	}
	m := &member{Account: id, Name: in.AccountName.V, Email: in.Email.V, Method: joinedCreated, Joined: c.Time, Tags: tagMap(in.Tags)}
	return id, s.join(c.Context, tx, t.organization, m)
}

// event is that the request has ended.
func (n *creation) event(c *operation.Call) *operation.Event {
	e := &operation.Event{Name: "CreateAccountResult", Time: c.Time, Region: c.Region, Account: n.Management, Details: []operation.Member{
		{Name: "id", Value: n.ID}, {Name: "state", Value: n.state()},
	}}
	if n.Failure != "" {
		e.Details = append(e.Details, operation.Member{Name: "failureReason", Value: n.Failure})
	} else {
		e.Details = append(e.Details, operation.Member{Name: "accountId", Value: n.Account})
	}
	return e
}
