package policy

import (
	"encoding/base64"
	"slices"
	"strings"
)

// An Effect is what the policies of one gate say to a request.
type Effect uint8

// The effects.
const (
	ImplicitDeny Effect = iota // none of them speaks of it
	Allowed
	ExplicitDeny
)

// An Outcome is a simulated decision, with what each gate would say by itself.
type Outcome struct {
	Verdict
	Identity Effect
	Resource Effect
	Boundary Effect // Allowed where there is none
	Service  Effect // of all levels; Allowed where there are none

	// Matched are the statements that determine the verdict: those that deny, or
	// the ones of identity policies and of the resource that allow. Those of other
	// gates stand there only where they deny.
	Matched []Match
}

// A Match is a statement that applies to a request.
type Match struct {
	Gate      Gate
	Policy    *Policy
	Statement int
}

// A Simulation answers questions of whoever asks, with policies that it wrote,
// and so has a limit of work for all of them together.
type Simulation struct{ left int }

// NewSimulation returns one that may take the given number of steps. The typical
// decision takes about a thousand.
func NewSimulation(steps int) *Simulation { return &Simulation{left: steps} }

// Decide is the package's Decide with more to tell. It reports false where its
// steps, or those of the simulation, don't suffice.
func (s *Simulation) Decide(in *Input) (Outcome, bool) {
	q := ask(in)
	q.left = min(s.left, maxSteps)
	before := q.left
	q.spend(leastSteps)
	var o Outcome
	if in.Caller != nil && !in.Caller.anonymous() {
		o.Verdict = q.answer()
		q.gates(&o)
	}
	if q.spent() {
		s.left = 0
		return Outcome{}, false
	}
	s.left -= before - q.left
	return o, true
}

// Spend takes steps for something else than a decision, such as to show it. It
// reports false where there are not that many left, and from then on always.
func (s *Simulation) Spend(steps int) bool {
	b := budget{s.left}
	ok := b.spend(steps)
	s.left = max(b.left, 0)
	return ok
}

// gates fills in what each gate says.
func (q *question) gates(o *Outcome) {
	var denies, allows []Match
	note := func(gate Gate, policies []*Policy) Effect {
		d, a := q.matches(gate, policies)
		denies = append(denies, d...)
		if gate == ByIdentity || gate == ByResource {
			allows = append(allows, a...)
		}
		return effect(len(d) > 0, len(a) > 0)
	}
	o.Service = Allowed
	if q.organised() {
		for _, level := range q.Input.Service {
			o.Service = stricter(o.Service, note(ByServiceControl, level))
		}
	}
	for _, level := range q.Control {
		note(ByResourceControl, level)
	}
	o.Identity = note(ByIdentity, q.Input.Identity)
	if q.ResourcePolicy != nil {
		o.Resource = note(ByResource, []*Policy{q.ResourcePolicy})
	}
	o.Boundary = Allowed
	if q.Input.Boundary != nil {
		o.Boundary = note(ByBoundary, q.Input.Boundary)
	}
	note(BySession, q.Input.Session)
	switch {
	case o.Explicit:
		o.Matched = denies
	case o.Allowed:
		o.Matched = allows
	}
}

// stricter is what two gates say that must both allow.
func stricter(a, b Effect) Effect {
	switch {
	case a == ExplicitDeny || b == ExplicitDeny:
		return ExplicitDeny
	case a == ImplicitDeny:
		return a
	}
	return b
}

func effect(denied, allowed bool) Effect {
	switch {
	case denied:
		return ExplicitDeny
	case allowed:
		return Allowed
	}
	return ImplicitDeny
}

// matches lists the statements of policies that apply, in their order.
func (q *question) matches(gate Gate, policies []*Policy) (denies, allows []Match) {
	for _, p := range policies {
		for i := range p.denies {
			if s := &p.denies[i]; s.applies(q) && (!p.kind.namesPrincipals() || s.principals.hit(q.caller, q.Input.Boundary != nil)) {
				denies = append(denies, Match{gate, p, s.index})
			}
		}
		for i := range p.allows {
			if s := &p.allows[i]; s.applies(q) && (!p.kind.namesPrincipals() || s.principals.admit(q.caller) != None) {
				allows = append(allows, Match{gate, p, s.index})
			}
		}
	}
	return denies, allows
}

// Name is what Compile was told.
func (p *Policy) Name() string { return p.name }

// A Span is where a statement stands in its document.
type Span struct{ Start, End Place }

// Spans returns where each statement begins and ends, as AWS counts it: the place
// behind the brace that opens a lone statement, or behind what comes before the
// statement in its array; and the place behind its closing brace.
func (p *Policy) Spans() []Span {
	spans := make([]Span, len(p.statements))
	r := newReading(p.text)
	for i := range p.statements {
		w := p.statements[i].written
		spans[i] = Span{r.to(w.start), r.to(w.end)}
	}
	return spans
}

// ContextKeys lists the condition keys and the variables that the document
// names, each once and as it is written first, in the order of the statements:
// of a statement, what stands in its resources comes first.
func (p *Policy) ContextKeys() []string {
	var keys []string
	seen := map[string]bool{}
	add := func(key string) {
		if folded := Fold(key); !seen[folded] {
			seen[folded] = true
			keys = append(keys, key)
		}
	}
	for i := range p.statements {
		w := p.statements[i].written
		for _, text := range w.resource.values {
			p.eachVariable(text, add)
		}
		for j := range w.tests {
			add(w.tests[j].key)
			for _, text := range w.tests[j].values {
				p.eachVariable(text, add)
			}
		}
	}
	return keys
}

// eachVariable calls add for the variables of a text, in a document of the
// version that has them.
func (p *Policy) eachVariable(text string, add func(string)) {
	for p.version == "2012-10-17" {
		at := strings.Index(text, "${")
		if at < 0 {
			return
		}
		text = text[at+2:]
		end := strings.IndexAny(text, ",}")
		if end < 0 {
			return
		}
		if name := text[:end]; !slices.Contains([]string{"*", "?", "$"}, name) {
			add(name)
		}
		text = text[end:]
	}
}

// leastSteps is what a decision of a simulation costs at least: its answer takes
// memory, also where there is nothing to decide.
const leastSteps = 1024

// TypedValues returns what a simulated request holds under a key, given as text
// of one of the types of the public simulator: string, numeric, boolean, ip,
// binary, date, or such a name followed by List. It reports false for another
// type, for text that is not of the type, and for several values of a type that
// holds one. A key without values is absent.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html
func TypedValues(kind string, values []string) (Values, bool) {
	kind, list := strings.CutSuffix(kind, "List")
	if len(values) > 1 && !list {
		return Values{}, false
	}
	held := make([]string, len(values))
	for i, text := range values {
		var ok bool
		if held[i], ok = typedValue(kind, text); !ok {
			return Values{}, false
		}
	}
	if list || len(held) == 0 {
		return Texts(held), slices.Contains(valueKinds, kind)
	}
	return Values{Present: true, One: held[0]}, true
}

var valueKinds = []string{"string", "numeric", "boolean", "ip", "binary", "date"}

// typedValue is text as the operators of a kind compare it.
func typedValue(kind, text string) (string, bool) {
	ok := true
	switch kind {
	case "string":
	case "numeric":
		_, ok = parseDecimal(text)
	case "boolean":
		_, ok = parseBool(text)
	case "ip":
		_, ok = parsePrefix(text)
	case "date":
		_, ok = parseInstant(text)
	case "binary":
		b, err := base64.StdEncoding.DecodeString(text)
		return string(b), err == nil
	default:
		return "", false
	}
	return text, ok
}
