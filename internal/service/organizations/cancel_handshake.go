package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// CancelHandshakeInput asks for an invitation to be withdrawn.
type CancelHandshakeInput struct {
	HandshakeID optional.Of[string] `aws:"HandshakeId" audit:"handshakeId"`
}

// Validate checks the limits of the public API.
func (in *CancelHandshakeInput) Validate(c *check.Checks) {
	may(c, in.HandshakeID, 0, 34, handshakePattern)
	required(c, in.HandshakeID.Set)
}

// CancelHandshakeOutput is the handshake.
type CancelHandshakeOutput struct {
	Handshake Handshake `aws:"Handshake" audit:"handshake"`
}

// cancelHandshake implements CancelHandshake. Only the sender may.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CancelHandshake.html
func (s *Service) cancelHandshake() operation.Operation {
	return operation.Change[CancelHandshakeInput, CancelHandshakeOutput, *shaking, *CancelHandshakeInput]{
		Name:    "CancelHandshake",
		Actions: []string{prefix + "CancelHandshake"},
		Subject: func(c *operation.Call, in *CancelHandshakeInput) (*shaking, error) {
			return s.shaking(c, in.HandshakeID.V)
		},
		Asks: func(c *operation.Call, _ *CancelHandshakeInput, t *shaking, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, prefix+"CancelHandshake"))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *CancelHandshakeInput, t *shaking) (*CancelHandshakeOutput, error) {
			h, err := t.end(c, tx, sender, handshakeCanceled)
			if err != nil {
				return nil, err
			}
			return &CancelHandshakeOutput{Handshake: h.shown(c.Partition, c.Time)}, nil
		},
	}.Operation()
}
