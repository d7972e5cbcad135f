package authz

import (
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/words/principal"
)

// A Place is where an account stands in an organization, with the control
// policies over it, as read at one moment. It is immutable. That of an account
// outside of any organization has stamps only.
type Place struct {
	Organization string   // such as "o-exampleorgid"; empty outside of any
	Paths        []string // of aws:PrincipalOrgPaths: one, such as "o-exampleorgid/r-ab12/ou-ab12-11111111/"

	// Service and Control are the policies that limit principals and resources of
	// the account, by level, the root's first. Those of a management account are
	// limited by none, and neither is anybody while the type is not enabled.
	Service [][]*policy.Policy
	Control [][]*policy.Policy

	// Closed accounts make no calls.
	Closed bool

	// Stamps end when any of this changes. Require, where it is not nil, makes a
	// transaction conflict if it has changed by its commit.
	Stamps  []store.Stamp
	Require func(tx store.Txn)
}

// organization returns the id of p's organization, empty where there is none.
func (p *Place) organization() string {
	if p == nil {
		return ""
	}
	return p.Organization
}

// paths returns where p stands in its organization.
func (p *Place) paths() []string {
	if p == nil {
		return nil
	}
	return p.Paths
}

// serviceLinked reports whether a caller is a session of a service-linked role,
// which no policy of an organization limits. Nobody but a service gets a role
// whose path begins so; further on, a path may have any text, colons included.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html#not-restricted-by-scp
func serviceLinked(p *principal.Principal) bool {
	_, path, _ := strings.Cut(p.IssuerARN, ":role/") // the first is the ARN's own
	return p.Kind == principal.RoleSession && strings.HasPrefix(path, "aws-service-role/")
}

// organize adds the policies of the organizations of caller and resource.
func (j *Judge) organize(caller *Caller, ask *Ask) {
	if serviceLinked(&caller.Principal) {
		return
	}
	if caller.Place != nil {
		j.input.Service = caller.Place.Service
	}
	if ask.Place != nil && !ask.Uncontrolled {
		j.input.Control = ask.Place.Control
	}
}
