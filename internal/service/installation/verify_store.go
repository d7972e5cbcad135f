package installation

import "claviger/internal/kernel/operation"

// verifyStore asks for everything in the store to be verified.
func verifyStore() operation.Operation {
	return operation.Use[Nothing, operation.None, struct{}, *Nothing]{
		Name:    "VerifyStore",
		Actions: []string{"claviger:VerifyStore"},
		Asks:    asks("claviger:VerifyStore"),
		Run:     answer,
	}.Operation()
}
