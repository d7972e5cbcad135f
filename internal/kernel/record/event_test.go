package record_test

import (
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	entry := record.Event("kms.amazonaws.com", &operation.Event{
		Name: "DeleteKey", Time: until, Region: "us-west-2", Account: "111122223333",
		Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: key, Account: "111122223333"}},
	})
	if entry.Account != "111122223333" || !entry.Time.Equal(until) || entry.Side != nil {
		t.Errorf("for account %s at %v, with a side field of %d bytes", entry.Account, entry.Time, len(entry.Side))
	}
	got := string(entry.Record)
	id := got[strings.Index(got, `"eventID":"`)+len(`"eventID":"`):][:36]
	want := `{"eventVersion":"1.11","userIdentity":{"accountId":"111122223333","invokedBy":"AWS Internal"},"eventTime":"2022-08-10T22:38:27Z",` +
		`"eventSource":"kms.amazonaws.com","eventName":"DeleteKey","awsRegion":"us-west-2","sourceIPAddress":"AWS Internal",` +
		`"userAgent":"AWS Internal","requestParameters":null,"responseElements":null,"eventID":"` + id + `","readOnly":false,` +
		`"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"` + key + `"}],"eventType":"AwsServiceEvent",` +
		`"managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	entry = record.Event("kms.amazonaws.com", &operation.Event{
		Name: "RotateKey", Time: until, Region: "us-west-2", Account: "111122223333",
		Details: []operation.Member{{Name: "rotationType", Value: "AUTOMATIC"}, {Name: "keyId", Value: "1234abcd"}},
	})
	part := `"recipientAccountId":"111122223333","serviceEventDetails":{"rotationType":"AUTOMATIC","keyId":"1234abcd"},"eventCategory":"Management"}`
	if got := string(entry.Record); !strings.HasSuffix(got, part) {
		t.Errorf("with details: %s", got)
	}
}
