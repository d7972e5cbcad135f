package explanation

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"claviger/internal/ground/policy"
)

// Versions of the side field. docs/formats/side.md is the format.
const (
	versionPremises = 1 // of a refusal: bare lists of premises
	versionRefusal  = 2 // of a refusal
	versionAllowed  = 3
)

// ErrSide says that bytes are no side field.
var ErrSide = errors.New("explanation: not a side field")

// Sealer seals and opens what only one account may see.
type Sealer interface {
	Known(account string) bool
	Seal(account string, associated, plaintext []byte) ([]byte, error)
	Open(account string, associated, sealed []byte) ([]byte, error)
}

// partMax bounds the plain form of a part, in bytes.
const partMax = 16 << 10

// associated binds the parts of a side field to their request.
func associated(requestID string) []byte { return []byte("side/" + requestID) }

// Side packs the explanation of a refusal for the trail's side field: a part for
// each account, sealed under its key. A part is left out that says nothing, and
// that of an account which has no key here. The result is nil where no part is left.
func (s *Sides) Side(sealer Sealer, requestID string) []byte {
	b := []byte{versionRefusal}
	b = appendPart(b, sealer, requestID, s.Account, s.Own)
	b = appendPart(b, sealer, requestID, s.Owner, s.OfOwner)
	if len(b) == 1 {
		return nil
	}
	return b
}

func appendPart(dst []byte, sealer Sealer, requestID, account string, e *Explanation) []byte {
	if account == "" || e == nil || len(e.Premises) == 0 || !sealer.Known(account) {
		return dst
	}
	sealed, err := sealer.Seal(account, associated(requestID), e.encode(partMax))
	if err != nil {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(account)))
	dst = append(dst, account...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(sealed)))
	return append(dst, sealed...)
}

// A Part is the explanation for one account. An account that owns the resource and
// calls for it may have two, one for each side.
type Part struct {
	Account     string
	Explanation *Explanation
}

// A Reason is what allowed one permission.
type Reason struct {
	Action    string
	Gate      policy.Gate
	Policy    string // "" where it is the policy of the resource, or none
	Statement int    // -1 where no statement did
	Sid       string
}

// ReadSide reads a side field: the parts of the accounts that may be seen, or the
// reasons for which a call was allowed. A part whose account has no key any more is
// left out. The error is ErrSide for what is no side field of the request.
func ReadSide(side []byte, sealer Sealer, requestID string, may func(account string) bool) ([]Part, []Reason, error) {
	if len(side) == 0 {
		return nil, nil, nil
	}
	switch version, rest := side[0], side[1:]; version {
	case versionPremises, versionRefusal:
		parts, err := readParts(rest, version, sealer, requestID, may)
		return parts, nil, err
	case versionAllowed:
		reasons, err := readReasons(rest)
		return nil, reasons, err
	}
	return nil, nil, fmt.Errorf("%w: version %d", ErrSide, side[0])
}

func readParts(b []byte, version byte, sealer Sealer, requestID string, may func(string) bool) ([]Part, error) {
	var parts []Part
	for len(b) > 0 {
		account, rest, ok := cutLong[uint16](b)
		if !ok {
			return nil, ErrSide
		}
		box, rest, ok := cutLong[uint32](rest)
		if !ok {
			return nil, ErrSide
		}
		b = rest
		if !may(string(account)) || !sealer.Known(string(account)) {
			continue
		}
		plain, err := sealer.Open(string(account), associated(requestID), box)
		if err != nil {
			return nil, fmt.Errorf("%w: the part of account %s does not open", ErrSide, account)
		}
		e, err := decode(plain, version)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{string(account), e})
	}
	return parts, nil
}

// cutLong cuts off what follows its length.
func cutLong[N uint16 | uint32](b []byte) (text, rest []byte, ok bool) {
	var n uint64
	switch any(N(0)).(type) {
	case uint16:
		if len(b) < 2 {
			return nil, nil, false
		}
		n, b = uint64(binary.BigEndian.Uint16(b)), b[2:]
	default:
		if len(b) < 4 {
			return nil, nil, false
		}
		n, b = uint64(binary.BigEndian.Uint32(b)), b[4:]
	}
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// AppendReasons appends the side field of a call that was allowed. It is written
// for every call, and no more than what the policies of the account or of the
// resource are called stands in it.
func AppendReasons(dst []byte, reasons []Reason) []byte {
	dst = append(dst, versionAllowed)
	for i := range reasons {
		r := &reasons[i]
		dst = append(dst, byte(r.Gate))
		dst = binary.BigEndian.AppendUint16(dst, uint16(r.Statement+1))
		dst = appendLong(dst, r.Action)
		dst = appendLong(dst, r.Policy)
		dst = appendLong(dst, r.Sid)
	}
	return dst
}

func appendLong(dst []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

func readReasons(b []byte) ([]Reason, error) {
	var reasons []Reason
	for len(b) > 0 {
		if len(b) < 3 {
			return nil, ErrSide
		}
		r := Reason{Gate: policy.Gate(b[0]), Statement: int(binary.BigEndian.Uint16(b[1:])) - 1}
		b = b[3:]
		for _, text := range []*string{&r.Action, &r.Policy, &r.Sid} {
			s, rest, ok := cutLong[uint16](b)
			if !ok {
				return nil, ErrSide
			}
			*text, b = string(s), rest
		}
		reasons = append(reasons, r)
	}
	return reasons, nil
}

// Bounds of what is stored of one statement.
const (
	valuesMax = 10  // of a list
	valueMax  = 256 // bytes of a value
)

// stored is the stored form of an Explanation, with its premises as P.
type stored[P any] struct {
	Action    string `json:"action,omitempty"`
	Resource  string `json:"resource,omitempty"`
	Explicit  bool   `json:"explicit,omitempty"`
	Gate      uint8  `json:"gate,omitempty"`
	Policy    string `json:"policy,omitempty"`
	Statement int    `json:"statement"`
	Sid       string `json:"sid,omitempty"`
	Premises  []P    `json:"premises"`
	Cut       bool   `json:"cut,omitempty"` // premises were left out for their size
}

// premise is the stored form of a policy.Premise.
type premise struct {
	Gate      uint8        `json:"gate"`
	Policy    string       `json:"policy,omitempty"`
	Statement int          `json:"statement"`
	Sid       string       `json:"sid,omitempty"`
	Effect    string       `json:"effect,omitempty"`
	Matched   bool         `json:"matched"`
	Failed    string       `json:"failed,omitempty"`
	Actions   []string     `json:"actions,omitempty"`
	Resources []string     `json:"resources,omitempty"`
	Compared  []comparison `json:"compared,omitempty"`
}

// comparison is the stored form of a policy.Comparison.
type comparison struct {
	Operator string   `json:"operator"`
	Key      string   `json:"key"`
	Wanted   []string `json:"wanted,omitempty"`
	Present  bool     `json:"present,omitempty"`
	Got      []string `json:"got,omitempty"`
	Met      bool     `json:"met,omitempty"`

	Variables []variable `json:"variables,omitempty"`
}

// variable is the stored form of a policy.Variable.
type variable struct {
	Key     string `json:"key"`
	Present bool   `json:"present,omitempty"`
	Value   string `json:"value,omitempty"`
}

// encode returns the stored form of e, in about max bytes. Premises have no room
// left for them first that decide nothing.
func (e *Explanation) encode(max int) []byte {
	s := stored[json.RawMessage]{
		Action: e.Action, Resource: e.Resource, Explicit: e.Verdict.Explicit, Gate: uint8(e.Verdict.Gate),
		Policy: e.Verdict.Policy, Statement: e.Verdict.Statement, Sid: e.Verdict.Sid, Cut: e.Cut,
	}
	room := max - len(mustMarshal(&s))
	kept := make([]json.RawMessage, len(e.Premises))
	for _, decisive := range []bool{true, false} {
		for i := range e.Premises {
			p := &e.Premises[i]
			if (p.Matched || p.Statement < 0) != decisive {
				continue
			}
			plain := mustMarshal(e.stored(p))
			if room -= len(plain) + len(","); room < 0 {
				s.Cut = true
				break
			}
			kept[i] = plain
		}
	}
	s.Premises = slices.DeleteFunc(kept, func(b json.RawMessage) bool { return b == nil })
	return mustMarshal(&s)
}

// stored returns the stored form of a premise. The policy of the resource is called
// as that is, which stands above.
func (e *Explanation) stored(p *policy.Premise) premise {
	s := premise{
		Gate: uint8(p.Gate), Policy: p.Policy, Statement: p.Statement, Sid: p.Sid,
		Effect: p.Effect, Matched: p.Matched, Failed: p.Failed,
		Actions: shortened(p.Actions), Resources: shortened(p.Resources),
	}
	if p.Policy == e.Resource {
		s.Policy = ""
	}
	for i := range p.Compared {
		c := &p.Compared[i]
		d := comparison{c.Operator, c.Key, shortened(c.Wanted), c.Present, shortened(c.Got), c.Met, nil}
		for _, v := range c.Variables[:min(len(c.Variables), valuesMax)] {
			d.Variables = append(d.Variables, variable{v.Key, v.Present, short(v.Value)})
		}
		s.Compared = append(s.Compared, d)
	}
	return s
}

// shortened keeps the beginning of a list, and of each of its values.
func shortened(list []string) []string {
	var cut []string
	for _, s := range list {
		if len(cut) == valuesMax {
			return append(cut, "…")
		}
		cut = append(cut, short(s))
	}
	return cut
}

// short keeps the beginning of a value.
func short(s string) string {
	if len(s) <= valueMax {
		return s
	}
	end := valueMax
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("explanation: encoding strings and numbers: " + err.Error())
	}
	return b
}

// decode reads the stored form of an Explanation. In version 1 it is a list of
// premises, and nothing is known of the verdict.
func decode(plain []byte, version byte) (*Explanation, error) {
	var s stored[premise]
	into := any(&s)
	if version == versionPremises {
		into = &s.Premises
		s.Statement = -1
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSide, err)
	}
	return explanationOf(&s), nil
}

func explanationOf(s *stored[premise]) *Explanation {
	e := &Explanation{
		Action: s.Action, Resource: s.Resource, Cut: s.Cut,
		Verdict: policy.Verdict{Explicit: s.Explicit, Gate: policy.Gate(s.Gate), Policy: s.Policy, Statement: s.Statement, Sid: s.Sid},
	}
	for i := range s.Premises {
		p := &s.Premises[i]
		q := policy.Premise{
			Gate: policy.Gate(p.Gate), Policy: p.Policy, Statement: p.Statement, Sid: p.Sid,
			Effect: p.Effect, Matched: p.Matched, Failed: p.Failed, Actions: p.Actions, Resources: p.Resources,
		}
		q.Side = policy.SideOf(q.Gate)
		for _, c := range p.Compared {
			d := policy.Comparison{Operator: c.Operator, Key: c.Key, Wanted: c.Wanted, Present: c.Present, Got: c.Got, Met: c.Met}
			for _, v := range c.Variables {
				d.Variables = append(d.Variables, policy.Variable(v))
			}
			q.Compared = append(q.Compared, d)
		}
		e.Premises = append(e.Premises, q)
	}
	return e
}
