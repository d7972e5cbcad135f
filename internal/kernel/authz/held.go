package authz

import "claviger/internal/ground/policy"

// A Held is what the operator is told of a grant.
type Held struct {
	ID       string
	Name     string
	Grantee  string // ARN, account id or service, as a list of grants shows it
	Service  bool   // the grantee is a service
	Issuer   string // account
	Actions  []string
	Requires []string // what the constraint demands of a call, in words
	Equal    string   // grants of a key that give the same to the same have the same

	// Grade is how it lets a caller in; None where it is another's.
	Grade func(*Caller) policy.Grade
}

// Admission is a search that offers one grant: of a grade, from an issuer.
type Admission struct {
	Grade  policy.Grade
	Issuer string
}

// Find implements Grants.
func (a Admission) Find(j *Judge) (bool, error) {
	return a.Grade != policy.None && j.Admits(a.Grade, a.Issuer), nil
}

// A Stored is what the operator is told of a user, a role, a policy or a key:
// a document, and the texts beside it that people write freely.
type Stored struct {
	Type  string // of the document, in the words of package lint; "" without one
	About string // ARN
	Name  string // of the document, where About has several
	Text  string
	Bound map[string]string // of names in Text, where they are bound
	Texts []string          // names, tags, descriptions
}
