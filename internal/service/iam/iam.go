// Package iam is the service of identities: accounts, their root users, IAM
// users, groups and roles, with their access keys, policies and tags.
//
// It offers the operations of AWS IAM for these, and it is where signatures and
// key policies learn who somebody is: Credential, Principal and Role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
package iam

import (
	"slices"
	"sync"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/tally"
	"claviger/internal/kernel/lastuse"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
)

// Options of New. Store, Keyring and Now are required.
type Options struct {
	Store   *store.Store // opened with Tables
	Keyring *sealed.Keyring

	// Partition is that of the principals' ARNs, "aws" by default.
	Partition string

	// Development lets anybody in as the root user of any account: an access
	// key id of twelve digits, with the secret "test", is the root user of the
	// account with that id. An account that is not there is made on first
	// sight, a thousand at most; after that its access key is unknown.
	Development bool

	// Places and Standings know the organizations; nil where there are none.
	Places    Places
	Standings Standings

	// Now tells when sessions have expired, and when a development account was made.
	Now func() time.Time

	// Lost reports whether a position is of a future that was lost, because the
	// store was put back as it was earlier: sessions that began there have ended.
	// Without it none is.
	Lost func(position uint64) bool
}

// Service is the IAM service. It is safe for concurrent use.
type Service struct {
	store       *store.Store
	markers     *sealed.Secret
	tasks       *sealed.Secret
	partition   string
	development bool
	now         func() time.Time
	places      Places
	standings   Standings
	lost        func(position uint64) bool
	snapshots   *snapshots
	shares      shares
	looks       tally.Cache
	tokens      *session.Tokens
	guesses     guesses
	lastUses    *lastUses

	making sync.Mutex // held while a development account is made
	made   int        // how many were
}

// New returns the service over an open store.
func New(o Options) *Service {
	if o.Partition == "" {
		o.Partition = "aws"
	}
	if o.Now == nil {
		panic("iam: sessions need a clock")
	}
	return &Service{
		store:       o.Store,
		markers:     o.Keyring.Secret("iam/marker"),
		tasks:       o.Keyring.Secret("iam/deletion-task"),
		partition:   o.Partition,
		development: o.Development,
		now:         o.Now,
		places:      o.Places,
		standings:   o.Standings,
		lost:        o.Lost,
		snapshots:   newSnapshots(o.Now),
		lastUses:    lastuse.New(o.Store, trackingTable, keepUse),
		tokens:      session.NewTokens(o.Keyring),
	}
}

// Tables lists the tables of the service, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{accounts, users, roles, accessKeys, servicePrincipals, managedPolicies, policyDocuments, policyUses, groups, groupSizes, mfaDevices, instanceProfiles, logins, oidcProviders, samlProviders, accountAliases, lastUseTable, trackingTable, credentialReports}
}

// Operations lists the API, in the order of the public reference.
func (s *Service) Operations() []operation.Operation {
	list := slices.Concat(s.policyOperations(), s.credentialOperations())
	slices.SortFunc(list, func(a, b operation.Operation) int { return compareFolded(a.Name, b.Name) })
	return list
}

// policyOperations are those on accounts' users, groups and roles, and on their policies.
func (s *Service) policyOperations() []operation.Operation {
	return []operation.Operation{
		s.addRoleToInstanceProfile(),
		s.addUserToGroup(),
		s.attachGroupPolicy(),
		s.attachRolePolicy(),
		s.attachUserPolicy(),
		s.changePassword(),
		s.createAccessKey(),
		s.createGroup(),
		s.createInstanceProfile(),
		s.createLoginProfile(),
		s.createPolicy(),
		s.createPolicyVersion(),
		s.createRole(),
		s.createServiceLinkedRole(),
		s.createServiceSpecificCredential(),
		s.createUser(),
		s.createVirtualMFADevice(),
		s.deactivateMFADevice(),
		s.deleteAccessKey(),
		s.deleteAccountPasswordPolicy(),
		s.deleteGroup(),
		s.deleteGroupPolicy(),
		s.deleteInstanceProfile(),
		s.deleteLoginProfile(),
		s.deletePolicy(),
		s.deletePolicyVersion(),
		s.deleteRole(),
		s.deleteRolePermissionsBoundary(),
		s.deleteRolePolicy(),
		s.deleteServiceLinkedRole(),
		s.deleteServiceSpecificCredential(),
		s.deleteUser(),
		s.deleteUserPermissionsBoundary(),
		s.deleteUserPolicy(),
		s.deleteVirtualMFADevice(),
		s.detachGroupPolicy(),
		s.detachRolePolicy(),
		s.detachUserPolicy(),
		s.disableOrganizationsRootCredentialsManagement(),
		s.disableOrganizationsRootSessions(),
		s.enableMFADevice(),
		s.enableOrganizationsRootCredentialsManagement(),
		s.enableOrganizationsRootSessions(),
		s.getAccountAuthorizationDetails(),
		s.getAccountPasswordPolicy(),
		s.getContextKeysForCustomPolicy(),
		s.getContextKeysForPrincipalPolicy(),
		s.getGroup(),
		s.getGroupPolicy(),
		s.getInstanceProfile(),
		s.getLoginProfile(),
		s.getMFADevice(),
		s.getPolicy(),
		s.getPolicyVersion(),
		s.getRole(),
		s.getRolePolicy(),
		s.getServiceLinkedRoleDeletionStatus(),
		s.getUser(),
		s.getUserPolicy(),
		s.listAccessKeys(),
		s.listAttachedGroupPolicies(),
		s.listAttachedRolePolicies(),
		s.listAttachedUserPolicies(),
		s.listEntitiesForPolicy(),
		s.listGroupPolicies(),
		s.listGroups(),
		s.listGroupsForUser(),
		s.listInstanceProfiles(),
		s.listInstanceProfilesForRole(),
		s.listInstanceProfileTags(),
		s.listMFADevices(),
		s.listMFADeviceTags(),
		s.listOrganizationsFeatures(),
		s.listPolicies(),
		s.listPoliciesGrantingServiceAccess(),
		s.listPolicyTags(),
		s.listPolicyVersions(),
		s.listRolePolicies(),
		s.listRoles(),
		s.listRoleTags(),
		s.listServiceSpecificCredentials(),
		s.listUserPolicies(),
		s.listUsers(),
		s.listUserTags(),
		s.listVirtualMFADevices(),
		s.putGroupPolicy(),
		s.putRolePermissionsBoundary(),
		s.putRolePolicy(),
		s.putUserPermissionsBoundary(),
		s.putUserPolicy(),
		s.removeRoleFromInstanceProfile(),
		s.removeUserFromGroup(),
		s.resetServiceSpecificCredential(),
		s.resyncMFADevice(),
		s.setDefaultPolicyVersion(),
		s.simulateCustomPolicy(),
		s.simulatePrincipalPolicy(),
		s.tagInstanceProfile(),
		s.tagMFADevice(),
		s.tagPolicy(),
		s.tagRole(),
		s.tagUser(),
		s.untagInstanceProfile(),
		s.untagMFADevice(),
		s.untagPolicy(),
		s.untagRole(),
		s.untagUser(),
		s.updateAccessKey(),
		s.updateAccountPasswordPolicy(),
		s.updateAssumeRolePolicy(),
		s.updateGroup(),
		s.updateLoginProfile(),
		s.updateRole(),
		s.updateRoleDescription(),
		s.updateServiceSpecificCredential(),
		s.updateUser(),
	}
}

// credentialOperations are those on what users, instances and federations show to be let in.
func (s *Service) credentialOperations() []operation.Operation {
	return []operation.Operation{
		s.addClientIDToOpenIDConnectProvider(),
		s.createAccountAlias(),
		s.createOpenIDConnectProvider(),
		s.createSAMLProvider(),
		s.deleteAccountAlias(),
		s.deleteOpenIDConnectProvider(),
		s.deleteSAMLProvider(),
		s.generateCredentialReport(),
		s.getAccessKeyLastUsed(),
		s.getAccountSummary(),
		s.getCredentialReport(),
		s.getOpenIDConnectProvider(),
		s.getSAMLProvider(),
		s.listAccountAliases(),
		s.listOpenIDConnectProviders(),
		s.listOpenIDConnectProviderTags(),
		s.listSAMLProviders(),
		s.listSAMLProviderTags(),
		s.listServerCertificates(),
		s.listSigningCertificates(),
		s.listSSHPublicKeys(),
		s.removeClientIDFromOpenIDConnectProvider(),
		s.tagOpenIDConnectProvider(),
		s.tagSAMLProvider(),
		s.untagOpenIDConnectProvider(),
		s.untagSAMLProvider(),
		s.updateOpenIDConnectProviderThumbprint(),
		s.updateSAMLProvider(),
	}
}

// OperatorOperations lists what only the operator of the server may call. They
// are no part of the public API.
func (s *Service) OperatorOperations() []operation.Operation {
	return []operation.Operation{
		s.createAccount(),
		s.createServicePrincipal(),
		s.disableServicePrincipal(),
		s.listServicePrincipals(),
		s.resetRootCredentials(),
	}
}
