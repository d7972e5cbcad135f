package sts

import (
	"errors"
	"fmt"
	"time"

	"claviger/internal/kernel/session"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// Credentials are temporary ones as they are shown, once, to whoever asked.
type Credentials struct {
	AccessKeyID     string             `aws:"AccessKeyId" audit:"accessKeyId"`
	SecretAccessKey confidential.Bytes `aws:"SecretAccessKey,text"`
	SessionToken    confidential.Bytes `aws:"SessionToken,text"`
	Expiration      time.Time          `aws:"Expiration" audit:"expiration"`
}

// issue makes the credentials of a session that begins at a time and lasts for
// a number of seconds.
func (s *Service) issue(begin time.Time, seconds int, of *session.Session) (Credentials, error) {
	of.Issued = begin.UTC().Truncate(time.Second)
	of.Expires = of.Issued.Add(time.Duration(seconds) * time.Second)
	id := session.Draw()
	token, err := s.tokens.Seal(id, of)
	if errors.Is(err, session.ErrTooLarge) {
		return Credentials{}, fault.New(PackedPolicyTooLarge, "The session token would be too large")
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("sealing a token: %w", err)
	}
	return Credentials{
		AccessKeyID:     id,
		SecretAccessKey: s.tokens.SecretAccessKey(id),
		SessionToken:    confidential.New([]byte(token)),
		Expiration:      of.Expires,
	}, nil
}
