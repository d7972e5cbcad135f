package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// A HandshakeFilter asks for handshakes of an action, or for those below another one.
type HandshakeFilter struct {
	ActionType        optional.Of[string] `aws:"ActionType" audit:"actionType"`
	ParentHandshakeID optional.Of[string] `aws:"ParentHandshakeId" audit:"parentHandshakeId"`
}

func (f *HandshakeFilter) validate(c *check.Checks) {
	oneOf(c, f.ActionType, actionInvite, "ENABLE_ALL_FEATURES", "APPROVE_ALL_FEATURES", "ADD_ORGANIZATIONS_SERVICE_LINKED_ROLE", "TRANSFER_RESPONSIBILITY")
	may(c, f.ParentHandshakeID, 0, 34, handshakePattern)
	if f.ActionType.Set && f.ParentHandshakeID.Set {
		c.Refuse(invalid("MAX_LIMIT_EXCEEDED_FILTER", "You can specify only one filter parameter for the operation."))
	}
}

// listHandshakes returns a page of the handshakes of an account or of an
// organization. There are invitations only, and none has a parent.
func (s *Service) listHandshakes(c *operation.Call, r store.Reader, index, value string, f HandshakeFilter, p page) ([]Handshake, optional.Of[string], error) {
	filter := f.ActionType.V + " " + f.ParentHandshakeID.V
	after, err := s.after(c, filter, p)
	if err != nil {
		return nil, optional.Of[string]{}, err
	}
	found := paged[Handshake]{most: p.size()}
	if f.ActionType.Or(actionInvite) == actionInvite && !f.ParentHandshakeID.Set {
		err = scan(c.Context, r, handshakes, index, value, after, handshakeID, func(h *handshake) bool {
			return !h.seen(c.Time) || found.add(h.ID, h.shown(c.Partition, c.Time))
		})
	}
	list, next := found.cut(s, c, filter)
	return list, next, err
}
