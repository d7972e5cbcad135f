package iam

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// samlProvidersMax is the quota of SAML providers per account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const samlProvidersMax = 100

const (
	samlPrivateKeyMax = 16384
	samlNameShown     = `[\w._-]+`
)

var samlNamePattern = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)

// A samlProvider is an identity provider that signs assertions.
type samlProvider struct {
	ID       string    `json:"id"` // the UUID of the public API, which is none
	Account  string    `json:"account"`
	Name     string    `json:"name"`
	Created  int64     `json:"created"` // seconds since 1970
	Until    int64     `json:"until"`   // seconds since 1970
	Metadata string    `json:"metadata"`
	Tags     pairs.Map `json:"tags,omitempty"`
}

var samlProviders = &store.Table[samlProvider]{
	Schema: driver.Schema{
		Name:       "iam_saml_provider",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "name"}},
	},
	Version: 1,
	Key:     func(p *samlProvider) store.Key { return providerKey(p.Account, p.Name) },
	Account: func(p *samlProvider) string { return p.Account },
}

// samlProviderEntity is what everything that was shown of a provider rests on.
func samlProviderEntity(account, name string) string { return "sp:" + account + ":" + name }

func samlProviderARN(partition, account, name string) string {
	return "arn:" + partition + ":iam::" + account + ":saml-provider/" + name
}

func putSAMLProvider(ctx context.Context, tx store.Txn, p samlProvider, rev store.Rev) error {
	if err := samlProviders.Put(ctx, tx, &p, rev); err != nil {
		return fmt.Errorf("writing SAML provider %s: %w", p.Name, err)
	}
	tx.Touch(samlProviderEntity(p.Account, p.Name))
	return nil
}

// A samlTarget is the provider that a call names, which may not exist.
type samlTarget struct {
	arn      string
	name     string
	provider *samlProvider
	rev      store.Rev
}

// samlProviderNamed finds the provider that a call names by its ARN. One that does
// not exist is no error yet: whether the caller may know is decided first.
func (s *Service) samlProviderNamed(c *operation.Call, name string) (samlTarget, error) {
	rest, own, err := s.providerNamed(c, name, "saml-provider/")
	if err != nil || !own {
		return samlTarget{arn: name}, err
	}
	return s.samlProviderAt(c, rest)
}

// samlProviderAt finds a provider of the caller's account by its name.
func (s *Service) samlProviderAt(c *operation.Call, name string) (samlTarget, error) {
	t := samlTarget{arn: samlProviderARN(c.Partition, ownAccount(c), name), name: name}
	r, err := c.Reader()
	if err != nil {
		return t, err
	}
	t.provider, t.rev, err = samlProviders.Get(c.Context, r, providerKey(ownAccount(c), name))
	if errors.Is(err, store.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("reading SAML provider %s: %w", name, err)
	}
	c.RestOn(s.store.Stamp(r, samlProviderEntity(ownAccount(c), name)))
	return t, nil
}

// ask is one permission on t.
func (t *samlTarget) ask(c *operation.Call, action string, f *facts) authz.Ask {
	if t.provider != nil {
		f.resourceTags = t.provider.Tags
	}
	return ask(c, action, t.arn, f)
}

// exists refuses a target that does not exist. It is asked after the decision.
func (t *samlTarget) exists() error {
	if t.provider == nil {
		return fault.New(NoSuchEntity, "Manifest not found for arn %s", t.arn)
	}
	return nil
}

// checkEncryption checks the members about assertions that are encrypted.
func checkEncryption(c *check.Checks, mode optional.Of[string], key confidential.Bytes) {
	c.Enum("assertionEncryptionMode", mode, "Required", "Allowed")
	c.Bytes("addPrivateKey", key.IsSet(), key.Len(), 1, samlPrivateKeyMax)
}

// withoutEncryption refuses encrypted assertions: nothing here opens any.
func withoutEncryption(mode optional.Of[string], key confidential.Bytes) error {
	if mode.Set || key.IsSet() {
		return fault.New(fault.UnsupportedOperation, "Encrypted assertions are not supported.")
	}
	return nil
}

// providersOf calls fn for the identity providers of the caller's account, which
// the quota bounds.
func providersOf[T any](c *operation.Call, table *store.Table[T], max int, fn func(*T)) error {
	r, err := c.Reader()
	if err != nil {
		return err
	}
	err = table.Scan(c.Context, r, "", store.Key{store.S(ownAccount(c))}, nil, max, func(p *T, _ store.Rev) error {
		fn(p)
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing %s of account %s: %w", table.Schema.Name, ownAccount(c), err)
	}
	return nil
}
