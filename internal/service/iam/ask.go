package iam

import (
	"strconv"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// ownAccount is the account whose identities a call is about: the caller's own.
// A service has none, also where it calls for a resource of some account: what it
// is refused must not tell who exists there.
func ownAccount(c *operation.Call) string { return c.Caller.Principal.Account }

// ask is one permission on a resource of the caller's account. IAM has no
// resources that another account could be let in to.
func ask(c *operation.Call, action, resource string, facts *facts) authz.Ask {
	return authz.Ask{
		Action:   action,
		Resource: resource,
		Account:  ownAccount(c),
		Rule:     policy.Standard,
		Context:  facts,
	}
}

// asksOperator makes the Asks of an operation that is the operator's: no policy
// can allow it to a caller of the network.
func asksOperator[In any](action string) func(*operation.Call, *In, struct{}, []authz.Ask) []authz.Ask {
	return func(_ *operation.Call, _ *In, _ struct{}, asks []authz.Ask) []authz.Ask {
		return append(asks, authz.Ask{Action: action, Resource: "*", Rule: policy.IdentityOnly})
	}
}

// facts answer for the condition keys of IAM.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
type facts struct {
	requestTags  pairs.Map
	requestKeys  []string
	resourceTags pairs.Map
	boundary     string // ARN in the request, or of the user or role
	policy       string // ARN of the managed policy in the request
	passedTo     string // service to which a role is passed
	linkedTo     string // service of a service-linked role

	credentialFor string           // service that a new credential is for
	credentialAge optional.Of[int] // days for which it is asked
}

// Lookup implements policy.Context.
func (f *facts) Lookup(k *policy.Key) policy.Values {
	switch k.Name {
	case "aws:tagkeys":
		return policy.Texts(f.requestKeys)
	case "iam:permissionsboundary":
		return policy.Text(f.boundary)
	case "iam:policyarn":
		return policy.Text(f.policy)
	case "iam:passedtoservice":
		return policy.Text(f.passedTo)
	case "iam:awsservicename":
		return policy.Text(f.linkedTo)
	case "iam:servicespecificcredentialservicename":
		return policy.Text(f.credentialFor)
	case "iam:servicespecificcredentialagedays":
		return policy.Values{Present: f.credentialAge.Set, One: strconv.Itoa(f.credentialAge.V)}
	}
	if key, ok := strings.CutPrefix(k.Name, "aws:requesttag/"); ok {
		return policy.Named(f.requestTags, key)
	}
	if key, ok := strings.CutPrefix(k.Name, "aws:resourcetag/"); ok {
		return policy.Named(f.resourceTags, key)
	}
	if key, ok := strings.CutPrefix(k.Name, "iam:resourcetag/"); ok {
		return policy.Named(f.resourceTags, key)
	}
	return policy.Values{}
}

// asksToCreate asks for leave to make a resource, and to tag it where it is to
// have tags.
func asksToCreate(c *operation.Call, asks []authz.Ask, create, tag, resource string, tags []Tag) []authz.Ask {
	kept := tagMap(tags)
	f := &facts{requestTags: kept, requestKeys: kept.Keys()}
	asks = append(asks, ask(c, create, resource, f))
	if len(kept) > 0 {
		asks = append(asks, ask(c, tag, resource, f))
	}
	return asks
}
