package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Limits of a key policy: the model's, in characters, and the effective one, in
// bytes, which has an answer of its own.
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
const (
	policyCharsMax = 131072
	policyBytesMax = 32768
)

// policyRecord is the policy of a key as stored. Every key has exactly one,
// named default.
type policyRecord struct {
	Region  string `json:"region"`
	KeyID   string `json:"keyId"`
	Account string `json:"account"`
	Text    string `json:"text"`

	// Bound holds the unique ids that the users and roles named in Text had
	// when it was written: a namesake that comes later is let in by nothing.
	Bound map[string]string `json:"bound"`
}

var policyTable = &store.Table[policyRecord]{
	Schema: driver.Schema{
		Name:       "kms_key_policy",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}},
	},
	Version: 1,
	Key:     func(r *policyRecord) store.Key { return keyKey(r.Region, r.KeyID) },
	Account: func(r *policyRecord) string { return r.Account },
}

func readPolicy(ctx context.Context, r store.Reader, region, id string) (*policyRecord, error) {
	p, _, err := policyTable.Get(ctx, r, keyKey(region, id))
	if err != nil {
		return nil, fmt.Errorf("reading the policy of key %s: %w", id, damaged(err))
	}
	if p.Bound == nil { // to the compiler, nil would mean that names need not be bound
		p.Bound = map[string]string{}
	}
	return p, nil
}

// policyDefault is the policy of a key that is created without one: it leaves
// the key to the policies of its account.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func policyDefault(partition, account string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "` + arn.Root(partition, account) + `"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}

var policyPattern = regexp.MustCompile(`^[\x{09}\x{0A}\x{0D}\x{20}-\x{FF}]+$`)

// checkPolicy checks a Policy member that is present.
func checkPolicy(c *check.Checks, p optional.Of[string]) {
	c.Length("policy", p, 1, policyCharsMax)
	c.Pattern("policy", p, policyPattern, `[\u0009\u000A\u000D\u0020-\u00FF]+`)
}

// newPolicy makes the policy of key k from text: it must be well formed, name
// principals that exist and, unless the caller gave up this safety, let the
// caller put the next policy.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
func (s *Service) newPolicy(c *operation.Call, k *keyRecord, text string, bypass optional.Of[bool]) (*policyRecord, error) {
	if len(text) > policyBytesMax {
		return nil, fault.New(fault.LimitExceeded, "The key policy must not be longer than %d bytes.", policyBytesMax)
	}
	named, err := compileNew(k, text, nil)
	if err != nil {
		return nil, err
	}
	bound, err := s.bind(c, named)
	if err != nil {
		return nil, err
	}
	compiled, err := compileNew(k, text, bound)
	if err != nil {
		return nil, err
	}
	if !bypass.V {
		if err := refuseLockout(c, k, compiled, bypass); err != nil {
			return nil, err
		}
	}
	return &policyRecord{Region: k.Region, KeyID: k.ID, Account: k.Account, Text: text, Bound: bound}, nil
}

func compileNew(k *keyRecord, text string, bound map[string]string) (*policy.Policy, error) {
	p, err := policy.Compile(policy.KeyPolicy, k.arn(), []byte(text), bound)
	var malformed *policy.Malformed
	if errors.As(err, &malformed) {
		return nil, &fault.Fault{Code: fault.MalformedPolicy, Message: malformed.Message}
	}
	return p, err
}

// refuseLockout asks what the caller would be answered who put this policy once more.
func refuseLockout(c *operation.Call, k *keyRecord, p *policy.Policy, bypass optional.Of[bool]) error {
	context := &conditions{bypass: bypass}
	context.by(c)
	context.of(k)
	var judge authz.Judge
	err := judge.Allow(c.Facts, c.Caller, &authz.Ask{
		Action:   "kms:PutKeyPolicy",
		Resource: k.arn(),
		Account:  k.Account,
		Region:   k.Region,
		Rule:     policy.ExplicitTrust,
		Policy:   p,
		Context:  context,
		Place:    c.Caller.Place, // nobody puts the policy of another account's key
	})
	if err != nil {
		return fault.New(fault.MalformedPolicy, "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// bind returns the unique ids of the users and roles that p names. A policy
// that names somebody who does not exist is malformed.
func (s *Service) bind(c *operation.Call, p *policy.Policy) (map[string]string, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	bound := make(map[string]string)
	for _, named := range p.Principals() {
		mustExist, err := nameable(c.Partition, named)
		if err != nil {
			return nil, err
		}
		if !mustExist {
			continue
		}
		id, exists, err := s.principals.Principal(c.Context, r, named.Name)
		if err != nil {
			return nil, fmt.Errorf("resolving principal %s: %w", named.Name, err)
		}
		if !exists {
			return nil, errPrincipal
		}
		if id != "" {
			bound[named.Name] = id
		}
	}
	return bound, nil
}

var errPrincipal = &fault.Fault{
	Code:    fault.MalformedPolicy,
	Message: "Policy contains a statement with one or more invalid principals.",
}

// nameable refuses what is well formed but can't be a principal of a key
// policy, and reports whether what can must exist. Accounts and services
// elsewhere may be named without being known here.
func nameable(partition string, named policy.NamedPrincipal) (mustExist bool, err error) {
	switch {
	case named.Type == "Service" && strings.Contains(named.Name, "."):
		return false, nil
	case named.Type != "AWS":
		return false, errPrincipal
	case arn.IsAccount(named.Name):
		return false, nil
	}
	a, ok := arn.Parse(named.Name)
	if !ok || a.Partition != partition {
		return false, errPrincipal // another partition, or the unique id of somebody who is gone
	}
	return a.Resource != "root", nil
}

// shown returns the policy's text as its reader may see it: users that have been renamed stand
// under their new names, and users and roles that are gone, or have been replaced, as their unique ids.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (s *Service) shown(c *operation.Call, r store.Reader, p *policyRecord) (string, error) {
	gone := make(map[string]string)
	for name, id := range p.Bound {
		now, exists, err := s.principals.Principal(c.Context, r, name)
		if err != nil {
			return "", fmt.Errorf("resolving principal %s: %w", name, err)
		}
		if exists && now == id {
			continue
		}
		renamed, err := s.principals.Renamed(c.Context, r, id)
		if err != nil {
			return "", fmt.Errorf("resolving principal %s: %w", id, err)
		}
		gone[name] = cmp.Or(renamed, id)
	}
	if len(gone) == 0 {
		return p.Text, nil
	}
	return string(policy.RenamePrincipals([]byte(p.Text), gone)), nil
}
