package kms

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// aliasRecord is an alias as stored. The record of its key lists it too.
type aliasRecord struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Name    string    `json:"name"` // with "alias/"
	KeyID   string    `json:"keyId"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

var aliasTable = &store.Table[aliasRecord]{
	Schema: driver.Schema{
		Name:       "kms_alias",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "region"}, {Name: "name"}},
		Indexed:    []driver.Column{{Name: "key_id"}},
		Indexes:    []driver.IndexSchema{{Name: "key", Columns: []string{"region", "key_id", "name"}}},
	},
	Version: 1,
	Key:     func(r *aliasRecord) store.Key { return aliasKey(r.Account, r.Region, r.Name) },
	Indexed: func(r *aliasRecord) store.Key { return store.Key{store.S(r.KeyID)} },
	Account: func(r *aliasRecord) string { return r.Account },
}

func aliasKey(account, region, name string) store.Key {
	return store.Key{store.S(account), store.S(region), store.S(name)}
}

// aliasName is the primary key of an alias.
type aliasName struct{ account, region, name string }

// aliasTarget is the key of an alias as read at one moment.
type aliasTarget struct {
	keyID string
	stamp store.Stamp
}

func (a *aliasTarget) current() bool { return a.stamp.Current() }

func aliasEntity(account, region, name string) string {
	return "alias:" + account + "/" + region + "/" + name
}

// aliasToUse finds the key of an alias, from memory where it is at hand, and
// rests the call on it. Without such an alias the error is store.ErrNotFound.
func (s *Service) aliasToUse(c *operation.Call, account, name string) (*aliasTarget, error) {
	key := aliasName{account, c.Region, name}
	if a, ok := s.aliases.get(key); ok {
		c.RestOn(a.stamp)
		return a, nil
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	rec, _, err := aliasTable.Get(c.Context, r, aliasKey(account, c.Region, name))
	if err != nil {
		return nil, fmt.Errorf("reading alias %s of account %s: %w", name, account, err)
	}
	a := &aliasTarget{keyID: rec.KeyID, stamp: s.stamp(r, aliasEntity(account, c.Region, name))}
	if _, writes := r.(store.Txn); !writes {
		s.aliases.put(key, a)
	}
	c.RestOn(a.stamp)
	return a, nil
}

// An alias as a change reads it.
type alias struct {
	aliasRecord
	ARN string
	rev store.Rev
}

// aliasToChange reads an alias of the caller's account through the transaction.
// Without such an alias the error is store.ErrNotFound.
func aliasToChange(c *operation.Call, name string) (*alias, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	rec, rev, err := aliasTable.Get(c.Context, r, aliasKey(c.Account(), c.Region, name))
	if err != nil {
		return nil, fmt.Errorf("reading alias %s: %w", name, err)
	}
	return &alias{aliasRecord: *rec, ARN: c.ARN("kms", name), rev: rev}, nil
}

// touch ends all snapshots of the alias.
func (r *aliasRecord) touch(tx store.Txn) { tx.Touch(aliasEntity(r.Account, r.Region, r.Name)) }

// nameAlias lists a new alias in the key's record, where it has fewer than most.
func (k *Key) nameAlias(ctx context.Context, tx store.Txn, name string, most int) error {
	if len(k.Aliases) >= most {
		return fault.New(fault.LimitExceeded, "The key %s already has %d aliases.", k.ARN, len(k.Aliases))
	}
	rec := k.keyRecord
	at, _ := slices.BinarySearch(k.Aliases, name)
	rec.Aliases = slices.Insert(slices.Clone(k.Aliases), at, name)
	return k.put(ctx, tx, &rec)
}

// unnameAlias takes an alias from the key's record.
func (k *Key) unnameAlias(ctx context.Context, tx store.Txn, name string) error {
	rec := k.keyRecord
	rec.Aliases = slices.DeleteFunc(slices.Clone(k.Aliases), func(s string) bool { return s == name })
	return k.put(ctx, tx, &rec)
}

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`)

const aliasHelp = "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"

// checkAliasName checks an AliasName member. Names of the provider's own
// aliases are nobody's to make, move or delete.
func checkAliasName(c *check.Checks, name optional.Of[string]) {
	if !c.Required("aliasName", name.Set) {
		return
	}
	c.Length("aliasName", name, 1, 256)
	c.Pattern("aliasName", name, aliasPattern, aliasPattern.String())
	rest, prefixed := strings.CutPrefix(name.V, aliasPrefix)
	switch {
	case !prefixed:
		c.Refuse(validation("Alias must start with the prefix \"alias/\". Please see %s", aliasHelp))
	case rest == "" || strings.Contains(rest, ":"):
		c.Refuse(validation("%s contains invalid characters for an alias", name.V))
	case strings.HasPrefix(rest, "aws/"):
		c.Refuse(fault.New(InvalidAliasName, "Alias names that begin with alias/aws/ are reserved: %s", name.V))
	}
}

// checkTargetKeyID checks a TargetKeyId member: an alias can't name an alias.
func checkTargetKeyID(c *check.Checks, id optional.Of[string]) {
	if !c.Required("targetKeyId", id.Set) {
		return
	}
	c.Length("targetKeyId", id, 1, keyIDMax)
	if a, ok := arn.Parse(id.V); strings.HasPrefix(id.V, aliasPrefix) || ok && strings.HasPrefix(a.Resource, aliasPrefix) {
		c.Refuse(validation("Aliases must refer to keys. Not aliases"))
	}
}

// askOnAlias asks for an action on an alias of the caller's account. An alias
// has no policy of its own.
func askOnAlias(c *operation.Call, action, aliasARN string) authz.Ask {
	return askOnAccount(c, action, aliasARN, onAccount(c))
}
