// Package organizations is the service of organizations: trees of accounts,
// with policies over them that limit what their principals may do and who may
// use their resources.
//
// It offers the operations of AWS Organizations for these, and it is where
// decisions learn under which policies an account stands: Place.
// https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html
package organizations

import (
	"context"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// EventSource is that of the service's records.
const EventSource = "organizations.amazonaws.com"

// Accounts are the accounts of the server, which the service of identities keeps.
type Accounts interface {
	// Membership returns what an organization may know of an account. The error
	// wraps store.ErrNotFound where there is no such account.
	Membership(ctx context.Context, r store.Reader, account string) (Membership, error)

	// Principal returns the unique id of the user or role that an ARN names, and
	// whether there is such a principal.
	Principal(ctx context.Context, r store.Reader, name string) (id string, exists bool, err error)

	// SetOrganization makes an account a member of an organization, or of none.
	SetOrganization(ctx context.Context, tx store.Txn, account, organization string) error

	// CreateMember makes an account with a role that the management account may
	// assume, and returns its id.
	CreateMember(ctx context.Context, tx store.Txn, m NewMember) (string, error)
}

// A Membership is what an organization may know of an account.
type Membership struct {
	Organization string // its id; empty where the account is in none
	Name, Email  string // empty where nobody told
}

// A NewMember is an account that an organization makes.
type NewMember struct {
	Membership
	Management string // account that may assume Role
	Role       string // name of the role with all permissions
	Created    time.Time
}

// Options of New. All are required.
type Options struct {
	Store    *store.Store // opened with Tables
	Keyring  *sealed.Keyring
	Accounts Accounts

	// Partition is that of the ARNs of policies.
	Partition string
}

// Service is the Organizations service. It is safe for concurrent use.
type Service struct {
	store     *store.Store
	tokens    *sealed.Secret
	accounts  Accounts
	partition string
	places    places
	compiled  compiled
}

// New returns the service over an open store.
func New(o Options) *Service {
	return &Service{store: o.Store, tokens: o.Keyring.Secret("organizations/token"), accounts: o.Accounts, partition: o.Partition}
}

// Tables lists the tables of the service, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{organizations, units, members, policies, creations, handshakes, resourcePolicies}
}

// Operations lists the API, in the order of the public reference.
func (s *Service) Operations() []operation.Operation {
	return []operation.Operation{
		s.acceptHandshake(),
		s.attachPolicy(),
		s.cancelHandshake(),
		s.closeAccount(),
		s.createAccount(),
		s.createOrganization(),
		s.createOrganizationalUnit(),
		s.createPolicy(),
		s.declineHandshake(),
		s.deleteOrganization(),
		s.deleteOrganizationalUnit(),
		s.deletePolicy(),
		s.deleteResourcePolicy(),
		s.deregisterDelegatedAdministrator(),
		s.describeAccount(),
		s.describeCreateAccountStatus(),
		s.describeHandshake(),
		s.describeOrganization(),
		s.describeOrganizationalUnit(),
		s.describePolicy(),
		s.describeResourcePolicy(),
		s.detachPolicy(),
		s.disableAWSServiceAccess(),
		s.disablePolicyType(),
		s.enableAWSServiceAccess(),
		s.enablePolicyType(),
		s.inviteAccountToOrganization(),
		s.leaveOrganization(),
		s.listAccounts(),
		s.listAccountsForParent(),
		s.listAWSServiceAccessForOrganization(),
		s.listChildren(),
		s.listCreateAccountStatus(),
		s.listDelegatedAdministrators(),
		s.listDelegatedServicesForAccount(),
		s.listHandshakesForAccount(),
		s.listHandshakesForOrganization(),
		s.listOrganizationalUnitsForParent(),
		s.listParents(),
		s.listPolicies(),
		s.listPoliciesForTarget(),
		s.listRoots(),
		s.listTagsForResource(),
		s.listTargetsForPolicy(),
		s.moveAccount(),
		s.putResourcePolicy(),
		s.registerDelegatedAdministrator(),
		s.removeAccountFromOrganization(),
		s.tagResource(),
		s.untagResource(),
		s.updateOrganizationalUnit(),
		s.updatePolicy(),
	}
}
