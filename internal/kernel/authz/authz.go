// Package authz puts the question of a call to the policies that apply.
//
// It gathers, and package policy decides. Services state what a call needs as
// Asks; the pipeline has every Ask answered before the work begins.
package authz

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// A Caller is an authenticated principal with the policies that speak of it,
// as read at one moment. It is immutable.
type Caller struct {
	Principal principal.Principal
	Policy    policy.Caller
	Identity  []*policy.Policy
	Boundary  []*policy.Policy
	Session   []*policy.Policy
	Tags      pairs.Map

	// Stamps end when the principal, its credentials or its policies change.
	Stamps []store.Stamp

	// Require, where it is not nil, makes a transaction conflict if one of them
	// has changed by its commit: a stamp alone can end between the last look at
	// it and the commit.
	Require func(tx store.Txn)
}

// A Credential is what a signature is checked against.
type Credential struct {
	AccessKeyID string
	Secret      confidential.Bytes
	Caller      *Caller
}

// An Ask is one permission that a call needs.
type Ask struct {
	Action   string // such as "kms:Encrypt"
	Resource string // ARN, or "*" for actions without a resource type
	Account  string // owner of the resource
	Rule     policy.Rule

	// CrossAccount says that principals of other accounts may be allowed.
	CrossAccount bool

	// Policy is the resource's own policy, nil where it has none.
	Policy *policy.Policy

	// Context answers for the condition keys that only the service knows. May be nil.
	Context policy.Context

	// Refusal replaces AWS's usual text where that would tell too much.
	Refusal *fault.Fault
}

// Facts are what is true of a call whatever it asks.
type Facts struct {
	Time      time.Time
	Region    string
	Source    netip.Addr
	Secure    bool // arrived over TLS
	UserAgent string
	Referer   string
}

// A Judge answers the asks of one call. The zero value is ready; a Judge is
// reused, and not safe for concurrent use.
type Judge struct {
	input policy.Input
	world world
}

// Allow answers one ask: nil, or the fault for the caller. A refusal's premises
// can be had from Explain until the next call of Allow.
func (j *Judge) Allow(facts *Facts, caller *Caller, ask *Ask) error {
	j.prepare(facts, caller, ask)
	verdict := policy.Decide(&j.input)
	if verdict.Allowed {
		return nil
	}
	if ask.Refusal != nil {
		return ask.Refusal
	}
	if caller.Principal.Account != ask.Account && !j.admitted() {
		// Who is let in by nothing learns nothing of the resource, nor whether it
		// exists. A Deny of its own would tell, by a condition on the resource.
		verdict = policy.Verdict{Gate: policy.ByResource}
	}
	return &fault.Fault{
		Code: fault.AccessDenied,
		Message: "User: " + caller.Principal.ARN + " is not authorized to perform: " + ask.Action +
			" on resource: " + ask.Resource + " " + verdict.Reason(ask.Action),
	}
}

// Explain lists the premises of the last answer.
func (j *Judge) Explain() []policy.Premise { return policy.Explain(&j.input) }

// admitted reports whether the resource's own policy lets the caller in, in
// whatever form.
func (j *Judge) admitted() bool {
	return slices.ContainsFunc(j.Explain(), func(p policy.Premise) bool {
		return p.Gate == policy.ByResource && p.Statement < 0 && p.Matched
	})
}

func (j *Judge) prepare(facts *Facts, caller *Caller, ask *Ask) {
	j.world = world{facts: facts, caller: caller, ask: ask}
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
}

// world answers for the condition keys of a request: the global ones here, all
// others through the ask. Keys without a value are absent, as on AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
type world struct {
	facts  *Facts
	caller *Caller
	ask    *Ask
}

func (w *world) Lookup(k *policy.Key) policy.Values {
	p := &w.caller.Principal
	switch k.Prefix {
	case "aws:principaltag/":
		return policy.Named(w.caller.Tags, k.Suffix)
	case "":
	default:
		return w.service(k)
	}
	switch k.Name {
	case "aws:currenttime":
		return one(w.facts.Time.UTC().Format("2006-01-02T15:04:05Z"))
	case "aws:epochtime":
		return one(strconv.FormatInt(w.facts.Time.Unix(), 10))
	case "aws:securetransport":
		return one(strconv.FormatBool(w.facts.Secure))
	case "aws:sourceip":
		if !w.facts.Source.IsValid() {
			return policy.Values{}
		}
		return one(w.facts.Source.Unmap().String())
	case "aws:useragent":
		return present(w.facts.UserAgent)
	case "aws:referer":
		return present(w.facts.Referer)
	case "aws:requestedregion":
		return present(w.facts.Region)
	case "aws:principalarn":
		return present(p.PrincipalARN())
	case "aws:principalaccount":
		return present(p.Account)
	case "aws:principaltype":
		return present(principalType(p.Kind))
	case "aws:principalisawsservice":
		return one(strconv.FormatBool(p.Kind == principal.Service))
	case "aws:viaawsservice":
		return one("false")
	case "aws:userid":
		return present(p.ID)
	case "aws:username":
		if p.Kind == principal.User {
			return present(p.Name)
		}
		return policy.Values{}
	case "aws:resourceaccount":
		return present(w.ask.Account)
	}
	return w.service(k)
}

func (w *world) service(k *policy.Key) policy.Values {
	if w.ask.Context == nil {
		return policy.Values{}
	}
	return w.ask.Context.Lookup(k)
}

func principalType(k principal.Kind) string {
	switch k {
	case principal.Root:
		return "Account"
	case principal.User:
		return "User"
	case principal.RoleSession:
		return "AssumedRole"
	case principal.FederatedUser:
		return "FederatedUser"
	}
	return ""
}

func one(s string) policy.Values { return policy.Values{Present: true, One: s} }

func present(s string) policy.Values { return policy.Values{Present: s != "", One: s} }
