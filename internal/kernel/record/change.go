package record

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"claviger/internal/kernel/operation"
)

// ReadChange reads what the record of a change says. It returns nil for the
// record of a refusal, and for that of a call that changed nothing.
func ReadChange(sequence uint64, at time.Time, record []byte) (*operation.Lost, error) {
	var r struct {
		EventSource, EventName, AWSRegion, EventID, RecipientAccountID string

		UserIdentity        struct{ Type, AccountID, UserName string }
		ErrorCode           *string
		ReadOnly            bool
		RequestParameters   map[string]any
		ResponseElements    map[string]any
		AdditionalEventData map[string]any
		ServiceEventDetails map[string]any
		Resources           []struct{ AccountID, ARN, Type string }
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, fmt.Errorf("reading record %d: %w", sequence, err)
	}
	if r.ErrorCode != nil || r.ReadOnly {
		return nil, nil
	}
	l := &operation.Lost{
		Sequence: sequence, Time: at, Source: r.EventSource, Name: r.EventName, Region: r.AWSRegion,
		Account: r.RecipientAccountID, EventID: r.EventID, Members: make(map[string]string),
	}
	if by := r.UserIdentity; by.Type == "IAMUser" && by.AccountID == l.Account {
		l.User = by.UserName
	}
	for _, resource := range r.Resources {
		l.Resources = append(l.Resources, operation.Resource{Type: resource.Type, ARN: resource.ARN, Account: resource.AccountID})
	}
	for _, object := range []map[string]any{r.ResponseElements, r.AdditionalEventData, r.ServiceEventDetails, r.RequestParameters} {
		for name, value := range object {
			flatten(l.Members, name, value)
		}
	}
	return l, nil
}

// flatten adds the plain values of a value by the path of their names.
func flatten(to map[string]string, path string, value any) {
	switch v := value.(type) {
	case string:
		to[path] = v
	case bool:
		to[path] = strconv.FormatBool(v)
	case float64:
		to[path] = strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		for name, member := range v {
			flatten(to, path+"."+name, member)
		}
	case []any:
		for i, element := range v {
			flatten(to, path+"."+strconv.Itoa(i), element)
		}
	}
}
