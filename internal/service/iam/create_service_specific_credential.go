package iam

import (
	"slices"
	"strconv"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateServiceSpecificCredentialInput names a user and a service.
type CreateServiceSpecificCredentialInput struct {
	UserName          optional.Of[string] `aws:"UserName" audit:"userName"`
	ServiceName       optional.Of[string] `aws:"ServiceName" audit:"serviceName"`
	CredentialAgeDays optional.Of[int]    `aws:"CredentialAgeDays" audit:"credentialAgeDays"`
}

// Validate checks the limits of the public API.
func (in *CreateServiceSpecificCredentialInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	c.Required("serviceName", in.ServiceName.Set)
	c.Range("credentialAgeDays", in.CredentialAgeDays, 1, credentialAgeDaysMax)
}

// CreateServiceSpecificCredentialOutput is the new credential. Its password is
// shown here and never again.
type CreateServiceSpecificCredentialOutput struct {
	ServiceSpecificCredential ServiceSpecificCredential `aws:"ServiceSpecificCredential" audit:"serviceSpecificCredential"`
}

// createServiceSpecificCredential implements CreateServiceSpecificCredential.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
func (s *Service) createServiceSpecificCredential() operation.Operation {
	return operation.Change[CreateServiceSpecificCredentialInput, CreateServiceSpecificCredentialOutput, target, *CreateServiceSpecificCredentialInput]{
		Name:    "CreateServiceSpecificCredential",
		Actions: []string{"iam:CreateServiceSpecificCredential"},
		Subject: func(c *operation.Call, in *CreateServiceSpecificCredentialInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, in *CreateServiceSpecificCredentialInput, t target, asks []authz.Ask) []authz.Ask {
			f := &facts{credentialFor: in.ServiceName.V, credentialAge: in.CredentialAgeDays}
			return append(asks, t.askWith(c, "iam:CreateServiceSpecificCredential", f))
		},
		Run: runCreateServiceSpecificCredential,
	}.Operation()
}

func runCreateServiceSpecificCredential(c *operation.Call, tx store.Txn, in *CreateServiceSpecificCredentialInput, t target) (*CreateServiceSpecificCredentialOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	service := in.ServiceName.V
	if err := supports(service); err != nil {
		return nil, err
	}
	if in.CredentialAgeDays.Set { // is for services that take API keys
		return nil, fault.New(fault.Validation, "CredentialAgeDays is not supported for %s", service)
	}
	u := *t.user
	var taken []string // names, of which the first has no number
	for _, v := range u.ServiceCredentials {
		if v.Service == service {
			taken = append(taken, v.UserName)
		}
	}
	if len(taken) >= serviceCredentialsMax {
		return nil, fault.New(fault.LimitExceeded, "Cannot exceed quota for ServiceSpecificCredentialsPerUser: %d", serviceCredentialsMax)
	}
	name := u.Name + "-at-" + u.Account
	for n := 1; slices.Contains(taken, name); n++ {
		name = u.Name + "+" + strconv.Itoa(n) + "-at-" + u.Account
	}
	v := serviceCredential{ID: ident.Unique("ACCA", 21), Service: service, UserName: name, Status: active, Created: c.Time.Unix()}
	plain := v.draw()
	u.ServiceCredentials = append(slices.Clone(u.ServiceCredentials), v)
	if err := putUser(c.Context, tx, u, t.rev); err != nil {
		return nil, err
	}
	return &CreateServiceSpecificCredentialOutput{ServiceSpecificCredential: v.shown(u.Name, plain)}, nil
}
