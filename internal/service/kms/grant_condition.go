package kms

import (
	"claviger/internal/ground/policy"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// grantConditions answers for the condition keys of the operations on grants.
// What an operation does not set is absent. Principals are ARNs, or names of services.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
type grantConditions struct {
	forResource optional.Of[bool]
	operations  []string
	constraint  constraint // its pairs stand as the call's encryption context

	grantee, granteeService string
	retirer, retirerService string
}

// forResource tells whether a service makes the call, in its own name or for the caller.
func forResource(c *operation.Call) optional.Of[bool] {
	return optional.Some(c.Caller.Via != nil || c.Caller.Principal.Kind == principal.Service)
}

func (g *grantConditions) lookup(k *policy.Key) policy.Values {
	switch k.Name {
	case "kms:grantisforawsresource":
		return truth(g.forResource)
	case "kms:grantoperations":
		return policy.Texts(g.operations)
	case "kms:grantconstrainttype":
		return policy.Text(string(g.constraint.Kind))
	case "kms:grantconstraintsourcearn":
		return policy.Text(g.constraint.SourceARN)
	case "kms:granteeprincipal":
		return policy.Text(g.grantee)
	case "kms:granteeserviceprincipal":
		return policy.Text(g.granteeService)
	case "kms:retiringprincipal":
		return policy.Text(g.retirer)
	case "kms:retiringserviceprincipal":
		return policy.Text(g.retirerService)
	}
	return policy.Values{}
}
