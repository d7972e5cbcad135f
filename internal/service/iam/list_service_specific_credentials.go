package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ListServiceSpecificCredentialsInput asks for the credentials of a user, or of
// the caller, that are good for one service.
type ListServiceSpecificCredentialsInput struct {
	UserName    optional.Of[string] `aws:"UserName" audit:"userName"`
	ServiceName optional.Of[string] `aws:"ServiceName" audit:"serviceName"`
	AllUsers    optional.Of[bool]   `aws:"AllUsers" audit:"allUsers"`
	Marker      optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems    optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListServiceSpecificCredentialsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, newUserNameMax)
	checkPage(c, in.Marker, in.MaxItems)
	if in.AllUsers.V && in.UserName.Set {
		c.Refuse(fault.New(fault.Validation, "UserName and AllUsers can't be given together"))
	}
}

// A ServiceSpecificCredentialMetadata as outputs show it.
type ServiceSpecificCredentialMetadata struct {
	UserName                    string    `aws:"UserName"`
	Status                      string    `aws:"Status"`
	ServiceUserName             string    `aws:"ServiceUserName"`
	CreateDate                  time.Time `aws:"CreateDate"`
	ServiceSpecificCredentialID string    `aws:"ServiceSpecificCredentialId"`
	ServiceName                 string    `aws:"ServiceName"`
}

// ListServiceSpecificCredentialsOutput is empty: nobody can have any here.
type ListServiceSpecificCredentialsOutput struct {
	ServiceSpecificCredentials []ServiceSpecificCredentialMetadata `aws:"ServiceSpecificCredentials"`
}

// listServiceSpecificCredentials implements ListServiceSpecificCredentials. Clients
// ask before they delete a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServiceSpecificCredentials.html
func (s *Service) listServiceSpecificCredentials() operation.Operation {
	return operation.Use[ListServiceSpecificCredentialsInput, ListServiceSpecificCredentialsOutput, target, *ListServiceSpecificCredentialsInput]{
		Name:    "ListServiceSpecificCredentials",
		Actions: []string{"iam:ListServiceSpecificCredentials"},
		Subject: func(c *operation.Call, in *ListServiceSpecificCredentialsInput) (target, error) {
			if in.AllUsers.V {
				return target{name: "*"}, nil
			}
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *ListServiceSpecificCredentialsInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListServiceSpecificCredentials"))
		},
		Run: func(c *operation.Call, in *ListServiceSpecificCredentialsInput, t target) (*ListServiceSpecificCredentialsOutput, error) {
			if !in.AllUsers.V {
				if err := t.exists(); err != nil {
					return nil, err
				}
			}
			if in.ServiceName.Set {
				return nil, fault.New(NoSuchEntity, "No such service %s is supported for Service Specific Credentials", in.ServiceName.V)
			}
			if _, err := s.after(listOf(c, "ListServiceSpecificCredentials", t.id()), in.Marker); err != nil {
				return nil, err
			}
			return &ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []ServiceSpecificCredentialMetadata{}}, nil
		},
	}.Operation()
}
