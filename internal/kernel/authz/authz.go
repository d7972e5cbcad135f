// Package authz puts the question of a call to the policies that apply.
//
// It gathers, and package policy decides. Services state what a call needs as
// Asks; the pipeline has every Ask answered before the work begins.
package authz

import (
	"net/netip"
	"slices"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/words/fault"
)

// An Ask is one permission that a call needs.
type Ask struct {
	Action   string // such as "kms:Encrypt"
	Resource string // ARN, or "*" for actions without a resource type
	Account  string // owner of the resource
	Rule     policy.Rule

	// Unnamed leaves the resource out of the text of a refusal, as some services do
	// for actions without a resource type.
	Unnamed bool

	// Unreasoned leaves the reason out of the text where the resource's own policy
	// does not allow, as AWS does of trust policies.
	Unreasoned bool

	// Region is where the action is asked for, if that is not the call's own: a
	// call can do something in two Regions, and needs leave in both.
	Region string

	// CrossAccount says that principals of other accounts may be allowed.
	CrossAccount bool

	// Policy is the resource's own policy, nil where it has none.
	Policy *policy.Policy

	// Context answers for the condition keys that only the service knows. May be nil.
	Context policy.Context

	// Given, where it is not nil, answers for condition keys before all others do:
	// whoever simulates a call says so what it would have.
	Given policy.Context

	// Refusal replaces AWS's usual text where that would tell too much.
	Refusal *fault.Fault

	// Caller, where it is not nil, is asked about in place of the author of the
	// call: a service asks what its user may do.
	Caller *Caller

	// MFA says that the request itself proves a second factor of the caller, for
	// the first time now.
	MFA bool

	// OfUser says that the answer depends on the rights of the user alone where
	// a service acts for it: what the service may call for users does not limit it.
	OfUser bool

	// Place is where the owner of the resource stands in its organization. The
	// pipeline fills it in.
	Place *Place

	// Uncontrolled says that resource control policies don't reach the resource.
	Uncontrolled bool

	// Grants finds the grants of the resource. It is asked only where no policy
	// allows and none denies. May be nil.
	Grants Grants
}

// Grants finds grants that let the caller in.
type Grants interface {
	// Find hands every grant that covers the ask to j until one is admitted, and
	// reports whether one was. The error is an internal one, and ends the call.
	Find(j *Judge) (bool, error)
}

// Facts are what is true of a call whatever it asks.
type Facts struct {
	Time      time.Time
	Region    string
	Source    netip.Addr
	Secure    bool // arrived over TLS
	UserAgent string
	Referer   string

	// SourceARN and SourceAccount are the resource for which a service calls in
	// its own name, and the account of that resource. Empty for all others.
	SourceARN     string
	SourceAccount string

	// SourcePlace is where that account stands in its organization. The pipeline
	// fills it in.
	SourcePlace *Place
}

// A Judge answers the asks of one call. The zero value is ready; a Judge is
// reused, and not safe for concurrent use.
type Judge struct {
	input   policy.Input
	world   world
	verdict policy.Verdict // the last one
	told    policy.Verdict // what the caller was told of it
	closed  bool           // the last refusal was a stranger's
	spelled spellings

	// admissions are the answers about grants to the ask at hand, by grade and by
	// whether the caller's own account issued them. Nothing else of a grant counts,
	// so that the work does not grow with the number of grants.
	admissions [policy.Direct + 1][2]admission
}

// An admission is what is known of grants of a kind.
type admission uint8

const (
	unasked admission = iota
	refused
	admitted
)

// Forget drops all that j holds of a call, but for how its time and its address are spelled.
func (j *Judge) Forget() { *j = Judge{spelled: j.spelled} }

// Allow answers one ask: nil, or the fault for the caller. Until the next call of
// Allow a refusal is explained by Explain, and Verdict says what decided.
//
// The order of the doors is: policies, and then the grants of the resource.
func (j *Judge) Allow(facts *Facts, caller *Caller, ask *Ask) error {
	if ask.Caller != nil {
		caller = ask.Caller
	}
	j.prepare(facts, caller, ask)
	verdict := policy.Decide(&j.input)
	j.verdict = verdict
	if verdict.Allowed {
		return nil
	}
	if ask.Grants != nil && !verdict.Explicit {
		found, err := ask.Grants.Find(j)
		if found {
			j.verdict = policy.Verdict{Allowed: true, Gate: policy.ByGrant, Statement: -1}
		}
		if found || err != nil {
			return err
		}
		j.input.Grant, j.input.GrantIssuer = policy.None, "" // what was admitted to no avail is no premise
	}
	if j.closed = j.stranger(); j.closed {
		// Who is let in by nothing learns nothing of the resource, nor whether it
		// exists. A Deny of its own would tell, by a condition on the resource.
		verdict = policy.Verdict{Gate: policy.ByResource, Statement: -1}
	}
	j.told = verdict
	if ask.Refusal != nil {
		return ask.Refusal
	}
	if caller.Place.organization() != ask.Place.organization() && verdict.Gate == policy.ByResourceControl {
		verdict.Policy = "" // its name is told within the organization only
	}
	text := "User: " + caller.Principal.ARN + " is not authorized to perform: " + ask.Action
	if !ask.Unnamed {
		text += " on resource: " + ask.Resource
	}
	if !ask.Unreasoned || verdict.Explicit || verdict.Gate != policy.ByResource {
		text += " " + verdict.Reason(ask.Action)
	}
	return &fault.Fault{Code: fault.AccessDenied, Message: text}
}

// Admits reports whether a grant that lets the caller in with the given grade,
// issued by an account, allows what is being asked. Only Grants calls it.
func (j *Judge) Admits(grade policy.Grade, issuer string) bool {
	own := 0
	if issuer == j.input.Caller.Account {
		own = 1
	}
	known := &j.admissions[grade][own]
	if *known == unasked {
		*known = refused
		j.input.Grant, j.input.GrantIssuer = grade, issuer
		if policy.Decide(&j.input).Allowed {
			*known = admitted
		}
	}
	return *known == admitted
}

// Verdict is what decided the last answer. Its Gate is ByGrant where a grant did.
func (j *Judge) Verdict() policy.Verdict { return j.verdict }

// stranger reports whether the caller is of another account than the resource, and
// let in by nothing there.
func (j *Judge) stranger() bool {
	return j.input.Caller.Account != j.input.ResourceAccount && !j.admitted()
}

// admitted reports whether the resource's own policy lets the caller in, in
// whatever form.
func (j *Judge) admitted() bool {
	return slices.ContainsFunc(policy.Explain(&j.input), func(p policy.Premise) bool {
		return p.Gate == policy.ByResource && p.Statement < 0 && p.Matched
	})
}

func (j *Judge) prepare(facts *Facts, caller *Caller, ask *Ask) {
	j.world = world{facts: facts, caller: caller, ask: ask, spelled: &j.spelled}
	j.admissions = [policy.Direct + 1][2]admission{}
	j.input = policy.Input{
		Request: policy.Request{
			Action:   ask.Action,
			Resource: ask.Resource,
			Caller:   &caller.Policy,
			Context:  &j.world,
		},
		Rule:            ask.Rule,
		ResourceAccount: ask.Account,
		CrossAccount:    ask.CrossAccount,
		ResourcePolicy:  ask.Policy,
		Identity:        caller.Identity,
		Boundary:        caller.Boundary,
		Session:         caller.Session,
	}
	j.organize(caller, ask)
}
