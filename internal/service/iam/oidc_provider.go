package iam

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// Quotas of OpenID Connect providers.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	oidcProvidersMax = 100
	clientIDsMax     = 100
	thumbprintsMax   = 5
)

const (
	providerURLMax = 255
	clientIDMax    = 255
	thumbprintSize = 40
)

// An oidcProvider is an issuer of web identity tokens. Its URL names it, as it was
// given, but without its scheme.
type oidcProvider struct {
	Account     string    `json:"account"`
	URL         string    `json:"url"` // without https://
	Created     int64     `json:"created"`
	ClientIDs   []string  `json:"clientIds,omitempty"`
	Thumbprints []string  `json:"thumbprints,omitempty"`
	Tags        pairs.Map `json:"tags,omitempty"`
}

var oidcProviders = &store.Table[oidcProvider]{
	Schema: driver.Schema{
		Name:       "iam_oidc_provider",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "url"}},
	},
	Version: 1,
	Key:     func(p *oidcProvider) store.Key { return providerKey(p.Account, p.URL) },
	Account: func(p *oidcProvider) string { return p.Account },
}

// providerKey is the key of an identity provider of an account.
func providerKey(account, name string) store.Key { return store.Key{store.S(account), store.S(name)} }

// oidcProviderEntity is what everything that was shown of a provider rests on.
func oidcProviderEntity(account, url string) string { return "op:" + account + ":" + url }

func oidcProviderARN(partition, account, url string) string {
	return "arn:" + partition + ":iam::" + account + ":oidc-provider/" + url
}

func putOIDCProvider(ctx context.Context, tx store.Txn, p oidcProvider, rev store.Rev) error {
	if err := oidcProviders.Put(ctx, tx, &p, rev); err != nil {
		return fmt.Errorf("writing OpenID Connect provider %s: %w", p.URL, err)
	}
	tx.Touch(oidcProviderEntity(p.Account, p.URL))
	return nil
}

// An oidcTarget is the provider that a call names, which may not exist.
type oidcTarget struct {
	arn      string
	url      string
	provider *oidcProvider
	rev      store.Rev
}

// oidcProviderNamed finds the provider that a call names by its ARN. One that does
// not exist is no error yet: whether the caller may know is decided first.
func (s *Service) oidcProviderNamed(c *operation.Call, name string) (oidcTarget, error) {
	rest, own, err := s.providerNamed(c, name, "oidc-provider/")
	if err != nil || !own {
		return oidcTarget{arn: name}, err
	}
	return s.oidcProviderAt(c, rest)
}

// oidcProviderAt finds a provider of the caller's account by its URL without a scheme.
func (s *Service) oidcProviderAt(c *operation.Call, url string) (oidcTarget, error) {
	t := oidcTarget{arn: oidcProviderARN(c.Partition, ownAccount(c), url), url: url}
	r, err := c.Reader()
	if err != nil {
		return t, err
	}
	t.provider, t.rev, err = oidcProviders.Get(c.Context, r, providerKey(ownAccount(c), url))
	if errors.Is(err, store.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("reading OpenID Connect provider %s: %w", url, err)
	}
	c.RestOn(s.store.Stamp(r, oidcProviderEntity(ownAccount(c), url)))
	return t, nil
}

// providerNamed takes the ARN of an identity provider apart, and reports whether it
// is of the caller's account.
func (s *Service) providerNamed(c *operation.Call, name, kind string) (rest string, own bool, err error) {
	a, ok := arn.Parse(name)
	if !ok {
		return "", false, fault.New(fault.Validation, "Invalid ARN:  Could not be parsed!")
	}
	rest, ok = strings.CutPrefix(a.Resource, kind)
	if !ok || rest == "" || a.Partition != s.partition || a.Service != "iam" || a.Region != "" || !arn.IsAccount(a.Account) {
		return "", false, fault.New(InvalidInput, "ARN %s is not valid.", name)
	}
	return rest, a.Account == ownAccount(c), nil
}

// ask is one permission on t.
func (t *oidcTarget) ask(c *operation.Call, action string, f *facts) authz.Ask {
	if t.provider != nil {
		f.resourceTags = t.provider.Tags
	}
	return ask(c, action, t.arn, f)
}

// exists refuses a target that does not exist. It is asked after the decision.
func (t *oidcTarget) exists() error {
	if t.provider == nil {
		return fault.New(NoSuchEntity, "OpenIDConnect Provider not found for arn %s", t.arn)
	}
	return nil
}

// checkProviderARN demands the ARN of a provider, whose form providerNamed looks at.
func checkProviderARN(c *check.Checks, path string, name optional.Of[string]) {
	if c.Required(path, name.Set) {
		c.Length(path, name, arnMin, arnMax)
	}
}

func checkClientID(c *check.Checks, id optional.Of[string]) {
	if c.Required("clientID", id.Set) {
		c.Length("clientID", id, 1, clientIDMax)
	}
}

func checkThumbprints(c *check.Checks, list []string) {
	c.Each("thumbprintList", list, thumbprintSize, thumbprintSize, nil, "")
	if len(list) > thumbprintsMax {
		c.Refuse(fault.New(InvalidInput, "Thumbprint list must contain fewer than %d entries.", thumbprintsMax))
	}
}

// providerHost returns the URL of a provider without its scheme, which must be
// https. It has neither a query nor a port.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func providerHost(text string) (string, error) {
	u, err := url.Parse(text)
	rest, secure := strings.CutPrefix(text, "https://")
	if err != nil || !secure || u.Hostname() == "" || u.Port() != "" || u.User != nil || strings.ContainsAny(rest, "?#@\"\\ *") || !printable(rest) {
		return "", fault.New(fault.Validation, "Invalid Open ID Connect Provider URL")
	}
	return rest, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
