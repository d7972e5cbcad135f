package gateway

import (
	"strings"

	"claviger/internal/edge/message"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// sourceMax is how long a source ARN may be.
const sourceMax = 2048

// source reads the header fields by which a service says for which resource it
// calls, into facts. They count when a service has signed them in its own name,
// and are refused from anybody else: policies trust them. Unsigned and repeated
// ones have been refused before.
func source(r *message.Request, author *principal.Principal, facts *authz.Facts) error {
	name, account := r.Get("x-amz-source-arn"), r.Get("x-amz-source-account")
	if name == "" && account == "" {
		return nil
	}
	if author.Kind != principal.Service {
		return fault.New(fault.AccessDenied,
			"User: %s is not authorized to call for a resource: x-amz-source-arn and x-amz-source-account are for services in their own name", author.ARN)
	}
	a, ok := arn.Parse(name)
	switch {
	case name != "" && (!ok || len(name) > sourceMax || strings.ContainsAny(name, " \t")):
		return fault.New(fault.Validation, "x-amz-source-arn is not an ARN")
	case account != "" && !arn.IsAccount(account):
		return fault.New(fault.Validation, "x-amz-source-account is not an account id")
	case account != "" && a.Account != "" && a.Account != account:
		return fault.New(fault.Validation, "x-amz-source-arn is not of the account that x-amz-source-account names")
	}
	facts.SourceARN, facts.SourceAccount = name, account
	return nil
}
