package policy

import (
	"slices"
	"strings"

	"claviger/internal/words/arn"
	"claviger/internal/words/principal"
)

// A Caller is everything that a principal element may match.
type Caller struct {
	Kind      principal.Kind
	Partition string
	Account   string
	ARN       string   // own ARN: user, session, root
	IssuerARN string   // role or user behind a session, with its path
	ID        string   // unique id of the user, or of the role or user behind a session (without session name)
	Services  []string // names of a service principal

	// Provider is the identity provider (ARN or domain) that vouches for a caller
	// without credentials of ours. Such a caller is of Kind Unknown, and only a
	// Federated principal lets it in.
	Provider string
}

// anonymous reports whether nobody vouches for c.
func (c *Caller) anonymous() bool {
	switch c.Kind {
	case principal.Root, principal.User, principal.RoleSession, principal.FederatedUser, principal.Service:
		return false
	case principal.Unknown:
		return c.Provider == ""
	}
	return true // the operator has no place in policies
}

// Grade is how a resource policy or a grant lets a caller in.
type Grade uint8

// The grades, weakest first.
const (
	None    Grade = iota
	Account       // delegation to the account: its own policies must allow too
	Role          // the role behind the session is named: boundary and session policy limit
	UserOf        // the user behind a federated session is named: the same limits
	Direct        // the caller itself is named
)

type principalForm uint8

const (
	everyoneForm principalForm = iota
	accountForm
	userForm
	roleForm
	sessionForm
	federatedForm
	serviceForm
	providerForm
)

// A named is an entry of Principal or NotPrincipal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type named struct {
	form      principalForm
	text      string // ARN, service or provider as written
	account   string // of an accountForm
	partition string // of an accountForm written as ARN, else ""

	// id is the unique id to which the entry was bound, or as which it was
	// written; "" where it is bound to none. A gone entry matches nobody.
	id   string
	gone bool
}

// newNamed checks and compiles an entry.
func newNamed(n NamedPrincipal, bound map[string]string) (named, bool) {
	switch n.Type {
	case "AWS":
		return newAWS(n.Name, bound)
	case "Service":
		return named{form: serviceForm, text: n.Name}, isDomain(n.Name)
	case "Federated":
		_, isARN := arn.Parse(n.Name)
		return named{form: providerForm, text: n.Name}, isARN && !strings.ContainsAny(n.Name, "*? ") || isDomain(n.Name)
	}
	return named{}, false // CanonicalUser is known to S3 only
}

func newAWS(name string, bound map[string]string) (named, bool) {
	switch {
	case name == "*":
		return named{form: everyoneForm}, true
	case arn.IsAccount(name):
		return named{form: accountForm, account: name}, true
	case isUniqueID(name, "AIDA"):
		return named{form: userForm, text: name, id: name}, true
	case isUniqueID(name, "AROA"):
		return named{form: roleForm, text: name, id: name}, true
	}
	a, ok := arn.Parse(name)
	if !ok || a.Region != "" || !arn.IsAccount(a.Account) || strings.ContainsAny(name, "*?") {
		return named{}, false
	}
	n := named{text: name, account: a.Account, partition: a.Partition}
	if n.form, ok = formOf(&a); !ok || n.form == accountForm {
		return n, ok
	}
	id, known := bound[name]
	n.id = id
	n.gone = bound != nil && !known && (n.form == userForm || n.form == roleForm)
	return n, true
}

// formOf tells the ARNs apart that may be principals. A group never is one.
func formOf(a *arn.ARN) (principalForm, bool) {
	kind, name, _ := strings.Cut(a.Resource, "/")
	last := name[strings.LastIndexByte(name, '/')+1:]
	switch a.Service + ":" + kind {
	case "iam:root":
		return accountForm, a.Resource == "root"
	case "iam:user":
		return userForm, last != ""
	case "iam:role":
		return roleForm, last != ""
	case "sts:assumed-role":
		return sessionForm, strings.Count(name, "/") == 1 && last != "" && name[0] != '/'
	case "sts:federated-user":
		return federatedForm, name != "" && last == name
	}
	return 0, false
}

// isUniqueID reports whether s has the form of a unique id with the given prefix.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func isUniqueID(s, prefix string) bool {
	return strings.HasPrefix(s, prefix) && len(s) >= 16 && len(s) <= 128 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) })
}

func isDomain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isAlphanumeric(r) && !strings.ContainsRune(".-_/:", r)
	})
}

// grade returns how n names c.
func (n *named) grade(c *Caller) Grade {
	if n.gone {
		return None
	}
	switch n.form {
	case everyoneForm:
		return n.everyone(c)
	case accountForm:
		return n.ofAccount(c)
	case userForm:
		return n.ofUser(c)
	case roleForm:
		if c.Kind == principal.RoleSession && n.isRole(c) {
			return Role
		}
	case sessionForm:
		if c.Kind == principal.RoleSession && n.text == c.ARN && (n.id == "" || n.id == c.ID) {
			return Direct
		}
	case federatedForm:
		if c.Kind == principal.FederatedUser && n.text == c.ARN {
			return Direct
		}
	case serviceForm:
		if c.Kind == principal.Service && slices.Contains(c.Services, n.text) {
			return Direct
		}
	case providerForm:
		if c.Kind == principal.Unknown && n.text == c.Provider {
			return Direct
		}
	}
	return None
}

// everyone names all callers, those of an identity provider not by themselves: a
// Deny hits them, an Allow doesn't let them in.
func (n *named) everyone(c *Caller) Grade {
	if c.Kind == principal.Unknown {
		return Account
	}
	return Direct
}

func (n *named) ofAccount(c *Caller) Grade {
	switch {
	case n.account != c.Account || n.partition != "" && n.partition != c.Partition:
		return None
	case c.Kind == principal.Root:
		return Direct
	}
	return Account
}

func (n *named) ofUser(c *Caller) Grade {
	switch {
	case c.Kind == principal.User && n.is(c.ARN, c.ID):
		return Direct
	case c.Kind == principal.FederatedUser && n.is(c.IssuerARN, c.ID):
		return UserOf
	}
	return None
}

// is compares by unique id where the entry has one: names are given again.
func (n *named) is(arn, id string) bool {
	if n.id != "" {
		return n.id == id
	}
	return n.text == arn
}

// isRole compares with the role behind a session. Where only the session's ARN is
// known, which lacks the path of the role, the role's name is compared.
func (n *named) isRole(c *Caller) bool {
	if n.id != "" || c.IssuerARN != "" {
		return n.is(c.IssuerARN, c.ID)
	}
	a, ok := arn.Parse(c.ARN)
	if !ok || a.Partition != n.partition || a.Account != n.account {
		return false
	}
	_, session, _ := strings.Cut(a.Resource, "/")
	role, _, _ := strings.Cut(session, "/")
	return role != "" && role == n.text[strings.LastIndexByte(n.text, '/')+1:]
}

// principals is a Principal or NotPrincipal.
type principals struct {
	negated bool
	names   []named
}

// admit returns how an Allow lets c in.
func (p *principals) admit(c *Caller) Grade {
	best := None
	for i := range p.names {
		best = max(best, p.names[i].grade(c))
	}
	switch {
	case !p.negated:
		return best
	case best != None:
		return None
	}
	return (&named{form: everyoneForm}).grade(c)
}

// hit reports whether a Deny is about c. bounded callers have a permissions
// boundary: no NotPrincipal exempts them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (p *principals) hit(c *Caller, bounded bool) bool {
	if p.negated {
		return bounded || !p.exempts(c)
	}
	for i := range p.names {
		if p.names[i].grade(c) != None {
			return true
		}
	}
	return false
}

// exempts reports whether a NotPrincipal names the caller and, for a session,
// the role or user behind it.
func (p *principals) exempts(c *Caller) bool {
	self, issuer := false, c.Kind != principal.RoleSession && c.Kind != principal.FederatedUser
	for i := range p.names {
		switch n := &p.names[i]; {
		case n.form == everyoneForm:
			return true
		case n.grade(c) == Direct:
			self = true
		case n.grade(c) >= Role:
			issuer = true
		}
	}
	return self && issuer
}
