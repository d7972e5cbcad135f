package policy

import (
	"strings"

	"claviger/internal/words/principal"
)

// A Request is one question: may Caller do Action on Resource?
type Request struct {
	Action   string // such as "kms:Encrypt"
	Resource string // ARN, or "*" for actions without a resource type
	Caller   *Caller
	Context  Context
}

// Rule says how the policy of the resource and those of the caller combine.
type Rule uint8

// The rules.
const (
	Standard      Rule = iota // either side suffices in the same account
	ExplicitTrust             // KMS keys and role trust: identity policies count only through delegation to the account
	IdentityOnly              // no resource policy exists; cross-account is impossible
)

// Input is everything that one decision may depend on. Absent parts are nil
// and do not limit. A Boundary or Session that is empty but not nil is present,
// and allows nothing.
type Input struct {
	Request
	Rule            Rule
	ResourceAccount string // owner of the resource
	CrossAccount    bool   // the action may be used across accounts

	ResourcePolicy *Policy
	Identity       []*Policy   // identity policies of the caller, inline and managed, groups included
	Boundary       []*Policy   // permissions boundary; nil where there is none
	Session        []*Policy   // session policies; nil where there are none
	Service        [][]*Policy // service control policies by level, root first
	Control        [][]*Policy // resource control policies by level, root first

	// Grant is the grade of the best live grant that covers the request, and
	// GrantIssuer the account that issued it. Under IdentityOnly there are none.
	Grant       Grade
	GrantIssuer string
}

// Decide answers in. It allocates nothing when it allows. An explicit Deny
// anywhere refuses; whoever is anonymous is refused always.
//
// A decision may take 1,048,576 steps, which is a few tens of milliseconds.
// Counted are the text and the values compared and the keys looked up. Where
// documents and request need more, the answer is a refusal ByNothing that isn't
// explicit, even if the next statement would have allowed or denied.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func Decide(in *Input) Verdict {
	if in.Caller == nil || in.Caller.anonymous() {
		return refused(ByNothing)
	}
	q := ask(in)
	return q.answer()
}

// answer decides, within the budget.
func (q *question) answer() Verdict {
	v := q.weigh()
	if q.spent() {
		return refused(ByNothing)
	}
	return v
}

// weigh decides. Its verdict counts for nothing where the budget is spent.
func (q *question) weigh() Verdict {
	if v, found := q.explicitDeny(); found {
		return v
	}
	switch {
	case !q.serviceControlAllows():
		return refused(ByServiceControl)
	case !q.organised():
		return q.outsider()
	case q.caller.Account == "":
		return refused(ByNothing)
	case q.caller.Account == q.ResourceAccount:
		return q.sameAccount()
	}
	return q.crossAccount()
}

// A question is an Input made ready for matching. It stays on the stack.
type question struct {
	*Input
	budget
	caller   *Caller
	vendor   string // "kms" of "kms:Encrypt"
	action   string // "Encrypt"
	marks    sieve  // of the action
	resource string
	account  string // owner of the resource
	context  Context
}

func ask(in *Input) question {
	q := question{Input: in, budget: budget{maxSteps}, caller: in.Caller, resource: in.Resource, account: in.ResourceAccount, context: in.Context}
	q.vendor, q.action, _ = strings.Cut(in.Action, ":")
	q.marks = sieveOf(q.vendor, q.action, q.resource)
	if q.context == nil {
		q.context = nothing{}
	}
	return q
}

var requestedRegion = newKey("aws:RequestedRegion")

func (q *question) region() string { return q.lookup(&requestedRegion).One }

// lookup asks for a key of the request, which is absent where the budget is spent.
func (q *question) lookup(k *Key) Values {
	if !q.spend(lookupSteps) {
		return Values{}
	}
	return q.context.Lookup(k)
}

// retiring reports whether the action is kms:RetireGrant, which is the grant's
// business: neither an Allow of a key policy nor any resource control policy
// touches it.
// https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
func (q *question) retiring() bool {
	return equalFold(q.vendor, "kms") && equalFold(q.action, "retiregrant")
}

// explicitDeny finds a Deny that applies. Where several do, AWS names the gates in
// this order.
func (q *question) explicitDeny() (Verdict, bool) {
	if !q.retiring() {
		for _, level := range q.Control {
			if v, found := q.denied(level, ByResourceControl); found {
				return v, true
			}
		}
	}
	if q.organised() {
		for _, level := range q.Service {
			if v, found := q.denied(level, ByServiceControl); found {
				return v, true
			}
		}
	}
	if v, found := q.denied(q.Identity, ByIdentity); found {
		return v, true
	}
	if q.ResourcePolicy != nil {
		if s := q.denying(q.ResourcePolicy); s != nil {
			return decided(ByResource, q.ResourcePolicy, s), true
		}
	}
	if v, found := q.denied(q.Boundary, ByBoundary); found {
		return v, true
	}
	return q.denied(q.Session, BySession)
}

func (q *question) denied(policies []*Policy, gate Gate) (Verdict, bool) {
	for _, p := range policies {
		if s := q.denying(p); s != nil {
			return decided(gate, p, s), true
		}
	}
	return Verdict{}, false
}

// denying returns the first Deny of p that applies.
func (q *question) denying(p *Policy) *statement {
	for i := range p.denies {
		s := &p.denies[i]
		if s.lets(&q.marks) && s.applies(q) && (!p.kind.namesPrincipals() || s.principals.hit(q.caller, q.Boundary != nil)) {
			return s.statement
		}
	}
	return nil
}

// allowing returns the first Allow in policies that applies, and its document.
func (q *question) allowing(policies []*Policy) (*Policy, *statement) {
	for _, p := range policies {
		for i := range p.allows {
			if s := &p.allows[i]; s.lets(&q.marks) && s.applies(q) {
				return p, s.statement
			}
		}
	}
	return nil, nil
}

// organised reports whether the caller belongs to an account, and so perhaps to
// an organization. Services don't, nor do callers of an identity provider.
func (q *question) organised() bool {
	return q.caller.Kind != principal.Service && q.caller.Kind != principal.Unknown
}

// serviceControlAllows reports whether every level allows.
func (q *question) serviceControlAllows() bool {
	if !q.organised() {
		return true
	}
	for _, level := range q.Service {
		if _, s := q.allowing(level); s == nil {
			return false
		}
	}
	return true
}

// admitted returns how the resource's policy lets the caller in at best, and the
// statement that does.
func (q *question) admitted() (Grade, *statement) {
	best, by := None, (*statement)(nil)
	p := q.ResourcePolicy
	if p == nil || q.Rule == IdentityOnly || p.kind == KeyPolicy && q.retiring() {
		return None, nil
	}
	for i := range p.allows {
		s := &p.allows[i]
		if !s.lets(&q.marks) {
			continue
		}
		if grade := s.principals.admit(q.caller); grade > best && s.applies(q) {
			best, by = grade, s.statement
			if best == Direct {
				break
			}
		}
	}
	return best, by
}

// identityAllows reports whether the caller's own policies allow, and which
// statement does. A root user needs none. A federated user without a session
// policy has no permissions of its own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
func (q *question) identityAllows() (Verdict, bool) {
	switch {
	case q.caller.Kind == principal.Root:
		return allowed(ByNothing), true
	case q.caller.Kind == principal.FederatedUser && q.Session == nil:
		return refused(BySession), false
	}
	if p, s := q.allowing(q.Identity); s != nil {
		return decided(ByIdentity, p, s), true
	}
	return refused(ByIdentity), false
}

// limit returns the gate that keeps the caller from what its policies or a role's
// would allow, ByNothing where none does. grade is how it is let in: the session of
// a federated user without a session policy has what names it, and nothing of what
// its user is let in to.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
func (q *question) limit(grade Grade) Gate {
	if q.Boundary != nil {
		if _, s := q.allowing(q.Boundary); s == nil {
			return ByBoundary
		}
	}
	if q.Session == nil {
		if q.caller.Kind == principal.FederatedUser && grade != Direct {
			return BySession
		}
		return ByNothing
	}
	if _, s := q.allowing(q.Session); s == nil {
		return BySession
	}
	return ByNothing
}

// granted returns how the best grant lets the caller in. Only what has a policy
// has grants.
func (q *question) granted() Grade {
	if q.Rule == IdentityOnly {
		return None
	}
	return q.Grant
}

// outsider decides for callers that belong to no account: services, and whoever
// an identity provider vouches for. Only what names them lets them in.
func (q *question) outsider() Verdict {
	if grade, s := q.admitted(); grade == Direct {
		return decided(ByResource, q.ResourcePolicy, s)
	}
	if q.granted() == Direct {
		return allowed(ByGrant)
	}
	return refused(ByResource)
}

// doors collects what each way in has answered: the first that opens, or else
// the refusal of the first.
type doors struct {
	answer Verdict
	tried  bool
}

// try reports whether v opens.
func (d *doors) try(v Verdict) bool {
	if v.Allowed || !d.tried {
		d.answer = v
	}
	d.tried = true
	return v.Allowed
}

// sameAccount decides for callers of the account that owns the resource. Each
// door that is there may open: the policy of the resource, a grant, and, unless
// the resource demands explicit trust, the caller's own policies.
func (q *question) sameAccount() Verdict {
	d := doors{answer: refused(ByResource)}
	if grade, s := q.admitted(); grade != None {
		if d.try(q.door(grade, decided(ByResource, q.ResourcePolicy, s))) {
			return d.answer
		}
	}
	if grade := q.granted(); grade != None && d.try(q.door(grade, allowed(ByGrant))) {
		return d.answer
	}
	if q.Rule != ExplicitTrust {
		d.try(q.door(Account, allowed(ByNothing)))
	}
	return d.answer
}

// door decides one way in of the same account. open is the answer where the
// resource's side suffices.
//
// What names the caller itself is not limited by its boundary or its session
// policy, except for a root user: it is never named otherwise, but may be in a
// session with less than its full rights.
func (q *question) door(grade Grade, open Verdict) Verdict {
	if grade == Direct && q.caller.Kind != principal.Root {
		return open
	}
	if grade == Account {
		v, ok := q.identityAllows()
		if !ok {
			return v
		}
		if v.Gate == ByIdentity {
			open = v
		}
	}
	if gate := q.limit(grade); gate != ByNothing {
		return refused(gate)
	}
	return open
}

// crossAccount decides for callers of another account: both sides must allow,
// whatever form names the caller, and nothing passes its boundary or session
// policy by.
func (q *question) crossAccount() Verdict {
	d := doors{answer: refused(ByResource)}
	if !q.CrossAccount || q.Rule == IdentityOnly {
		return d.answer
	}
	if grade, s := q.admitted(); grade != None {
		if d.try(q.bothSides(grade, false, decided(ByResource, q.ResourcePolicy, s))) {
			return d.answer
		}
	}
	if grade := q.granted(); grade != None {
		d.try(q.bothSides(grade, q.grantSuffices(), allowed(ByGrant)))
	}
	return d.answer
}

// bothSides decides what the caller's account says to a resource that lets the
// caller in. suffices says that no identity policy need allow. AWS blames the
// resource where it names no more than the account.
func (q *question) bothSides(grade Grade, suffices bool, open Verdict) Verdict {
	if !suffices {
		if v, ok := q.identityAllows(); !ok {
			if grade == Account {
				return refused(ByResource)
			}
			return v
		}
	}
	if gate := q.limit(grade); gate != ByNothing {
		return refused(gate)
	}
	return open
}

// grantSuffices reports whether a grant across accounts needs no permission of
// the caller's own: where the caller's account issued it to that very caller.
// AWS documents no rule. Roles of services depend on such grants, and can't
// carry permissions for KMS.
func (q *question) grantSuffices() bool {
	return q.Grant != Account && q.GrantIssuer == q.caller.Account
}
