// Package session is what a session token says: temporary credentials without a
// row in the store.
//
// A token is sealed under a secret of the installation and bound to its access
// key id. It says who called for the credentials and within which limits they
// hold; what that principal may do is read anew at each use, so that a session
// ends with its role, its user or its service. The secret access key is derived
// from the access key id, and stands nowhere.
package session

import (
	"time"

	"claviger/internal/words/pairs"
)

// Kind says who a session acts as.
type Kind uint8

// The kinds of sessions.
const (
	Role    Kind = 1 // a role: AssumeRole
	User    Kind = 2 // the user or root user who asked: GetSessionToken
	Forward Kind = 3 // another caller, through a service: forward access

	// Federated acts for the user or root user who asked, under a name of its own:
	// GetFederationToken.
	Federated Kind = 4

	// AssumedRoot is the root user of a member account, as its organization acts
	// within one task: AssumeRoot.
	AssumedRoot Kind = 5
)

// A Session is the content of a token. Unset members don't apply.
type Session struct {
	Kind    Kind      `json:"k"`
	Account string    `json:"a"`
	Issued  time.Time `json:"i"` // whole seconds
	Expires time.Time `json:"e"` // whole seconds

	// Position is that of the store when the session began. It is 0 in tokens from
	// before they told it.
	Position uint64 `json:"h,omitempty"`

	// ID is the unique id of the role or user; the account's id for a root user.
	// A role that exists by convention only is named by Role.
	ID   string `json:"p,omitempty"`
	Name string `json:"n,omitempty"` // session name of a role, or name of a federated user
	Role string `json:"r,omitempty"` // name of a role without an id, such as aws:ec2-infrastructure

	// IssuedTo is the service that assumed the role, also by one role after another,
	// or that acts with forward access.
	IssuedTo string `json:"s,omitempty"`

	// IssuedWith is the access key of whoever asked for a User or Federated session
	// or for one that is IssuedTo a service: the session ends with it. A service that
	// is registered anew has another key, so that its old sessions stay ended.
	IssuedWith string `json:"w,omitempty"`

	// Organization is that of an AssumedRoot session.
	Organization string `json:"z,omitempty"`

	// ARN is that of the role or user that ID names, with its path, as the session
	// began. It decides nothing: the records of calls that come too late show it.
	ARN string `json:"b,omitempty"`

	// Policies are session policies, which limit; nil where there are none.
	Policies []string `json:"l,omitempty"`

	// Managed are the unique ids of managed policies that are session policies, too.
	// What they say is read anew at each use.
	Managed []string `json:"q,omitempty"`

	Tags           pairs.Map `json:"t,omitempty"` // session tags
	Transitive     []string  `json:"u,omitempty"` // keys of tags that go on into the next role
	SourceIdentity string    `json:"d,omitempty"`
	MFA            bool      `json:"m,omitempty"`

	// Of forward access: the credentials that signed the user's request, the
	// Region it went to, and its address and user agent as the service told them.
	AccessKeyID string `json:"f,omitempty"`
	Token       string `json:"o,omitempty"`
	Region      string `json:"g,omitempty"`
	Address     string `json:"x,omitempty"`
	UserAgent   string `json:"y,omitempty"`
}
