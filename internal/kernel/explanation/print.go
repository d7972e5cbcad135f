package explanation

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
)

// gates are the policies of a gate, in the words of a reader.
var gates = [...]string{
	policy.ByNothing:         "the other account",
	policy.ByIdentity:        "identity-based policies",
	policy.ByResource:        "policy of the resource",
	policy.ByBoundary:        "permissions boundary",
	policy.BySession:         "session policies",
	policy.ByServiceControl:  "service control policies",
	policy.ByResourceControl: "resource control policies",
	policy.ByGrant:           "grants",
}

// NameOf is what a reader calls the policies of a gate.
func NameOf(g policy.Gate) string {
	if int(g) < len(gates) {
		return gates[g]
	}
	return fmt.Sprintf("gate %d", g)
}

// Print writes e for a reader: the answer, each gate with the statements that
// matched or nearly did and what they compared, and what would have to change.
func Print(w io.Writer, e *Explanation) {
	fmt.Fprintf(w, "%s on %s\n", e.Action, e.Resource)
	fmt.Fprintf(w, "  %s\n", e.answer())
	gate := policy.Gate(255)
	for i := range e.Premises {
		p := &e.Premises[i]
		if p.Statement < 0 {
			gate = p.Gate
			fmt.Fprintf(w, "  %s: %s\n", NameOf(gate), openness(p))
			continue
		}
		if p.Gate != gate { // such as one that only denies
			gate = p.Gate
			fmt.Fprintf(w, "  %s\n", NameOf(gate))
		}
		e.printStatement(w, p)
	}
	if e.Cut {
		fmt.Fprintln(w, "  more statements came near; they had no room")
	}
	if changes := e.Changes(); len(changes) > 0 {
		fmt.Fprintln(w, "  what would have to change:")
		for _, change := range changes {
			fmt.Fprintf(w, "    - %s\n", change)
		}
	}
}

// answer is the verdict as a sentence.
func (e *Explanation) answer() string {
	v := e.Verdict
	switch {
	case v.Allowed:
		r := Reason{Gate: v.Gate, Policy: v.Policy, Statement: v.Statement, Sid: v.Sid}
		return "allowed by " + r.String()
	case v.Explicit && v.Statement < 0:
		return "refused " + v.Reason(e.Action)
	case v.Explicit:
		return "refused " + v.Reason(e.Action) + ": " + e.nameStatement(&policy.Premise{Policy: v.Policy, Statement: v.Statement, Sid: v.Sid})
	case v.Gate == policy.ByNothing && e.ofCaller():
		return "refused: its policies take more steps to decide than a decision may have"
	case v.Gate == policy.ByNothing:
		return "refused by the side of the other account"
	}
	return "refused " + v.Reason(e.Action)
}

// String says what allowed, after "allowed by".
func (r *Reason) String() string {
	switch {
	case r.Gate == policy.ByNothing:
		return "the account: its root user needs no policy there"
	case r.Gate == policy.ByGrant:
		return "a grant"
	case r.Gate == policy.ByResource:
		return statement(r.Policy, r.Statement, r.Sid) + " in the " + NameOf(r.Gate)
	}
	return statement(r.Policy, r.Statement, r.Sid) + " among the " + NameOf(r.Gate)
}

// ofCaller reports whether the explanation is, or is also, of the caller's side.
func (e *Explanation) ofCaller() bool {
	return slices.ContainsFunc(e.Premises, func(p policy.Premise) bool { return p.Side == policy.CallerSide })
}

func openness(p *policy.Premise) string {
	switch {
	case p.Gate == policy.ByGrant:
		return "one covers the call"
	case p.Matched:
		return "allow"
	}
	return "do not allow"
}

// statement names a statement as a reader finds it: counted from one.
func statement(name string, index int, sid string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "statement %d", index+1)
	if sid != "" {
		fmt.Fprintf(&b, " (%s)", sid)
	}
	if name != "" {
		fmt.Fprintf(&b, " of %s", name)
	}
	return b.String()
}

// nameStatement names the statement of a premise. The policy of the resource is
// called as that is, which has been said.
func (e *Explanation) nameStatement(p *policy.Premise) string {
	if p.Policy == e.Resource {
		return statement("", p.Statement, p.Sid)
	}
	return statement(p.Policy, p.Statement, p.Sid)
}

func (e *Explanation) printStatement(w io.Writer, p *policy.Premise) {
	fmt.Fprintf(w, "    %s: %s, %s\n", e.nameStatement(p), p.Effect, fit(p))
	for i := range p.Compared {
		fmt.Fprintf(w, "      %s\n", compared(&p.Compared[i]))
	}
}

// fit says whether a statement matched, or what kept it from that.
func fit(p *policy.Premise) string {
	element, _, _ := strings.Cut(p.Failed, ":")
	switch {
	case p.Matched:
		return "matches"
	case element == "Condition":
		return "does not match by its condition"
	}
	return "does not match by its " + element
}

// compared says what a condition compared.
func compared(c *policy.Comparison) string {
	mark := "-"
	if c.Met {
		mark = "+"
	}
	return fmt.Sprintf("%s %s %s: policy has %s%s, request has %s", mark, c.Operator, c.Key, quoted(c.Wanted), where(c.Variables), had(c))
}

// where says what variables stood for.
func where(variables []policy.Variable) string {
	var b strings.Builder
	for _, v := range variables {
		value := "nothing"
		if v.Present {
			value = fmt.Sprintf("%q", v.Value)
		}
		fmt.Fprintf(&b, " where ${%s} is %s", v.Key, value)
	}
	return b.String()
}

// had is what the request has under the key of a condition.
func had(c *policy.Comparison) string {
	switch {
	case !c.Present:
		return "no such key"
	case len(c.Got) == 0:
		return "a value that only the other account may see"
	}
	return quoted(c.Got)
}

func quoted(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(out, " or ")
}

// Changes says what would have to change for a refused call to be allowed, as far
// as one change suffices at the gate that refused.
func (e *Explanation) Changes() []string {
	v := e.Verdict
	switch {
	case v.Allowed || v.Gate == policy.ByNothing && !v.Explicit:
		return nil
	case v.Explicit:
		return e.liftDenials()
	}
	changes := []string{}
	for i := range e.Premises {
		p := &e.Premises[i]
		if p.Gate == v.Gate && p.Statement >= 0 && p.Effect == "Allow" && !p.Matched {
			changes = append(changes, e.widen(p))
		}
	}
	last := fmt.Sprintf("%s: a statement must allow %s on %s", NameOf(v.Gate), e.Action, e.Resource)
	if len(changes) > 0 {
		last = "or " + last
	}
	return append(changes, last)
}

// liftDenials says of each Deny that applies how it would not.
func (e *Explanation) liftDenials() []string {
	var changes []string
	for i := range e.Premises {
		p := &e.Premises[i]
		if p.Effect != "Deny" || !p.Matched || p.Statement < 0 {
			continue
		}
		name := e.nameStatement(p)
		if len(p.Compared) == 0 {
			changes = append(changes, name+" must not deny it")
			continue
		}
		var or []string
		for j := range p.Compared {
			or = append(or, p.Compared[j].Key)
		}
		changes = append(changes, name+" must not deny it, or the request must differ in "+strings.Join(or, " or "))
	}
	return changes
}

// widen says how a statement that came near would allow.
func (e *Explanation) widen(p *policy.Premise) string {
	name := e.nameStatement(p)
	switch element, _, _ := strings.Cut(p.Failed, ":"); element {
	case "Action":
		return name + " must name the action " + e.Action
	case "Resource":
		return name + " must cover the resource " + e.Resource
	case "Principal":
		return name + " must name the caller"
	}
	var unmet []string
	for i := range p.Compared {
		if c := &p.Compared[i]; !c.Met {
			unmet = append(unmet, fmt.Sprintf("%s must hold of %s, which is %s", c.Operator+" "+quoted(c.Wanted), c.Key, had(c)))
		}
	}
	return "for " + name + ", " + strings.Join(unmet, ", and ")
}
