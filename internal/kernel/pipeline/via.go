package pipeline

import (
	"slices"
	"strings"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
)

// forwarded refuses what a service may not call for its users: everything that
// the operator did not register for it, and what needs no such action at all.
func (w *walk) forwarded(asks []authz.Ask) error {
	via := w.call.Caller.Via
	refusal := func(action string) error {
		return fault.New(fault.AccessDenied, "User: %s is not authorized to perform: %s because %s may not call it for its users",
			w.call.Caller.Principal.ARN, action, via.Name)
	}
	registered := false
	for i := range asks {
		if asks[i].OfUser {
			continue
		}
		if !forwards(via, asks[i].Action) {
			return refusal(asks[i].Action)
		}
		registered = true
	}
	if !registered {
		return refusal(w.r.Entrance.Operation.Name)
	}
	return nil
}

// neverForwarded are the services that nobody calls for a user, whatever is
// registered: they would make of a few minutes as long as one likes.
var neverForwarded = []string{"iam:", "sts:", "organizations:"}

// forwards reports whether a service may call an action for its users.
func forwards(via *authz.Via, action string) bool {
	return !slices.ContainsFunc(neverForwarded, func(prefix string) bool { return strings.HasPrefix(action, prefix) }) &&
		slices.ContainsFunc(via.Actions, func(registered string) bool { return strings.EqualFold(registered, action) })
}
