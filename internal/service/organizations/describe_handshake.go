package organizations

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DescribeHandshakeInput asks for an invitation, as one of its parties.
type DescribeHandshakeInput struct {
	HandshakeID optional.Of[string] `aws:"HandshakeId" audit:"handshakeId"`
}

// Validate checks the limits of the public API.
func (in *DescribeHandshakeInput) Validate(c *check.Checks) {
	may(c, in.HandshakeID, 0, 34, handshakePattern)
	required(c, in.HandshakeID.Set)
}

// DescribeHandshakeOutput is the handshake.
type DescribeHandshakeOutput struct {
	Handshake Handshake `aws:"Handshake"`
}

// describeHandshake implements DescribeHandshake.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeHandshake.html
func (s *Service) describeHandshake() operation.Operation {
	return operation.Use[DescribeHandshakeInput, DescribeHandshakeOutput, *shaking, *DescribeHandshakeInput]{
		Name:    "DescribeHandshake",
		Actions: []string{prefix + "DescribeHandshake"},
		Subject: func(c *operation.Call, in *DescribeHandshakeInput) (*shaking, error) {
			return s.shaking(c, in.HandshakeID.V)
		},
		Asks: func(c *operation.Call, _ *DescribeHandshakeInput, t *shaking, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, prefix+"DescribeHandshake"))
		},
		Run: func(c *operation.Call, _ *DescribeHandshakeInput, t *shaking) (*DescribeHandshakeOutput, error) {
			h, err := t.found()
			if err != nil {
				return nil, err
			}
			return &DescribeHandshakeOutput{Handshake: h.shown(c.Partition, c.Time)}, nil
		},
	}.Operation()
}
