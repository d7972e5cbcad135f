package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
)

// InvalidARN is the code for a string that can't name a principal at all.
const InvalidARN fault.Code = "InvalidArnException"

// Principal tells whom a principal of a policy or grant names: the ARN of a
// user, of the root user of an account, or an account id. id is the unique id
// to bind the name to, empty for an account. exists is false where there is
// nobody of that name now, which holds for all roles and sessions, as there
// are none.
//
// What can't name a principal, such as a group, is a fault InvalidARN. To know
// whether a bound name still means the same user, compare ids.
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
	switch {
	case a.Service == "iam" && kind == "root" && rest == "":
		if a.Partition != s.partition {
			return "", false, nil
		}
		exists, err = s.accountExists(ctx, r, a.Account)
		return "", exists, err
	case a.Service == "iam" && kind == "user" && rest != "":
		return s.userNamed(ctx, r, a, name)
	case a.Service == "iam" && kind == "role" && rest != "",
		a.Service == "sts" && (kind == "assumed-role" || kind == "federated-user") && rest != "":
		return "", false, nil
	}
	return "", false, invalidARN(name)
}

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
