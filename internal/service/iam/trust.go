package iam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
)

const (
	// trustSizeMax is the quota of a trust policy, in characters without white space.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	trustSizeMax = 2048

	// trustBytesMax bounds the same document as it is kept: white space counts
	// nothing for the quota, and a list shows the policies of many roles.
	trustBytesMax = 16 << 10
)

// A trust is the trust policy of a role as stored: it says who may assume the role.
type trust struct {
	Text string `json:"text"`

	// Bound holds the unique ids that the users and roles named in Text had when
	// it was written: a namesake that comes later is let in by nothing.
	Bound map[string]string `json:"bound,omitempty"`
}

// newTrust makes a trust policy from text, which must be well formed and name
// principals that exist.
func (s *Service) newTrust(ctx context.Context, r store.Reader, text string) (trust, error) {
	p, err := policy.Compile(policy.Trust, "", []byte(text), nil)
	var malformed *policy.Malformed
	if errors.As(err, &malformed) {
		return trust{}, &fault.Fault{Code: fault.MalformedPolicy, Message: malformed.Message}
	}
	if err != nil {
		return trust{}, fmt.Errorf("compiling a trust policy: %w", err)
	}
	if characters, bytes := documentSize(text); characters > trustSizeMax || bytes > trustBytesMax {
		return trust{}, fault.New(fault.LimitExceeded, "Cannot exceed quota for ACLSizePerRole: %d", trustSizeMax)
	}
	bound, err := s.bind(ctx, r, p)
	if err != nil {
		return trust{}, err
	}
	return trust{Text: text, Bound: bound}, nil
}

// compile returns t for decisions. name is what they call it.
func (t *trust) compile(name string) (*policy.Policy, error) {
	bound := t.Bound
	if bound == nil { // to the compiler, nil would mean that names need not be bound
		bound = map[string]string{}
	}
	p, err := policy.Compile(policy.Trust, name, []byte(t.Text), bound)
	if err != nil {
		return nil, fmt.Errorf("compiling the trust policy of %s: %w", name, err)
	}
	return p, nil
}

// bind returns the unique ids of the users and roles that p names. A policy
// that names somebody who does not exist is malformed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (s *Service) bind(ctx context.Context, r store.Reader, p *policy.Policy) (map[string]string, error) {
	bound := make(map[string]string)
	for _, named := range p.Principals() {
		mustExist, err := s.trustable(named)
		if err != nil {
			return nil, err
		}
		if !mustExist {
			continue
		}
		id, exists, err := s.Principal(ctx, r, named.Name)
		if err != nil {
			return nil, fmt.Errorf("resolving principal %s: %w", named.Name, err)
		}
		if !exists {
			return nil, invalidPrincipal(named)
		}
		if id != "" {
			bound[named.Name] = id
		}
	}
	return bound, nil
}

// trustable refuses what is well formed but can't be a principal of a trust
// policy here, and reports whether what can must exist. As in key policies,
// accounts, services and identity providers may be named without being known.
func (s *Service) trustable(named policy.NamedPrincipal) (mustExist bool, err error) {
	switch {
	case named.Type == "Service" && strings.Contains(named.Name, "."):
		return false, nil
	case named.Type == "Federated" && s.isProvider(named.Name):
		return false, nil
	case named.Type != "AWS":
		return false, invalidPrincipal(named)
	case arn.IsAccount(named.Name):
		return false, nil
	}
	a, ok := arn.Parse(named.Name)
	if !ok || a.Partition != s.partition {
		return false, invalidPrincipal(named) // another partition, or the unique id of somebody who is gone
	}
	return a.Resource != "root", nil
}

// publicProviders issue web identities to everybody, and are called by their names.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
var publicProviders = []string{"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}

// isProvider reports whether a name can be that of an identity provider.
func (s *Service) isProvider(name string) bool {
	if slices.Contains(publicProviders, name) {
		return true
	}
	a, ok := arn.Parse(name)
	kind, rest, _ := strings.Cut(a.Resource, "/")
	return ok && a.Partition == s.partition && a.Service == "iam" && a.Region == "" && arn.IsAccount(a.Account) &&
		(kind == "oidc-provider" || kind == "saml-provider") && rest != ""
}

func invalidPrincipal(named policy.NamedPrincipal) error {
	return fault.New(fault.MalformedPolicy, `Invalid principal in policy: "%s":"%s"`, strings.ToUpper(named.Type), named.Name)
}

// shownTrust returns the text of t as its reader may see it: users that have been renamed stand
// under their new names, and users and roles that are gone, or have been replaced, as their unique ids.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (s *Service) shownTrust(ctx context.Context, r store.Reader, t *trust) (string, error) {
	gone := make(map[string]string)
	for name, id := range t.Bound {
		now, exists, err := s.Principal(ctx, r, name)
		if err != nil {
			return "", fmt.Errorf("resolving principal %s: %w", name, err)
		}
		if exists && now == id {
			continue
		}
		renamed, err := s.Renamed(ctx, r, id)
		if err != nil {
			return "", err
		}
		gone[name] = cmp.Or(renamed, id)
	}
	if len(gone) == 0 {
		return t.Text, nil
	}
	return string(policy.RenamePrincipals([]byte(t.Text), gone)), nil
}
