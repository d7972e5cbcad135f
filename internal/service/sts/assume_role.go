package sts

import (
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

const (
	roleSecondsMin     = 900
	roleSecondsMax     = 43200
	roleSecondsDefault = 3600
	chainSecondsMax    = 3600 // of a role assumed by a session of another

)

// AssumeRoleInput asks for a session of a role.
type AssumeRoleInput struct {
	RoleARN           optional.Of[string]    `aws:"RoleArn" audit:"roleArn"`
	RoleSessionName   optional.Of[string]    `aws:"RoleSessionName" audit:"roleSessionName"`
	PolicyARNs        []PolicyDescriptorType `aws:"PolicyArns" audit:"policyArns"`
	Policy            optional.Of[string]    `aws:"Policy" audit:"policy"`
	DurationSeconds   optional.Of[int]       `aws:"DurationSeconds" audit:"durationSeconds"`
	Tags              []Tag                  `aws:"Tags" audit:"tags"`
	TransitiveTagKeys []string               `aws:"TransitiveTagKeys" audit:"transitiveTagKeys"`
	ExternalID        optional.Of[string]    `aws:"ExternalId" audit:"externalId"`
	SerialNumber      optional.Of[string]    `aws:"SerialNumber" audit:"serialNumber"`
	TokenCode         confidential.Bytes     `aws:"TokenCode,text"`
	SourceIdentity    optional.Of[string]    `aws:"SourceIdentity" audit:"sourceIdentity"`
	ProvidedContexts  []ProvidedContext      `aws:"ProvidedContexts"`

	MinimumSessionTokenSize optional.Of[int] `aws:"MinimumSessionTokenSize" audit:"minimumSessionTokenSize"`
}

// ProvidedContext is an assertion of a context provider. There are none.
type ProvidedContext struct {
	ProviderARN      optional.Of[string] `aws:"ProviderArn"`
	ContextAssertion confidential.Bytes  `aws:"ContextAssertion,text"`
}

// Validate checks the limits of the public API.
func (in *AssumeRoleInput) Validate(c *check.Checks) {
	if c.Required("roleArn", in.RoleARN.Set) {
		checkARN(c, "roleArn", in.RoleARN)
	}
	if c.Required("roleSessionName", in.RoleSessionName.Set) {
		checkText(c, "roleSessionName", in.RoleSessionName, 2, 64, namePattern)
	}
	checkPolicyMembers(c, in.PolicyARNs, in.Policy)
	c.Range("durationSeconds", in.DurationSeconds, roleSecondsMin, roleSecondsMax)
	checkTags(c, in.Tags, in.TransitiveTagKeys)
	checkText(c, "externalId", in.ExternalID, 2, 1224, externalIDPattern)
	checkSecondFactor(c, in.SerialNumber, in.TokenCode)
	checkText(c, "sourceIdentity", in.SourceIdentity, 2, 64, namePattern)
	c.Items("providedContexts", in.ProvidedContexts != nil, len(in.ProvidedContexts), 0, 5)
	for i, p := range in.ProvidedContexts {
		checkARN(c, element("providedContexts", i)+".providerArn", p.ProviderARN)
		c.Bytes(element("providedContexts", i)+".contextAssertion", p.ContextAssertion.IsSet(), p.ContextAssertion.Len(), 4, 2048)
	}
	c.Range("minimumSessionTokenSize", in.MinimumSessionTokenSize, 0, tokenMax)
}

// AssumeRoleOutput is a session of a role. SessionTokenUtilization is how much of
// the room in a token is taken, in percent, and so is PackedPolicySize, which is
// absent where there are no policies and no tags.
type AssumeRoleOutput struct {
	Credentials      Credentials         `aws:"Credentials" audit:"credentials"`
	AssumedRoleUser  AssumedRoleUser     `aws:"AssumedRoleUser" audit:"assumedRoleUser"`
	PackedPolicySize optional.Of[int]    `aws:"PackedPolicySize" audit:"packedPolicySize"`
	SourceIdentity   optional.Of[string] `aws:"SourceIdentity" audit:"sourceIdentity"`

	SessionTokenUtilization int `aws:"SessionTokenUtilization" audit:"sessionTokenUtilization"`
	SessionTokenSize        int `aws:"SessionTokenSize" audit:"sessionTokenSize"`
}

// AssumedRoleUser is who the session is.
type AssumedRoleUser struct {
	AssumedRoleID string `aws:"AssumedRoleId" audit:"assumedRoleId"`
	ARN           string `aws:"Arn" audit:"arn"`
}

// assumeRole implements AssumeRole. A role that does not exist is answered as one
// that does not trust the caller.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s *Service) assumeRole() operation.Operation {
	return operation.Use[AssumeRoleInput, AssumeRoleOutput, *assumption, *AssumeRoleInput]{
		Name:    "AssumeRole",
		Actions: []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"},
		Issues:  true,
		Subject: s.newAssumption,
		Asks: func(_ *operation.Call, in *AssumeRoleInput, a *assumption, asks []authz.Ask) []authz.Ask {
			asks = append(asks, a.ask(in, "sts:AssumeRole"))
			if len(a.tags) > 0 {
				asks = append(asks, a.ask(in, "sts:TagSession"))
			}
			if a.sourceIdentity != "" {
				asks = append(asks, a.ask(in, "sts:SetSourceIdentity"))
			}
			return asks
		},
		Run: s.runAssumeRole,
	}.Operation()
}

// An assumption is a role that somebody is about to assume.
type assumption struct {
	*tagging
	account        string
	role           *authz.Role // nil where there is none
	sourceIdentity string
	mfa            bool // the call proves a second factor
	facts          facts
}

func (s *Service) newAssumption(c *operation.Call, in *AssumeRoleInput) (*assumption, error) {
	if _, ok := arn.Parse(in.RoleARN.V); !ok {
		return nil, fault.New(fault.Validation, "%s is invalid", in.RoleARN.V)
	}
	account, ok := accountOf(in.RoleARN.V)
	if !ok {
		return nil, fault.New(fault.Validation, "Request ARN is invalid")
	}
	if c.Caller.Principal.Kind == principal.Root {
		return nil, fault.New(fault.AccessDenied, "Roles may not be assumed by root accounts.")
	}
	a := &assumption{account: account}
	var err error
	if a.mfa, err = s.secondFactor(c, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	if a.sourceIdentity, err = sourceIdentity(c.Caller, in); err != nil {
		return nil, err
	}
	if a.tagging, err = newTagging(c.Caller, in.Tags, in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	if len(a.incoming) > 0 {
		c.ShowPairs("incomingTransitiveTags", a.incoming)
	}
	c.Concerns("AWS::IAM::Role", in.RoleARN.V, account)
	if a.role, err = s.role(c, in.RoleARN.V); err != nil {
		return nil, err
	}
	a.facts = facts{
		externalID:     in.ExternalID.V,
		sessionName:    in.RoleSessionName.V,
		sourceIdentity: a.sourceIdentity,
		requestTags:    a.tags,
		transitive:     a.transitive,
	}
	if a.role != nil {
		a.facts.resourceTags = a.role.Tags
	}
	return a, nil
}

// sourceIdentity is the request's, or the one that the caller's session has: it
// goes on from role to role and can't be changed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
func sourceIdentity(caller *authz.Caller, in *AssumeRoleInput) (string, error) {
	inherited := caller.Principal.SourceIdentity
	if inherited != "" && in.SourceIdentity.Set && in.SourceIdentity.V != inherited {
		return "", fault.New(fault.AccessDenied, "User: %s is not authorized to perform: sts:SetSourceIdentity on resource: %s because its source identity can't be changed",
			caller.Principal.ARN, in.RoleARN.V)
	}
	return in.SourceIdentity.Or(inherited), nil
}

// ask is one permission on the role. That to set the source identity knows that
// alone: neither the name of the session nor its tags.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
func (a *assumption) ask(in *AssumeRoleInput, action string) authz.Ask {
	ask := authz.Ask{
		Action:       action,
		Resource:     in.RoleARN.V,
		Account:      a.account,
		Rule:         policy.ExplicitTrust,
		CrossAccount: true,
		MFA:          a.mfa,
		Context:      &a.facts,
		Unreasoned:   true,
	}
	if action == "sts:SetSourceIdentity" {
		ask.Context = &facts{sourceIdentity: a.sourceIdentity}
	}
	if a.role != nil {
		ask.Policy = a.role.Trust
	}
	return ask
}

func (s *Service) runAssumeRole(c *operation.Call, in *AssumeRoleInput, a *assumption) (*AssumeRoleOutput, error) {
	seconds := in.DurationSeconds.Or(roleSecondsDefault)
	if err := mayLast(c.Caller, a.role, seconds); err != nil {
		return nil, err
	}
	if len(in.ProvidedContexts) > 0 {
		return nil, fault.New(fault.UnsupportedOperation, "ProvidedContexts: there are no context providers.")
	}
	of := a.session(c.Caller, in)
	if err := s.limit(c, of, in.PolicyARNs, in.Policy); err != nil {
		return nil, err
	}
	if err := s.useCode(c, a.mfa, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	made, err := s.issue(c.Time, seconds, in.MinimumSessionTokenSize.V, of)
	if err != nil {
		return nil, err
	}
	id := a.role.ID
	if id == "" {
		id = a.role.Account + ":" + a.role.Name
	}
	user := arn.ARN{Partition: c.Partition, Service: "sts", Account: a.role.Account, Resource: "assumed-role/" + a.role.Name + "/" + of.Name}
	return &AssumeRoleOutput{
		Credentials:      made.Credentials,
		AssumedRoleUser:  AssumedRoleUser{AssumedRoleID: id + ":" + of.Name, ARN: user.String()},
		PackedPolicySize: optional.Of[int]{V: made.Utilization, Set: packs(of)},
		SourceIdentity:   optional.Of[string]{V: of.SourceIdentity, Set: of.SourceIdentity != ""},

		SessionTokenUtilization: made.Utilization,
		SessionTokenSize:        made.Size,
	}, nil
}

// mayLast refuses a session that would last too long.
func mayLast(caller *authz.Caller, role *authz.Role, seconds int) error {
	switch {
	case caller.Principal.Kind == principal.RoleSession && seconds > chainSecondsMax:
		return fault.New(fault.Validation, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case time.Duration(seconds)*time.Second > role.Longest:
		return fault.New(fault.Validation, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}

// session is what the token will say, without its times. What a service was issued
// it hands on as its own: no chain of roles outlives its registration.
func (a *assumption) session(caller *authz.Caller, in *AssumeRoleInput) *session.Session {
	of := &session.Session{
		Kind:           session.Role,
		Account:        a.role.Account,
		ID:             a.role.ID,
		Name:           in.RoleSessionName.V,
		ARN:            a.role.ARN,
		Tags:           a.tags,
		Transitive:     a.transitive,
		SourceIdentity: a.sourceIdentity,
		MFA:            a.mfa,
		IssuedTo:       caller.IssuedTo,
		IssuedWith:     caller.IssuedWith,
	}
	if a.role.ID == "" {
		of.Role = a.role.Name
	}
	if p := &caller.Principal; p.Kind == principal.Service {
		of.IssuedTo, of.IssuedWith = p.Name, p.AccessKeyID
	}
	return of
}
