package record

import (
	"encoding/json"
	"fmt"

	"claviger/internal/words/principal"
)

// A Brief says in short what the record of a call says, for one account.
type Brief struct {
	Source    string   // event source, such as kms.amazonaws.com
	Name      string   // operation
	Region    string   // as the record has it
	RequestID string   // empty where nobody requested it
	EventID   string   // of the account's copy
	ARNs      []string // of the account's resources
	Refused   bool     // the call was not answered as it wished

	// Where the copy is that of the caller's own account: the access key that signed,
	// and the unique id of the role whose session the caller is.
	AccessKeyID string
	RoleID      string
}

// brief tells what a record with an event id says.
func (f *Frame) brief(recipient, eventID string) *Brief {
	b := &Brief{Source: f.Source, Name: f.Name, Region: f.Call.Region, RequestID: f.Call.RequestID, EventID: eventID, Refused: f.Fault != nil}
	if p := &f.Caller.Principal; p.Account == recipient && recipient != "" {
		b.AccessKeyID = p.AccessKeyID
		if p.Kind == principal.RoleSession {
			b.RoleID = p.IssuerID
		}
	}
	for i := range f.Call.Record.Resources {
		if r := &f.Call.Record.Resources[i]; r.Account == recipient {
			b.ARNs = append(b.ARNs, r.ARN)
		}
	}
	return b
}

// ReadBrief reads what Brief told when the record was written.
func ReadBrief(record []byte) (*Brief, error) {
	var r struct {
		EventSource, EventName, AWSRegion, RequestID, EventID, RecipientAccountID string

		ErrorCode    *string
		Resources    []struct{ AccountID, ARN string }
		UserIdentity struct {
			AccountID, AccessKeyID string

			SessionContext struct {
				SessionIssuer struct{ Type, PrincipalID string }
			}
		}
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	b := &Brief{Source: r.EventSource, Name: r.EventName, Region: r.AWSRegion, RequestID: r.RequestID, EventID: r.EventID, Refused: r.ErrorCode != nil}
	for _, resource := range r.Resources {
		if resource.AccountID == r.RecipientAccountID {
			b.ARNs = append(b.ARNs, resource.ARN)
		}
	}
	if who := &r.UserIdentity; who.AccountID == r.RecipientAccountID {
		b.AccessKeyID = who.AccessKeyID
		if issuer := &who.SessionContext.SessionIssuer; issuer.Type == "Role" {
			b.RoleID = issuer.PrincipalID
		}
	}
	return b, nil
}
