package sts

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

const (
	userSecondsMin     = 900
	userSecondsMax     = 129600
	userSecondsDefault = 43200
	rootSecondsMax     = 3600
)

// GetSessionTokenInput asks for temporary credentials of the caller's own.
type GetSessionTokenInput struct {
	DurationSeconds optional.Of[int]    `aws:"DurationSeconds" audit:"durationSeconds"`
	SerialNumber    optional.Of[string] `aws:"SerialNumber" audit:"serialNumber"`
	TokenCode       confidential.Bytes  `aws:"TokenCode,text"`

	MinimumSessionTokenSize optional.Of[int] `aws:"MinimumSessionTokenSize" audit:"minimumSessionTokenSize"`
}

// Validate checks the limits of the public API.
func (in *GetSessionTokenInput) Validate(c *check.Checks) {
	c.Range("durationSeconds", in.DurationSeconds, userSecondsMin, userSecondsMax)
	checkSecondFactor(c, in.SerialNumber, in.TokenCode)
	c.Range("minimumSessionTokenSize", in.MinimumSessionTokenSize, 0, tokenMax)
}

// GetSessionTokenOutput is a session of the caller.
type GetSessionTokenOutput struct {
	Credentials             Credentials `aws:"Credentials" audit:"credentials"`
	SessionTokenUtilization int         `aws:"SessionTokenUtilization" audit:"sessionTokenUtilization"`
	SessionTokenSize        int         `aws:"SessionTokenSize" audit:"sessionTokenSize"`
}

// getSessionToken implements GetSessionToken. It needs no permission: the
// credentials can do nothing that the caller can't, and end with its access key.
// For a root user they last for an hour at most, whatever was asked for.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (s *Service) getSessionToken() operation.Operation {
	return operation.Use[GetSessionTokenInput, GetSessionTokenOutput, struct{}, *GetSessionTokenInput]{
		Name:        "GetSessionToken",
		AsksNothing: true,
		Issues:      true,
		Run:         s.runGetSessionToken,
	}.Operation()
}

func (s *Service) runGetSessionToken(c *operation.Call, in *GetSessionTokenInput, _ struct{}) (*GetSessionTokenOutput, error) {
	p := &c.Caller.Principal
	seconds := in.DurationSeconds.Or(userSecondsDefault)
	switch {
	case p.Temporary():
		return nil, fault.New(fault.AccessDenied, "Cannot call GetSessionToken with session credentials")
	case p.Kind == principal.Root:
		seconds = min(seconds, rootSecondsMax)
	case p.Kind != principal.User:
		return nil, fault.New(fault.AccessDenied, "User: %s is not authorized to perform: sts:GetSessionToken because it is no user", p.ARN)
	}
	mfa, err := s.secondFactor(c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	if err := s.useCode(c, mfa, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	made, err := s.issue(c.Time, seconds, in.MinimumSessionTokenSize.V, &session.Session{
		Kind:       session.User,
		Account:    p.Account,
		ID:         p.ID,
		ARN:        p.ARN,
		IssuedWith: p.AccessKeyID,
		MFA:        mfa,
	})
	if err != nil {
		return nil, err
	}
	return &GetSessionTokenOutput{
		Credentials:             made.Credentials,
		SessionTokenUtilization: made.Utilization,
		SessionTokenSize:        made.Size,
	}, nil
}
