package organizations

import (
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/optional"
)

// States of a request to create an account.
const (
	creationInProgress = "IN_PROGRESS"
	creationSucceeded  = "SUCCEEDED"
	creationFailed     = "FAILED"
)

// A creation is a request to create an account, as it has ended.
type creation struct {
	ID           string    `json:"id"` // car-…
	Organization string    `json:"organization"`
	Management   string    `json:"management"`
	Name         string    `json:"name"`
	Requested    time.Time `json:"requested"`
	Account      string    `json:"account,omitempty"` // the new one
	Failure      string    `json:"failure,omitempty"` // why there is none
}

var creations = &store.Table[creation]{
	Schema: driver.Schema{
		Name:       "organizations_creation",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "organization"}},
		Indexes:    []driver.IndexSchema{{Name: "organization", Columns: []string{"organization"}}},
	},
	Version: 1,
	Key:     func(n *creation) store.Key { return idKey(n.ID) },
	Indexed: func(n *creation) store.Key { return store.Key{store.S(n.Organization)} },
	Account: func(n *creation) string { return n.Management },
}

func (n *creation) state() string {
	if n.Failure != "" {
		return creationFailed
	}
	return creationSucceeded
}

// A CreateAccountStatus is how far a request to create an account has come.
type CreateAccountStatus struct {
	ID                 string                 `aws:"Id" audit:"id"`
	AccountName        string                 `aws:"AccountName"`
	State              string                 `aws:"State" audit:"state"`
	RequestedTimestamp time.Time              `aws:"RequestedTimestamp" audit:"requestedTimestamp"`
	CompletedTimestamp optional.Of[time.Time] `aws:"CompletedTimestamp" audit:"completedTimestamp"`
	AccountID          optional.Of[string]    `aws:"AccountId" audit:"accountId"`
	FailureReason      optional.Of[string]    `aws:"FailureReason" audit:"failureReason"`
}

func (n *creation) shown() CreateAccountStatus {
	return CreateAccountStatus{
		ID:                 n.ID,
		AccountName:        n.Name,
		State:              n.state(),
		RequestedTimestamp: n.Requested,
		CompletedTimestamp: optional.Some(n.Requested),
		AccountID:          optional.Of[string]{V: n.Account, Set: n.Account != ""},
		FailureReason:      optional.Of[string]{V: n.Failure, Set: n.Failure != ""},
	}
}
