// Package installation is the operator's view of the whole of a server: its
// store is described and verified, and copied with the trail to a backup.
//
// These operations are reached over the admin socket only. What they answer is
// a stream or a report, which the socket gives; here is who may ask.
package installation

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// OperatorOperations lists what only the operator may call.
func OperatorOperations() []operation.Operation {
	return []operation.Operation{
		createBackup(),
		describeStore(),
		verifyStore(),
	}
}

// Nothing is what an operation takes that has no parameters.
type Nothing struct{}

// Validate finds nothing to refuse.
func (*Nothing) Validate(*check.Checks) {}

// asks is the one permission of an operation.
func asks(action string) func(*operation.Call, *Nothing, struct{}, []authz.Ask) []authz.Ask {
	return func(_ *operation.Call, _ *Nothing, _ struct{}, asks []authz.Ask) []authz.Ask {
		return append(asks, authz.Ask{Action: action, Resource: "*"})
	}
}

// answer is the output of all of them: what follows is not theirs.
func answer(*operation.Call, *Nothing, struct{}) (*operation.None, error) {
	return &operation.None{}, nil
}
