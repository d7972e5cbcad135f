package record_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"claviger/internal/kernel/record"
)

// TestReadChange: a record's plain values by the paths of their names, what was
// asked for before what was answered, and who called where it was a user of the
// account.
func TestReadChange(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	l, err := record.ReadChange(7, at, []byte(`{"userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"ann"},`+
		`"eventSource":"kms.amazonaws.com","eventName":"TagResource","awsRegion":"eu-west-1","eventID":"e","readOnly":false,"recipientAccountId":"111122223333",`+
		`"requestParameters":{"keyId":"asked","tags":[{"tagKey":"a","tagValue":""},{"tagKey":"b","tagValue":"c"}],"names":["x","y"],"on":true,"days":7},`+
		`"responseElements":{"keyId":"answered","key":{"id":"k"}},"additionalEventData":null,"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"keyId": "asked", "key.id": "k", "on": "true", "days": "7", "names.0": "x", "names.1": "y",
		"tags.0.tagKey": "a", "tags.0.tagValue": "", "tags.1.tagKey": "b", "tags.1.tagValue": "c",
	}
	if !maps.Equal(l.Members, want) {
		t.Errorf("the members are %v", l.Members)
	}
	if !slices.Equal(l.List("names"), []string{"x", "y"}) || l.List("keyId") != nil {
		t.Errorf("lists are %v and %v", l.List("names"), l.List("keyId"))
	}
	if l.User != "ann" || l.Account != "111122223333" || l.Region != "eu-west-1" || l.Sequence != 7 || !l.Time.Equal(at) || len(l.Resources) != 1 || l.Resources[0].ARN != "arn" {
		t.Errorf("the change is %+v", l)
	}
	for what, text := range map[string]string{
		"a user of another account": `{"userIdentity":{"type":"IAMUser","accountId":"444455556666","userName":"ann"},"recipientAccountId":"111122223333"}`,
		"a session":                 `{"userIdentity":{"type":"AssumedRole","accountId":"111122223333","userName":"ann"},"recipientAccountId":"111122223333"}`,
	} {
		if l, err := record.ReadChange(1, at, []byte(text)); err != nil || l.User != "" {
			t.Errorf("%s: %+v, %v", what, l, err)
		}
	}
	for what, text := range map[string]string{"a refusal": `{"errorCode":"AccessDenied"}`, "a use": `{"readOnly":true}`} {
		if l, err := record.ReadChange(1, at, []byte(text)); err != nil || l != nil {
			t.Errorf("%s: %+v, %v", what, l, err)
		}
	}
	if _, err := record.ReadChange(1, at, []byte(`{`)); err == nil {
		t.Error("no record was read")
	}
}
