package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ResetRootCredentialsInput names an account, or none where there is only one.
type ResetRootCredentialsInput struct {
	AccountID optional.Of[string] `aws:"AccountId" audit:"accountId"`
}

// Validate checks the form of the id.
func (in *ResetRootCredentialsInput) Validate(c *check.Checks) {
	c.Pattern("accountId", in.AccountID, accountIDPattern, accountIDShown)
}

// ResetRootCredentialsOutput is the account with the one access key that its root user
// has now, whose secret is shown here and never again, and those that are gone.
type ResetRootCredentialsOutput struct {
	AccountID       string             `aws:"AccountId" audit:"accountId"`
	AccessKeyID     string             `aws:"AccessKeyId" audit:"accessKeyId"`
	SecretAccessKey confidential.Bytes `aws:"SecretAccessKey,text"`
	Deleted         []string           `aws:"DeletedAccessKeyIds" audit:"deletedAccessKeyIds"`
}

// resetRootCredentials implements ResetRootCredentials, which is the operator's: for
// the day on which the credentials of a root user are lost, or known to somebody. Once
// the call is answered the access keys of before are gone, and every session that was
// begun with one has ended.
func (s *Service) resetRootCredentials() operation.Operation {
	return operation.Change[ResetRootCredentialsInput, ResetRootCredentialsOutput, struct{}, *ResetRootCredentialsInput]{
		Name:    "ResetRootCredentials",
		Actions: []string{"claviger:ResetRootCredentials"},
		Asks:    asksOperator[ResetRootCredentialsInput]("claviger:ResetRootCredentials"),
		Run:     s.runResetRootCredentials,
	}.Operation()
}

func (s *Service) runResetRootCredentials(c *operation.Call, tx store.Txn, in *ResetRootCredentialsInput, _ struct{}) (*ResetRootCredentialsOutput, error) {
	id := in.AccountID.V
	if !in.AccountID.Set {
		var err error
		if id, err = onlyAccount(c.Context, tx); err != nil {
			return nil, err
		}
	}
	a, rev, err := getAccount(c.Context, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(NoSuchEntity, "The account with id %s cannot be found.", id)
	}
	if err != nil {
		return nil, err
	}
	for _, old := range a.AccessKeys {
		if err := dropAccessKey(c.Context, tx, old); err != nil {
			return nil, err
		}
		if err := forgetUse(c.Context, tx, old); err != nil {
			return nil, err
		}
	}
	accessKeyID, plain := DrawAccessKey()
	k := &accessKey{ID: accessKeyID, Account: id, Status: active, Created: c.Time.Unix(), Secret: secret{plain}}
	if err := insertAccessKey(c.Context, tx, k); err != nil {
		return nil, err
	}
	t := target{root: a, rev: rev}
	if err := t.putAccessKeys(c.Context, tx, []string{accessKeyID}); err != nil {
		return nil, err
	}
	return &ResetRootCredentialsOutput{AccountID: id, AccessKeyID: accessKeyID, SecretAccessKey: plain, Deleted: a.AccessKeys}, nil
}

// onlyAccount returns the id of the account, if there is one alone. Who lost the
// credentials of a root user may not know the id, so a refusal names some.
func onlyAccount(ctx context.Context, r store.Reader) (string, error) {
	const named = 10
	var ids []string
	err := accounts.Scan(ctx, r, "", nil, nil, named+1, func(a *account, _ store.Rev) error {
		ids = append(ids, a.ID)
		return nil
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("listing accounts: %w", err)
	case len(ids) == 1:
		return ids[0], nil
	case len(ids) > named:
		ids[named] = "and others"
	}
	return "", fault.New(InvalidInput, "There is more than one account: %s. Name the one whose root user is meant.", strings.Join(ids, ", "))
}
