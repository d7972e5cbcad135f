// Package reveal is the permission to read confidential bytes.
//
// Importing it is the permission: the list of its importers is kept by the
// floors test and is what an auditor asks for first.
package reveal

// Token must be presented to read a confidential value.
type Token struct{}
