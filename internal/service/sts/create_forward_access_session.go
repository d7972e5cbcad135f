package sts

import (
	"net/netip"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

const forwardSecondsMax = 300

// CreateForwardAccessSessionInput asks for credentials that act for a user,
// through the calling service. Method, Uri, Headers and BodySha256 are the user's
// signed request to the service, as evidence.
type CreateForwardAccessSessionInput struct {
	Method          optional.Of[string] `aws:"Method" audit:"method"`
	URI             optional.Of[string] `aws:"Uri"` // its query may be nobody else's business
	Headers         []Header            `aws:"Headers"`
	BodySHA256      optional.Of[string] `aws:"BodySha256" audit:"bodySha256"`
	DurationSeconds optional.Of[int]    `aws:"DurationSeconds" audit:"durationSeconds"`

	// SourceIP is the user's address as the service saw it. It stands in records
	// and counts in no decision.
	SourceIP optional.Of[string] `aws:"SourceIp" audit:"sourceIp"`

	// PassRoleARN names a role that the service is about to assume because the
	// user named it.
	PassRoleARN optional.Of[string] `aws:"PassRoleArn" audit:"passRoleArn"`
}

var (
	methodPattern = newPattern(`[A-Z]+`, `[A-Z]+`)
	hashPattern   = newPattern(`[0-9a-f]{64}`, `[0-9a-f]{64}`)
)

// Validate checks the limits of docs/forward-access.md.
func (in *CreateForwardAccessSessionInput) Validate(c *check.Checks) {
	in.checkEvidence(c)
	c.Range("durationSeconds", in.DurationSeconds, 1, forwardSecondsMax)
	c.Length("sourceIp", in.SourceIP, 2, 45)
	if address, err := netip.ParseAddr(in.SourceIP.V); in.SourceIP.Set && (err != nil || address.Zone() != "") {
		c.Refuse(fault.New(fault.Validation, "SourceIp is not an IP address."))
	}
	checkARN(c, "passRoleArn", in.PassRoleARN)
	if _, ok := accountOf(in.PassRoleARN.V); in.PassRoleARN.Set && !ok {
		c.Refuse(fault.New(fault.Validation, "Request ARN is invalid"))
	}
}

// CreateForwardAccessSessionOutput is a session that acts for a user.
type CreateForwardAccessSessionOutput struct {
	Credentials Credentials `aws:"Credentials" audit:"credentials"`
	UserARN     string      `aws:"UserArn" audit:"userArn"`
}

// createForwardAccessSession implements CreateForwardAccessSession, an extension
// of STS. docs/forward-access.md is its reference.
//
// The operator's registration of a service stands as the policy that allows the
// call; nobody else has one.
func (s *Service) createForwardAccessSession() operation.Operation {
	return operation.Use[CreateForwardAccessSessionInput, CreateForwardAccessSessionOutput, *trade, *CreateForwardAccessSessionInput]{
		Name:    "CreateForwardAccessSession",
		Actions: []string{"sts:CreateForwardAccessSession", "iam:PassRole"},
		Issues:  true,
		Subject: s.newTrade,
		Asks: func(_ *operation.Call, in *CreateForwardAccessSessionInput, t *trade, asks []authz.Ask) []authz.Ask {
			asks = append(asks, authz.Ask{
				Action:   "sts:CreateForwardAccessSession",
				Resource: "*",
				Rule:     policy.ExplicitTrust,
				Policy:   t.registration,
			})
			if t.passed != nil {
				asks = append(asks, t.passed.ask(in.PassRoleARN.V))
			}
			return asks
		},
		Run: s.runCreateForwardAccessSession,
	}.Operation()
}

// A trade is evidence for a session.
type trade struct {
	registration *policy.Policy // nil for a caller that is no service: it is refused
	proof        *proof
	passed       *passing // nil where no role is to be passed
}

// A passing is a role that a user passes to a service.
type passing struct {
	user    *authz.Caller // through the service
	account string
	role    *authz.Role // nil where there is none
	facts   facts
}

// newTrade verifies the evidence. For a caller that is no service it looks at
// nothing.
func (s *Service) newTrade(c *operation.Call, in *CreateForwardAccessSessionInput) (*trade, error) {
	service := c.Caller.Registration
	if c.Caller.Principal.Kind != principal.Service || service == nil {
		return &trade{}, nil
	}
	evidence := in.signedRequest()
	c.Show("path", evidence.Path)
	proof, err := s.accept(c.Context, evidence, service, c.Partition, c.Time)
	if err != nil {
		return nil, err
	}
	user := &proof.by.Caller.Principal
	c.RestOn(proof.by.Caller.Stamps...)
	c.Concerns(issuer(user))
	c.ShowAdditional("evidenceAccessKeyId", user.AccessKeyID)
	c.ShowAdditional("evidenceRegion", proof.region)
	t := &trade{registration: trusting(service.Name, "sts:CreateForwardAccessSession"), proof: proof}
	if in.PassRoleARN.Set {
		if t.passed, err = s.newPassing(c, in.PassRoleARN.V, proof); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// issuer is the resource in whose account the record of a trade has its copy.
func issuer(user *principal.Principal) (kind, name, account string) {
	if user.Kind == principal.RoleSession {
		return "AWS::IAM::Role", user.IssuerARN, user.Account
	}
	return "AWS::IAM::User", user.ARN, user.Account
}

// newPassing finds the role to be passed. The user is asked as one for whom the
// service acts: the connection is the service's, and says nothing of the user.
func (s *Service) newPassing(c *operation.Call, roleARN string, proof *proof) (*passing, error) {
	service := c.Caller.Registration
	user := *proof.by.Caller
	user.Via = &authz.Via{Registration: service, Services: []string{service.Name}, Region: proof.region}
	account, _ := accountOf(roleARN) // Validate has refused what is none
	p := &passing{user: &user, account: account, facts: facts{passedTo: service.Name}}
	var err error
	if p.role, err = s.role(c, roleARN); err != nil {
		return nil, err
	}
	if p.role != nil {
		p.facts.resourceTags = p.role.Tags
	}
	return p, nil
}

// ask is the user's permission to pass the role. Roles of other accounts can't be passed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func (p *passing) ask(roleARN string) authz.Ask {
	return authz.Ask{
		Action:   "iam:PassRole",
		Resource: roleARN,
		Account:  p.account,
		Rule:     policy.Standard,
		Context:  &p.facts,
		Caller:   p.user,
	}
}

func (s *Service) runCreateForwardAccessSession(c *operation.Call, in *CreateForwardAccessSessionInput, t *trade) (*CreateForwardAccessSessionOutput, error) {
	if t.passed != nil && t.passed.role == nil {
		return nil, fault.New(fault.Validation, "The role %s does not exist.", in.PassRoleARN.V)
	}
	by, user := t.proof.by, &t.proof.by.Caller.Principal
	seconds, err := remaining(by.Caller, c.Time, in.DurationSeconds.Or(forwardSecondsMax))
	if err != nil {
		return nil, err
	}
	id, name := user.ID, user.ARN
	if user.IssuerARN != "" {
		id, name = user.IssuerID, user.IssuerARN
	}
	made, err := s.issue(c.Time, seconds, 0, &session.Session{
		Kind:        session.Forward,
		Account:     user.Account,
		ID:          id,
		ARN:         name,
		IssuedTo:    c.Caller.Principal.Name,
		IssuedWith:  c.Caller.Principal.AccessKeyID,
		AccessKeyID: by.AccessKeyID,
		Token:       by.Token,
		Region:      t.proof.region,
		Address:     in.SourceIP.V,
		UserAgent:   t.proof.agent,
	})
	if err != nil {
		return nil, err
	}
	return &CreateForwardAccessSessionOutput{Credentials: made.Credentials, UserARN: user.ARN}, nil
}

// remaining bounds a number of seconds by what is left of the user's own session.
func remaining(user *authz.Caller, now time.Time, seconds int) (int, error) {
	if user.Expires.IsZero() {
		return seconds, nil
	}
	left := int(user.Expires.Sub(now.Truncate(time.Second)) / time.Second)
	if left < 1 {
		return 0, noEvidence("The security token included in the request is expired")
	}
	return min(seconds, left), nil
}
