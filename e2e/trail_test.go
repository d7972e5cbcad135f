package e2e

import (
	"encoding/json"
	"strings"
)

// record is what the tests read of a record.
type record struct {
	EventName          string
	EventSource        string
	ErrorCode          string
	ErrorMessage       string
	EventID            string
	SharedEventID      string
	RecipientAccountID string `json:"recipientAccountId"`
	RequestParameters  map[string]any
	ResponseElements   map[string]any
	ReadOnly           bool
	UserIdentity       struct {
		Type, PrincipalID, ARN, AccountID, AccessKeyID, UserName string
	}
	Resources []struct{ AccountID, Type, ARN string }
}

// records reads the whole trail over the admin socket.
func (p *process) records() []record { return p.recordsFrom(1) }

// recordsFrom reads the trail from a sequence number on.
func (p *process) recordsFrom(first int) []record {
	p.t.Helper()
	out, errs, code := command(p.t, []string{"audit", "tail", "--from", itoa(first), "--socket", p.admin})
	if code != 0 {
		p.t.Fatalf("audit tail ended with %d: %s", code, errs)
	}
	var list []record
	for line := range strings.Lines(out) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			p.t.Fatalf("reading a record: %v\n%s", err, line)
		}
		list = append(list, r)
	}
	return list
}

// newAccount makes an account over the admin socket and returns its root user.
func (p *process) newAccount(id string) *client {
	p.t.Helper()
	out, errs, code := command(p.t, []string{"account", "create", id, "--json", "--socket", p.admin})
	if code != 0 {
		p.t.Fatalf("account create ended with %d: %s", code, errs)
	}
	var account struct{ AccountID, AccessKeyID, SecretAccessKey string }
	if err := json.Unmarshal([]byte(out), &account); err != nil || account.AccountID != id {
		p.t.Fatalf("account create printed %q: %v", out, err)
	}
	return p.as(account.AccessKeyID, account.SecretAccessKey)
}

// trailTells checks the records of the story.
func (p *process) trailTells(key string, teller, clerk *client) {
	t := p.t
	t.Helper()
	var encrypts, denied, shared, foreign int
	for _, r := range p.records() {
		switch {
		case r.EventName == "Encrypt" && r.ErrorCode == "" && r.UserIdentity.AccessKeyID == teller.id:
			encrypts++
			if r.RequestParameters["encryptionContext"] == nil || r.RequestParameters["plaintext"] != nil || r.ResponseElements != nil {
				t.Errorf("Encrypt is recorded with %v and %v", r.RequestParameters, r.ResponseElements)
			}
			if len(r.Resources) != 1 || r.Resources[0].ARN != key {
				t.Errorf("Encrypt is recorded with the resources %v", r.Resources)
			}
		case r.ErrorCode == "AccessDenied":
			denied++
		case r.SharedEventID != "" && r.RecipientAccountID == partner:
			shared++
			if r.UserIdentity.AccessKeyID != clerk.id {
				t.Errorf("the caller's copy names %+v", r.UserIdentity)
			}
		case r.SharedEventID != "" && r.RecipientAccountID == bank:
			foreign++
			if r.UserIdentity.Type != "AWSAccount" || r.UserIdentity.ARN != "" || r.UserIdentity.AccountID != partner {
				t.Errorf("the owner's copy names %+v", r.UserIdentity)
			}
		}
	}
	if encrypts != 2 || denied != 10 || shared != 1 || foreign != 1 {
		t.Errorf("the trail has %d Encrypts of the teller, %d denied calls, %d and %d copies of the shared call; want 2, 10, 1, 1",
			encrypts, denied, shared, foreign)
	}
}
