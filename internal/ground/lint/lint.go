// Package lint finds what is wrong with a policy that decides as it is written:
// what AWS refuses, what has no effect, and what lets in more than somebody may
// have meant. It is pure, and knows nothing but the document and what it is told.
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
)

// A Type is what a document is for.
type Type string

// The types.
const (
	Identity Type = "identity"
	Key      Type = "key"
	Trust    Type = "trust"
	Service  Type = "scp"
	Control  Type = "rcp"
	Boundary Type = "boundary"
	Session  Type = "session"
)

// Types are all of them.
var Types = []Type{Identity, Key, Trust, Service, Control, Boundary, Session}

// grammars are the kinds of document that types are.
var grammars = map[Type]policy.Kind{
	Identity: policy.Identity, Boundary: policy.Identity, Session: policy.Identity,
	Key: policy.KeyPolicy, Trust: policy.Trust, Service: policy.ServiceControl, Control: policy.ResourceControl,
}

// A Finding is one thing that is wrong.
type Finding struct {
	Code     string
	Class    Class
	Place    policy.Place // zero where it is about no place of a document
	Sentence string
	Advice   string
}

// A Document is what is linted, and what is known of it.
type Document struct {
	Type    Type
	Text    []byte
	Account string // owner of the key or role; "" where that isn't known
	ARN     string // of the key; "" where that isn't known

	// Bound is as policy.Compile takes it: nil where it is not known whom names mean.
	Bound map[string]string
}

// Guess returns the type that a document seems to have.
func Guess(text []byte) Type {
	for _, t := range []Type{Identity, Trust, Key} {
		if _, err := policy.Compile(grammars[t], "", text, nil); err == nil {
			return t
		}
	}
	if strings.Contains(string(text), `"Principal"`) {
		return Key
	}
	return Identity
}

// Check lists what is wrong with d, in the order of its places.
func Check(d *Document) []Finding {
	l := linter{Document: d, text: string(d.Text)}
	l.size()
	p, err := policy.Compile(grammars[d.Type], "", d.Text, d.Bound)
	var malformed *policy.Malformed
	if errors.As(err, &malformed) {
		l.find("refused", malformed.Offset, "AWS refuses the document: %s", malformed.Message)
		return l.sorted()
	}
	l.outline = p.Outline()
	l.document()
	for i := range l.outline.Statements {
		l.statement(&l.outline.Statements[i])
	}
	l.shadows()
	return l.sorted()
}

type linter struct {
	*Document
	text     string
	outline  *policy.Outline
	findings []Finding
}

// find adds a finding at a place in the document.
func (l *linter) find(code string, at int, format string, args ...any) {
	r := rule(code)
	l.findings = append(l.findings, Finding{
		Code: code, Class: r.Class, Place: policy.PlaceOf(l.text, at), Sentence: fmt.Sprintf(format, args...), Advice: r.Advice,
	})
}

func (l *linter) sorted() []Finding {
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return l.findings
}

// About makes a finding that is about no document.
func About(code, format string, args ...any) Finding {
	r := rule(code)
	return Finding{Code: code, Class: r.Class, Sentence: fmt.Sprintf(format, args...), Advice: r.Advice}
}

// sizes are the greatest that AWS takes, in bytes or in characters without white
// space. An identity policy may be managed: inline ones share less.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
var sizes = map[Type]struct {
	max   int
	space bool // white space counts
}{
	Identity: {6144, false}, Boundary: {6144, false}, Trust: {2048, false}, Session: {2048, true},
	Key: {32768, true}, Service: {5120, true}, Control: {5120, true},
}

func (l *linter) size() {
	limit, n := sizes[l.Type], len(l.text)
	if !limit.space {
		n = 0
		for _, r := range l.text {
			if !strings.ContainsRune(" \t\r\n", r) {
				n++
			}
		}
	}
	if n > limit.max {
		l.find("too-large", 0, "The document has %d characters where %d are the most.", n, limit.max)
	}
}

// document checks what is about all statements together.
func (l *linter) document() {
	if !l.outline.Modern() {
		for i := range l.outline.Statements {
			l.literalVariables(&l.outline.Statements[i])
		}
	}
	if l.Type == Key && !l.administered() {
		l.find("lockout", 0, "No principal may call kms:PutKeyPolicy on the key.")
	}
}

func (l *linter) literalVariables(s *policy.Passage) {
	values, places := slices.Clone(s.Resource.Values), slices.Clone(s.Resource.Places)
	for _, t := range s.Tests {
		values, places = append(values, t.Values...), append(places, t.Places...)
	}
	for i, v := range values {
		if strings.Contains(v, "${") {
			l.find("literal-variable", places[i], "The variable in %q is plain text.", v)
		}
	}
}

// administered reports whether somebody but a service may change the key policy
// without conditions that only some requests meet, and nobody is denied it.
func (l *linter) administered() bool {
	allowed := false
	for i := range l.outline.Statements {
		s := &l.outline.Statements[i]
		if len(s.Resource.Values) == 0 || !covers(s, "kms:PutKeyPolicy") {
			continue
		}
		if s.Deny && len(s.Tests) == 0 && l.everyone(s) {
			return false
		}
		for _, n := range s.Named {
			allowed = allowed || !s.Deny && n.Type == "AWS" && !goneID(n.Name)
		}
	}
	return allowed
}

// everyone reports whether a statement is about all principals.
func (l *linter) everyone(s *policy.Passage) bool {
	return slices.ContainsFunc(s.Named, func(n policy.NamedPrincipal) bool { return n.Name == "*" }) && !s.Principal.Negated
}

// covers reports whether a statement's actions cover an action.
func covers(s *policy.Passage, action string) bool {
	found := slices.ContainsFunc(s.Action.Values, func(a string) bool { return matches(policy.Fold(a), policy.Fold(action)) })
	return found != s.Action.Negated && s.Action.Present
}

// statement checks one statement.
func (l *linter) statement(s *policy.Passage) {
	l.inertElements(s)
	l.aliases(s)
	for i, a := range s.Action.Values {
		l.action(a, s.Action.Places[i])
	}
	for i := range s.Tests {
		l.test(s, &s.Tests[i])
	}
	l.principals(s)
	l.secrets(s)
	if !s.Deny {
		l.allowed(s)
	}
}

// inertElements looks for what keeps a statement of a key policy from having an effect.
func (l *linter) inertElements(s *policy.Passage) {
	if l.Type != Key {
		return
	}
	if len(s.Action.Values) == 0 || len(s.Resource.Values) == 0 {
		l.find("missing-element", s.At, "The statement lacks actions or resources.")
	}
	for i, r := range s.Resource.Values {
		if r != "*" && (l.ARN == "" || !matches(r, l.ARN)) {
			l.find("key-policy-resource", s.Resource.Places[i], "The resource %q is not the key that the policy is about.", r)
		}
	}
	for i, a := range s.Action.Values {
		switch folded := policy.Fold(a); {
		case s.Action.Negated || strings.Contains(a, "*"):
		case !strings.HasPrefix(folded, "kms:"), slices.Contains(keyless, folded):
			l.find("key-policy-action", s.Action.Places[i], "%s is not about a key.", a)
		case folded == "kms:retiregrant" && !s.Deny:
			l.find("key-policy-action", s.Action.Places[i], "kms:RetireGrant is allowed by the grant, never by a key policy.")
		}
	}
}

// aliases looks for actions on keys that are allowed or denied on an alias.
func (l *linter) aliases(s *policy.Passage) {
	if l.Type == Key || s.Resource.Negated || slices.ContainsFunc([]string{"kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"}, func(a string) bool { return covers(s, a) }) {
		return
	}
	for i, text := range s.Resource.Values {
		parts := strings.SplitN(text, ":", 6)
		if len(parts) == 6 && parts[2] == "kms" && strings.HasPrefix(parts[5], "alias/") {
			l.find("alias-resource", s.Resource.Places[i], "None of the actions is asked about the alias %q.", text)
		}
	}
}

// keyless are the actions of KMS that no key policy is asked about, folded.
var keyless = strings.Fields("kms:createkey kms:listkeys kms:listaliases kms:listretirablegrants kms:generaterandom " +
	"kms:createcustomkeystore kms:deletecustomkeystore kms:describecustomkeystores kms:updatecustomkeystore kms:connectcustomkeystore kms:disconnectcustomkeystore")

// action checks that an action exists.
func (l *linter) action(text string, at int) {
	if known, ok := expand(text); ok && len(known) == 0 {
		l.find("unknown-action", at, "No action is called %s.", text)
	}
}

// expand lists the actions of a known service that an entry matches. ok is false
// where the service is not known, or any.
func expand(text string) (names []string, ok bool) {
	vendor, name, _ := strings.Cut(policy.Fold(text), ":")
	all, ok := actions[vendor]
	for _, a := range all {
		if matches(name, policy.Fold(a)) {
			names = append(names, a)
		}
	}
	return names, ok
}

// allowed checks what an Allow lets in.
func (l *linter) allowed(s *policy.Passage) {
	if s.Action.Negated {
		l.find("not-action", s.Action.At, "Everything but %s is allowed.", strings.Join(s.Action.Values, ", "))
	}
	anywhere := l.Type == Key || slices.Contains(s.Resource.Values, "*") || s.Resource.Negated
	switch {
	case l.Type == Trust || l.Type == Service || l.Type == Control || l.Type == Boundary || !anywhere:
		return
	case l.Type != Key && slices.ContainsFunc(s.Action.Values, func(a string) bool { return a == "*" || a == "*:*" }):
		l.find("everything", s.Action.At, "All actions are allowed on all resources.")
		return
	}
	if l.Type == Key {
		l.grantable(s)
		return
	}
	if covers(s, "kms:CreateGrant") && !tested(s, "kms:grantisforawsresource", "kms:viaservice", "kms:grantoperations", "kms:grantconstrainttype") {
		l.find("create-grant", s.Action.At, "Grants of any kind may be made on every key.")
	}
	if covers(s, "kms:Decrypt") && !tested(s, "kms:viaservice", "kms:resourcealiases", "kms:requestalias", "aws:resourcetag/", "kms:encryptioncontext:", "kms:encryptioncontextkeys") {
		l.find("any-key", s.Action.At, "kms:Decrypt is allowed with every key.")
	}
	if covers(s, "iam:PassRole") && !tested(s, "iam:passedtoservice", "aws:resourcetag/", "iam:resourcetag/") {
		l.find("pass-role", s.Action.At, "iam:PassRole is allowed for every role.")
	}
}

// grantable looks for who may make grants on a key. An account is not meant: its
// own policies say who may.
func (l *linter) grantable(s *policy.Passage) {
	if !covers(s, "kms:CreateGrant") || tested(s, "kms:grantisforawsresource", "kms:viaservice", "kms:grantoperations", "kms:grantconstrainttype", "kms:granteeprincipal") {
		return
	}
	for i, n := range s.Named {
		if n.Type == "AWS" && !isAccount(n.Name) {
			l.find("create-grant", s.Principal.Places[i], "%s may make grants of any kind.", n.Name)
		}
	}
}

// tested reports whether a statement has a condition on one of keys.
func tested(s *policy.Passage, keys ...string) bool {
	return slices.ContainsFunc(s.Tests, func(t policy.Test) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			folded := policy.Fold(t.Key)
			return folded == key || strings.HasPrefix(folded, key) && (strings.HasSuffix(key, "/") || strings.HasSuffix(key, ":"))
		})
	})
}
