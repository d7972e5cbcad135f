package record_test

import (
	"reflect"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// TestBrief: what is told of a record when it is written is what is read in it
// later, for every copy.
func TestBrief(t *testing.T) {
	t.Parallel()
	answered := by(&authz.Caller{Principal: sample()})
	answered.Cryptographic = true
	answered.Call.Concerns("AWS::KMS::Key", "arn:aws:kms:us-west-2:"+owner+":key/b", owner)
	answered.Call.Concerns("AWS::KMS::Key", "arn:aws:kms:us-west-2:"+account+":key/c", account)
	answered.Request = []byte(`{"encryptionContext":{"errorCode":"x","eventID":"y"}}`)
	entries := answered.Entries()
	arns := [][]string{
		{"arn:aws:kms:eu-west-1:" + account + ":key/a", "arn:aws:kms:us-west-2:" + account + ":key/c"},
		{"arn:aws:kms:us-west-2:" + owner + ":key/b"},
	}
	if len(entries) != len(arns) {
		t.Fatalf("%d records", len(entries))
	}
	for i, entry := range entries {
		said := decode(t, entry.Record)
		want := &record.Brief{Source: "kms.amazonaws.com", Name: "Encrypt", Region: "eu-west-1", RequestID: said.RequestID, EventID: said.EventID, ARNs: arns[i]}
		if i == 0 { // the caller's own copy
			want.AccessKeyID, want.RoleID = "ASIAEXAMPLE", "AROAEXAMPLE"
		}
		read, err := record.ReadBrief(entry.Record)
		if err != nil || !reflect.DeepEqual(read, want) || !reflect.DeepEqual(entry.Note, want) {
			t.Errorf("read %+v, %v\ntold %+v\nwant %+v", read, err, entry.Note, want)
		}
	}

	event := record.Event("kms.amazonaws.com", &operation.Event{Name: "DeleteKey", Time: until, Account: owner})
	if b, err := record.ReadBrief(event.Record); err != nil || b.Name != "DeleteKey" || b.RequestID != "" || event.Note != nil {
		t.Errorf("of an event: %+v, %v, told %v", b, err, event.Note)
	}
	refused, other := by(&authz.Caller{Principal: sample()}), by(&authz.Caller{Principal: sample()})
	refused.Cryptographic = true
	refused.Fault, refused.Code = fault.New(fault.AccessDenied, "no"), "AccessDeniedException"
	for _, f := range []*record.Frame{refused, other} {
		for _, entry := range f.Entries() {
			b, err := record.ReadBrief(entry.Record)
			if err != nil || !reflect.DeepEqual(b, entry.Note) || b.Refused != (f == refused) || b.AccessKeyID != "ASIAEXAMPLE" {
				t.Errorf("read %+v, %v, told %v", b, err, entry.Note)
			}
		}
	}
	user := by(&authz.Caller{Principal: principal.Principal{Kind: principal.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/ann", ID: "AIDAANN", Name: "ann", AccessKeyID: "AKIAANN"}})
	if b, err := record.ReadBrief(user.Entries()[0].Record); err != nil || b.AccessKeyID != "AKIAANN" || b.RoleID != "" {
		t.Errorf("of a user: %+v, %v", b, err)
	}
	if _, err := record.ReadBrief([]byte(`{"eventName":`)); err == nil {
		t.Error("half a record is read")
	}
}
