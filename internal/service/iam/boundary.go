package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// checkBoundary demands the ARN of a permissions boundary, where there is one.
func checkBoundary(c *check.Checks, name optional.Of[string]) {
	c.Length("permissionsBoundary", name, arnMin, arnMax)
	if _, ok := arn.Parse(name.V); name.Set && !ok {
		c.Refuse(fault.New(fault.Validation, "Value (%s) for parameter PermissionsBoundary is invalid.", name.V))
	}
}

// A bounding is a call that gives a user or role a permissions boundary. The boundary is
// nil where the call names none.
type bounding[T any] struct {
	to       T
	boundary *policyTarget
}

func newBounding[T any](s *Service, c *operation.Call, named func(*operation.Call, string) (T, error), name string, boundary optional.Of[string]) (b bounding[T], err error) {
	if boundary.Set {
		t, err := s.policyNamed(c, boundary.V)
		if err != nil {
			return b, err
		}
		b.boundary = &t
	}
	b.to, err = named(c, name)
	return b, err
}

// bound returns the permissions boundary that takes the place of old, nil where there
// is none, and counts both.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
func bound(c *operation.Call, tx store.Txn, old *attachment, t *policyTarget) (*attachment, error) {
	if t != nil {
		if t.policy == nil || !t.policy.attachable() {
			return nil, fault.New(NoSuchEntity, "Scope ARN: %s does not exist or is not attachable.", t.arn)
		}
		if err := countPolicyUse(c.Context, tx, ownAccount(c), t.policy.ID, 0, +1); err != nil {
			return nil, err
		}
	}
	if old != nil {
		if err := countPolicyUse(c.Context, tx, ownAccount(c), old.ID, 0, -1); err != nil {
			return nil, err
		}
	}
	if t == nil {
		return nil, nil
	}
	return &attachment{ID: t.policy.ID, ARN: t.arn}, nil
}

// AttachedPermissionsBoundary is the permissions boundary of a user or role. Its type is "Policy"
// always, as AWS answers, though its model says otherwise.
type AttachedPermissionsBoundary struct {
	PermissionsBoundaryType string `aws:"PermissionsBoundaryType" audit:"permissionsBoundaryType"`
	PermissionsBoundaryARN  string `aws:"PermissionsBoundaryArn" audit:"permissionsBoundaryArn"`
}

func shownBoundary(a *attachment) *AttachedPermissionsBoundary {
	if a == nil {
		return nil
	}
	return &AttachedPermissionsBoundary{PermissionsBoundaryType: "Policy", PermissionsBoundaryARN: a.ARN}
}
