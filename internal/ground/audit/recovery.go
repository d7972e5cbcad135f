package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"claviger/internal/words/ident"
)

// An ending is where the trail ends before a new segment is begun.
type ending struct {
	oldest, newest uint64 // numbers of segments, 0 for none
	tip            tip
	offset         int64   // behind the last frame of the newest segment
	torn           int64   // length of what was torn there
	owed           []given // recoveries declared in headers that have no record yet
}

// A given is a part of a segment that was given up.
type given struct {
	segment        uint64
	offset, length int64
}

func findEnding(o *Options) (*ending, error) {
	numbers, err := segmentNumbers(o.folder)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return &ending{tip: tip{chain: genesis(o.Origin)}}, nil
	}
	e := &ending{oldest: numbers[0], newest: numbers[len(numbers)-1]}
	for i, n := range numbers {
		if n != e.oldest+uint64(i) {
			return nil, &damage{segment: e.oldest + uint64(i), what: "segment is missing"}
		}
	}
	s, err := openStored(o, e.newest)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := e.readNewest(o, s); err != nil {
		return nil, err
	}
	return e, e.findOwed(o, s.header)
}

// readNewest checks the newest segment and finds its durable end.
func (e *ending) readNewest(o *Options, s *stored) error {
	c := &checker{o: o, tip: s.header.before}
	end, err := c.frames(s, s.size)
	if err != nil {
		return err
	}
	t, err := readTail(s.f, end, s.size)
	if err != nil {
		return fmt.Errorf("reading segment %d: %w", e.newest, err)
	}
	if t.frame >= 0 {
		// A frame is begun only when the one before is durable, so this is no torn tail.
		return &damage{e.newest, end, c.tip.last + 1, fmt.Sprintf("no valid frame, but one follows at offset %d", t.frame)}
	}
	e.tip, e.offset, e.torn = c.tip, end, t.end-end
	if c.newest == 0 {
		return nil
	}
	return rewrite(o, s, c.newest, end)
}

// rewrite writes the last frame again, byte for byte. Its sync may have failed in
// another process, or never begun, and the system may hold it in memory as
// if it had been written; what was read must be durable before it is continued.
func rewrite(o *Options, s *stored, from, end int64) error {
	b := make([]byte, end-from)
	if n, err := s.f.ReadAt(b, from); n < len(b) {
		return fmt.Errorf("reading segment %d: %w", s.header.number, err)
	}
	f, err := o.folder.reopen(segmentName(s.header.number))
	if err != nil {
		return fmt.Errorf("opening segment %d: %w", s.header.number, err)
	}
	defer f.Close()
	if err := f.write(b, from); err != nil {
		return fmt.Errorf("writing segment %d again: %w", s.header.number, err)
	}
	return nil
}

// findOwed collects what was given up, newest segment last: what is torn now,
// and what is declared in headers that no batch follows.
func (e *ending) findOwed(o *Options, newest *header) error {
	if e.torn > 0 {
		e.owed = []given{{e.newest, e.offset, e.torn}}
	}
	for h, last := newest, e.tip.last; h.before.last == last; {
		if h.dropped > 0 {
			e.owed = append([]given{{h.number - 1, h.ended, h.dropped}}, e.owed...)
		}
		if h.number == e.oldest {
			return nil
		}
		s, err := openStored(o, h.number-1)
		if err != nil {
			return err
		}
		h = s.header
		_ = s.Close()
	}
	return nil
}

// trim gives back the room behind the end of the newest segment, which nothing is
// appended to any more. It only saves room, so errors are of no consequence.
func (e *ending) trim(o *Options) {
	if e.newest == 0 {
		return
	}
	f, err := o.folder.reopen(segmentName(e.newest))
	if err != nil {
		return
	}
	_ = f.truncate(e.offset + e.torn)
	_ = f.Close()
}

// recordOwed appends a record for each part that was given up.
func (l *Log) recordOwed() error {
	if len(l.owed) == 0 {
		return nil
	}
	b := newBatch()
	for _, g := range l.owed {
		e := g.entry(l.o.Now())
		b.entries = append(b.entries, e)
		b.leaves = append(b.leaves, leaf(&e))
		b.bytes += sealedSize(&e, l.overhead)
	}
	t, err := l.write(b)
	if err != nil {
		return err
	}
	l.owed = nil
	l.acknowledge(t)
	return nil
}

// entry is the record of a recovery: a service event of the operator's account.
func (g given) entry(now time.Time) Entry {
	record, err := json.Marshal(recovered{
		EventVersion:    "1.11",
		UserIdentity:    map[string]string{"invokedBy": "claviger"},
		EventTime:       now.UTC().Format(time.RFC3339),
		EventSource:     "claviger",
		EventName:       "TrailRecovered",
		EventID:         ident.UUID(),
		EventType:       "AwsServiceEvent",
		ManagementEvent: true,
		EventCategory:   "Management",
		Details:         recoveredDetails{segmentName(g.segment), g.offset, g.length},
	})
	if err != nil {
		panic("audit: " + err.Error()) // plain strings and numbers marshal
	}
	return Entry{Time: now, Record: record}
}

type recovered struct {
	EventVersion    string            `json:"eventVersion"`
	UserIdentity    map[string]string `json:"userIdentity"`
	EventTime       string            `json:"eventTime"`
	EventSource     string            `json:"eventSource"`
	EventName       string            `json:"eventName"`
	EventID         string            `json:"eventID"`
	ReadOnly        bool              `json:"readOnly"`
	EventType       string            `json:"eventType"`
	ManagementEvent bool              `json:"managementEvent"`
	EventCategory   string            `json:"eventCategory"`
	Details         recoveredDetails  `json:"serviceEventDetails"`
}

type recoveredDetails struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"` // of what was dropped
}
