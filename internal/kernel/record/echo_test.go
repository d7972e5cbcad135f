package record_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
)

// TestEcho: the record in another Region is of the same request and caller, and
// says that the service went there. The record at home does not change.
func TestEcho(t *testing.T) {
	t.Parallel()
	f := frame()
	before := string(f.Entries()[0].Record)
	e := f.Echo(&operation.Echo{
		Name: "CreateKey", Region: "us-east-1",
		Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: "arn:aws:kms:us-east-1:111122223333:key/a", Account: "111122223333"}},
		Request:   &input{KeyID: optional.Some("b"), Until: until},
		Response:  &tag{"k", "v"},
	})
	if e.Account != "111122223333" || !e.Time.Equal(until) {
		t.Errorf("kept for %s at %s", e.Account, e.Time)
	}
	var got struct{ EventID string }
	if err := json.Unmarshal(e.Record, &got); err != nil {
		t.Fatal(err)
	}
	want := `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ann",` +
		`"accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"ann","invokedBy":"kms.amazonaws.com"},"eventTime":"2022-08-10T22:38:27Z",` +
		`"eventSource":"kms.amazonaws.com","eventName":"CreateKey","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"cli",` +
		`"requestParameters":{"keyId":"b","validTo":"Aug 10, 2022, 10:38:27 PM"},"responseElements":{"tagKey":"k","tagValue":"v"},` +
		`"requestID":"11111111-2222-4333-8444-555555555555","eventID":"` + got.EventID + `","readOnly":true,` +
		`"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-east-1:111122223333:key/a"}],` +
		`"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`
	if string(e.Record) != want {
		t.Errorf("\n got %s\nwant %s", e.Record, want)
	}
	if after := string(f.Entries()[0].Record); len(after) != len(before) || f.Call.Region != "eu-west-1" || f.Caller.Principal.InvokedBy != "" {
		t.Errorf("at home it is now %s", after)
	}

	// Without anything to show, and through a service that told the user's address.
	user := sample()
	user.InvokedBy = voice
	f = by(&authz.Caller{Principal: user, Via: &authz.Via{
		Registration: &authz.Registration{Name: voice}, Address: netip.MustParseAddr("203.0.113.9"), UserAgent: "aws-cli/2",
	}})
	bare := decode(t, f.Echo(&operation.Echo{Name: "UpdatePrimaryRegion", Region: "us-east-1"}).Record)
	if bare.EventName != "UpdatePrimaryRegion" || bare.AwsRegion != "us-east-1" || bare.SourceIPAddress != "203.0.113.9" || bare.UserAgent != "aws-cli/2" ||
		bare.Resources != nil || bare.SharedEventID != "" || string(bare.RequestParameters) != "null" || string(bare.ResponseElements) != "null" {
		t.Errorf("%+v", bare)
	}
}
