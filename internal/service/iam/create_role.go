package iam

import (
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateRoleInput asks for a new role without rights.
type CreateRoleInput struct {
	Path                     optional.Of[string] `aws:"Path" audit:"path"`
	RoleName                 optional.Of[string] `aws:"RoleName" audit:"roleName"`
	AssumeRolePolicyDocument optional.Of[string] `aws:"AssumeRolePolicyDocument" audit:"assumeRolePolicyDocument"`
	Description              optional.Of[string] `aws:"Description" audit:"description"`
	MaxSessionDuration       optional.Of[int]    `aws:"MaxSessionDuration" audit:"maxSessionDuration"`
	PermissionsBoundary      optional.Of[string] `aws:"PermissionsBoundary" audit:"permissionsBoundary"`
	Tags                     []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPath(c, in.Path)
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkDocument(c, "assumeRolePolicyDocument", in.AssumeRolePolicyDocument)
	checkDescription(c, in.Description)
	c.Range("maxSessionDuration", in.MaxSessionDuration, sessionDefault, sessionMax)
	checkBoundary(c, in.PermissionsBoundary)
	checkTags(c, in.Tags)
}

// CreateRoleOutput is the new role. As on AWS it repeats neither the
// description nor how long sessions may last; GetRole tells both.
type CreateRoleOutput struct {
	Role Role `aws:"Role" audit:"role"`
}

// createRole implements CreateRole.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
func (s *Service) createRole() operation.Operation {
	return operation.Change[CreateRoleInput, CreateRoleOutput, bounding[roleTarget], *CreateRoleInput]{
		Name:    "CreateRole",
		Actions: []string{"iam:CreateRole", "iam:TagRole"},
		Subject: func(c *operation.Call, in *CreateRoleInput) (bounding[roleTarget], error) {
			return newBounding(s, c, s.roleNamed, in.RoleName.V, in.PermissionsBoundary)
		},
		Asks: func(c *operation.Call, in *CreateRoleInput, _ bounding[roleTarget], asks []authz.Ask) []authz.Ask {
			resource := roleARN(c.Partition, ownAccount(c), in.Path.Or("/"), in.RoleName.V)
			tags := tagMap(in.Tags)
			f := &facts{requestTags: tags, requestKeys: tags.Keys(), boundary: in.PermissionsBoundary.V}
			asks = append(asks, ask(c, "iam:CreateRole", resource, f))
			if len(tags) > 0 {
				asks = append(asks, ask(c, "iam:TagRole", resource, f))
			}
			return asks
		},
		Run: s.runCreateRole,
	}.Operation()
}

// serviceLinkedPath is the path of roles that only CreateServiceLinkedRole makes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
const serviceLinkedPath = "/aws-service-role/"

func (s *Service) runCreateRole(c *operation.Call, tx store.Txn, in *CreateRoleInput, b bounding[roleTarget]) (*CreateRoleOutput, error) {
	if strings.HasPrefix(in.Path.V, serviceLinkedPath) {
		return nil, fault.New(InvalidInput, "Path prefix '%s' can only be used for AWS Service linked Roles", serviceLinkedPath)
	}
	if b.to.role != nil {
		return nil, fault.New(EntityAlreadyExists, "Role with name %s already exists.", in.RoleName.V)
	}
	trust, err := s.newTrust(c.Context, tx, in.AssumeRolePolicyDocument.V)
	if err != nil {
		return nil, err
	}
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if a.Roles >= rolesMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for RolesPerAccount: %d", rolesMax)
	}
	boundary, err := bound(c, tx, nil, b.boundary)
	if err != nil {
		return nil, err
	}
	o := &role{
		ID:          ident.Unique("AROA", 21),
		Account:     a.ID,
		Path:        in.Path.Or("/"),
		Name:        in.RoleName.V,
		Description: in.Description.V,
		Created:     c.Time.Unix(),
		Longest:     in.MaxSessionDuration.Or(sessionDefault),
		Trust:       trust,
		Tags:        tagMap(in.Tags),
		Boundary:    boundary,
	}
	if err := roles.Insert(c.Context, tx, o); err != nil {
		return nil, err
	}
	// Whoever creates the same name at the same time writes the account too:
	// one of both starts again, and finds the other's role.
	if err := countRole(c.Context, tx, *a, rev, +1); err != nil {
		return nil, err
	}
	shown, err := s.shownWholeRole(c, tx, o)
	if err != nil {
		return nil, err
	}
	shown.Description, shown.MaxSessionDuration = optional.Of[string]{}, optional.Of[int]{}
	return &CreateRoleOutput{Role: shown}, nil
}
