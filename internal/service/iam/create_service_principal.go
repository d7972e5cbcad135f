package iam

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateServicePrincipalInput asks for a service to be registered. SigningName is
// the scope of the requests that users sign for it, Actions what it may call for
// them. GrantsBeyondUser and Infrastructure are explained at authz.Registration.
type CreateServicePrincipalInput struct {
	Name             optional.Of[string] `aws:"Name" audit:"name"`
	SigningName      optional.Of[string] `aws:"SigningName" audit:"signingName"`
	Actions          []string            `aws:"Actions" audit:"actions"`
	GrantsBeyondUser bool                `aws:"GrantsBeyondUser" audit:"grantsBeyondUser"`
	Infrastructure   bool                `aws:"Infrastructure" audit:"infrastructure"`
}

// Validate checks the form of names and actions, and that none of them is
// reserved: names of our own services, and the actions of identities.
func (in *CreateServicePrincipalInput) Validate(c *check.Checks) {
	checkServiceName(c, in.Name)
	if c.Required("signingName", in.SigningName.Set) {
		c.Pattern("signingName", in.SigningName, signingNamePattern, signingNameShown)
	}
	checkServiceActions(c, in.Actions)
	for _, name := range []string{in.Name.V, in.SigningName.V} {
		if isOwnService(name) {
			c.Refuse(fault.New(InvalidInput, "The name %s is reserved.", name))
		}
	}
}

// CreateServicePrincipalOutput is the service with its access key, whose secret
// is shown here and never again.
type CreateServicePrincipalOutput struct {
	ServicePrincipal ServicePrincipal   `aws:"ServicePrincipal" audit:"servicePrincipal"`
	AccessKeyID      string             `aws:"AccessKeyId" audit:"accessKeyId"`
	SecretAccessKey  confidential.Bytes `aws:"SecretAccessKey,text"`
}

// createServicePrincipal implements CreateServicePrincipal, which is the
// operator's. A service that was disabled is registered anew, with another
// access key: what its old credentials could do stays ended, and the policies
// and grants that name it count again.
func (s *Service) createServicePrincipal() operation.Operation {
	return operation.Change[CreateServicePrincipalInput, CreateServicePrincipalOutput, struct{}, *CreateServicePrincipalInput]{
		Name:    "CreateServicePrincipal",
		Actions: []string{"claviger:CreateServicePrincipal"},
		Asks:    asksOperator[CreateServicePrincipalInput]("claviger:CreateServicePrincipal"),
		Run:     s.runCreateServicePrincipal,
	}.Operation()
}

func (s *Service) runCreateServicePrincipal(c *operation.Call, tx store.Txn, in *CreateServicePrincipalInput, _ struct{}) (*CreateServicePrincipalOutput, error) {
	id, plain := DrawAccessKey()
	k := &accessKey{ID: id, Service: in.Name.V, Status: active, Created: c.Time.Unix(), Secret: secret{plain}}
	p := &servicePrincipal{
		Name:           in.Name.V,
		SigningName:    in.SigningName.V,
		Actions:        in.Actions,
		BeyondUser:     in.GrantsBeyondUser,
		Infrastructure: in.Infrastructure,
		Created:        c.Time.Unix(),
		AccessKeys:     []string{id},
	}
	if err := register(c.Context, tx, p); err != nil {
		return nil, err
	}
	if err := accessKeys.Insert(c.Context, tx, k); err != nil {
		return nil, fmt.Errorf("writing access key %s: %w", id, err)
	}
	tx.Touch(servicePrincipalEntity(p.Name), accessKeyEntity(id))
	return &CreateServicePrincipalOutput{ServicePrincipal: p.shown(), AccessKeyID: id, SecretAccessKey: plain}, nil
}

// register writes p, in place of a registration that is disabled.
func register(ctx context.Context, tx store.Txn, p *servicePrincipal) error {
	old, rev, err := findServicePrincipal(ctx, tx, p.Name)
	if err != nil {
		return err
	}
	if old != nil && !old.Disabled {
		return fault.New(EntityAlreadyExists, "Service principal with name %s already exists.", p.Name)
	}
	if err := refuseTaken(ctx, tx, p); err != nil {
		return err
	}
	if old == nil {
		err = servicePrincipals.Insert(ctx, tx, p)
	} else {
		err = servicePrincipals.Put(ctx, tx, p, rev)
	}
	if err != nil {
		return fmt.Errorf("writing service principal %s: %w", p.Name, err)
	}
	return nil
}

// refuseTaken refuses what another service has already: its signing name, or the
// role of its infrastructure.
func refuseTaken(ctx context.Context, r store.Reader, p *servicePrincipal) error {
	columns := servicePrincipals.Indexed(p)
	for i, index := range []string{"signing", "infrastructure"} {
		err := servicePrincipals.Scan(ctx, r, index, columns[i:i+1], nil, 1, func(other *servicePrincipal, _ store.Rev) error {
			if other.Name == p.Name {
				return nil
			}
			return fault.New(EntityAlreadyExists, "Service principal %s has the same signing name or infrastructure.", other.Name)
		})
		if err != nil {
			return fmt.Errorf("looking for another service principal: %w", err)
		}
	}
	return nil
}
