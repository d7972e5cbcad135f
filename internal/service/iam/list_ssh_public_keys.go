package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListSSHPublicKeysInput asks for the public keys for SSH of a user, or of the caller.
type ListSSHPublicKeysInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListSSHPublicKeysInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, newUserNameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// A SSHPublicKeyMetadata as outputs show it.
type SSHPublicKeyMetadata struct {
	UserName       string    `aws:"UserName"`
	SSHPublicKeyID string    `aws:"SSHPublicKeyId"`
	Status         string    `aws:"Status"`
	UploadDate     time.Time `aws:"UploadDate"`
}

// ListSSHPublicKeysOutput is the only page, and empty: nobody can have any here.
type ListSSHPublicKeysOutput struct {
	SSHPublicKeys []SSHPublicKeyMetadata `aws:"SSHPublicKeys"`
	IsTruncated   bool                   `aws:"IsTruncated"`
	Marker        optional.Of[string]    `aws:"Marker"`
}

// listSSHPublicKeys implements ListSSHPublicKeys. Clients ask before they delete a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSSHPublicKeys.html
func (s *Service) listSSHPublicKeys() operation.Operation {
	return operation.Use[ListSSHPublicKeysInput, ListSSHPublicKeysOutput, target, *ListSSHPublicKeysInput]{
		Name:    "ListSSHPublicKeys",
		Actions: []string{"iam:ListSSHPublicKeys"},
		Subject: func(c *operation.Call, in *ListSSHPublicKeysInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *ListSSHPublicKeysInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListSSHPublicKeys"))
		},
		Run: func(c *operation.Call, in *ListSSHPublicKeysInput, t target) (*ListSSHPublicKeysOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, err := s.after(listOf(c, "ListSSHPublicKeys", t.id()), in.Marker); err != nil {
				return nil, err
			}
			return &ListSSHPublicKeysOutput{SSHPublicKeys: []SSHPublicKeyMetadata{}}, nil
		},
	}.Operation()
}
