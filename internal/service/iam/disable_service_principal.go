package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisableServicePrincipalInput names a service.
type DisableServicePrincipalInput struct {
	Name optional.Of[string] `aws:"Name" audit:"name"`
}

// Validate checks the form of the name.
func (in *DisableServicePrincipalInput) Validate(c *check.Checks) { checkServiceName(c, in.Name) }

// DisableServicePrincipalOutput is the service as it is now.
type DisableServicePrincipalOutput struct {
	ServicePrincipal ServicePrincipal `aws:"ServicePrincipal" audit:"servicePrincipal"`
}

// disableServicePrincipal implements DisableServicePrincipal, which is the
// operator's. Once the call is answered the service's access key is gone, and
// every session that was issued to it has ended, for good. Policies and grants
// that name it stay, and match nobody until it is registered anew. Disabling
// what is disabled changes nothing.
func (s *Service) disableServicePrincipal() operation.Operation {
	return operation.Change[DisableServicePrincipalInput, DisableServicePrincipalOutput, struct{}, *DisableServicePrincipalInput]{
		Name:    "DisableServicePrincipal",
		Actions: []string{"claviger:DisableServicePrincipal"},
		Asks:    asksOperator[DisableServicePrincipalInput]("claviger:DisableServicePrincipal"),
		Run:     s.runDisableServicePrincipal,
	}.Operation()
}

func (s *Service) runDisableServicePrincipal(c *operation.Call, tx store.Txn, in *DisableServicePrincipalInput, _ struct{}) (*DisableServicePrincipalOutput, error) {
	p, rev, err := findServicePrincipal(c.Context, tx, in.Name.V)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, noSuchServicePrincipal(in.Name.V)
	}
	if p.Disabled {
		servicePrincipals.Require(tx, servicePrincipalKey(p.Name), rev)
		return &DisableServicePrincipalOutput{ServicePrincipal: p.shown()}, nil
	}
	for _, id := range p.AccessKeys {
		if err := dropAccessKey(c.Context, tx, id); err != nil {
			return nil, err
		}
	}
	p.Disabled, p.AccessKeys = true, nil
	if err := servicePrincipals.Put(c.Context, tx, p, rev); err != nil {
		return nil, fmt.Errorf("writing service principal %s: %w", p.Name, err)
	}
	tx.Touch(servicePrincipalEntity(p.Name))
	return &DisableServicePrincipalOutput{ServicePrincipal: p.shown()}, nil
}
