package sts

import (
	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// assumeRootSecondsMax is how long a session as another account's root user lasts at
// most, and does where nothing else is asked for.
const assumeRootSecondsMax = 900

// AssumeRootInput asks for a session as the root user of a member account of the
// caller's organization, for one task.
type AssumeRootInput struct {
	TargetPrincipal optional.Of[string]  `aws:"TargetPrincipal" audit:"targetPrincipal"`
	TaskPolicyARN   PolicyDescriptorType `aws:"TaskPolicyArn" audit:"taskPolicyArn"`
	DurationSeconds optional.Of[int]     `aws:"DurationSeconds" audit:"durationSeconds"`
}

// Validate checks the limits of the public API.
func (in *AssumeRootInput) Validate(c *check.Checks) {
	c.Required("targetPrincipal", in.TargetPrincipal.Set)
	c.Length("targetPrincipal", in.TargetPrincipal, 12, 2048)
	if c.Required("taskPolicyArn", in.TaskPolicyARN.ARN.Set) {
		checkARN(c, "taskPolicyArn.arn", in.TaskPolicyARN.ARN)
	}
	c.Range("durationSeconds", in.DurationSeconds, 0, assumeRootSecondsMax)
}

// AssumeRootOutput has the credentials, and the source identity of the caller.
type AssumeRootOutput struct {
	Credentials    Credentials         `aws:"Credentials" audit:"credentials"`
	SourceIdentity optional.Of[string] `aws:"SourceIdentity" audit:"sourceIdentity"`
}

// assumeRoot implements AssumeRoot, for users and roles of the management account
// or of the member that administers IAM. The session ends with the membership of
// the account, and with the feature that lets it begin.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html
func (s *Service) assumeRoot() operation.Operation {
	return operation.Use[AssumeRootInput, AssumeRootOutput, *rootTarget, *AssumeRootInput]{
		Name:    "AssumeRoot",
		Actions: []string{"sts:AssumeRoot"},
		Issues:  true,
		Subject: newRootTarget,
		Asks: func(c *operation.Call, in *AssumeRootInput, t *rootTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, authz.Ask{
				Action:   "sts:AssumeRoot",
				Resource: t.arn,
				Account:  c.Caller.Principal.Account,
				Rule:     policy.IdentityOnly,
				Context:  &t.facts,
			})
		},
		Run: s.runAssumeRoot,
	}.Operation()
}

// A rootTarget is the root user of another account.
type rootTarget struct {
	account string
	arn     string
	facts   facts
}

func newRootTarget(c *operation.Call, in *AssumeRootInput) (*rootTarget, error) {
	name := in.TargetPrincipal.V
	t := &rootTarget{account: name, facts: facts{taskPolicy: in.TaskPolicyARN.ARN.V}}
	if !arn.IsAccount(name) {
		a, ok := arn.Parse(name)
		if !ok || a.String() != arn.Root(c.Partition, a.Account) || !arn.IsAccount(a.Account) {
			return nil, fault.New(fault.Validation, "%s is invalid", name)
		}
		t.account = a.Account
	}
	t.arn = arn.Root(c.Partition, t.account)
	switch p := &c.Caller.Principal; p.Kind {
	case principal.User, principal.RoleSession:
	default:
		return nil, fault.New(fault.AccessDenied, "User: %s is not authorized to perform: sts:AssumeRoot on resource: %s", p.ARN, t.arn)
	}
	return t, nil
}

func (s *Service) runAssumeRoot(c *operation.Call, in *AssumeRootInput, t *rootTarget) (*AssumeRootOutput, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	p := &c.Caller.Principal
	organization, task, stamps, err := s.roots.RootTask(c.Context, r, p.Account, t.account, in.TaskPolicyARN.ARN.V)
	if err != nil {
		return nil, err
	}
	if task == "" {
		return nil, fault.New(fault.AccessDenied, "User: %s is not authorized to perform: sts:AssumeRoot on resource: %s", p.ARN, t.arn)
	}
	c.RestOn(stamps...)
	made, err := s.issue(c.Time, in.DurationSeconds.Or(assumeRootSecondsMax), 0, &session.Session{
		Kind:           session.AssumedRoot,
		Account:        t.account,
		ID:             t.account,
		ARN:            t.arn,
		Organization:   organization,
		Managed:        []string{task},
		SourceIdentity: p.SourceIdentity,
	})
	if err != nil {
		return nil, err
	}
	return &AssumeRootOutput{
		Credentials:    made.Credentials,
		SourceIdentity: optional.Of[string]{V: p.SourceIdentity, Set: p.SourceIdentity != ""},
	}, nil
}
