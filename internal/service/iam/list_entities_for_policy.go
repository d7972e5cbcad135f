package iam

import (
	"strings"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ListEntitiesForPolicyInput asks for a page of the users, groups and roles that have a
// managed policy attached, or have it as their permissions boundary.
type ListEntitiesForPolicyInput struct {
	PolicyARN         optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	EntityFilter      optional.Of[string] `aws:"EntityFilter" audit:"entityFilter"`
	PathPrefix        optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	PolicyUsageFilter optional.Of[string] `aws:"PolicyUsageFilter" audit:"policyUsageFilter"`
	Marker            optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems          optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Kinds of entities.
const (
	entityUser  = "User"
	entityRole  = "Role"
	entityGroup = "Group"
	entityLocal = "LocalManagedPolicy"
	entityAWS   = "AWSManagedPolicy"
)

// Validate checks the limits of the public API.
func (in *ListEntitiesForPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	c.Enum("entityFilter", in.EntityFilter, entityUser, entityRole, entityGroup, entityLocal, entityAWS)
	c.Length("pathPrefix", in.PathPrefix, 0, pathMax)
	if in.PathPrefix.Set && !pathPattern.MatchString(in.PathPrefix.V) {
		c.Refuse(fault.New(fault.Validation, "The specified value for pathPrefix is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."))
	}
	c.Enum("policyUsageFilter", in.PolicyUsageFilter, asPermissions, asBoundary)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListEntitiesForPolicyOutput is a page of groups, then users, then roles, each in the
// order of their folded names.
type ListEntitiesForPolicyOutput struct {
	PolicyGroups []PolicyGroup       `aws:"PolicyGroups"`
	PolicyUsers  []PolicyUser        `aws:"PolicyUsers"`
	PolicyRoles  []PolicyRole        `aws:"PolicyRoles"`
	IsTruncated  bool                `aws:"IsTruncated"`
	Marker       optional.Of[string] `aws:"Marker"`
}

// A PolicyGroup is a group that has a managed policy.
type PolicyGroup struct {
	GroupName string `aws:"GroupName"`
	GroupID   string `aws:"GroupId"`
}

// A PolicyUser is a user that has a managed policy.
type PolicyUser struct {
	UserName string `aws:"UserName"`
	UserID   string `aws:"UserId"`
}

// A PolicyRole is a role that has a managed policy.
type PolicyRole struct {
	RoleName string `aws:"RoleName"`
	RoleID   string `aws:"RoleId"`
}

// listEntitiesForPolicy implements ListEntitiesForPolicy. It walks the groups, users and roles
// of the account, of which quotas bound the number: who has a policy stands in their records alone.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html
func (s *Service) listEntitiesForPolicy() operation.Operation {
	return operation.Use[ListEntitiesForPolicyInput, ListEntitiesForPolicyOutput, policyTarget, *ListEntitiesForPolicyInput]{
		Name:    "ListEntitiesForPolicy",
		Actions: []string{"iam:ListEntitiesForPolicy"},
		Subject: func(c *operation.Call, in *ListEntitiesForPolicyInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *ListEntitiesForPolicyInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askRead(c, "iam:ListEntitiesForPolicy"))
		},
		Run: s.runListEntitiesForPolicy,
	}.Operation()
}

func (s *Service) runListEntitiesForPolicy(c *operation.Call, in *ListEntitiesForPolicyInput, t policyTarget) (*ListEntitiesForPolicyOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "ListEntitiesForPolicy", strings.Join([]string{t.policy.ID, in.EntityFilter.V, in.PathPrefix.V, in.PolicyUsageFilter.V}, "\x00"))
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	at := &progress{after: after, left: in.MaxItems.Or(maxItemsDefault)}
	out := &ListEntitiesForPolicyOutput{PolicyGroups: []PolicyGroup{}, PolicyUsers: []PolicyUser{}, PolicyRoles: []PolicyRole{}}
	for _, walk := range []func(*operation.Call, *ListEntitiesForPolicyInput, string, *progress, *ListEntitiesForPolicyOutput) error{groupsWith, usersWith, rolesWith} {
		if err := walk(c, in, t.policy.ID, at, out); err != nil {
			return nil, err
		}
	}
	if at.more {
		out.IsTruncated, out.Marker = true, s.marker(l, at.last)
	}
	return out, nil
}

// wants reports whether an entity of a kind, under a path, that has policies attached and
// perhaps a boundary is one that the call asks for.
func (in *ListEntitiesForPolicyInput) wants(path, policy string, attached []attachment, boundary *attachment) bool {
	has := in.PolicyUsageFilter.V != asBoundary && find(attached, policy) >= 0 ||
		in.PolicyUsageFilter.V != asPermissions && boundary != nil && boundary.ID == policy
	return has && strings.HasPrefix(path, in.PathPrefix.V)
}

// part is where a kind of entities begins, unless the call asks for others.
func (in *ListEntitiesForPolicyInput) part(at *progress, letter, kind string) (after string, ok bool) {
	if in.EntityFilter.Or(kind) != kind {
		return "", false
	}
	return at.part(letter)
}

func groupsWith(c *operation.Call, in *ListEntitiesForPolicyInput, policy string, at *progress, out *ListEntitiesForPolicyOutput) error {
	after, ok := in.part(at, "g", entityGroup)
	if !ok {
		return nil
	}
	return walk(c, groups, after, func(g *group) (bool, error) {
		if !in.wants(g.Path, policy, g.Attached, nil) {
			return true, nil
		}
		fits := at.take("g", g.Name)
		if fits {
			out.PolicyGroups = append(out.PolicyGroups, PolicyGroup{GroupName: g.Name, GroupID: g.ID})
		}
		return fits, nil
	})
}

func usersWith(c *operation.Call, in *ListEntitiesForPolicyInput, policy string, at *progress, out *ListEntitiesForPolicyOutput) error {
	after, ok := in.part(at, "u", entityUser)
	if !ok {
		return nil
	}
	return walk(c, users, after, func(u *user) (bool, error) {
		if !in.wants(u.Path, policy, u.Attached, u.Boundary) {
			return true, nil
		}
		fits := at.take("u", u.Name)
		if fits {
			out.PolicyUsers = append(out.PolicyUsers, PolicyUser{UserName: u.Name, UserID: u.ID})
		}
		return fits, nil
	})
}

func rolesWith(c *operation.Call, in *ListEntitiesForPolicyInput, policy string, at *progress, out *ListEntitiesForPolicyOutput) error {
	after, ok := in.part(at, "v", entityRole)
	if !ok {
		return nil
	}
	return walk(c, roles, after, func(o *role) (bool, error) {
		if !in.wants(o.Path, policy, o.Attached, o.Boundary) {
			return true, nil
		}
		fits := at.take("v", o.Name)
		if fits {
			out.PolicyRoles = append(out.PolicyRoles, PolicyRole{RoleName: o.Name, RoleID: o.ID})
		}
		return fits, nil
	})
}
