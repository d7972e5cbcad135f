// Package principal says who makes a call.
package principal

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
)

// A Principal is the authenticated author of a call. It is immutable once made.
type Principal struct {
	Kind      Kind
	Partition string
	Account   string // twelve digits; empty for a Service and for the Operator
	ARN       string // the caller's own ARN: user, session or root ARN
	ID        string // unique id: AIDA…, AROA…:session, or the account id of a root user
	Name      string // user name; empty for others

	// IssuerARN and IssuerID name the role or user behind a session: the ARN
	// with its path, and the unique id without the session name.
	IssuerARN string
	IssuerID  string

	AccessKeyID string
}

// PrincipalARN is the value of aws:PrincipalArn: the role's ARN for a session
// of a role, the caller's own ARN otherwise.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (p *Principal) PrincipalARN() string {
	if p.Kind == RoleSession {
		return p.IssuerARN
	}
	return p.ARN
}
