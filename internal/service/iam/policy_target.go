package iam

import (
	"context"
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
	if _, ok := arn.Parse(name); !ok {
		return policyTarget{}, fault.New(fault.Validation, "Invalid ARN:  Could not be parsed!")
	}
	a, ok := s.policyARN(name)
	if !ok {
		return policyTarget{}, fault.New(InvalidInput, "ARN %s is not valid.", name)
	}
	t := policyTarget{arn: name, account: a.Account}
	if a.Account != awsAccount && a.Account != ownAccount(c) {
		return t, nil
	}
	r, err := c.Reader()
	if err != nil {
		return policyTarget{}, err
	}
	if t.policy, t.rev, err = s.policyAt(c.Context, r, a, name); t.policy != nil {
		c.RestOn(s.policyStamps(r, t.policy)...)
	}
	return t, err
}

// policyAt returns the managed policy whose ARN is name, which was parsed into a; nil
// where there is none.
func (s *Service) policyAt(ctx context.Context, r store.Reader, a arn.ARN, name string) (*managedPolicy, store.Rev, error) {
	path := strings.TrimPrefix(a.Resource, "policy")
	if a.Account == awsAccount {
		if p := awsPolicies().byPath[path]; p != nil {
			return &p.managedPolicy, 0, nil
		}
		return nil, 0, nil
	}
	p, rev, err := findManagedPolicy(ctx, r, a.Account, path[strings.LastIndexByte(path, '/')+1:])
	// ARNs are distinguished by case, and the path is a part of them.
	if p == nil || p.arn(s.partition) != name || err != nil {
		return nil, 0, err
	}
	return p, rev, nil
}

// policyStamps is what everything that was read of a managed policy rests on. Those of AWS
// do not change.
func (s *Service) policyStamps(r store.Reader, p *managedPolicy) []store.Stamp {
	if p.Account == awsAccount {
		return nil
	}
	return []store.Stamp{s.store.Stamp(r, managedPolicyEntity(p.ID))}
}

// ManagedPolicies returns the unique ids of managed policies of an account, or of AWS, and what
// they rest on. missing is the first ARN of which there is no such policy. It is for session
// policies, which a token names by their ids.
func (s *Service) ManagedPolicies(ctx context.Context, r store.Reader, account string, arns []string) (ids []string, stamps []store.Stamp, missing string, err error) {
	for _, name := range arns {
		a, ok := s.policyARN(name)
		if !ok || a.Account != awsAccount && a.Account != account {
			return nil, nil, name, nil
		}
		p, _, err := s.policyAt(ctx, r, a, name)
		if err != nil {
			return nil, nil, "", err
		}
		if p == nil || !p.attachable() {
			return nil, nil, name, nil
		}
		ids = append(ids, p.ID)
		stamps = append(stamps, s.policyStamps(r, p)...)
	}
	return ids, stamps, "", nil
}

// policyARN parses the ARN of a managed policy.
func (s *Service) policyARN(name string) (arn.ARN, bool) {
	a, ok := arn.Parse(name)
	rest, isPolicy := strings.CutPrefix(a.Resource, "policy/")
	return a, ok && isPolicy && rest != "" && a.Partition == s.partition && a.Service == "iam" && a.Region == "" &&
		(a.Account == awsAccount || arn.IsAccount(a.Account))
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
