// Package principal says who makes a call.
package principal

import "time"

// Kind tells the kinds of principals apart.
type Kind uint8

// The kinds of principals.
const (
	Unknown       Kind = iota
	Root               // the root user of an account
	User               // an IAM user with long-term credentials
	RoleSession        // temporary credentials of a role
	FederatedUser      // temporary credentials of GetFederationToken
	Service            // a service acting in its own name
	Operator           // the operator of this server, over the admin socket; never over the network
	KeyStore           // another key management service, with the credential of an external key store of ours
)

// A Principal is the authenticated author of a call. It is immutable once made.
type Principal struct {
	Kind      Kind
	Partition string
	Account   string // twelve digits; empty for a Service, for the Operator and for a KeyStore
	ARN       string // the caller's own ARN: user, session or root ARN; the name of a Service or KeyStore, which have none
	ID        string // unique id: AIDA…, AROA…:session, or the account id of a root user
	Name      string // user name, or name of a service such as "rds.amazonaws.com"; empty for others

	// IssuerARN, IssuerID and IssuerName name the role or user behind a session:
	// the ARN with its path, the unique id without the session name, and the
	// plain name. A role that exists by convention only has no unique id of the
	// usual form.
	IssuerARN  string
	IssuerID   string
	IssuerName string

	AccessKeyID string

	// Of temporary credentials: when the session began, whether with a second
	// factor, and the source identity that came with it. Since is zero for
	// long-term credentials.
	Since          time.Time
	MFA            bool
	SourceIdentity string

	// AssumedRoot says that the organization of a root user's account acts as it.
	AssumedRoot bool

	// InvokedBy is the service that made the call for the principal, with
	// credentials of forward access; empty where it called itself.
	InvokedBy string
}

// Temporary reports whether p called with temporary credentials.
func (p *Principal) Temporary() bool { return !p.Since.IsZero() }

// PrincipalARN is the value of aws:PrincipalArn: the role's ARN for a session
// of a role, the caller's own ARN otherwise. A service has none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (p *Principal) PrincipalARN() string {
	switch p.Kind {
	case RoleSession:
		return p.IssuerARN
	case Service:
		return ""
	}
	return p.ARN
}
