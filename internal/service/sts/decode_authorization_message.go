package sts

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DecodeAuthorizationMessageInput has the message about a refusal.
type DecodeAuthorizationMessageInput struct {
	EncodedMessage optional.Of[string] `aws:"EncodedMessage"`
}

// Validate checks the limits of the public API.
func (in *DecodeAuthorizationMessageInput) Validate(c *check.Checks) {
	if c.Required("encodedMessage", in.EncodedMessage.Set) {
		c.Length("encodedMessage", in.EncodedMessage, 1, 10240)
	}
}

// DecodeAuthorizationMessageOutput is what the message says: a JSON document.
type DecodeAuthorizationMessageOutput struct {
	DecodedMessage string `aws:"DecodedMessage"`
}

// decodeAuthorizationMessage implements DecodeAuthorizationMessage. It says what the
// caller's account may know of why one of its principals was refused, for a day.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
func (s *Service) decodeAuthorizationMessage() operation.Operation {
	return operation.Use[DecodeAuthorizationMessageInput, DecodeAuthorizationMessageOutput, struct{}, *DecodeAuthorizationMessageInput]{
		Name:    "DecodeAuthorizationMessage",
		Actions: []string{"sts:DecodeAuthorizationMessage"},
		Asks: func(c *operation.Call, _ *DecodeAuthorizationMessageInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, askOfAccount(c, "sts:DecodeAuthorizationMessage"))
		},
		Run: func(c *operation.Call, in *DecodeAuthorizationMessageInput, _ struct{}) (*DecodeAuthorizationMessageOutput, error) {
			decoded, err := s.messages.Decode(c.Caller.Principal.Account, in.EncodedMessage.V, c.Time)
			if err != nil {
				return nil, fault.New(InvalidAuthorizationMessage, "Message is not valid")
			}
			return &DecodeAuthorizationMessageOutput{DecodedMessage: decoded}, nil
		},
	}.Operation()
}
