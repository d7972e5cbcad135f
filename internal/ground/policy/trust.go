package policy

import (
	"encoding/json"
	"fmt"
	"slices"
)

// trustActions are what a trust policy may speak of, folded.
var trustActions = []string{
	"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity",
	"sts:tagsession", "sts:setsourceidentity", "sts:setcontext",
}

// trust checks a trust policy in the order and with the texts that CreateRole was
// seen to have.
func (c *compiler) trust() error {
	if c.kind != Trust {
		return nil
	}
	if c.doc.version != "" && !isVersion(c.doc.version) {
		return errTrustVersion
	}
	seen := map[string]bool{}
	for i := range c.doc.clauses {
		w := &c.doc.clauses[i]
		c.at = w.at
		if err := c.trustClause(w); err != nil {
			return err
		}
		if w.sid != "" && seen[w.sid] {
			return errTrustSid
		}
		seen[w.sid] = true
	}
	return nil
}

// stored reports whether the document was taken earlier. What is no longer taken
// is still read, so that no role is lost with what its policy says.
func (c *compiler) stored() bool { return c.bound != nil }

func (c *compiler) trustClause(w *clause) error {
	switch {
	case w.effect == "":
		return errNoEffect
	case w.effect != "Allow" && w.effect != "Deny":
		return &Malformed{Message: "Invalid effect: " + w.effect}
	case w.principal.negated && w.effect == "Allow":
		return errAllowsOthers
	case w.principal.negated && !c.stored():
		return errNotPrincipal
	case !w.principal.present:
		return errNobody
	case len(w.principal.names) == 0:
		return errEmptyPrincipal
	case w.principal.star && !c.stored():
		return errStar
	case w.action.empty():
		return errNoAction
	case w.action.negated:
		return errTrustAction
	}
	for i, a := range w.action.values {
		if !slices.Contains(trustActions, Fold(a)) {
			c.at = w.action.places[i]
			return errTrustAction
		}
	}
	switch {
	case w.resource.negated:
		return errNotResource
	case w.resource.present:
		return errResource
	}
	return nil
}

// refusal is what a document is told whose reading ended with err.
func (p *parser) refusal(err error) error {
	at := p.last
	if at.kind == ':' { // a name that isn't known: its value is next
		_, _ = p.next()
		at = p.last
	}
	if !p.trust || err != errSyntax {
		return located(err, at.start)
	}
	switch {
	case !json.Valid([]byte(p.text)) || p.begins('['):
		return located(errNotJSON, at.start)
	case p.begins(lexNull):
		return located(errNull, at.start)
	}
	// The place is where AWS's reader of JSON stands by then: behind what it
	// doesn't like, or, where that is a string, behind its opening quote.
	end := at.end
	if at.kind == lexString {
		end = at.start + 1
	}
	place := PlaceOf(p.text, end)
	return located(&Malformed{Message: fmt.Sprintf("Syntax error at position (%d,%d)", place.Line, place.Column)}, at.start)
}

// begins reports whether the document begins with a lexeme of the given kind.
func (p *parser) begins(kind byte) bool {
	first := scanner{text: p.text}
	found, err := first.peek()
	return err == nil && found == kind
}
