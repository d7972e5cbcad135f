package policy

// A statement is a compiled statement of a document.
type statement struct {
	index int
	sid   string
	deny  bool
	inert bool // lacks an element: stored, but without effect

	principals principals // of the policies of resources

	actions   []action
	notAction bool

	resources   []resource
	notResource bool
	anyResource bool // a trust policy is about its role, and names no resource

	conditions []condition // in the order of the tests as written

	written *clause // for explanations
}

// applies reports whether everything but the principal matches.
func (s *statement) applies(q *question) bool {
	return !s.inert && s.coversAction(q) && s.coversResource(q) && s.unmet(q) == nil
}

func (s *statement) coversAction(q *question) bool {
	for i := range s.actions {
		if s.actions[i].match(q) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) coversResource(q *question) bool {
	if s.anyResource {
		return true
	}
	for i := range s.resources {
		if s.resources[i].match(q) {
			return !s.notResource
		}
	}
	// All that NotResource doesn't name. An entry that can't be resolved names
	// nothing; that makes a Deny wider, but never an Allow.
	return s.notResource && (s.deny || s.resolved(q))
}

// resolved reports whether every entry of a NotResource has a meaning.
func (s *statement) resolved(q *question) bool {
	for i := range s.resources {
		p := &s.resources[i].whole
		b := binding{question: q}
		if p.broken || !b.bind(p) {
			return false
		}
	}
	return true
}

// unmet returns the first condition that the request doesn't satisfy, nil where
// it satisfies all.
func (s *statement) unmet(q *question) *condition {
	for i := range s.conditions {
		if !s.conditions[i].met(q, s.deny) {
			return &s.conditions[i]
		}
	}
	return nil
}
