package kms

import (
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetKeyLastUsageInput asks when a key was last used.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html
type GetKeyLastUsageInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// GetKeyLastUsageOutput says so, and from when on uses are known. It names the
// key by its bare id.
type GetKeyLastUsageOutput struct {
	KeyID             string           `aws:"KeyId"`
	KeyLastUsage      KeyLastUsageData `aws:"KeyLastUsage"`
	TrackingStartDate time.Time        `aws:"TrackingStartDate"`
	KeyCreationDate   time.Time        `aws:"KeyCreationDate"`
}

// KeyLastUsageData is the last successful cryptographic operation with a key. It
// is empty where there was none.
type KeyLastUsageData struct {
	Operation         optional.Of[string]    `aws:"Operation"`
	Timestamp         optional.Of[time.Time] `aws:"Timestamp"`
	CloudTrailEventID optional.Of[string]    `aws:"CloudTrailEventId"`
	KMSRequestID      optional.Of[string]    `aws:"KmsRequestId"`
}

// Validate checks the limits of the public model.
func (in *GetKeyLastUsageInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

func (s *Service) getKeyLastUsage() operation.Operation {
	return operation.Use[GetKeyLastUsageInput, GetKeyLastUsageOutput, *target, *GetKeyLastUsageInput]{
		Name:    "GetKeyLastUsage",
		Actions: []string{"kms:GetKeyLastUsage"},
		Subject: func(c *operation.Call, in *GetKeyLastUsageInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[GetKeyLastUsageInput]("kms:GetKeyLastUsage", false),
		Run: func(c *operation.Call, _ *GetKeyLastUsageInput, t *target) (*GetKeyLastUsageOutput, error) {
			k, err := t.found(c)
			if err != nil {
				return nil, err
			}
			out := &GetKeyLastUsageOutput{KeyID: k.ID, TrackingStartDate: s.tracked(k), KeyCreationDate: k.Created}
			use, err := s.lastUse(c, k)
			if err != nil || use == nil {
				return out, err
			}
			out.KeyLastUsage = KeyLastUsageData{
				Operation:         optional.Some(use.Operation),
				Timestamp:         optional.Some(use.Time),
				CloudTrailEventID: optional.Some(use.EventID),
				KMSRequestID:      optional.Some(use.RequestID),
			}
			return out, nil
		},
	}.Operation()
}
