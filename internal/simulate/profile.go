// Package simulate plays services of AWS against a server, so that an operator
// sees what his key policies let them do.
//
// A profile is the script of one service: the exact calls that it makes for its
// user, in its own name and under grants, each with the outcome that it must
// have. What a policy should allow and does not, or refuses and does not, shows
// as a step whose outcome differs.
package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Outcome is how a call ends: OK, Deny, or the code of another error.
type Outcome string

// Outcomes of every service.
const (
	OK   Outcome = "OK"
	Deny Outcome = "DENY" // AccessDenied or AccessDeniedException
)

// A Profile is the script of one service.
type Profile struct {
	Name     string    // by which operators call it, such as "rds"
	Title    string    // what it plays
	Services []Service // that must be registered

	cast   cast
	script script
}

// A Service is a service principal, as the operator registers it.
type Service struct {
	Name             string
	SigningName      string
	Actions          []string
	GrantsBeyondUser bool
	Infrastructure   bool
}

// Options choose among the variants of a profile.
type Options struct {
	// Full lets Voice ID re-encrypt everything when a domain changes its key, as
	// its newer description has it. Otherwise what was there before stays under
	// the old key.
	Full bool
}

// Names lists the profiles.
func Names() []string { return []string{"rds", "forecast", "voiceid"} }

// Named returns a profile. The error says which ones there are.
func Named(name string, o Options) (*Profile, error) {
	switch name {
	case "rds":
		return rds(), nil
	case "forecast":
		return forecast(), nil
	case "voiceid":
		return voiceID(o.Full), nil
	}
	return nil, fmt.Errorf("there is no profile %q: the profiles are %s", name, strings.Join(Names(), ", "))
}

// params are the members of a request. Values of type ref and pairs are completed
// when the call is made.
type params map[string]any

// A ref is a value that is known once the stage is set, and how a reader calls it.
type ref struct {
	text string
	find func(*stage) (string, error)
}

func (s *stage) resolve(v any) (any, error) {
	switch v := v.(type) {
	case ref:
		return v.find(s)
	case params:
		out := make(map[string]any, len(v))
		for name, member := range v {
			found, err := s.resolve(member)
			if err != nil {
				return nil, err
			}
			out[name] = found
		}
		return out, nil
	case pairs:
		out := make(pairs, len(v))
		for name, value := range v {
			out[name] = s.fill(value)
		}
		return out, nil
	}
	return v, nil
}

// kept is a member of an earlier answer.
func kept(name string) ref {
	return ref{name, func(s *stage) (string, error) {
		v, ok := s.kept[name].(string)
		if !ok {
			return "", &missing{name}
		}
		return v, nil
	}}
}

// missing says that a step needs what the step that should have left it has not.
type missing struct{ name string }

func (m *missing) Error() string { return "there is no " + m.name + " to do it with" }

// pairs are an encryption context, or what a constraint asks of one. ${account}
// and ${region} in a value stand for those of the run.
type pairs map[string]string

func (p pairs) String() string {
	list := make([]string, 0, len(p))
	for _, name := range slices.Sorted(maps.Keys(p)) {
		list = append(list, name+"="+p[name])
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// and returns the pairs of p and those of more.
func (p pairs) and(more pairs) pairs {
	out := maps.Clone(p)
	maps.Copy(out, more)
	return out
}
