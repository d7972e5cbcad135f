package policy

// An Outline is a document as it is written, with the place of everything in it,
// in bytes: for who reads it closely.
type Outline struct {
	Version    string // "" where it says none
	Statements []Passage
}

// A Passage is a statement as it is written.
type Passage struct {
	Sid  string
	Deny bool
	At   int

	Action    Part
	Resource  Part
	Principal Part
	Named     []NamedPrincipal // the Values of Principal with their types
	Tests     []Test
}

// A Part is an element, or its negation.
type Part struct {
	Present bool
	Negated bool
	At      int
	Values  []string
	Places  []int
}

// A Test is one key under one operator of a Condition.
type Test struct {
	Operator string // as written
	Key      string // as written
	At       int
	Values   []string
	Places   []int

	Base     string // folded, without set operator and suffix, such as "stringequals"
	Negated  bool
	Set      bool // with ForAllValues or ForAnyValue
	All      bool // with ForAllValues
	IfExists bool
}

// Modern reports whether the document is of the version that has variables.
func (o *Outline) Modern() bool { return o.Version == "2012-10-17" }

// Outline returns p as it is written.
func (p *Policy) Outline() *Outline {
	o := &Outline{Version: p.version}
	for i := range p.statements {
		w := p.statements[i].written
		passage := Passage{
			Sid:       w.sid,
			Deny:      p.statements[i].deny,
			At:        w.at,
			Action:    Part{w.action.present, w.action.negated, w.action.at, w.action.values, w.action.places},
			Resource:  Part{w.resource.present, w.resource.negated, w.resource.at, w.resource.values, w.resource.places},
			Principal: Part{Present: w.principal.present, Negated: w.principal.negated, At: w.principal.at, Places: w.principal.places},
			Named:     w.principal.names,
		}
		for _, n := range w.principal.names {
			passage.Principal.Values = append(passage.Principal.Values, n.Name)
		}
		for j := range w.tests {
			passage.Tests = append(passage.Tests, outlined(&w.tests[j]))
		}
		o.Statements = append(o.Statements, passage)
	}
	return o
}

func outlined(t *testClause) Test {
	o, base, _ := splitOperator(t.operator)
	return Test{
		Operator: t.operator, Key: t.key, At: t.at, Values: t.values, Places: t.places,
		Base: base, Negated: o.negated, Set: o.quantifier != single, All: o.quantifier == forAllValues, IfExists: o.ifExists,
	}
}
