package pipeline

import (
	"slices"
	"strings"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// assuming are the actions of STS that the credentials of GetSessionToken are
// good for.
var assuming = []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}

// confined refuses what the credentials of GetSessionToken are not good for:
// IAM, unless a second factor was used, and of STS everything but to assume a
// role. Those of GetFederationToken are good for no IAM and for nothing of STS. An
// operation that asks nothing refuses them itself where it must.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
func (w *walk) confined(asks []authz.Ask) error {
	p := &w.call.Caller.Principal
	federated := p.Kind == principal.FederatedUser
	if !p.Temporary() || p.AssumedRoot || p.Kind != principal.User && p.Kind != principal.Root && !federated {
		return nil
	}
	for i := range asks {
		switch action := asks[i].Action; {
		case strings.HasPrefix(action, "iam:") && (federated || !p.MFA):
			return fault.New(fault.UnrecognizedClient, "The security token included in the request is invalid")
		case strings.HasPrefix(action, "sts:") && (federated || !slices.Contains(assuming, action)):
			return fault.New(fault.AccessDenied, "Cannot call %s with session credentials", w.r.Entrance.Operation.Name)
		}
	}
	return nil
}
