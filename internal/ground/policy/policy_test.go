package policy_test

import (
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/words/principal"
)

// The accounts and principals of the tests.
const (
	home    = "111122223333"
	abroad  = "444455556666"
	keyARN  = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d"
	userARN = "arn:aws:iam::111122223333:user/staff/alice"
	userID  = "AIDAALICEALICEALICE1"
	roleARN = "arn:aws:iam::111122223333:role/apps/web"
	roleID  = "AROAWEBWEBWEBWEBWEB1"
	rootARN = "arn:aws:iam::111122223333:root"

	sessionARN   = "arn:aws:sts::111122223333:assumed-role/web/one"
	federatedARN = "arn:aws:sts::111122223333:federated-user/bob"
)

func user() *policy.Caller {
	return &policy.Caller{Kind: principal.User, Partition: "aws", Account: home, ARN: userARN, ID: userID}
}

func session() *policy.Caller {
	return &policy.Caller{Kind: principal.RoleSession, Partition: "aws", Account: home, ARN: sessionARN, IssuerARN: roleARN, ID: roleID}
}

func federated() *policy.Caller {
	return &policy.Caller{Kind: principal.FederatedUser, Partition: "aws", Account: home, ARN: federatedARN, IssuerARN: userARN, ID: userID}
}

func root() *policy.Caller {
	return &policy.Caller{Kind: principal.Root, Partition: "aws", Account: home, ARN: rootARN, ID: home}
}

func service() *policy.Caller {
	return &policy.Caller{Kind: principal.Service, Partition: "aws", Services: []string{"logs.amazonaws.com", "logs.us-east-1.amazonaws.com"}}
}

// facts is a Context by whole folded name.
type facts map[string]policy.Values

func (f facts) Lookup(k *policy.Key) policy.Values { return f[k.Name] }

func one(s string) policy.Values     { return policy.Values{Present: true, One: s} }
func many(s ...string) policy.Values { return policy.Values{Present: true, Multi: true, Many: s} }

func compile(t testing.TB, kind policy.Kind, document string) *policy.Policy {
	t.Helper()
	return compileBound(t, kind, document, nil)
}

func compileBound(t testing.TB, kind policy.Kind, document string, bound map[string]string) *policy.Policy {
	t.Helper()
	p, err := policy.Compile(kind, "the policy", []byte(document), bound)
	if err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return p
}

// modern wraps statements in a document of the current version.
func modern(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}
