package policies

import (
	"strings"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// SimulatePoliciesInput asks what this server would answer to a call.
type SimulatePoliciesInput struct {
	Principal string   `aws:"Principal" audit:"principal"`
	Action    string   `aws:"Action" audit:"action"`
	Resource  string   `aws:"Resource" audit:"resource"`
	Context   []string `aws:"Context" audit:"context"` // KEY=VALUE
}

// Validate demands an action by its whole name.
func (in *SimulatePoliciesInput) Validate(c *check.Checks) { checkAction(c, in.Action) }

func checkAction(c *check.Checks, action string) {
	vendor, name, ok := strings.Cut(action, ":")
	if !ok || vendor == "" || name == "" || strings.ContainsAny(action, "*? ") {
		c.Refuse(fault.New(fault.Validation, "%q is not the name of an action, such as kms:Encrypt.", action))
	}
}

// SimulatePoliciesOutput is the answer, with why.
type SimulatePoliciesOutput struct {
	Allowed     bool
	Refusal     string // what the caller would be told, "" where it is allowed
	Explanation *explanation.Explanation
}

func (s *Service) simulatePolicies() operation.Operation {
	return operation.Use[SimulatePoliciesInput, SimulatePoliciesOutput, struct{}, *SimulatePoliciesInput]{
		Name:    "SimulatePolicies",
		Actions: []string{"claviger:SimulatePolicies"},
		Asks:    asks[SimulatePoliciesInput]("claviger:SimulatePolicies"),
		Run: func(c *operation.Call, in *SimulatePoliciesInput, _ struct{}) (*SimulatePoliciesOutput, error) {
			return s.runSimulatePolicies(c, in)
		},
	}.Operation()
}

func (s *Service) runSimulatePolicies(c *operation.Call, in *SimulatePoliciesInput) (*SimulatePoliciesOutput, error) {
	g, err := givenBy(in.Context)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	caller, err := s.o.Identities.CallerNamed(c.Context, r, in.Principal)
	if err != nil {
		return nil, err
	}
	if caller == nil {
		return nil, fault.New(fault.Validation, "There is no principal %s.", in.Principal)
	}
	if caller, err = s.placed(c.Context, caller); err != nil {
		return nil, err
	}
	ask, err := s.supposed(c, caller, in.Action, in.Resource, g)
	if err != nil {
		return nil, err
	}
	facts := authz.Facts{Time: c.Time, Region: ask.Region, Secure: true, SourceARN: g.source}
	var judge authz.Judge
	out := &SimulatePoliciesOutput{}
	switch err := judge.Allow(&facts, caller, &ask); {
	case err == nil:
		out.Allowed = true
	case fault.Is(err, fault.AccessDenied):
		out.Refusal = fault.From(err).Message
	default:
		return nil, err
	}
	out.Explanation = judge.ExplainWhole()
	return out, nil
}
