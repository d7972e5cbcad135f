package simulate

import (
	"fmt"
	"slices"
	"strings"
)

// A Step is one call of a profile.
type Step struct {
	Scene string  // what begins with it; empty where the scene before goes on
	Actor string  // who calls
	Call  string  // the operation and what matters of its input
	Want  Outcome // how it must end
	Why   string  // it must end so; empty where that needs no words

	actor     actor
	operation string
	in        params
	keep      map[string]string // names under which members of the answer are kept
	check     func(*stage, map[string]any) error
	alters    bool // it changes the key, so it is for keys of the run's own
}

// A script collects steps.
type script struct {
	steps []*Step
	scene string // that the next step begins
}

// begin begins a scene.
func (s *script) begin(scene string) { s.scene = scene }

// does adds a step.
func (s *script) does(a actor, operation string, in params, want Outcome) *Step {
	step := &Step{
		Scene: s.scene, Actor: a.String(), Call: describe(operation, in), Want: want,
		actor: a, operation: operation, in: in, keep: make(map[string]string),
	}
	s.scene = ""
	s.steps = append(s.steps, step)
	return step
}

// keeps keeps a member of the answer under a name.
func (step *Step) keeps(member, name string) *Step {
	step.keep[member] = name
	step.Call += " → " + name
	return step
}

// because says why the step must end as it must.
func (step *Step) because(why string) *Step {
	step.Why = why
	return step
}

// onOwnKey says that the step changes the key.
func (step *Step) onOwnKey() *Step {
	step.alters = true
	return step
}

// finds demands that exactly these of the run's grants are live on the key, as far
// as they were made.
func (step *Step) finds(names ...string) *Step {
	step.Call += ": " + list(names)
	step.check = func(s *stage, answer map[string]any) error {
		want := make([]string, 0, len(names))
		for _, name := range names {
			if id, made := s.kept[name].(string); made {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		if got := s.live(answer); !slices.Equal(got, want) {
			return fmt.Errorf("the run's grants on the key are %q, want %q", got, want)
		}
		return nil
	}
	return step
}

func list(names []string) string {
	if len(names) == 0 {
		return "none of this run"
	}
	return strings.Join(names, ", ")
}

// firstKey and secondKey are the keys of a profile.
var (
	firstKey  = keyNumber(0)
	secondKey = keyNumber(1)
)

func keyNumber(n int) ref {
	return ref{fmt.Sprintf("key %d", n+1), func(s *stage) (string, error) {
		if n >= len(s.keys) {
			return "", fmt.Errorf("there is no key %d", n+1)
		}
		return s.keys[n], nil
	}}
}

// A grant is what CreateGrant is asked for.
type grant struct {
	to, retirer    ref
	operations     []string
	subset, equals pairs
}

func (g grant) on(key ref) params {
	in := params{"KeyId": key, "GranteePrincipal": g.to, "Operations": g.operations}
	if g.retirer.find != nil {
		in["RetiringPrincipal"] = g.retirer
	}
	switch {
	case g.subset != nil:
		in["Constraints"] = params{"EncryptionContextSubset": g.subset}
	case g.equals != nil:
		in["Constraints"] = params{"EncryptionContextEquals": g.equals}
	}
	return in
}

// under adds an encryption context to the parameters of a call.
func (in params) under(p pairs) params {
	in["EncryptionContext"] = p
	return in
}

// describe says what a call is about, in the words of its input.
func describe(operation string, in params) string {
	words := []string{operation}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if key, ok := in["KeyId"].(ref); ok && key.text != firstKey.text {
		add("(%s)", key.text)
	}
	if b, ok := in["CiphertextBlob"].(ref); ok {
		add("%s", b.text)
	}
	if g, ok := in["GrantId"].(ref); ok {
		add("%s", g.text)
	}
	if to, ok := in["GranteePrincipal"].(ref); ok {
		add("to %s", to.text)
	}
	if operations, ok := in["Operations"].([]string); ok {
		add("[%s]", strings.Join(operations, ", "))
	}
	if constraints, ok := in["Constraints"].(params); ok {
		for name, p := range constraints { // one
			add("%s %s", strings.TrimPrefix(name, "EncryptionContext"), p)
		}
	}
	if c, ok := in["EncryptionContext"].(pairs); ok {
		add("with %s", c)
	}
	if c, ok := in["SourceEncryptionContext"].(pairs); ok {
		add("from %s", c)
	}
	if c, ok := in["DestinationEncryptionContext"].(pairs); ok {
		add("to %s", c)
	}
	if in["DryRun"] == true {
		add("as a dry run")
	}
	return strings.Join(words, " ")
}
