package policy

// Gate names the kind of policy that decided.
type Gate uint8

// The gates, as AWS names them in its refusals.
const (
	ByNothing Gate = iota
	ByIdentity
	ByResource
	ByBoundary
	BySession
	ByServiceControl
	ByResourceControl
	ByGrant
)

// A Verdict is the answer, with what decided it. A root user may be allowed by
// ByNothing: within its own account it needs no policy. Refused by ByNothing is
// who has no account, and a decision that took too many steps.
type Verdict struct {
	Allowed   bool
	Explicit  bool   // refused by an explicit Deny
	Gate      Gate   // what allowed or refused
	Policy    string // name of the deciding document, "" where none did
	Statement int    // index of the deciding statement, -1 where none did
	Sid       string
}

// decided is the verdict of a statement.
func decided(gate Gate, p *Policy, s *statement) Verdict {
	return Verdict{
		Allowed:   !s.deny,
		Explicit:  s.deny,
		Gate:      gate,
		Policy:    p.name,
		Statement: s.index,
		Sid:       s.sid,
	}
}

// allowed is a verdict that rests on no statement.
func allowed(gate Gate) Verdict { return Verdict{Allowed: true, Gate: gate, Statement: -1} }

// refused is the verdict of a gate none of whose statements allows.
func refused(gate Gate) Verdict { return Verdict{Gate: gate, Statement: -1} }

// nouns are what AWS calls the policies of a gate.
var nouns = [...]string{
	ByNothing:         "identity-based policy",
	ByIdentity:        "identity-based policy",
	ByResource:        "resource-based policy",
	ByBoundary:        "permissions boundary",
	BySession:         "session policy",
	ByServiceControl:  "service control policy",
	ByResourceControl: "resource control policy",
	ByGrant:           "resource-based policy",
}

// Reason is the tail of AWS's refusal: "because no identity-based policy allows
// the kms:Encrypt action" or "with an explicit deny in a resource-based policy".
// A policy of an organization that denies is named, where the verdict has its
// name. It is empty for a verdict that allows.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (v Verdict) Reason(action string) string {
	switch {
	case v.Allowed:
		return ""
	case !v.Explicit:
		return "because no " + nouns[v.Gate] + " allows the " + action + " action"
	case v.Gate == ByIdentity:
		return "with an explicit deny in an " + nouns[v.Gate]
	case v.Policy != "" && (v.Gate == ByServiceControl || v.Gate == ByResourceControl):
		return "with an explicit deny in a " + nouns[v.Gate] + ": " + v.Policy
	}
	return "with an explicit deny in a " + nouns[v.Gate]
}
