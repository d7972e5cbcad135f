package audit

import (
	"encoding/binary"
	"errors"
	"time"
)

// An Entry is one record for one account, ready to be appended.
type Entry struct {
	Account string    // whose trail receives it; "" for the operator's
	Time    time.Time // when the call was made
	Record  []byte    // one JSON object in CloudTrail's form
	Side    []byte    // why policies refused or allowed the call, or nil; never delivered
	Note    any       // what Options.Observe may know beside; stored nowhere
}

const (
	entriesVersion = 1
	timeBytes      = 12
	entryHeadBytes = timeBytes + 3*4 // time and three lengths
)

var errEntry = errors.New("audit: malformed entries")

// size is the length of e's encoding.
func (e *Entry) size() int {
	return entryHeadBytes + len(e.Account) + len(e.Record) + len(e.Side)
}

// EncodeEntries and DecodeEntries carry entries through the store's outbox.
// A time keeps its instant to the nanosecond, not its zone.
func EncodeEntries(entries []Entry) []byte {
	n := 1
	for i := range entries {
		n += entries[i].size()
	}
	b := append(make([]byte, 0, n), entriesVersion)
	for i := range entries {
		b = entries[i].append(b)
	}
	return b
}

// DecodeEntries reads what EncodeEntries wrote. The entries share b's memory.
func DecodeEntries(b []byte) ([]Entry, error) {
	if len(b) < 1 || b[0] != entriesVersion {
		return nil, errEntry
	}
	var entries []Entry
	for b = b[1:]; len(b) > 0; {
		e, rest, err := decodeEntry(b)
		if err != nil {
			return nil, err
		}
		entries, b = append(entries, e), rest
	}
	return entries, nil
}

func (e *Entry) append(b []byte) []byte {
	b = appendTime(b, e.Time)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Account)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Record)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Side)))
	b = append(b, e.Account...)
	b = append(b, e.Record...)
	return append(b, e.Side...)
}

// decodeEntry reads one entry and returns what follows it.
func decodeEntry(b []byte) (Entry, []byte, error) {
	if len(b) < entryHeadBytes {
		return Entry{}, nil, errEntry
	}
	nanos := binary.BigEndian.Uint32(b[8:])
	account := uint64(binary.BigEndian.Uint32(b[12:]))
	record := uint64(binary.BigEndian.Uint32(b[16:]))
	side := uint64(binary.BigEndian.Uint32(b[20:]))
	body := b[entryHeadBytes:]
	if nanos >= 1e9 || account+record+side > uint64(len(body)) {
		return Entry{}, nil, errEntry
	}
	e := Entry{
		Account: string(body[:account]),
		Time:    time.Unix(int64(binary.BigEndian.Uint64(b)), int64(nanos)).UTC(),
		Record:  body[account : account+record : account+record],
	}
	if side > 0 {
		e.Side = body[account+record : account+record+side : account+record+side]
	}
	return e, body[account+record+side:], nil
}

// appendTime writes whole seconds since 1970 and the nanoseconds within the second.
func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}
