package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ListServiceSpecificCredentialsInput asks for the credentials of a user, of the
// caller, or of all users, that are good for one service or for any.
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

// ListServiceSpecificCredentialsOutput is a page of credentials, in the order of
// their users' folded names and of their ids. AWS was recorded to answer
// IsTruncated for no list that is whole.
type ListServiceSpecificCredentialsOutput struct {
	ServiceSpecificCredentials []ServiceSpecificCredentialMetadata `aws:"ServiceSpecificCredentials"`
	IsTruncated                optional.Of[bool]                   `aws:"IsTruncated"`
	Marker                     optional.Of[string]                 `aws:"Marker"`
}

// listServiceSpecificCredentials implements ListServiceSpecificCredentials.
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
		Run: s.runListServiceSpecificCredentials,
	}.Operation()
}

func (s *Service) runListServiceSpecificCredentials(c *operation.Call, in *ListServiceSpecificCredentialsInput, t target) (*ListServiceSpecificCredentialsOutput, error) {
	if !in.AllUsers.V {
		if err := t.ofUser(); err != nil {
			return nil, err
		}
	}
	if in.ServiceName.Set {
		if err := supports(in.ServiceName.V); err != nil {
			return nil, err
		}
	}
	l := listOf(c, "ListServiceSpecificCredentials", t.id()+" "+in.ServiceName.V)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	out, last := &ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []ServiceSpecificCredentialMetadata{}}, ""
	add := func(u *user) (bool, error) {
		for _, v := range u.serviceCredentialsInOrder() {
			place := fold(u.Name) + " " + v.ID // a name has no space, so that this orders by name first
			if place <= after || in.ServiceName.Set && v.Service != in.ServiceName.V {
				continue
			}
			if len(out.ServiceSpecificCredentials) == in.MaxItems.Or(maxItemsDefault) {
				out.IsTruncated, out.Marker = optional.Some(true), s.marker(l, last)
				return false, nil
			}
			out.ServiceSpecificCredentials, last = append(out.ServiceSpecificCredentials, v.metadata(u.Name)), place
		}
		return true, nil
	}
	if in.AllUsers.V {
		return out, walk(c, users, "", add) // from the first user on: the quota of users bounds the work
	}
	_, err = add(t.user)
	return out, err
}
