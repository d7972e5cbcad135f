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

// GetFederationTokenInput asks for temporary credentials of somebody whom the
// caller vouches for.
type GetFederationTokenInput struct {
	Name            optional.Of[string]    `aws:"Name" audit:"name"`
	Policy          optional.Of[string]    `aws:"Policy" audit:"policy"`
	PolicyARNs      []PolicyDescriptorType `aws:"PolicyArns" audit:"policyArns"`
	DurationSeconds optional.Of[int]       `aws:"DurationSeconds" audit:"durationSeconds"`
	Tags            []Tag                  `aws:"Tags" audit:"tags"`

	MinimumSessionTokenSize optional.Of[int] `aws:"MinimumSessionTokenSize" audit:"minimumSessionTokenSize"`
}

// Validate checks the limits of the public API.
func (in *GetFederationTokenInput) Validate(c *check.Checks) {
	if c.Required("name", in.Name.Set) {
		checkText(c, "name", in.Name, 2, 32, namePattern)
	}
	checkPolicyMembers(c, in.PolicyARNs, in.Policy)
	c.Range("durationSeconds", in.DurationSeconds, userSecondsMin, userSecondsMax)
	checkTags(c, in.Tags, nil)
	c.Range("minimumSessionTokenSize", in.MinimumSessionTokenSize, 0, tokenMax)
}

// GetFederationTokenOutput is a session of a federated user. SessionTokenUtilization
// is how much of the room in a token is taken, in percent, and so is
// PackedPolicySize, which is 0 where there are no policies and no tags.
type GetFederationTokenOutput struct {
	Credentials      Credentials   `aws:"Credentials" audit:"credentials"`
	FederatedUser    FederatedUser `aws:"FederatedUser" audit:"federatedUser"`
	PackedPolicySize int           `aws:"PackedPolicySize" audit:"packedPolicySize"`

	SessionTokenUtilization int `aws:"SessionTokenUtilization" audit:"sessionTokenUtilization"`
	SessionTokenSize        int `aws:"SessionTokenSize" audit:"sessionTokenSize"`
}

// FederatedUser is who the session is.
type FederatedUser struct {
	FederatedUserID string `aws:"FederatedUserId" audit:"federatedUserId"`
	ARN             string `aws:"Arn" audit:"arn"`
}

// getFederationToken implements GetFederationToken. The session may do what both
// its session policies and the caller's own allow; without session policies it can
// do nothing but what the policy of a resource allows it by name.
//
// It ends with the access key that it was asked for with. For a root user it lasts
// for an hour at most, whatever was asked for.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func (s *Service) getFederationToken() operation.Operation {
	return operation.Use[GetFederationTokenInput, GetFederationTokenOutput, *federation, *GetFederationTokenInput]{
		Name:    "GetFederationToken",
		Actions: []string{"sts:GetFederationToken", "sts:TagSession"},
		Issues:  true,
		Subject: newFederation,
		Asks: func(_ *operation.Call, _ *GetFederationTokenInput, f *federation, asks []authz.Ask) []authz.Ask {
			asks = append(asks, f.ask("sts:GetFederationToken"))
			if len(f.tags) > 0 {
				asks = append(asks, f.ask("sts:TagSession"))
			}
			return asks
		},
		Run: s.runGetFederationToken,
	}.Operation()
}

// A federation is a session of a federated user that is about to begin.
type federation struct {
	*tagging
	account string
	user    FederatedUser
	facts   facts
}

func newFederation(c *operation.Call, in *GetFederationTokenInput) (*federation, error) {
	p := &c.Caller.Principal
	switch {
	case p.Temporary():
		return nil, fault.New(fault.AccessDenied, "Cannot call GetFederationToken with session credentials")
	case p.Kind != principal.User && p.Kind != principal.Root:
		return nil, fault.New(fault.AccessDenied, "User: %s is not authorized to perform: sts:GetFederationToken because it is no user", p.ARN)
	}
	tags, err := newTagging(c.Caller, in.Tags, nil)
	if err != nil {
		return nil, err
	}
	name := arn.ARN{Partition: c.Partition, Service: "sts", Account: p.Account, Resource: "federated-user/" + in.Name.V}
	return &federation{
		tagging: tags,
		account: p.Account,
		user:    FederatedUser{FederatedUserID: p.Account + ":" + in.Name.V, ARN: name.String()},
		facts:   facts{requestTags: tags.tags},
	}, nil
}

// ask is one permission of the caller's own.
func (f *federation) ask(action string) authz.Ask {
	return authz.Ask{Action: action, Resource: f.user.ARN, Account: f.account, Rule: policy.IdentityOnly, Context: &f.facts}
}

func (s *Service) runGetFederationToken(c *operation.Call, in *GetFederationTokenInput, f *federation) (*GetFederationTokenOutput, error) {
	p := &c.Caller.Principal
	seconds := in.DurationSeconds.Or(userSecondsDefault)
	if p.Kind == principal.Root {
		seconds = min(seconds, rootSecondsMax)
	}
	of := &session.Session{
		Kind:       session.Federated,
		Account:    p.Account,
		ID:         p.ID,
		Name:       in.Name.V,
		ARN:        p.ARN,
		Tags:       f.tags,
		IssuedWith: p.AccessKeyID,
	}
	if err := s.limit(c, of, in.PolicyARNs, in.Policy); err != nil {
		return nil, err
	}
	made, err := s.issue(c.Time, seconds, in.MinimumSessionTokenSize.V, of)
	if err != nil {
		return nil, err
	}
	out := &GetFederationTokenOutput{
		Credentials:             made.Credentials,
		FederatedUser:           f.user,
		SessionTokenUtilization: made.Utilization,
		SessionTokenSize:        made.Size,
	}
	if packs(of) {
		out.PackedPolicySize = made.Utilization
	}
	return out, nil
}
