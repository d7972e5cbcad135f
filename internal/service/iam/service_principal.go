package iam

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// A servicePrincipal is a service that the operator lets act for users. It
// belongs to the installation and to no account.
//
// Its name is its identity, as on AWS: policies and grants name it, and mean
// whatever is registered under it. While it is disabled they match nobody.
type servicePrincipal struct {
	Name           string   `json:"name"`
	SigningName    string   `json:"signingName"`
	Actions        []string `json:"actions"`
	BeyondUser     bool     `json:"beyondUser,omitempty"`
	Infrastructure bool     `json:"infrastructure,omitempty"`
	Disabled       bool     `json:"disabled,omitempty"`
	Created        int64    `json:"created"` // seconds since 1970
	AccessKeys     []string `json:"accessKeys,omitempty"`
}

// A signing name is one service's alone, and so is the role of an
// infrastructure: a disabled service keeps both, for credentials and grants that
// name them may still be about.
var servicePrincipals = &store.Table[servicePrincipal]{
	Schema: driver.Schema{
		Name:       "iam_service_principal",
		PrimaryKey: []driver.Column{{Name: "name"}},
		Indexed:    []driver.Column{{Name: "signing"}, {Name: "infrastructure"}},
		Indexes: []driver.IndexSchema{
			{Name: "signing", Columns: []string{"signing"}, Unique: true},
			{Name: "infrastructure", Columns: []string{"infrastructure"}, Unique: true},
		},
	},
	Version: 1,
	Key:     func(p *servicePrincipal) store.Key { return servicePrincipalKey(p.Name) },
	Indexed: func(p *servicePrincipal) store.Key {
		// No role has the name of a service, so that whoever has no infrastructure
		// is in nobody's way.
		infrastructure := p.Name
		if p.Infrastructure {
			infrastructure = conventionalRole(p.Name)
		}
		return store.Key{store.S(p.SigningName), store.S(infrastructure)}
	},
}

func servicePrincipalKey(name string) store.Key { return store.Key{store.S(name)} }

// servicePrincipalEntity is what everything that was read of a service rests on.
func servicePrincipalEntity(name string) string { return "pr:" + name }

// conventionalRole is the name of the role that the service of that name may
// assume in every account, if it was registered so.
func conventionalRole(service string) string {
	label, _, _ := strings.Cut(service, ".")
	return "aws:" + label + "-infrastructure"
}

// findServicePrincipal returns a service, nil where there is none of that name.
func findServicePrincipal(ctx context.Context, r store.Reader, name string) (*servicePrincipal, store.Rev, error) {
	p, rev, err := servicePrincipals.Get(ctx, r, servicePrincipalKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading service principal %s: %w", name, err)
	}
	return p, rev, nil
}

// serviceCaller returns a service as the author of its own calls, and the ids of
// its access keys.
func (s *Service) serviceCaller(ctx context.Context, r store.Reader, name, accessKeyID string) (*authz.Caller, []string, error) {
	registered, rev, err := servicePrincipals.Get(ctx, r, servicePrincipalKey(name))
	if err != nil {
		return nil, nil, fmt.Errorf("reading service principal %s: %w", name, err)
	}
	if registered.Disabled {
		return nil, nil, nil // whatever keys it had, it has none now
	}
	p := principal.Principal{
		Kind:        principal.Service,
		Partition:   s.partition,
		ARN:         name, // a service has none: texts say its name instead
		Name:        name,
		AccessKeyID: accessKeyID,
	}
	return &authz.Caller{
		Principal:    p,
		Policy:       policy.Caller{Kind: p.Kind, Partition: p.Partition, Services: []string{name}},
		Registration: registered.registration(),
		Stamps:       []store.Stamp{s.store.Stamp(r, servicePrincipalEntity(name))},
		Require:      func(tx store.Txn) { servicePrincipals.Require(tx, servicePrincipalKey(name), rev) },
	}, registered.AccessKeys, nil
}

func (p *servicePrincipal) registration() *authz.Registration {
	return &authz.Registration{
		Name:           p.Name,
		SigningName:    p.SigningName,
		Actions:        p.Actions,
		BeyondUser:     p.BeyondUser,
		Infrastructure: p.Infrastructure,
	}
}

// Limits of what the operator may register. The name is as the public model has it.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
const (
	serviceNameMax    = 128
	serviceActionsMax = 50

	serviceNameShown   = `[a-z0-9\-]+(\.[a-z0-9\-]+){2,}`
	signingNameShown   = `[a-z0-9\-]{1,64}`
	serviceActionShown = `[a-z0-9\-]{1,64}:[A-Za-z0-9]{1,128}`
)

var (
	serviceNamePattern   = regexp.MustCompile(`^` + serviceNameShown + `$`)
	signingNamePattern   = regexp.MustCompile(`^` + signingNameShown + `$`)
	serviceActionPattern = regexp.MustCompile(`^` + serviceActionShown + `$`)
)

// ownServices are the services of this server and those it will have. Nobody
// else speaks in their names, or receives what users sign for them.
var ownServices = []string{
	"claviger", "cloudtrail", "elevation", "events", "iam", "kms", "organizations",
	"secretsmanager", "securityhub", "sns", "sts",
}

// closedServices have no action that a service may call for a user: whoever
// administers identities does so in person.
var closedServices = []string{"claviger", "iam", "organizations", "sts"}

// isOwnService reports whether a name of a service means one of our own. In
// AWS's domain any of its labels may say so, as in mrk.kms.amazonaws.com.
func isOwnService(name string) bool {
	labels := strings.Split(name, ".")
	if !slices.Contains(labels, "amazonaws") {
		labels = labels[:1]
	}
	return slices.ContainsFunc(labels, func(label string) bool { return slices.Contains(ownServices, label) })
}

func checkServiceName(c *check.Checks, name optional.Of[string]) {
	if c.Required("name", name.Set) {
		c.Length("name", name, 1, serviceNameMax)
		c.Pattern("name", name, serviceNamePattern, serviceNameShown)
	}
}

// checkServiceActions demands a list of actions, none of them twice.
func checkServiceActions(c *check.Checks, actions []string) {
	c.Items("actions", true, len(actions), 1, serviceActionsMax)
	seen := make(map[string]bool, len(actions))
	for _, a := range actions {
		c.Pattern("actions", optional.Some(a), serviceActionPattern, serviceActionShown)
		vendor, _, _ := strings.Cut(a, ":")
		if slices.Contains(closedServices, vendor) {
			c.Refuse(fault.New(InvalidInput, "No service may call %s for its users.", a))
		}
		folded := policy.Fold(a)
		if seen[folded] {
			c.Refuse(fault.New(InvalidInput, "The action %s stands twice.", a))
		}
		seen[folded] = true
	}
}

func noSuchServicePrincipal(name string) error {
	return fault.New(NoSuchEntity, "The service principal with name %s cannot be found.", name)
}

// States of a service principal.
const (
	enabled  = "Enabled"
	disabled = "Disabled"
)

// A ServicePrincipal as outputs show it.
type ServicePrincipal struct {
	Name             string    `aws:"Name" audit:"name"`
	SigningName      string    `aws:"SigningName" audit:"signingName"`
	Actions          []string  `aws:"Actions" audit:"actions"`
	GrantsBeyondUser bool      `aws:"GrantsBeyondUser" audit:"grantsBeyondUser"`
	Infrastructure   bool      `aws:"Infrastructure" audit:"infrastructure"`
	Status           string    `aws:"Status" audit:"status"`
	CreateDate       time.Time `aws:"CreateDate" audit:"createDate"` // of the registration in force
}

func (p *servicePrincipal) shown() ServicePrincipal {
	out := ServicePrincipal{
		Name:             p.Name,
		SigningName:      p.SigningName,
		Actions:          p.Actions,
		GrantsBeyondUser: p.BeyondUser,
		Infrastructure:   p.Infrastructure,
		Status:           enabled,
		CreateDate:       seconds(p.Created),
	}
	if p.Disabled {
		out.Status = disabled
	}
	return out
}
