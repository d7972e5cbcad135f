package policy

import (
	"slices"
	"strings"
)

// A compiler checks a document as AWS does, in stages: a complaint of an early
// stage about the last statement comes before one of a later stage about the
// first.
type compiler struct {
	kind       Kind
	doc        *document
	bound      map[string]string
	statements []statement

	resourceErr error // found early, told late
	resourceAt  int

	at int // in the document, what is looked at
}

func (c *compiler) run() error {
	if c.doc.version != "2012-10-17" && (c.kind == Identity || c.kind == ServiceControl || c.kind == ResourceControl) {
		return errVersion
	}
	for _, stage := range []func(*compiler) error{
		(*compiler).trust,
		(*compiler).legacy,
		(*compiler).sids,
		eachClause((*compiler).hasActions),
		(*compiler).badResource,
		eachClause((*compiler).action),
		eachClause((*compiler).hasResources),
		eachClause((*compiler).resource),
		eachClause((*compiler).placement),
		eachClause((*compiler).principal),
	} {
		if err := stage(c); err != nil {
			return err
		}
	}
	return nil
}

// eachClause makes a stage of a rule for one statement.
func eachClause(rule func(*compiler, *clause, *statement) error) func(*compiler) error {
	return func(c *compiler) error {
		for i := range c.statements {
			c.at = c.doc.clauses[i].at
			if err := rule(c, &c.doc.clauses[i], &c.statements[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// variables is the grammar of variables, where the document has them.
func (c *compiler) variables() grammar {
	if c.doc.modern() {
		return variables
	}
	return 0
}

// legacy checks effects and values that have a form of their own, and notes what
// is wrong with resources: only some of that is said now.
func (c *compiler) legacy() error {
	for i := range c.doc.clauses {
		w, s := &c.doc.clauses[i], &c.statements[i]
		s.index, s.sid, s.deny, s.written = i, w.sid, w.effect == "Deny", w
		c.at = w.at
		if !s.deny && w.effect != "Allow" {
			return errLegacy
		}
		for j := range w.tests {
			c.at = w.tests[j].at
			condition, err := newCondition(&w.tests[j], c.variables())
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, condition)
		}
	}
	if c.kind == KeyPolicy || c.kind == Trust {
		return nil
	}
	c.resourceErr = c.checkResources()
	if c.resourceErr == errLegacy {
		return c.badResource()
	}
	return nil
}

// badResource tells what checkResources has found.
func (c *compiler) badResource() error {
	c.at = c.resourceAt
	return c.resourceErr
}

// checkResources returns the first complaint about a resource.
func (c *compiler) checkResources() error {
	for i := range c.doc.clauses {
		e := &c.doc.clauses[i].resource
		for j, value := range e.values {
			if err := checkResource(value); err != nil {
				c.resourceAt = e.places[j]
				return err
			}
		}
	}
	return nil
}

// sids checks that ids of statements are unique and, outside of the policies of
// resources, alphanumeric.
func (c *compiler) sids() error {
	seen := map[string]bool{}
	for i := range c.doc.clauses {
		sid := c.doc.clauses[i].sid
		c.at = c.doc.clauses[i].at
		switch {
		case sid == "":
			continue
		case seen[sid]:
			return errSidUnique
		case c.kind != KeyPolicy && c.kind != Resource &&
			strings.ContainsFunc(sid, func(r rune) bool { return !isAlphanumeric(r) }):
			return errSidLetters
		}
		seen[sid] = true
	}
	return nil
}

// hasActions checks that a statement has actions. KMS takes key policies without
// actions or resources; such a statement has no effect.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
func (c *compiler) hasActions(w *clause, s *statement) error {
	s.inert = c.kind == KeyPolicy && (w.action.empty() || w.resource.empty())
	if w.action.empty() && c.kind != KeyPolicy {
		return errNoActions
	}
	return nil
}

// hasResources checks that a statement has resources, which AWS does when it
// likes the actions.
func (c *compiler) hasResources(w *clause, _ *statement) error {
	if w.resource.empty() && c.kind != KeyPolicy && c.kind != Trust {
		return errNoResources
	}
	return nil
}

func (c *compiler) action(w *clause, s *statement) error {
	s.notAction = w.action.negated
	for i, text := range w.action.values {
		c.at = w.action.places[i]
		a, err := newAction(text)
		if err != nil {
			return err
		}
		s.actions = append(s.actions, a)
	}
	return nil
}

func (c *compiler) resource(w *clause, s *statement) error {
	s.notResource, s.anyResource = w.resource.negated, c.kind == Trust
	for i, text := range w.resource.values {
		c.at = w.resource.places[i]
		r, err := newResource(c.kind, text, c.variables())
		if err != nil {
			return err
		}
		s.resources = append(s.resources, r)
	}
	if w.resource.null {
		s.resources = append(s.resources, resource{whole: pattern{broken: true}})
	}
	return nil
}

// placement checks what the place of a document demands or forbids.
func (c *compiler) placement(w *clause, s *statement) error {
	switch c.kind {
	case Identity:
		if w.principal.present {
			return errPrincipal
		}
	case ServiceControl:
		if w.principal.present {
			return errOrganization
		}
	case ResourceControl:
		return c.resourceControl(w, s)
	case KeyPolicy:
		return c.permissive(s)
	}
	return nil
}

// uncontrolled are the services of this installation that resource control
// policies don't reach.
var uncontrolled = []string{"iam", "organizations", "cloudtrail", "securityhub"}

// resourceControl holds what AWS demands of resource control policies that are
// not its own.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func (c *compiler) resourceControl(w *clause, s *statement) error {
	everyone := w.principal.present && !w.principal.negated &&
		slices.Equal(w.principal.names, []NamedPrincipal{{"AWS", "*"}})
	if !s.deny || !everyone || w.action.negated {
		return errOrganization
	}
	for i := range s.actions {
		if v := s.actions[i].vendor; v == "" || slices.Contains(uncontrolled, v) {
			return errOrganization
		}
	}
	return nil
}

// permissive refuses set operators of key policies that let requests pass which
// lack the key.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
func (c *compiler) permissive(s *statement) error {
	for i := range s.conditions {
		t := &s.conditions[i]
		switch {
		case s.deny || t.quantifier != forAllValues:
		case t.key.Prefix == "kms:encryptioncontext:":
			return overlyPermissive("encryption context")
		case t.key.Prefix == "aws:requesttag/":
			return overlyPermissive("tag")
		}
	}
	return nil
}

func (c *compiler) principal(w *clause, s *statement) error {
	if !c.kind.namesPrincipals() {
		return nil
	}
	if len(w.principal.names) == 0 {
		if c.kind == KeyPolicy {
			return errKeyPrincipal
		}
		return errNobody
	}
	s.principals.negated = w.principal.negated
	for i, name := range w.principal.names {
		c.at = w.principal.places[i]
		n, ok := newNamed(name, c.bound)
		if !ok {
			return c.invalidPrincipal(name)
		}
		s.principals.names = append(s.principals.names, n)
	}
	if !s.deny && w.principal.negated && c.kind == KeyPolicy {
		c.at = w.principal.at
		return errKeyPrincipal
	}
	return nil
}

func (c *compiler) invalidPrincipal(n NamedPrincipal) error {
	if c.kind == KeyPolicy {
		return errKeyPrincipal
	}
	return &Malformed{Message: `Invalid principal in policy: "` + strings.ToUpper(n.Type) + `":"` + n.Name + `"`}
}
