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

// CreateInstanceProfileInput asks for an instance profile without a role.
type CreateInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
	Path                optional.Of[string] `aws:"Path" audit:"path"`
	Tags                []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
	checkPath(c, in.Path)
	checkTags(c, in.Tags)
}

// CreateInstanceProfileOutput is the new instance profile.
type CreateInstanceProfileOutput struct {
	InstanceProfile InstanceProfile `aws:"InstanceProfile" audit:"instanceProfile"`
}

// createInstanceProfile implements CreateInstanceProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html
func (s *Service) createInstanceProfile() operation.Operation {
	return operation.Change[CreateInstanceProfileInput, CreateInstanceProfileOutput, profileTarget, *CreateInstanceProfileInput]{
		Name:    "CreateInstanceProfile",
		Actions: []string{"iam:CreateInstanceProfile", "iam:TagInstanceProfile"},
		Subject: func(c *operation.Call, in *CreateInstanceProfileInput) (profileTarget, error) {
			return s.profileNamed(c, in.InstanceProfileName.V)
		},
		Asks: func(c *operation.Call, in *CreateInstanceProfileInput, _ profileTarget, asks []authz.Ask) []authz.Ask {
			resource := instanceProfileARN(c.Partition, ownAccount(c), in.Path.Or("/"), in.InstanceProfileName.V)
			return asksToCreate(c, asks, "iam:CreateInstanceProfile", "iam:TagInstanceProfile", resource, in.Tags)
		},
		Run: s.runCreateInstanceProfile,
	}.Operation()
}

func (s *Service) runCreateInstanceProfile(c *operation.Call, tx store.Txn, in *CreateInstanceProfileInput, t profileTarget) (*CreateInstanceProfileOutput, error) {
	if t.profile != nil {
		return nil, fault.New(EntityAlreadyExists, "Instance Profile %s already exists.", in.InstanceProfileName.V)
	}
	// Whoever creates the same name at the same time writes the account too.
	if err := countUp(c, tx, instanceProfileCount, instanceProfilesMax, "InstanceProfilesPerAccount"); err != nil {
		return nil, err
	}
	p := &instanceProfile{
		ID:      ident.Unique("AIPA", 21),
		Account: ownAccount(c),
		Path:    in.Path.Or("/"),
		Name:    in.InstanceProfileName.V,
		Created: c.Time.Unix(),
		Tags:    tagMap(in.Tags),
	}
	if err := instanceProfiles.Insert(c.Context, tx, p); err != nil {
		return nil, err
	}
	shown, err := s.shownProfile(c, tx, p)
	if err != nil {
		return nil, err
	}
	shown.Tags = tagList(p.Tags)
	return &CreateInstanceProfileOutput{InstanceProfile: shown}, nil
}
