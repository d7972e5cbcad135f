package iam

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
)

// InvalidARN is the code for a string that can't name a principal at all.
const InvalidARN fault.Code = "InvalidArnException"

// Principal tells whom a principal of a policy or grant names: the ARN of a
// user, a role, a session of a role, a federated user or the root user of an
// account, or an account id. id is the unique id to bind the name to: that of
// the user or role, for a session that of its role. exists is false where there
// is nobody of that name now.
//
// A session exists if its role does, whether or not somebody has assumed it so,
// and a federated user if its account does. Sessions of the infrastructure roles
// exist in every account. Federated users, such sessions and accounts have no
// id. An infrastructure role itself has none to be bound to, and so can't be
// named: a policy that names a role without an id lets nobody in.
//
// What can't name a principal, such as a group, is a fault InvalidARN. To know
// whether a bound name still means the same user or role, compare ids.
func (s *Service) Principal(ctx context.Context, r store.Reader, name string) (id string, exists bool, err error) {
	if arn.IsAccount(name) {
		exists, err = s.accountExists(ctx, r, name)
		return "", exists, err
	}
	a, ok := arn.Parse(name)
	if !ok || a.Region != "" || !arn.IsAccount(a.Account) || a.Service != "iam" && a.Service != "sts" {
		return "", false, invalidARN(name)
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	switch entity := a.Service + ":" + kind; {
	case a.Resource == "root" && a.Service == "iam":
		exists, err = s.accountOf(ctx, r, a)
	case entity == "iam:user" && rest != "":
		return s.userNamed(ctx, r, a, name)
	case entity == "iam:role" && rest != "":
		return identified(s.roleOf(ctx, r, a, name))
	case entity == "sts:assumed-role" && rest != "":
		return s.sessionNamed(ctx, r, a, rest)
	case entity == "sts:federated-user" && rest != "":
		if federatedPattern.MatchString(rest) {
			exists, err = s.accountOf(ctx, r, a)
		}
	default:
		err = invalidARN(name)
	}
	return "", exists, err
}

// Renamed returns the ARN that the user with a unique id has now; "" where there is no such
// user. What was bound to the id under an earlier name means the user as it is called now.
// Roles are never called otherwise.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html
func (s *Service) Renamed(ctx context.Context, r store.Reader, id string) (string, error) {
	u, _, err := users.Get(ctx, r, userKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading user %s: %w", id, err)
	}
	return u.arn(s.partition), nil
}

// Patterns of names that STS gives to sessions: no others can exist.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
var (
	sessionPattern   = regexp.MustCompile(`^[0-9A-Za-z_+=,.@-]{2,64}$`)
	federatedPattern = regexp.MustCompile(`^[0-9A-Za-z_+=,.@-]{2,32}$`)
)

func (s *Service) userNamed(ctx context.Context, r store.Reader, a arn.ARN, name string) (string, bool, error) {
	u, _, err := findUser(ctx, r, a.Account, name[strings.LastIndexByte(name, '/')+1:])
	if err != nil {
		return "", false, err
	}
	// ARNs are distinguished by case, and the path is a part of them.
	if u == nil || u.arn(s.partition) != name {
		return "", false, nil
	}
	return u.ID, true, nil
}

// identified is the answer of Principal for a role, nil where there is none.
func identified(o *role, err error) (string, bool, error) {
	if o == nil || err != nil {
		return "", false, err
	}
	return o.ID, true, nil
}

// sessionNamed looks up the role of a session ROLE/SESSION. Unlike the ARN of
// the role, that of a session lacks the path.
func (s *Service) sessionNamed(ctx context.Context, r store.Reader, a arn.ARN, name string) (string, bool, error) {
	role, session, _ := strings.Cut(name, "/")
	if a.Partition != s.partition || !sessionPattern.MatchString(session) {
		return "", false, nil
	}
	if isInfrastructure(role) {
		exists, err := s.accountExists(ctx, r, a.Account)
		return "", exists, err
	}
	o, _, err := findRole(ctx, r, a.Account, role)
	if o != nil && o.Name != role { // ARNs are distinguished by case
		o = nil
	}
	return identified(o, err)
}

// accountOf reports whether the account of an ARN exists.
func (s *Service) accountOf(ctx context.Context, r store.Reader, a arn.ARN) (bool, error) {
	if a.Partition != s.partition {
		return false, nil
	}
	return s.accountExists(ctx, r, a.Account)
}

// accountExists reports whether there is such an account, or, for development
// accounts, would be on first sight.
func (s *Service) accountExists(ctx context.Context, r store.Reader, id string) (bool, error) {
	if s.development {
		return true, nil
	}
	_, _, err := accounts.Get(ctx, r, accountKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading account %s: %w", id, err)
	}
	return true, nil
}

func invalidARN(name string) error {
	return fault.New(InvalidARN, "%s is not the ARN of a principal", name)
}
