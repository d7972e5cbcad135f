package record

import (
	"encoding/json"
	"fmt"
)

// A Brief says in short what the record of a call says that was answered, for
// one account.
type Brief struct {
	Source    string   // event source, such as kms.amazonaws.com
	Name      string   // operation
	RequestID string   // empty where nobody requested it
	EventID   string   // of the account's copy
	ARNs      []string // of the account's resources
}

// brief tells what a record with an event id says.
func (f *Frame) brief(recipient, eventID string) *Brief {
	b := &Brief{Source: f.Source, Name: f.Name, RequestID: f.Call.RequestID, EventID: eventID}
	for i := range f.Call.Record.Resources {
		if r := &f.Call.Record.Resources[i]; r.Account == recipient {
			b.ARNs = append(b.ARNs, r.ARN)
		}
	}
	return b
}

// ReadBrief reads what Brief told when the record was written. It returns nil for
// the record of a refusal.
func ReadBrief(record []byte) (*Brief, error) {
	var r struct {
		EventSource, EventName, RequestID, EventID, RecipientAccountID string

		ErrorCode *string
		Resources []struct{ AccountID, ARN string }
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	if r.ErrorCode != nil {
		return nil, nil
	}
	b := &Brief{Source: r.EventSource, Name: r.EventName, RequestID: r.RequestID, EventID: r.EventID}
	for _, resource := range r.Resources {
		if resource.AccountID == r.RecipientAccountID {
			b.ARNs = append(b.ARNs, resource.ARN)
		}
	}
	return b, nil
}
