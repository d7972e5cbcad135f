package policies

import (
	"slices"
	"strings"

	"claviger/internal/ground/lint"
	"claviger/internal/ground/policy"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
)

// trustRule is how the trust policy of a role counts.
const trustRule = policy.ExplicitTrust

// tags answer for the tags of a role.
type tags pairs.Map

// Lookup implements policy.Context.
func (t tags) Lookup(k *policy.Key) policy.Values {
	for _, prefix := range []string{"aws:resourcetag/", "iam:resourcetag/"} {
		if name, ok := strings.CutPrefix(k.Name, prefix); ok {
			return policy.Named(pairs.Map(t), name)
		}
	}
	return policy.Values{}
}

// What is known of a request that nobody makes.
type given struct {
	values     map[string]policy.Values // by folded name
	encryption pairs.Map
	source     string // aws:SourceArn

	// unknown is what stands for the keys that depend on the request; the zero
	// Values where they are absent. blank extends that to those of the caller.
	unknown policy.Values
	blank   bool
}

// givenBy reads entries of the form KEY=VALUE. A key that stands several times has
// several values, and so has one that holds a list.
func givenBy(entries []string) (*given, error) {
	g := &given{values: make(map[string]policy.Values)}
	context := map[string]string{}
	for _, entry := range entries {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || !strings.Contains(name, ":") {
			return nil, fault.New(fault.Validation, "%q is not of the form KEY=VALUE, with the name of a condition key.", entry)
		}
		if pair, ok := cutFold(name, "kms:EncryptionContext:"); ok {
			context[pair] = value
		}
		folded := policy.Fold(name)
		held, again := g.values[folded]
		switch {
		case again && held.Multi:
			held.Many = append(held.Many, value)
		case again:
			held = policy.Texts([]string{held.One, value})
		case lint.MultiValued(name):
			held = policy.Texts([]string{value})
		default:
			held = policy.Values{Present: true, One: value}
		}
		g.values[folded] = held
	}
	g.encryption = pairs.Of(context)
	g.source = g.values["aws:sourcearn"].One
	if len(context) > 0 {
		g.values["kms:encryptioncontextkeys"] = policy.Texts(g.encryption.Keys())
	}
	return g, nil
}

// cutFold cuts a prefix without regard to case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// Lookup implements policy.Context.
func (g *given) Lookup(k *policy.Key) policy.Values {
	if v, ok := g.values[k.Name]; ok {
		return v
	}
	if g.blank || !settled(k.Name) {
		return g.unknown
	}
	return policy.Values{}
}

// settled reports whether a key speaks of the caller or of the resource, and so
// has the same value in every request. Names are folded.
func settled(name string) bool {
	switch {
	case strings.HasPrefix(name, "aws:principal"), strings.HasPrefix(name, "aws:resource"), strings.HasPrefix(name, "iam:resourcetag/"):
		return true
	}
	return slices.Contains([]string{
		"aws:userid", "aws:username", "aws:requestedregion", "kms:calleraccount", "kms:keyspec", "kms:keyusage", "kms:keyorigin",
		"kms:customermasterkeyspec", "kms:customermasterkeyusage", "kms:multiregion", "kms:multiregionkeytype", "kms:resourcealiases",
	}, name)
}
