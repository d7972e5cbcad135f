package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeclineHandshakeInput asks for an invitation to be declined.
type DeclineHandshakeInput struct {
	HandshakeID optional.Of[string] `aws:"HandshakeId" audit:"handshakeId"`
}

// Validate checks the limits of the public API.
func (in *DeclineHandshakeInput) Validate(c *check.Checks) {
	may(c, in.HandshakeID, 0, 34, handshakePattern)
	required(c, in.HandshakeID.Set)
}

// DeclineHandshakeOutput is the handshake.
type DeclineHandshakeOutput struct {
	Handshake Handshake `aws:"Handshake" audit:"handshake"`
}

// declineHandshake implements DeclineHandshake. Only who is invited may.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeclineHandshake.html
func (s *Service) declineHandshake() operation.Operation {
	return operation.Change[DeclineHandshakeInput, DeclineHandshakeOutput, *shaking, *DeclineHandshakeInput]{
		Name:    "DeclineHandshake",
		Actions: []string{prefix + "DeclineHandshake"},
		Subject: func(c *operation.Call, in *DeclineHandshakeInput) (*shaking, error) {
			return s.shaking(c, in.HandshakeID.V)
		},
		Asks: func(c *operation.Call, _ *DeclineHandshakeInput, t *shaking, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, prefix+"DeclineHandshake"))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DeclineHandshakeInput, t *shaking) (*DeclineHandshakeOutput, error) {
			h, err := t.end(c, tx, recipient, handshakeDeclined)
			if err != nil {
				return nil, err
			}
			return &DeclineHandshakeOutput{Handshake: h.shown(c.Partition, c.Time)}, nil
		},
	}.Operation()
}
