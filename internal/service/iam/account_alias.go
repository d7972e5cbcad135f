package iam

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

const (
	accountAliasMin   = 3
	accountAliasMax   = 63
	accountAliasShown = `^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`
)

// accountAliasPattern, and that there are no two hyphens in a row, is the pattern of the public model.
var accountAliasPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// An accountAlias is taken by one account of all. It counts while the account's
// record names it.
type accountAlias struct {
	Name    string `json:"name"`
	Account string `json:"account"`
}

var accountAliases = &store.Table[accountAlias]{
	Schema: driver.Schema{
		Name:       "iam_account_alias",
		PrimaryKey: []driver.Column{{Name: "name"}},
	},
	Version: 1,
	Key:     func(a *accountAlias) store.Key { return accountAliasKey(a.Name) },
	Account: func(a *accountAlias) string { return a.Account },
}

func accountAliasKey(name string) store.Key { return store.Key{store.S(name)} }

func checkAccountAlias(c *check.Checks, alias optional.Of[string]) {
	if !c.Required("accountAlias", alias.Set) {
		return
	}
	c.Length("accountAlias", alias, accountAliasMin, accountAliasMax)
	if strings.Contains(alias.V, "--") {
		alias.V = ""
	}
	c.Pattern("accountAlias", alias, accountAliasPattern, accountAliasShown)
}

// freeAlias gives up the alias that an account has, if it has one.
func freeAlias(ctx context.Context, tx store.Txn, name string) error {
	if name == "" {
		return nil
	}
	_, rev, err := accountAliases.Get(ctx, tx, accountAliasKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = accountAliases.Delete(ctx, tx, accountAliasKey(name), rev)
	}
	if err != nil {
		return fmt.Errorf("giving up the account alias %s: %w", name, err)
	}
	return nil
}
