package iam

import (
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Limits of ARNs in the public model.
const (
	arnMin = 20
	arnMax = 2048
)

// checkPolicyARN demands the ARN of a policy, whose form policyNamed looks at.
func checkPolicyARN(c *check.Checks, name optional.Of[string]) {
	if c.Required("policyArn", name.Set) {
		c.Length("policyArn", name, arnMin, arnMax)
	}
}

// A policyTarget is the managed policy that a call names, which may not exist.
type policyTarget struct {
	arn     string // as the call names the policy
	account string // of the ARN, "aws" for a policy that AWS manages
	policy  *managedPolicy
	rev     store.Rev // zero for a policy that AWS manages
}

// policyNamed finds the managed policy that a call names, one of the caller's
// account or of AWS. A policy that does not exist is no error yet: whether the
// caller may know is decided first. What names no policy at all is refused.
func (s *Service) policyNamed(c *operation.Call, name string) (policyTarget, error) {
	a, ok := arn.Parse(name)
	if !ok {
		return policyTarget{}, fault.New(fault.Validation, "Invalid ARN:  Could not be parsed!")
	}
	rest, ok := strings.CutPrefix(a.Resource, "policy/")
	if !ok || rest == "" || a.Partition != s.partition || a.Service != "iam" || a.Region != "" || a.Account != awsAccount && !arn.IsAccount(a.Account) {
		return policyTarget{}, fault.New(InvalidInput, "ARN %s is not valid.", name)
	}
	t := policyTarget{arn: name, account: a.Account}
	switch a.Account {
	case awsAccount:
		if p := awsPolicies.byPath["/"+rest]; p != nil {
			t.policy = &p.managedPolicy
		}
		return t, nil
	case ownAccount(c):
	default:
		return t, nil
	}
	r, err := c.Reader()
	if err != nil {
		return policyTarget{}, err
	}
	p, rev, err := findManagedPolicy(c.Context, r, a.Account, rest[strings.LastIndexByte(rest, '/')+1:])
	if err != nil {
		return policyTarget{}, err
	}
	if p == nil || p.arn(s.partition) != name { // ARNs are distinguished by case, and the path is a part of them
		return t, nil
	}
	c.RestOn(s.store.Stamp(r, managedPolicyEntity(p.ID)))
	t.policy, t.rev = p, rev
	return t, nil
}

// askRead is one permission to read t. The policies of AWS may be read by every account.
func (t *policyTarget) askRead(c *operation.Call, action string) authz.Ask {
	a := t.askWith(c, action, &facts{})
	if t.account == awsAccount {
		a.Account = ownAccount(c)
	}
	return a
}

// askWith is one permission on t, with facts of the request. A policy of another
// account, or of AWS, is not the caller's to change.
func (t *policyTarget) askWith(c *operation.Call, action string, f *facts) authz.Ask {
	if t.policy != nil {
		f.resourceTags = t.policy.Tags
	}
	a := ask(c, action, t.arn, f)
	a.Account = t.account
	return a
}

// exists refuses a target that names nothing. It is asked after the decision.
func (t *policyTarget) exists() error {
	if t.policy == nil {
		return noSuchPolicy(t.arn)
	}
	return nil
}

// version finds a version of t.
func (t *policyTarget) version(id string) (*policyVersion, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	v := t.policy.version(id)
	if v == nil {
		return nil, fault.New(NoSuchEntity, "Policy %s version %s does not exist or is not attachable.", t.arn, id)
	}
	return v, nil
}
