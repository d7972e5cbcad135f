package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// Features of centralised root access.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html
const (
	rootCredentialsManagement = "RootCredentialsManagement"
	rootSessions              = "RootSessions"
)

// centralService is the service that an organization must trust for them.
const centralService = "iam.amazonaws.com"

// A Standing is what an account is in its organization.
type Standing struct {
	Organization string // its id; empty where the account is in none
	Management   string // account
	AllFeatures  bool
	Trusted      bool // the service that was asked about has access to all accounts
	Administers  bool // the account administers that service for the organization
}

// Standings tells what an account is in its organization, and to a service.
type Standings func(ctx context.Context, r store.Reader, account, service string) (Standing, error)

// Codes of the operations on centralised root access, as the public model spells them.
const (
	accountNotAdministrator fault.Code = "AccountNotManagementOrDelegatedAdministratorException"
	callerNotManagement     fault.Code = "CallerIsNotManagementAccountException"
	organizationNotFound    fault.Code = "OrganizationNotFoundException"
	organizationNotAll      fault.Code = "OrganizationNotInAllFeaturesModeException"
	serviceAccessNotEnabled fault.Code = "ServiceAccessNotEnabledException"
)

// central is what an operation on centralised root access is about.
type central struct {
	Standing
	management *account // nil where there is none
	rev        store.Rev
}

func (s *Service) central(c *operation.Call) (*central, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	t := &central{}
	account := ownAccount(c)
	if s.standings == nil || account == "" {
		return t, nil
	}
	if t.Standing, err = s.standings(c.Context, r, account, centralService); err != nil {
		return nil, err
	}
	if t.Organization != "" {
		c.RestOn(s.store.Stamp(r, accountEntity(t.Management)))
		t.management, t.rev, err = getAccount(c.Context, r, t.Management)
	}
	return t, err
}

// centralAsks makes the Asks of such an operation.
func centralAsks[In any](action string) func(*operation.Call, *In, *central, []authz.Ask) []authz.Ask {
	return func(c *operation.Call, _ *In, _ *central, asks []authz.Ask) []authz.Ask {
		return append(asks, ask(c, action, "*", &facts{}))
	}
}

// administered refuses whoever does not administer root access.
func (t *central) administered(c *operation.Call) error {
	switch {
	case t.management == nil:
		return fault.New(organizationNotFound, "No organization is associated with your account.")
	case !t.AllFeatures:
		return fault.New(organizationNotAll, "Your organization does not have All features enabled.")
	case !t.Trusted:
		return fault.New(serviceAccessNotEnabled, "Trusted access is not enabled for IAM in Organizations.")
	case t.Management != ownAccount(c) && !t.Administers:
		return fault.New(accountNotAdministrator, "The account making the request is not the management account or delegated administrator account for centralized root access.")
	}
	return nil
}

// set turns a feature on or off, and returns those that are on.
func (t *central) set(c *operation.Call, tx store.Txn, feature string, on bool) ([]string, error) {
	if err := t.administered(c); err != nil {
		return nil, err
	}
	if on && t.Management != ownAccount(c) {
		return nil, fault.New(callerNotManagement, "The account making the request is not the management account for the organization.")
	}
	a := *t.management
	a.RootFeatures = slices.DeleteFunc(slices.Clone(a.RootFeatures), func(f string) bool { return f == feature })
	if on {
		a.RootFeatures = append(a.RootFeatures, feature)
		slices.Sort(a.RootFeatures)
	}
	if err := accounts.Put(c.Context, tx, &a, t.rev); err != nil {
		return nil, fmt.Errorf("writing account %s: %w", a.ID, err)
	}
	tx.Touch(accountEntity(a.ID))
	return append([]string{}, a.RootFeatures...), nil
}

// rootTasks are the policies of which one limits a session as somebody else's
// root user, with the feature that it needs. AWS has two more, of services that are not here.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html
var rootTasks = map[string]string{
	"IAMAuditRootUserCredentials":  rootCredentialsManagement,
	"IAMCreateRootUserPassword":    rootCredentialsManagement,
	"IAMDeleteRootUserCredentials": rootCredentialsManagement,
}

// RootTask returns what a session as the root user of a member account is, that
// a caller of another account of its organization wants to begin: its
// organization, and the id of the policy that limits it. They are empty where
// the account may not have such sessions.
func (s *Service) RootTask(ctx context.Context, r store.Reader, caller, member, policyARN string) (organization, task string, stamps []store.Stamp, err error) {
	a, ok := s.policyARN(policyARN)
	if s.standings == nil || !ok || a.Account != awsAccount {
		return "", "", nil, nil
	}
	p, _, err := s.policyAt(ctx, r, a, policyARN)
	if err != nil || p == nil || p.Path != "/root-task/" || rootTasks[p.Name] == "" {
		return "", "", nil, err
	}
	own, err := s.standings(ctx, r, caller, centralService)
	if err != nil || own.Organization == "" || own.Management != caller && !own.Administers {
		return "", "", nil, err
	}
	stamps = append(s.policyStamps(r, p), s.store.Stamp(r, accountEntity(own.Management)))
	if may, err := s.rootable(ctx, r, member, own.Organization, p.ID); err != nil || !may {
		return "", "", nil, err
	}
	return own.Organization, p.ID, stamps, nil
}

// rootable reports whether a member account of an organization may have sessions
// of its root user that a task limits. That of the management account has none.
func (s *Service) rootable(ctx context.Context, r store.Reader, member, organization, task string) (bool, error) {
	its, err := s.standings(ctx, r, member, centralService)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || its.Organization != organization || its.Management == member || !its.Trusted || !its.AllFeatures {
		return false, err
	}
	management, _, err := getAccount(ctx, r, its.Management)
	if err != nil {
		return false, err
	}
	p := awsPolicies().byID[task]
	return p != nil && slices.Contains(management.RootFeatures, rootTasks[p.Name]), nil
}

// rootSession returns the root user of a member account as its organization acts.
// It ends with the feature, and with the membership.
func (s *Service) rootSession(ctx context.Context, r store.Reader, t *session.Session) (*authz.Caller, error) {
	if s.standings == nil || len(t.Managed) != 1 {
		return nil, errEnded
	}
	may, err := s.rootable(ctx, r, t.Account, t.Organization, t.Managed[0])
	if err != nil {
		return nil, err
	}
	if !may {
		return nil, errEnded
	}
	its, err := s.standings(ctx, r, t.Account, centralService)
	if err != nil {
		return nil, err
	}
	caller, _, err := s.rootCaller(ctx, r, t.Account, "")
	if err != nil {
		return nil, err
	}
	rest(caller, &authz.Caller{Stamps: []store.Stamp{s.store.Stamp(r, accountEntity(its.Management))}})
	// Policies of tasks only deny.
	caller.Session = []*policy.Policy{everything}
	caller.Principal.AssumedRoot = caller.Principal.Kind == principal.Root
	return caller, nil
}
