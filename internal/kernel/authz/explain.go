package authz

import (
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/explanation"
)

// Explain explains the last refusal to each side. An account sees its own
// policies, what they compared as far as that is its business, and of the other
// account that it refused.
//
// To who is let in by nothing its own policies are explained as if the resource
// did not exist: they could tell by a condition whether it does. Where the refusal
// has words of its own to hide which resource it is, nothing is explained to the
// caller's account.
func (j *Judge) Explain() *explanation.Sides {
	account, owner := j.world.caller.Principal.Account, j.input.ResourceAccount
	if account == owner {
		return &explanation.Sides{Account: account, Own: j.explained(j.verdict, policy.Explain(&j.input))}
	}
	premises := policy.Explain(&j.input)
	theirs := premises
	if j.closed {
		blind, blindAsk, in := j.world, *j.world.ask, j.input
		blindAsk.Context = nil
		blind.ask, in.Context = &blindAsk, &blind
		theirs = policy.Explain(&in)
	}
	sides := &explanation.Sides{
		Account: account,
		Owner:   owner,
		OfOwner: j.explained(toOwner(j.verdict), ofSide(premises, policy.ResourceSide, ofOwner)),
	}
	if j.world.ask.Refusal == nil {
		sides.Own = j.explained(toCaller(j.told), ofSide(theirs, policy.CallerSide, ofCaller))
	}
	return sides
}

// ExplainWhole explains the last answer with all that counted, both sides of it: to
// the operator alone, who may see everything.
func (j *Judge) ExplainWhole() *explanation.Explanation {
	return j.explained(j.verdict, policy.Explain(&j.input))
}

func (j *Judge) explained(v policy.Verdict, premises []policy.Premise) *explanation.Explanation {
	return &explanation.Explanation{Action: j.input.Action, Resource: j.input.Resource, Verdict: v, Premises: premises}
}

// toCaller is what the caller's account may know of a verdict: that the resource of
// another refuses, and not by which statement.
func toCaller(v policy.Verdict) policy.Verdict {
	if policy.SideOf(v.Gate) == policy.CallerSide {
		return v
	}
	return policy.Verdict{Explicit: v.Explicit, Gate: v.Gate, Statement: -1}
}

// toOwner is what the owner of a resource may know of a verdict: what the policies
// of another account said is that account's business.
func toOwner(v policy.Verdict) policy.Verdict {
	if policy.SideOf(v.Gate) == policy.ResourceSide {
		return v
	}
	return policy.Verdict{Gate: policy.ByNothing, Statement: -1}
}

// ofSide returns the premises of one side, without the values of condition keys
// that are not its business.
func ofSide(premises []policy.Premise, side policy.Side, sees func(key string) bool) []policy.Premise {
	var mine []policy.Premise
	for _, p := range premises {
		if p.Side != side {
			continue
		}
		p.Compared = slices.Clone(p.Compared)
		for i := range p.Compared {
			c := &p.Compared[i]
			if !sees(policy.Fold(c.Key)) {
				c.Got = nil
			}
			c.Variables = slices.DeleteFunc(slices.Clone(c.Variables), func(v policy.Variable) bool { return !sees(v.Key) })
		}
		mine = append(mine, p)
	}
	return mine
}

// ofCaller reports whether the caller's account may see the value of a key where
// the resource is another's: it speaks of the caller, or of what it has sent.
func ofCaller(key string) bool {
	switch {
	case strings.HasPrefix(key, "aws:"):
		return !strings.HasPrefix(key, "aws:resource")
	case strings.HasPrefix(key, "kms:encryptioncontext"), strings.HasPrefix(key, "sts:"):
		return true
	}
	return key == "kms:calleraccount" || key == "kms:viaservice"
}

// private are keys that speak of a caller what its account alone knows. The
// owner's copy of a record leaves that out too.
var private = []string{
	"aws:principalarn", "aws:userid", "aws:username", "aws:useragent", "aws:referer", "aws:sourceip", "aws:sourceidentity",
	"aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:assumedroot", "aws:federatedprovider",
}

// ofOwner reports whether the owner of a resource may see the value of a key where
// the caller is of another account: it speaks of the resource, or of what is done
// with it.
func ofOwner(key string) bool {
	return !strings.HasPrefix(key, "aws:principaltag/") && !strings.HasPrefix(key, "aws:principalorg") && !slices.Contains(private, key)
}
