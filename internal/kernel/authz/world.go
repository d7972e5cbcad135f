package authz

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/words/principal"
)

// timeForm is how times stand in conditions.
const timeForm = "2006-01-02T15:04:05Z"

// world answers for the condition keys of a request: the global ones here, all
// others through the ask. Keys without a value are absent, as on AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
type world struct {
	facts   *Facts
	caller  *Caller
	ask     *Ask
	spelled *spellings
}

// spellings are the values that must be spelled out to be compared, as they were spelled last:
// a judge that is asked again within the second, or from the same address, allocates nothing.
type spellings struct {
	now, since, epoch, age spelling[int64]
	source                 spelling[netip.Addr]
}

type spelling[T comparable] struct {
	of   T
	text string
}

// spell returns the text of v.
func (s *spelling[T]) spell(v T, text func(T) string) policy.Values {
	if s.text == "" || s.of != v {
		s.of, s.text = v, text(v)
	}
	return one(s.text)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func moment(unix int64) string { return time.Unix(unix, 0).UTC().Format(timeForm) }

func (w *world) Lookup(k *policy.Key) policy.Values {
	if w.ask.Given != nil {
		if v := w.ask.Given.Lookup(k); v.Present || v.Ambiguous || v.Open {
			return v
		}
	}
	switch k.Prefix {
	case "aws:principaltag/":
		return policy.Named(w.caller.Tags, k.Suffix)
	case "":
		if v, ok := w.ofRequest(k.Name); ok {
			return v
		}
		if v, ok := w.ofCaller(k.Name); ok {
			return v
		}
	}
	if w.ask.Context == nil {
		return policy.Values{}
	}
	return w.ask.Context.Lookup(k)
}

// ofRequest answers for the keys that speak of the request. It reports false for others.
func (w *world) ofRequest(name string) (policy.Values, bool) {
	switch name {
	case "aws:currenttime":
		return w.spelled.now.spell(w.facts.Time.Unix(), moment), true
	case "aws:epochtime":
		return w.spelled.epoch.spell(w.facts.Time.Unix(), decimal), true
	case "aws:securetransport":
		return one(strconv.FormatBool(w.facts.Secure)), true
	case "aws:requestedregion":
		return policy.Text(cmp.Or(w.ask.Region, w.facts.Region)), true
	case "aws:resourceaccount":
		return policy.Text(w.ask.Account), true
	case "aws:sourceip":
		return w.sourceIP(), true
	case "aws:useragent":
		return w.ofAuthor(w.facts.UserAgent), true
	case "aws:referer":
		return w.ofAuthor(w.facts.Referer), true
	case "aws:sourcearn":
		return w.ofAuthor(w.facts.SourceARN), true
	case "aws:sourceaccount":
		return w.ofAuthor(w.facts.SourceAccount), true
	case "aws:sourceorgid":
		return w.ofAuthor(w.facts.SourcePlace.organization()), true
	case "aws:sourceorgpaths":
		if w.ask.Caller != nil {
			return policy.Values{}, true
		}
		return policy.Texts(w.facts.SourcePlace.paths()), true
	case "aws:resourceorgid":
		return policy.Text(w.ask.Place.organization()), true
	case "aws:resourceorgpaths":
		return policy.Texts(w.ask.Place.paths()), true
	}
	return policy.Values{}, false
}

// ofCaller answers for the keys that speak of who calls, and through whom. It
// reports false for others.
func (w *world) ofCaller(name string) (policy.Values, bool) {
	p := &w.caller.Principal
	switch name {
	case "aws:principalarn":
		return policy.Text(p.PrincipalARN()), true
	case "aws:principalaccount":
		return policy.Text(p.Account), true
	case "aws:principalorgid":
		return policy.Text(w.caller.Place.organization()), true
	case "aws:principalorgpaths":
		return policy.Texts(w.caller.Place.paths()), true
	case "aws:principaltype":
		return policy.Text(principalType(p.Kind)), true
	case "aws:principalisawsservice":
		return one(strconv.FormatBool(p.Kind == principal.Service)), true
	case "aws:principalservicename":
		return only(p.Kind == principal.Service, p.Name), true
	case "aws:principalservicenameslist":
		return policy.Texts(w.caller.Policy.Services), true
	case "aws:userid":
		return policy.Text(p.ID), true
	case "aws:username":
		return only(p.Kind == principal.User, p.Name), true
	case "aws:assumedroot":
		return only(p.Kind == principal.Root && p.Temporary(), strconv.FormatBool(p.AssumedRoot)), true
	case "aws:sourceidentity":
		return policy.Text(p.SourceIdentity), true
	case "aws:viaawsservice":
		return one(strconv.FormatBool(w.caller.Via != nil)), true
	case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
		return w.calledVia(name == "aws:calledvia"), true
	case "aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage":
		return w.ofSession(name), true
	}
	return policy.Values{}, false
}

// ofSession answers for what only temporary credentials have, and for a second
// factor that the request itself proves.
func (w *world) ofSession(name string) policy.Values {
	p := &w.caller.Principal
	switch {
	case w.ask.MFA && name == "aws:multifactorauthpresent":
		return one("true")
	case w.ask.MFA && name == "aws:multifactorauthage":
		return one("0")
	case !p.Temporary():
		return policy.Values{}
	case name == "aws:tokenissuetime":
		return w.spelled.since.spell(p.Since.Unix(), moment)
	case name == "aws:multifactorauthpresent":
		return one(strconv.FormatBool(p.MFA))
	case p.MFA:
		return w.spelled.age.spell(int64(w.facts.Time.Sub(p.Since)/time.Second), decimal)
	}
	return policy.Values{}
}

// calledVia names the services through which the call came, as a list or one of
// them: there is one at most, as forward access does not chain.
func (w *world) calledVia(list bool) policy.Values {
	switch {
	case w.caller.Via == nil:
		return policy.Values{}
	case list:
		return policy.Texts(w.caller.Via.Services)
	}
	return one(w.caller.Via.Name)
}

// sourceIP is absent where the address is a service's, and no user's.
func (w *world) sourceIP() policy.Values {
	if w.caller.Via != nil || w.caller.Principal.Kind == principal.Service || w.ask.Caller != nil || !w.facts.Source.IsValid() {
		return policy.Values{}
	}
	return w.spelled.source.spell(w.facts.Source.Unmap(), netip.Addr.String)
}

// ofAuthor is a value of the request that its author alone has: it does not speak
// of somebody else about whom a service asks.
func (w *world) ofAuthor(s string) policy.Values { return only(w.ask.Caller == nil, s) }

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

// only is a value that is there on a condition, and if it is not empty.
func only(condition bool, s string) policy.Values {
	return policy.Values{Present: condition && s != "", One: s}
}
