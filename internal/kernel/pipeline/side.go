package pipeline

import (
	"encoding/binary"
	"encoding/json"

	"claviger/internal/ground/policy"
)

// side packs the premises of a refusal for the trail's side field: two parts,
// each sealed under the key of the account that may see it. The caller's
// account sees its own policies, the owner of the resource those of the
// resource. docs/formats/side.md is the format.
func (w *walk) side() []byte {
	if len(w.premises) == 0 {
		return nil
	}
	b := []byte{sideVersion}
	b = w.sidePart(b, w.asked, policy.CallerSide)
	return w.sidePart(b, w.refusing, policy.ResourceSide)
}

const sideVersion = 1

// sidePart appends one part: the account (two bytes of length), then the sealed
// premises (four bytes of length). A part without premises, or for an account
// that has no key here, is left out.
func (w *walk) sidePart(dst []byte, account string, side policy.Side) []byte {
	var mine []premise
	for _, p := range w.premises {
		if p.Side == side {
			mine = append(mine, premise{
				Gate: uint8(p.Gate), Policy: p.Policy, Statement: p.Statement, Sid: p.Sid,
				Effect: p.Effect, Matched: p.Matched, Failed: p.Failed,
			})
		}
	}
	if len(mine) == 0 || account == "" || !w.p.o.Sealer.Known(account) {
		return dst
	}
	plain, err := json.Marshal(mine)
	if err != nil {
		return dst // unreachable: premise holds strings and numbers
	}
	sealed, err := w.p.o.Sealer.Seal(account, []byte("side/"+w.call.RequestID), plain)
	if err != nil {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(account)))
	dst = append(dst, account...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(sealed)))
	return append(dst, sealed...)
}

// premise is the stored form of a policy.Premise.
type premise struct {
	Gate      uint8  `json:"gate"`
	Policy    string `json:"policy,omitempty"`
	Statement int    `json:"statement"`
	Sid       string `json:"sid,omitempty"`
	Effect    string `json:"effect,omitempty"`
	Matched   bool   `json:"matched"`
	Failed    string `json:"failed,omitempty"`
}
