package policy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"claviger/internal/ground/policy"
)

// FuzzCompile gives the parser any bytes: it must not panic, must refuse what
// isn't JSON, and what it accepts must decide and mean the same when written
// anew.
func FuzzCompile(f *testing.F) {
	file, err := os.ReadFile("testdata/grammar.txt")
	if err != nil {
		f.Fatal(err)
	}
	for i, section := range strings.Split("\n"+string(file), "\n=== ")[1:] {
		_, rest, _ := strings.Cut(section, "\n")
		_, document, _ := strings.Cut(rest, "\n")
		f.Add(uint8(i), []byte(document))
	}
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		k := policy.Kind(kind % 6)
		p, err := policy.Compile(k, "fuzzed", text, nil)
		if err != nil {
			var malformed *policy.Malformed
			if p != nil || !errors.As(err, &malformed) || malformed.Message == "" {
				t.Fatalf("%v, %v", p, err)
			}
			return
		}
		if !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("%q was accepted", text)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		again, err := policy.Compile(k, "fuzzed", compact.Bytes(), nil)
		if err != nil {
			t.Fatalf("compacted: %v", err)
		}
		for _, c := range []*policy.Caller{user(), session(), federated(), root(), service()} {
			in := fuzzedInput(k, p, c)
			v := policy.Decide(in)
			if w := policy.Decide(fuzzedInput(k, again, c)); w != v {
				t.Fatalf("%+v, compacted %+v", v, w)
			}
			policy.Explain(in)
		}
		if renamed := policy.RenamePrincipals(text, map[string]string{}); !bytes.Equal(renamed, text) {
			t.Fatalf("renaming nobody made %q of %q", renamed, text)
		}
	})
}

// fuzzedInput puts p where its kind belongs.
func fuzzedInput(k policy.Kind, p *policy.Policy, c *policy.Caller) *policy.Input {
	in := &policy.Input{
		Request:         policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: c, Context: &typicalFacts{}},
		ResourceAccount: home,
	}
	switch one := []*policy.Policy{p}; k {
	case policy.Identity:
		in.Identity, in.Boundary, in.Session = one, one, one
	case policy.ServiceControl:
		in.Service = [][]*policy.Policy{one}
	case policy.ResourceControl:
		in.Control = [][]*policy.Policy{one}
	default:
		in.ResourcePolicy = p
	}
	return in
}

// naive is the plainest matcher there is.
func naive(pattern, s []rune) bool {
	if len(pattern) == 0 {
		return len(s) == 0
	}
	if pattern[0] == '*' {
		return naive(pattern[1:], s) || len(s) > 0 && naive(pattern, s[1:])
	}
	return len(s) > 0 && (pattern[0] == '?' || pattern[0] == s[0]) && naive(pattern[1:], s[1:])
}

// naiveARN compares the six parts one by one.
func naiveARN(pattern, s string) bool {
	p, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(p) != 6 || len(parts) != 6 || parts[0] != "arn" {
		return false
	}
	for i := range p {
		if !naive([]rune(p[i]), []rune(parts[i])) {
			return false
		}
	}
	return true
}

func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"a*b?c", "axxbyc"}, {"*a*a*a*b", "aaaaaaaaaaaa"}, {"*??", "€"}, {"*:*:*", "a:b:c"}, {"**?*", "é"}, {"a*", "a\n"}, {"", ""},
		{"arn:aws:*:*::b*", "arn:aws:s3:eu::bucket:x"}, {"arn:*:?:*:*a:b", "arn:aws:x:y:za:b"}, {"*rn:*:*:*:*:*", "arn:a:b:c:d:e:f"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 40 || len(s) > 60 || !utf8.ValidString(pattern) || !utf8.ValidString(s) || strings.Contains(pattern, "${") {
			return
		}
		quoted := mustJSON(t, pattern)
		want := naive([]rune(pattern), []rune(s))
		if got := met(t, "2012-10-17", `{"StringLike":{"k":`+quoted+`}}`, facts{"k": one(s)}); got != want {
			t.Errorf("StringLike %q of %q: %v, want %v", pattern, s, got, want)
		}
		if strings.Count(pattern, ":") < 5 {
			return
		}
		want = naiveARN(pattern, s)
		if got := met(t, "2012-10-17", `{"ArnLike":{"k":`+quoted+`}}`, facts{"k": one(s)}); got != want {
			t.Errorf("ArnLike %q of %q: %v, want %v", pattern, s, got, want)
		}
	})
}

func mustJSON(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// expand writes the value of variables into s, as a plain reading of the rules
// has it. It reports false for what isn't well-formed or has no value.
func expand(s string, f facts) (text string, ok, formed bool) {
	ok = true
	for s != "" {
		body, found := strings.CutPrefix(s, "${")
		if !found {
			text, s = text+s[:1], s[1:]
			continue
		}
		if len(body) > 1 && strings.Contains("*?$", body[:1]) && body[1] == '}' {
			text, s = text+body[:1], body[2:]
			continue
		}
		end := strings.IndexAny(body, ",}")
		if end <= 0 {
			return "", false, false
		}
		key := body[:end]
		if strings.TrimSpace(key) != key || strings.ContainsAny(key, "${'*?") {
			return "", false, false
		}
		v := f[strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}, key)]
		s = body[end+1:]
		fallback, has := "", body[end] == ','
		if has {
			inner, found := strings.CutPrefix(s, " '")
			if !found {
				return "", false, false
			}
			if fallback, s, found = strings.Cut(inner, "'}"); !found {
				return "", false, false
			}
		}
		switch {
		case v.Multi && len(v.Many) > 0:
			ok = false
		case v.Present && !v.Multi && v.One != "":
			text += v.One
		case has:
			text += fallback
		default:
			ok = false
		}
	}
	return text, ok, true
}

func FuzzVariables(f *testing.F) {
	for _, seed := range [][2]string{
		{"${v}", "x*"}, {"a${V}b", "axb"}, {"${none, 'd'}", "d"}, {"${none}", ""}, {"${*}${?}${$}", "*?$"}, {"${v", ""}, {"${ v}", ""},
		{"${v,'d'}", ""}, {"${many, 'd'}", "d"}, {"${empty, 'it''s'}", "it''s"}, {"$${v}", "$x*"}, {"${${v}}", ""}, {"${v}}", "x*}"}, {"${v, '}'}", "x*"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 200 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		values := facts{"v": one("x*"), "many": many("m"), "empty": one(""), "k": one(s)}
		text, ok, formed := expand(pattern, values)
		document := modern(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":` + mustJSON(t, pattern) + `}}}`)
		p, err := policy.Compile(policy.Identity, "", []byte(document), nil)
		if (err == nil) != formed {
			t.Fatalf("%q: %v, well-formed: %v", pattern, err, formed)
		}
		if err != nil {
			return
		}
		got := policy.Decide(&policy.Input{
			Request:         policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: user(), Context: values},
			ResourceAccount: home,
			Identity:        []*policy.Policy{p},
		}).Allowed
		if want := ok && text == s; got != want {
			t.Errorf("%q of %q: %v, want %v", pattern, s, got, want)
		}
	})
}

// FuzzValues gives typed operators any value of a request. Whatever it is, an
// operator and its negation disagree.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"1", "-1.50e-3", "2026-07-01T12:00:00Z", "10.0.0.1", "::ffff:10.0.0.1%eth0", "arn:aws:s3:::x", "", "9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values := facts{"k": one(s)}
		for operator, pair := range map[string][2]string{
			"NumericEquals": {"NumericNotEquals", "1"},
			"DateEquals":    {"DateNotEquals", "2026-07-01"},
			"IpAddress":     {"NotIpAddress", "10.0.0.0/8"},
			"ArnLike":       {"ArnNotLike", "arn:aws:s3:::*"},
		} {
			is := met(t, "2012-10-17", `{"`+operator+`":{"k":"`+pair[1]+`"}}`, values)
			not := met(t, "2012-10-17", `{"`+pair[0]+`":{"k":"`+pair[1]+`"}}`, values)
			if is == not {
				t.Errorf("%s of %q: %v, %s: %v", operator, s, is, pair[0], not)
			}
		}
		for _, family := range []string{"Numeric", "Date"} {
			less := met(t, "2012-10-17", `{"`+family+`LessThan":{"k":"1"}}`, values)
			same := met(t, "2012-10-17", `{"`+family+`Equals":{"k":"1"}}`, values)
			more := met(t, "2012-10-17", `{"`+family+`GreaterThan":{"k":"1"}}`, values)
			if less && same || less && more || same && more {
				t.Errorf("%s %q: less %v, equal %v, greater %v", family, s, less, same, more)
			}
		}
	})
}
