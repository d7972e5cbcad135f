package installation

import "claviger/internal/kernel/operation"

// createBackup asks for a copy of store and trail.
func createBackup() operation.Operation {
	return operation.Use[Nothing, operation.None, struct{}, *Nothing]{
		Name:    "CreateBackup",
		Actions: []string{"claviger:CreateBackup"},
		Asks:    asks("claviger:CreateBackup"),
		Run:     answer,
	}.Operation()
}
