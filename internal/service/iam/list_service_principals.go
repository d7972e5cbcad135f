package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// ListServicePrincipalsInput asks for all services.
type ListServicePrincipalsInput struct{}

// Validate has nothing to check.
func (in *ListServicePrincipalsInput) Validate(*check.Checks) {}

// ListServicePrincipalsOutput are all services that were ever registered, in the
// order of their names, the disabled ones among them.
type ListServicePrincipalsOutput struct {
	ServicePrincipals []ServicePrincipal `aws:"ServicePrincipals"`
}

// listServicePrincipals implements ListServicePrincipals, which is the operator's.
func (s *Service) listServicePrincipals() operation.Operation {
	return operation.Use[ListServicePrincipalsInput, ListServicePrincipalsOutput, struct{}, *ListServicePrincipalsInput]{
		Name:    "ListServicePrincipals",
		Actions: []string{"claviger:ListServicePrincipals"},
		Asks:    asksOperator[ListServicePrincipalsInput]("claviger:ListServicePrincipals"),
		Run:     s.runListServicePrincipals,
	}.Operation()
}

func (s *Service) runListServicePrincipals(c *operation.Call, _ *ListServicePrincipalsInput, _ struct{}) (*ListServicePrincipalsOutput, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	const batch = 500
	out := &ListServicePrincipalsOutput{ServicePrincipals: []ServicePrincipal{}}
	var after store.Key
	for {
		before := len(out.ServicePrincipals)
		err := servicePrincipals.Scan(c.Context, r, "", nil, after, batch, func(p *servicePrincipal, _ store.Rev) error {
			out.ServicePrincipals = append(out.ServicePrincipals, p.shown())
			after = servicePrincipalKey(p.Name)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("listing service principals: %w", err)
		}
		if len(out.ServicePrincipals)-before < batch {
			return out, nil
		}
	}
}
