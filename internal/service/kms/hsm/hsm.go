// Package hsm has CloudHSM key stores made on tokens of PKCS #11 modules, such as
// a hardware security module or SoftHSM.
//
// It needs cgo, which no other part of the server does: only a build with the
// tag pkcs11 has it. In all others Open refuses every cluster.
// https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/pkcs11-spec-v3.1.html
package hsm

// A Cluster says which token stands for a CloudHSM cluster.
type Cluster struct {
	ID          string // as CreateCustomKeyStore names it
	Module      string // path of the module's shared library
	Token       string // label of the token
	TrustAnchor string // certificate in PEM that CreateCustomKeyStore must present
}
