// Package policy is the policy language of AWS: parse, compile, decide, explain.
//
// It is pure: no clock, no I/O, no log. A document is compiled once, when it is
// written or loaded; a decision walks compiled documents and allocates nothing
// when it allows.
//
// The work of a decision is bounded, whatever the documents and the request say:
// see Decide.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package policy

// Kind says what a document is attached to, which decides its grammar.
type Kind uint8

// The kinds of documents.
const (
	Identity  Kind = iota // inline or managed policy of a user, group or role; also boundaries and session policies
	KeyPolicy             // resource policy of a KMS key
	Resource              // resource policy of another resource
	Trust                 // trust policy of a role
	ServiceControl
	ResourceControl
)

// namesPrincipals reports whether statements of this kind say whom they are about.
func (k Kind) namesPrincipals() bool {
	return k == KeyPolicy || k == Resource || k == Trust
}

// A Policy is a compiled document. It is immutable and safe for concurrent use.
type Policy struct {
	kind       Kind
	name       string
	text       string
	version    string
	statements []statement

	// denies and allows point into statements: a decision reads every Deny of
	// every document before the first Allow of any.
	denies []candidate
	allows []candidate

	principals []NamedPrincipal
}

// A candidate is a statement behind the sieve that spares reading it.
type candidate struct {
	sieve
	*statement
}

// maxSize bounds the bytes of a document, whatever it is attached to. It is far
// above every limit of AWS: what a document may measure is the services' rule.
const maxSize = 256 << 10

// Compile parses text. bound maps the ARN of a user or role named as a
// principal to the unique id that it had when the document was written; nil
// binds nothing. A user or role that a non-nil bound lacks did not exist then
// and matches nobody. The ARN of a role session may be bound too, to the unique
// id of its role.
//
// The document may be of at most 256 KiB; lower limits are for the caller to
// hold. The error is a *Malformed.
func Compile(kind Kind, name string, text []byte, bound map[string]string) (*Policy, error) {
	doc, err := parse(kind, text)
	if err != nil {
		return nil, err
	}
	c := compiler{kind: kind, doc: doc, bound: bound, statements: make([]statement, len(doc.clauses))}
	if err := c.run(); err != nil {
		return nil, located(err, c.at)
	}
	p := &Policy{kind: kind, name: name, text: string(text), version: doc.version, statements: c.statements, principals: distinct(doc)}
	for i := range p.statements {
		switch s := &p.statements[i]; {
		case s.inert:
		case s.deny:
			p.denies = append(p.denies, candidate{newSieve(s), s})
		default:
			p.allows = append(p.allows, candidate{newSieve(s), s})
		}
	}
	return p, nil
}

// Principals lists the user, role, session, account and service principals and
// the identity providers that the document names, each once, in the order of
// the document. The lone * is not among them.
func (p *Policy) Principals() []NamedPrincipal { return p.principals }

// distinct lists what doc names, each once.
func distinct(doc *document) []NamedPrincipal {
	var names []NamedPrincipal
	seen := map[NamedPrincipal]bool{}
	for i := range doc.clauses {
		for _, n := range doc.clauses[i].principal.names {
			if n.Name != "*" && !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	return names
}
