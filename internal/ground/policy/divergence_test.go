package policy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
)

// A divergence is a rule that AWS documents, or was observed to follow, and the
// simulator has otherwise. apply changes a trial so that our rules answer it as
// the simulator's do, and reports whether that changed anything.
type divergence struct {
	reason string
	apply  func(*trial) bool
}

var divergences = []divergence{
	{"variables are literal text before version 2012-10-17", (*trial).substituteAlways},
	{"a negated operator holds where a variable has no value", (*trial).failUnresolved},
	{"an Allow with NotResource does not apply, and a Deny does, where a variable has no value", (*trial).closeUnresolved},
	{"numbers may have an exponent", (*trial).cutExponents},
	{"0.0.0.0/0 is every address of version 4", (*trial).emptyNetworks},
	{"an address of version 6 is not the one of version 4 that NotIpAddress names", (*trial).failOtherVersion},
	{"${*} and ${?} are characters for every String operator", (*trial).keepEscapes},
	{"IfExists holds for an absent key behind ForAnyValue, too", (*trial).failAbsent},
	{"NotPrincipal must name the whole chain of the caller", (*trial).exemptPartly},
	{"a federated user has no permissions without a session policy", (*trial).openFederated},
}

const sessionsLimit = "a session policy does not limit what a resource policy allows to the session itself"

// explain answers tr by the simulator's rules, and says in which they differ
// from ours.
func (tr *trial) explain(t *testing.T) (answer string, reasons []string) {
	as := tr.copy()
	for _, d := range divergences {
		if d.apply(as) {
			reasons = append(reasons, d.reason)
		}
	}
	answer = as.decide(t)
	if answer == "Allowed" && as.Session != nil && !as.sessionAllows(t) {
		return "ImplicitlyDenied", append(reasons, sessionsLimit)
	}
	return answer, reasons
}

func (tr *trial) copy() *trial {
	text, err := json.Marshal(tr)
	if err != nil {
		panic(err)
	}
	var c trial
	if err := json.Unmarshal(text, &c); err != nil {
		panic(err)
	}
	return &c
}

// statements calls f for every statement and reports whether it was true for any.
func (tr *trial) statements(f func(*drawn, *drawnStatement) bool) bool {
	any := false
	tr.each(func(d *drawn) {
		for i := range d.Statement {
			any = f(d, &d.Statement[i]) || any
		}
	})
	return any
}

// disable makes a statement that never applies of s.
func (s *drawnStatement) disable() bool {
	s.Condition = map[string]map[string]any{"StringEquals": {"aws:NoSuchKey": "x"}}
	return true
}

func (tr *trial) substituteAlways() bool {
	any := false
	tr.each(func(d *drawn) {
		text, err := json.Marshal(d.Statement)
		if err != nil {
			panic(err)
		}
		if d.Version != "2012-10-17" && strings.Contains(string(text), "${") {
			d.Version, any = "2012-10-17", true
		}
	})
	return any
}

// unresolved reports whether text has a variable without a value.
func (tr *trial) unresolved(text string) bool {
	for _, name := range []string{"aws:username", "aws:PrincipalTag/Team", "aws:PrincipalTag/None"} {
		if _, ok := tr.Context[name].(string); !ok && strings.Contains(text, "${"+name+"}") {
			return true
		}
	}
	return false
}

func (tr *trial) failUnresolved() bool {
	return tr.conditions(func(operator, key string, values []string) bool {
		_, present := tr.value(key)
		return present && strings.Contains(operator, "Not") && slices.ContainsFunc(values, tr.unresolved)
	})
}

func (tr *trial) failAbsent() bool {
	return tr.conditions(func(operator, key string, values []string) bool {
		_, present := tr.value(key)
		return !present && strings.HasPrefix(operator, "ForAnyValue:") && strings.HasSuffix(operator, "IfExists")
	})
}

// conditions disables the statements with a condition that fails.
func (tr *trial) conditions(fails func(operator, key string, values []string) bool) bool {
	return tr.statements(func(_ *drawn, s *drawnStatement) bool {
		for operator, keys := range s.Condition {
			for key, values := range keys {
				if fails(operator, key, texts(values)) {
					return s.disable()
				}
			}
		}
		return false
	})
}

// value returns what the request has under a key, in any letter case.
func (tr *trial) value(key string) (any, bool) {
	for k, v := range tr.Context {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return nil, false
}

// texts are the strings of a value that was drawn, or written and read back.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		var list []string
		for _, s := range v {
			list = append(list, s.(string))
		}
		return list
	case map[string]any:
		return slices.Concat(slices.Collect(maps.Values(mappedTexts(v)))...)
	}
	return nil
}

func mappedTexts(m map[string]any) map[string][]string {
	out := map[string][]string{}
	for k, v := range m {
		out[k] = texts(v)
	}
	return out
}

// closeUnresolved disables a NotResource with a variable that would decide, and
// leaves one out that can't match.
func (tr *trial) closeUnresolved() bool {
	return tr.statements(func(_ *drawn, s *drawnStatement) bool {
		changed := false
		for i, text := range s.NotResource {
			if !tr.unresolved(text) {
				continue
			}
			if before, _, _ := strings.Cut(text, "${"); strings.HasPrefix(tr.Resource, before) {
				return s.disable()
			}
			s.NotResource[i], changed = "arn:aws:none:::none", true
		}
		return changed
	})
}

func (tr *trial) cutExponents() bool {
	return tr.replace(func(operator, v string) string {
		if strings.Contains(operator, "Numeric") {
			v, _, _ = strings.Cut(v, "e")
		}
		return v
	})
}

func (tr *trial) emptyNetworks() bool {
	return tr.replace(func(_, v string) string {
		if v == "0.0.0.0/0" {
			return "255.255.255.255"
		}
		return v
	})
}

func (tr *trial) failOtherVersion() bool {
	source, _ := tr.Context["aws:SourceIp"].(string)
	return strings.Contains(source, ":") && tr.conditions(func(operator, _ string, values []string) bool {
		return strings.Contains(operator, "NotIpAddress") && slices.Contains(values, "192.0.2.7")
	})
}

func (tr *trial) keepEscapes() bool {
	return tr.replace(func(operator, v string) string {
		if strings.Contains(operator, "Equals") && (strings.Contains(v, "${*}") || strings.Contains(v, "${?}")) {
			return "no such value"
		}
		return v
	})
}

// replace changes the values of conditions.
func (tr *trial) replace(value func(operator, v string) string) bool {
	return tr.statements(func(_ *drawn, s *drawnStatement) bool {
		changed := false
		for operator, keys := range s.Condition {
			for key, values := range keys {
				list := slices.Clone(texts(values))
				for i, v := range list {
					list[i] = value(operator, v)
					changed = changed || list[i] != v
				}
				keys[key] = list
			}
		}
		return changed
	})
}

// exemptPartly disables a NotPrincipal that names a part of the caller's chain.
func (tr *trial) exemptPartly() bool {
	c := trialCallers[tr.Principal]()
	chain := []string{home, rootARN, c.ARN, c.IssuerARN}
	return tr.Boundary == nil && c.Account != "" && tr.statements(func(_ *drawn, s *drawnStatement) bool {
		named := slices.ContainsFunc(texts(s.NotPrincipal), func(n string) bool { return slices.Contains(chain, n) })
		return named && s.disable()
	})
}

func (tr *trial) openFederated() bool {
	if tr.Principal != federatedARN || tr.Session != nil {
		return false
	}
	tr.Session = everything("")
	return true
}

// sessionAllows reports whether the session policy alone allows.
func (tr *trial) sessionAllows(t *testing.T) bool {
	in := tr.input(t)
	alone := policy.Input{Request: in.Request, ResourceAccount: in.Caller.Account, Identity: in.Session}
	if tr.Principal == federatedARN {
		alone.Session = in.Session
	}
	return policy.Decide(&alone).Allowed
}
