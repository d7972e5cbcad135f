package sts

import (
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/principal"
)

// accountOf returns the account of a role by its ARN. It reports false for what is
// no ARN of a role.
func accountOf(roleARN string) (account string, ok bool) {
	a, ok := arn.Parse(roleARN)
	name, isRole := strings.CutPrefix(a.Resource, "role/")
	return a.Account, ok && isRole && name != "" && a.Service == "iam" && a.Region == "" && arn.IsAccount(a.Account)
}

// role returns the role that an ARN names; nil where there is none. What was read
// is rested on.
//
// A role that exists by convention has no record and no id. It trusts the service
// that it belongs to, and is as good as none to everybody else.
func (s *Service) role(c *operation.Call, roleARN string) (*authz.Role, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	role, err := s.roles.Role(c.Context, r, roleARN)
	if err != nil || role == nil {
		return nil, err
	}
	c.RestOn(role.Stamp)
	if role.ID == "" {
		if role.Name != infrastructureRole(c.Caller) {
			return nil, nil
		}
		own := *role
		own.Trust = trusting(c.Caller.Principal.Name, "sts:AssumeRole")
		return &own, nil
	}
	return role, nil
}

// infrastructureRole is the name of the role that a service has in every account
// by convention, "" for a caller that has none.
func infrastructureRole(caller *authz.Caller) string {
	if r := caller.Registration; caller.Principal.Kind == principal.Service && r != nil && r.Infrastructure {
		label, _, _ := strings.Cut(r.Name, ".")
		return "aws:" + label + "-infrastructure"
	}
	return ""
}

// isInfrastructure reports whether p is a session of a role that exists by
// convention. A service opens those by itself, in every account: no user stands
// behind them. No role that somebody creates has a colon in its name.
func isInfrastructure(p *principal.Principal) bool {
	return p.Kind == principal.RoleSession && strings.HasPrefix(p.IssuerName, "aws:")
}

// trusting is a policy that lets one service do one thing. It says in the
// language of policies what the operator has registered.
func trusting(service, action string) *policy.Policy {
	document := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"` + action + `","Resource":"*"}}`
	p, err := policy.Compile(policy.Resource, "registration", []byte(document), nil)
	if err != nil {
		panic("sts: the registration of " + service + " makes no policy: " + err.Error())
	}
	return p
}
