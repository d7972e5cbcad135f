// Package rootkey is the operator's view of the root key: who asked about it, who
// replaced it, who took it apart.
//
// These operations are reached over the admin socket only. They leave the record
// and change nothing: a root key is not in the store, so that what is done with
// it is done by whoever asked, once the call is recorded.
package rootkey

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
)

// OperatorOperations lists what only the operator may call.
func OperatorOperations() []operation.Operation {
	return []operation.Operation{
		describeRootKey(),
		rotateRootKey(),
		splitRootKey(),
	}
}

// ask is the one permission of an operation of the operator's.
func ask(asks []authz.Ask, action string) []authz.Ask {
	return append(asks, authz.Ask{Action: action, Resource: "*"})
}
