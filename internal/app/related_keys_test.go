package app

import (
	"encoding/json"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// TestTwoRegionsTwoRecords: what a call does in another Region stands in the trail
// of that Region too, under the same request.
func TestTwoRegionsTwoRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.primary()
	replicate := &kms.ReplicateKeyInput{KeyID: key, ReplicaRegion: optional.Some(secondRegion)}
	promote := &kms.UpdatePrimaryRegionInput{KeyID: key, PrimaryRegion: optional.Some(secondRegion)}
	for _, test := range []struct {
		operation string
		in        any
		there     string // name of the record in the other Region
		resources int    // that it names
	}{
		{"ReplicateKey", replicate, "CreateKey", 1},
		{"UpdatePrimaryRegion", promote, "UpdatePrimaryRegion", 0},
	} {
		_, next := w.records(1)
		w.must(w.caller(owner), "kms:"+test.operation, test.in)
		list, _ := w.records(next)
		if len(list) != 2 {
			t.Fatalf("%s left %d records", test.operation, len(list))
		}
		var here, there struct {
			EventName, AwsRegion, RequestID, EventID, SharedEventID string
			UserIdentity                                            struct{ InvokedBy string }
			RequestParameters                                       map[string]any
			Resources                                               []any
		}
		for i, r := range []any{&here, &there} {
			if err := json.Unmarshal(list[i].Record, r); err != nil {
				t.Fatal(err)
			}
		}
		if here.EventName != test.operation || here.AwsRegion != "us-east-1" || len(here.Resources) != 1 || here.UserIdentity.InvokedBy != "" {
			t.Errorf("at home is recorded %+v", here)
		}
		if there.EventName != test.there || there.AwsRegion != secondRegion || len(there.Resources) != test.resources || there.UserIdentity.InvokedBy != keySource {
			t.Errorf("elsewhere is recorded %+v", there)
		}
		if here.RequestID != there.RequestID || here.EventID == there.EventID || here.SharedEventID+there.SharedEventID != "" {
			t.Errorf("of one request are recorded %+v and %+v", here, there)
		}
		// The same once more is refused, and leaves one record in one Region.
		if _, next = w.records(next); next == 0 {
			t.Fatal("no records")
		}
		if _, err := w.call(w.caller(owner), "kms:"+test.operation, test.in); err == nil {
			t.Errorf("%s was answered twice", test.operation)
		}
		if list, _ = w.records(next); len(list) != 1 {
			t.Errorf("a refused %s left %d records", test.operation, len(list))
		}
	}
}
