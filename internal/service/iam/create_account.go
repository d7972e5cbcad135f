package iam

import (
	"errors"
	"fmt"
	"regexp"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	accountNameMax   = 50
	accountIDShown   = `\d{12}`
	accountNameShown = `[\u0020-\u007E]+`
)

var (
	accountIDPattern   = regexp.MustCompile(`^[0-9]{12}$`)
	accountNamePattern = regexp.MustCompile(`^[ -~]+$`)
)

// CreateAccountInput asks for an account. Without an id one is drawn. The name
// is the operator's own word for it.
type CreateAccountInput struct {
	AccountID optional.Of[string] `aws:"AccountId" audit:"accountId"`
	Name      optional.Of[string] `aws:"Name" audit:"name"`
}

// Validate checks the form of id and name.
func (in *CreateAccountInput) Validate(c *check.Checks) {
	c.Pattern("accountId", in.AccountID, accountIDPattern, accountIDShown)
	c.Length("name", in.Name, 1, accountNameMax)
	c.Pattern("name", in.Name, accountNamePattern, accountNameShown)
}

// CreateAccountOutput is the account with an access key of its root user,
// whose secret is shown here and never again.
type CreateAccountOutput struct {
	AccountID       string             `aws:"AccountId" audit:"accountId"`
	AccessKeyID     string             `aws:"AccessKeyId" audit:"accessKeyId"`
	SecretAccessKey confidential.Bytes `aws:"SecretAccessKey,text"`
}

// createAccount implements CreateAccount, which is the operator's: no policy
// can allow it to a caller of the network.
func (s *Service) createAccount() operation.Operation {
	return operation.Change[CreateAccountInput, CreateAccountOutput, struct{}, *CreateAccountInput]{
		Name:    "CreateAccount",
		Actions: []string{"claviger:CreateAccount"},
		Asks:    asksOperator[CreateAccountInput]("claviger:CreateAccount"),
		Run:     s.runCreateAccount,
	}.Operation()
}

func (s *Service) runCreateAccount(c *operation.Call, tx store.Txn, in *CreateAccountInput, _ struct{}) (*CreateAccountOutput, error) {
	id := in.AccountID.V
	if in.AccountID.Set {
		_, _, err := accounts.Get(c.Context, tx, accountKey(id))
		if err == nil {
			return nil, fault.New(EntityAlreadyExists, "Account with id %s already exists.", id)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("reading account %s: %w", id, err)
		}
	} else {
		var err error
		if id, err = drawAccountID(c.Context, tx); err != nil {
			return nil, err
		}
	}
	a := account{ID: id, Name: in.Name.V, Created: c.Time.Unix()}
	accessKeyID, plain := DrawAccessKey()
	if err := s.insertAccount(c.Context, tx, a, accessKeyID, plain); err != nil {
		return nil, err
	}
	return &CreateAccountOutput{AccountID: id, AccessKeyID: accessKeyID, SecretAccessKey: plain}, nil
}
