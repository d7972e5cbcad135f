package simulate

import "strings"

// Steps are the calls of a profile in their order.
func (p *Profile) Steps() []*Step { return p.script.steps }

// Unmade tells what a step uses that none before it has kept.
func (p *Profile) Unmade() []string {
	var found []string
	made := make(map[string]bool)
	for _, step := range p.script.steps {
		for _, member := range []string{"CiphertextBlob", "GrantId"} {
			if r, ok := step.in[member].(ref); ok && !made[r.text] {
				found = append(found, step.Call+" uses "+r.text)
			}
		}
		for _, name := range step.keep {
			made[name] = true
		}
	}
	return found
}

// Unregistered tells which services act in a profile that it does not list.
func (p *Profile) Unregistered() []string {
	listed := make(map[principal]bool)
	for _, s := range p.Services {
		listed[principal(s.Name)] = true
	}
	var found []string
	for _, step := range p.script.steps {
		for a := step.actor; a != nil; {
			var by principal
			switch actor := a.(type) {
			case principal:
				by, a = actor, nil
			case session:
				by, a = actor.by, nil
			case through:
				by, a = actor.by, actor.actor
			default:
				a = nil
				continue
			}
			if !listed[by] {
				found = append(found, step.Call+" is by "+string(by))
			}
		}
	}
	return found
}

// Uncast tells which users and roles the policies of the keys name that nobody makes.
func (p *Profile) Uncast() []string {
	var found []string
	for _, statement := range p.cast.keys {
		for _, kind := range []string{"user", "role"} {
			for _, part := range strings.Split(statement, "${"+kind+":")[1:] {
				name, _, _ := strings.Cut(part, "}")
				_, user := p.cast.users[name]
				_, role := p.cast.roles[name]
				if kind == "user" && !user || kind == "role" && !role {
					found = append(found, name)
				}
			}
		}
	}
	return found
}

// Answered reads a refusal as the answer to a step.
func Answered(status int, body []byte) (Outcome, string) { return outcome(refusal(status, body)) }
