package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

const customSuffixMax = 64

// CreateServiceLinkedRoleInput asks for the role of a service of AWS.
type CreateServiceLinkedRoleInput struct {
	AWSServiceName optional.Of[string] `aws:"AWSServiceName" audit:"aWSServiceName"`
	Description    optional.Of[string] `aws:"Description" audit:"description"`
	CustomSuffix   optional.Of[string] `aws:"CustomSuffix" audit:"customSuffix"`
}

// Validate checks the limits of the public API.
func (in *CreateServiceLinkedRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "aWSServiceName", in.AWSServiceName, nameMax)
	checkDescription(c, in.Description)
	checkName(c, "customSuffix", in.CustomSuffix, customSuffixMax)
}

// CreateServiceLinkedRoleOutput is the new role.
type CreateServiceLinkedRoleOutput struct {
	Role Role `aws:"Role" audit:"role"`
}

// createServiceLinkedRole implements CreateServiceLinkedRole. The role trusts its
// service, and nobody can change that.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html
func (s *Service) createServiceLinkedRole() operation.Operation {
	return operation.Change[CreateServiceLinkedRoleInput, CreateServiceLinkedRoleOutput, roleTarget, *CreateServiceLinkedRoleInput]{
		Name:    "CreateServiceLinkedRole",
		Actions: []string{"iam:CreateServiceLinkedRole"},
		Subject: func(c *operation.Call, in *CreateServiceLinkedRoleInput) (roleTarget, error) {
			name := linkedPrefix + linkedServices[in.AWSServiceName.V].name
			if in.CustomSuffix.Set {
				name += "_" + in.CustomSuffix.V
			}
			return s.roleNamed(c, name)
		},
		Asks: func(c *operation.Call, in *CreateServiceLinkedRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			resource := roleARN(c.Partition, ownAccount(c), linkedPath(in.AWSServiceName.V), t.name)
			return append(asks, ask(c, "iam:CreateServiceLinkedRole", resource, &facts{linkedTo: in.AWSServiceName.V}))
		},
		Run: s.runCreateServiceLinkedRole,
	}.Operation()
}

func (s *Service) runCreateServiceLinkedRole(c *operation.Call, tx store.Txn, in *CreateServiceLinkedRoleInput, t roleTarget) (*CreateServiceLinkedRoleOutput, error) {
	service := in.AWSServiceName.V
	known, ok := linkedServices[service]
	switch {
	case !ok:
		return nil, fault.New(InvalidInput, "%s is not the name of a service that has service-linked roles.", service)
	case in.CustomSuffix.Set && !known.suffix:
		return nil, fault.New(InvalidInput, "Custom suffix is not allowed for %s", service)
	case len(t.name) > roleNameMax:
		return nil, fault.New(InvalidInput, "Service role name %s has more than %d characters, please try a different suffix.", t.name, roleNameMax)
	case t.role != nil:
		return nil, fault.New(InvalidInput, "Service role name %s has been taken in this account, please try a different suffix.", t.name)
	}
	trust, err := s.newTrust(c.Context, tx, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"`+service+`"},"Action":"sts:AssumeRole"}]}`)
	if err != nil {
		return nil, err
	}
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if a.Roles >= rolesMax {
		return nil, exceeded("RolesPerAccount", rolesMax)
	}
	o := &role{
		ID:          ident.Unique("AROA", 21),
		Account:     a.ID,
		Path:        linkedPath(service),
		Name:        t.name,
		Description: in.Description.V,
		Created:     c.Time.Unix(),
		Longest:     sessionDefault,
		Trust:       trust,
	}
	if o.Attached, err = s.linkedAttachments(c, tx, known.policies); err != nil {
		return nil, err
	}
	if err := roles.Insert(c.Context, tx, o); err != nil {
		return nil, err
	}
	if err := countRole(c.Context, tx, *a, rev, +1); err != nil {
		return nil, err
	}
	shown, err := s.shownRole(c, tx, o)
	if err != nil {
		return nil, err
	}
	shown.Description, shown.MaxSessionDuration = optional.Of[string]{}, optional.Of[int]{}
	return &CreateServiceLinkedRoleOutput{Role: shown}, nil
}
