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

// tokenMax is the room in a session token, in characters: for session policies and
// tags, and for what every token says.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const tokenMax = 4096

// issued are new credentials, with how much of the room in a token they take.
type issued struct {
	Credentials Credentials
	Size        int // characters of the token
	Utilization int // percent of tokenMax
}

// issue makes the credentials of a session that begins at a time and lasts for a
// number of seconds. Their token has a minimum of characters.
func (s *Service) issue(begin time.Time, seconds, minimum int, of *session.Session) (*issued, error) {
	of.Issued = begin.UTC().Truncate(time.Second)
	of.Expires = of.Issued.Add(time.Duration(seconds) * time.Second)
	of.Position = s.position()
	id := session.Draw()
	token, err := s.tokens.SealPadded(id, of, minimum)
	if errors.Is(err, session.ErrTooLarge) {
		return nil, fault.New(PackedPolicyTooLarge, "Serialized token too large for session")
	}
	if err != nil {
		return nil, fmt.Errorf("sealing a token: %w", err)
	}
	percent := (100*len(token) + tokenMax - 1) / tokenMax
	switch {
	case percent <= 100:
	case of.Kind == session.Forward: // it holds a whole token of its user beside its own
	case len(of.Policies) == 0 && len(of.Managed) == 0:
		return nil, fault.New(PackedPolicyTooLarge, "Packed size of session tags consumes %d%% of allotted space.", percent)
	default:
		return nil, packedTooLarge(percent)
	}
	return &issued{
		Credentials: Credentials{
			AccessKeyID:     id,
			SecretAccessKey: s.tokens.SecretAccessKey(id),
			SessionToken:    confidential.New([]byte(token)),
			Expiration:      of.Expires,
		},
		Size:        len(token),
		Utilization: percent,
	}, nil
}
