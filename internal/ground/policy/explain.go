package policy

import (
	"slices"
	"strings"
)

// Side says whose policy a premise is: only that account may see it.
type Side uint8

// The sides.
const (
	CallerSide Side = iota
	ResourceSide
)

// A Premise is one line of an explanation. A premise without a Policy speaks
// of a whole gate: whether it stood open (Effect is Allow), and its Statement
// is -1.
type Premise struct {
	Gate      Gate
	Side      Side
	Policy    string
	Statement int
	Sid       string
	Effect    string // "Allow", "Deny"
	Matched   bool
	Failed    string // first element that did not match: "Action", "Resource", "Principal", "Condition:<operator>:<key>"

	// Of a statement that matched: its actions and resources as written, those of
	// NotAction and NotResource too.
	Actions   []string
	Resources []string

	// Compared are the conditions of a statement that matched, or would have but
	// for them.
	Compared []Comparison
}

// A Comparison is one condition of a statement, with what it compared.
type Comparison struct {
	Operator string   // as written, such as "StringEquals"
	Key      string   // as written
	Wanted   []string // values of the policy as written
	Present  bool     // whether the request has the key
	Got      []string // values of the request; of a Null, too
	Met      bool

	// Variables are those of Wanted, with what they stood for.
	Variables []Variable
}

// A Variable of a policy, in a request.
type Variable struct {
	Key     string // folded
	Present bool   // whether it stood for anything
	Value   string
}

// Explain answers in and lists how every gate and every statement that matched
// or nearly matched contributed. It is for refusals and simulators, not for the
// hot path. The result holds values of the request: who may see it is for the
// caller to know.
//
// A statement nearly matched if no more than one of its elements didn't. Of
// anonymous callers nothing is explained. An explanation may take as many steps
// as a decision, and where it needs more it ends early.
func Explain(in *Input) []Premise {
	if in.Caller == nil || in.Caller.anonymous() {
		return nil
	}
	q := ask(in)
	return q.explain()
}

// explain lists premises, within the budget.
func (q *question) explain() []Premise {
	e := explanation{q: q}
	if !q.retiring() {
		for _, level := range q.Control {
			e.statements(ByResourceControl, level)
		}
	}
	if q.organised() {
		for _, level := range q.Service {
			_, s := q.allowing(level)
			e.gate(ByServiceControl, s != nil)
			e.statements(ByServiceControl, level)
		}
	}
	_, open := q.identityAllows()
	e.gate(ByIdentity, open)
	e.statements(ByIdentity, q.Identity)
	if q.ResourcePolicy != nil {
		grade, _ := q.admitted()
		e.gate(ByResource, grade != None)
		e.statements(ByResource, []*Policy{q.ResourcePolicy})
	}
	e.limit(ByBoundary, q.Boundary)
	e.limit(BySession, q.Session)
	if q.Grant != None {
		e.gate(ByGrant, true)
	}
	return e.premises
}

// An explanation collects premises.
type explanation struct {
	q        *question
	premises []Premise
}

// SideOf returns whose policies a gate has.
func SideOf(g Gate) Side {
	switch g {
	case ByResource, ByResourceControl, ByGrant:
		return ResourceSide
	}
	return CallerSide
}

// gate adds a line for a whole gate.
func (e *explanation) gate(g Gate, open bool) {
	if e.q.spent() {
		return
	}
	e.premises = append(e.premises, Premise{Gate: g, Side: SideOf(g), Statement: -1, Effect: "Allow", Matched: open})
}

// limit adds the lines of a boundary or of session policies, where there are any.
func (e *explanation) limit(g Gate, policies []*Policy) {
	if policies == nil {
		return
	}
	_, s := e.q.allowing(policies)
	e.gate(g, s != nil)
	e.statements(g, policies)
}

// statements adds a line for each statement that matched or nearly matched.
func (e *explanation) statements(g Gate, policies []*Policy) {
	for _, p := range policies {
		for i := range p.statements {
			s := &p.statements[i]
			failed, n := e.failures(p, s)
			if e.q.spent() {
				return
			}
			if n > 1 {
				continue
			}
			premise := Premise{
				Gate: g, Side: SideOf(g), Policy: p.name, Statement: s.index, Sid: s.sid,
				Effect: "Allow", Matched: n == 0, Failed: failed,
			}
			if s.deny {
				premise.Effect = "Deny"
			}
			if n == 0 {
				premise.Actions, premise.Resources = s.written.action.values, s.written.resource.values
			}
			if n == 0 || strings.HasPrefix(failed, conditionFailed) {
				premise.Compared = e.compared(s)
			}
			if e.q.spent() {
				return
			}
			e.premises = append(e.premises, premise)
		}
	}
}

// conditionFailed begins the name of a condition that did not match.
const conditionFailed = "Condition:"

// compared lists the conditions of s.
func (e *explanation) compared(s *statement) []Comparison {
	var list []Comparison
	for i := range s.conditions {
		c, written := &s.conditions[i], &s.written.tests[i]
		v := e.q.lookup(&c.key)
		shown := Comparison{Operator: written.operator, Key: written.key, Wanted: written.values, Met: c.met(e.q, s.deny)}
		switch {
		case v.Present && v.Multi:
			shown.Got = slices.Clone(v.Many)
		case v.Present:
			shown.Got = []string{v.One}
		}
		shown.Present = len(shown.Got) > 0
		shown.Variables = e.variables(c)
		list = append(list, shown)
	}
	return list
}

// variables lists the variables of a condition, each once.
func (e *explanation) variables(c *condition) []Variable {
	var patterns []pattern
	switch t := c.test.(type) {
	case texts:
		patterns = t
	case folded:
		patterns = t
	case truths:
		patterns = t
	case arns:
		patterns = t
	}
	var list []Variable
	for i := range patterns {
		for _, v := range patterns[i].variables {
			if slices.ContainsFunc(list, func(known Variable) bool { return known.Key == v.key.Name }) {
				continue
			}
			value, present := v.value(e.q)
			list = append(list, Variable{Key: v.key.Name, Present: present, Value: value})
		}
	}
	return list
}

// failures returns the first element of s that doesn't match, and how many don't.
func (e *explanation) failures(p *Policy, s *statement) (first string, n int) {
	fail := func(element string) {
		if n++; n == 1 {
			first = element
		}
	}
	if len(s.actions) == 0 || !s.coversAction(e.q) {
		fail("Action")
	}
	if !s.anyResource && len(s.resources) == 0 || !s.coversResource(e.q) {
		fail("Resource")
	}
	if p.kind.namesPrincipals() && !e.named(s) {
		fail("Principal")
	}
	if c := s.unmet(e.q); c != nil {
		fail(conditionFailed + c.written)
	}
	return first, n
}

// named reports whether the statement is about the caller.
func (e *explanation) named(s *statement) bool {
	if s.deny {
		return s.principals.hit(e.q.caller, e.q.Boundary != nil)
	}
	return s.principals.admit(e.q.caller) != None
}
