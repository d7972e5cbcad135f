package xks

import (
	"encoding/json"
	"fmt"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// What the operator set for a key store and an external key is written as a
// resource policy, so that it is judged where everything else is.

type (
	document struct {
		Version   string
		Statement []statement
	}
	statement struct {
		Effect    string
		Principal map[string]string
		Action    []string
		Resource  string
		Condition conditions `json:",omitempty"`
	}
	conditions map[string]map[string][]string // operator, key, values
)

// allow says that the callers of a key store may do some actions under conditions.
func allow(prefix string, c conditions, actions ...string) statement {
	return statement{
		Effect:    "Allow",
		Principal: map[string]string{"Service": callerName(prefix)},
		Action:    actions,
		Resource:  "*",
		Condition: c,
	}
}

// compile makes the policy of a resource. In this version of the language a
// value is what it says, whatever signs it has, but for the * and ? of patterns.
func compile(name string, statements ...statement) (*policy.Policy, error) {
	text, err := json.Marshal(document{Version: "2008-10-17", Statement: statements})
	if err != nil {
		return nil, fmt.Errorf("writing the policy of %s: %w", name, err)
	}
	p, err := policy.Compile(policy.Resource, name, text, nil)
	if err != nil {
		return nil, fmt.Errorf("compiling the policy of %s: %w", name, err)
	}
	return p, nil
}

// require adds that a condition key has one of some values, if there are any.
func (c conditions) require(operator, key string, values []string) {
	if len(values) == 0 {
		return
	}
	if c[operator] == nil {
		c[operator] = make(map[string][]string)
	}
	c[operator][key] = values
}

// statements are the secondary authorization of an external key: its own KMS
// keys, and the limits of its key store. The metadata of an external key is also
// asked for where there is no KMS key yet.
func (r *externalKeyRecord) statements(l *Limits) []statement {
	look, use := make(conditions), make(conditions)
	for _, c := range []conditions{look, use} {
		c.require("StringEqualsIfExists", kmsKeyARNCondition, r.KMSKeys)
		c.require("StringEqualsIfExists", kmsKeyAccountCondition, l.Accounts)
		c.require("StringEqualsIfExists", kmsKeyRegionCondition, l.Regions)
		c.require("StringEquals", "aws:RequestedRegion", l.Regions)
	}
	use.require("StringLike", principalCondition, l.Principals)
	use.require("StringEquals", operationCondition, l.Operations)
	use.require("StringEquals", viaServiceCondition, l.ViaServices)
	use.require("StringEquals", vpcCondition, l.VPCs)
	return []statement{
		allow(r.KeyStore, look, getKeyMetadataAction),
		allow(r.KeyStore, use, encryptAction, decryptAction),
	}
}

// ask is the one permission that a call needs.
func ask(action, resource string, p *policy.Policy, m *RequestMetadata, refusal *fault.Fault) authz.Ask {
	return authz.Ask{Action: action, Resource: resource, Rule: policy.Standard, Policy: p, Context: m, Refusal: refusal}
}

// asksOperator makes the Asks of an operation that is the operator's: no policy
// can allow it to a caller of the network.
func asksOperator[In any](action string) func(*operation.Call, *In, struct{}, []authz.Ask) []authz.Ask {
	return func(_ *operation.Call, _ *In, _ struct{}, asks []authz.Ask) []authz.Ask {
		return append(asks, authz.Ask{Action: action, Resource: "*", Rule: policy.IdentityOnly})
	}
}
