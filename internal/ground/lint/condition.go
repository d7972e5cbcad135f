package lint

import (
	"slices"
	"strings"

	"claviger/internal/ground/policy"
)

// test checks one key under one operator.
func (l *linter) test(s *policy.Passage, t *policy.Test) {
	k, known := lookUp(t.Key)
	if !known {
		l.find("unknown-key", t.At, "No request has the key %s.", t.Key)
		return
	}
	if l.absent(s, t, &k) {
		l.find("key-never-present", t.At, "No action of the statement has %s in its requests.", t.Key)
		return
	}
	switch {
	case t.Base == "null":
		return
	case k.multi && !t.Set:
		l.find("multi-valued-key", t.At, "%s holds several values, which %s never matches.", t.Key, t.Operator)
	case !k.multi && !k.foreign && t.All && !s.Deny && !nulled(s, t.Key):
		l.find("vacuous-set", t.At, "Requests without %s are allowed, too.", t.Key)
	case t.Negated && !s.Deny && !t.Set && !nulled(s, t.Key) && sometimes(t.Key):
		l.find("absent-passes", t.At, "Requests without %s are allowed, too.", t.Key)
	}
	l.values(t, &k)
}

// absent reports whether no action of a statement has a key in its requests.
func (l *linter) absent(s *policy.Passage, t *policy.Test, k *condKey) bool {
	if k.of == nil || s.Action.Negated {
		return false
	}
	vendor, _, _ := strings.Cut(policy.Fold(t.Key), ":")
	for _, a := range s.Action.Values {
		if v, _, _ := strings.Cut(policy.Fold(a), ":"); v != vendor && !strings.Contains(v, "*") {
			continue
		}
		_, name, ok := strings.Cut(policy.Fold(a), ":")
		if !ok || slices.ContainsFunc(k.of, func(action string) bool { return matches(name, policy.Fold(action)) }) {
			return false
		}
	}
	return true
}

// nulled reports whether a statement demands that a key be there.
func nulled(s *policy.Passage, key string) bool {
	return slices.ContainsFunc(s.Tests, func(t policy.Test) bool {
		return t.Base == "null" && policy.Fold(t.Key) == policy.Fold(key) && slices.Equal(t.Values, []string{"false"})
	})
}

// always are keys that every request has that is judged, folded.
var always = []string{
	"aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:requestedregion", "aws:principalarn", "aws:principalaccount", "aws:principaltype",
	"aws:userid", "aws:viaawsservice", "aws:principalisawsservice", "aws:resourceaccount", "kms:calleraccount", "aws:useragent",
}

func sometimes(key string) bool { return !slices.Contains(always, policy.Fold(key)) }

// families are the types that operators compare, by the beginning of their names.
var families = []struct{ prefix, kind string }{
	{"numeric", "number"}, {"date", "date"}, {"bool", "bool"}, {"ipaddress", "ip"}, {"notipaddress", "ip"}, {"arn", "arn"}, {"binary", "binary"},
}

// values checks the values of a test against the type of its key.
func (l *linter) values(t *policy.Test, k *condKey) {
	if len(t.Values) == 0 && !t.Negated && !t.All {
		l.find("no-values", t.At, "%s of %s has no values.", t.Operator, t.Key)
		return
	}
	family := "string"
	for _, f := range families {
		if strings.HasPrefix(t.Base, f.prefix) {
			family = f.kind
		}
	}
	if _, typed := keys[policy.Fold(t.Key)]; typed && !suits(family, k.kind) {
		l.find("wrong-operator", t.At, "%s does not compare the values that %s has.", t.Operator, t.Key)
	}
	if family != "string" || strings.Contains(t.Base, "like") {
		return
	}
	for i, v := range t.Values {
		if strings.ContainsAny(strings.NewReplacer("${*}", "", "${?}", "").Replace(v), "*?") {
			l.find("literal-wildcard", t.Places[i], "%s compares %q as it is.", t.Operator, v)
		}
	}
}

// suits reports whether operators of a family compare values of a kind. As text
// everything can be compared but addresses and dates, which have several forms;
// AWS compares dates as numbers, too.
func suits(family, kind string) bool {
	switch {
	case family == kind, family == "string" && kind == "":
		return true
	case family == "string":
		return kind != "ip" && kind != "date"
	case family == "number":
		return kind == "date"
	case family == "date":
		return kind == "number"
	}
	return false
}
