package record_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

type tag struct {
	Key   string `aws:"TagKey" audit:"tagKey"`
	Value string `aws:"TagValue" audit:"tagValue"`
}

type input struct {
	KeyID   optional.Of[string] `audit:"keyId"`
	Limit   optional.Of[int]    `audit:"limit"`
	DryRun  optional.Of[bool]   `audit:"dryRun"`
	Context pairs.Map           `audit:"encryptionContext"`
	Names   []string            `audit:"names"`
	Tags    []tag               `audit:"tags"`
	Until   time.Time           `audit:"validTo"`
	Inner   *tag                `audit:"inner"`
	Secret  confidential.Bytes
}

var until = time.Date(2022, 8, 10, 22, 38, 27, 0, time.UTC)

func TestPlan(t *testing.T) {
	t.Parallel()
	plan := record.PlanOf(reflect.TypeFor[input]())
	for _, test := range []struct {
		name string
		in   input
		more []operation.Member
		want string
	}{
		{name: "little", in: input{Until: until}, want: `{"validTo":"Aug 10, 2022, 10:38:27 PM"}`},
		{
			name: "everything",
			in: input{
				KeyID: optional.Some("alias/\"x\"\n\x01\xff"), Limit: optional.Some(-3), DryRun: optional.Some(false),
				Context: pairs.Of(map[string]string{"b": "2", "a": "1"}), Names: []string{}, Tags: []tag{{"k", "v"}, {"l", ""}},
				Until: until, Inner: &tag{"x", "y"}, Secret: confidential.New([]byte("secret")),
			},
			want: `{"keyId":"alias/\"x\"\n\u0001\ufffd","limit":-3,"dryRun":false,"encryptionContext":{"a":"1","b":"2"},"names":[],` +
				`"tags":[{"tagKey":"k","tagValue":"v"},{"tagKey":"l","tagValue":""}],"validTo":"Aug 10, 2022, 10:38:27 PM","inner":{"tagKey":"x","tagValue":"y"}}`,
		},
		{
			name: "replaced",
			in:   input{KeyID: optional.Some("alias/x"), Until: until},
			more: []operation.Member{{Name: "keyId", Value: "arn"}, {Name: "added", Value: "1"}},
			want: `{"validTo":"Aug 10, 2022, 10:38:27 PM","keyId":"arn","added":"1"}`,
		},
		{
			name: "object added",
			in:   input{Until: until},
			more: []operation.Member{{Name: "incoming", Pairs: pairs.Of(map[string]string{"b\n": "\"", "a": "1"})}},
			want: `{"validTo":"Aug 10, 2022, 10:38:27 PM","incoming":{"a":"1","b\n":"\""}}`,
		},
	} {
		got := string(plan.Append(nil, &test.in, test.more))
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is not JSON", test.name)
		}
	}
	if got := string(record.PlanOf(reflect.TypeFor[struct{ A string }]()).Append(nil, &struct{ A string }{"x"}, nil)); got != "null" {
		t.Errorf("a shape of which nothing is shown is rendered as %s", got)
	}
}

// TestPlanRefuses: a tag on a member that must not be shown stops the program at start.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for _, shape := range []reflect.Type{
		reflect.TypeFor[struct {
			Secret confidential.Bytes `audit:"secret"`
		}](),
		reflect.TypeFor[struct {
			Blob []byte `audit:"blob"`
		}](),
		reflect.TypeFor[struct {
			List []struct {
				Secret confidential.Bytes `audit:"secret"`
			} `audit:"list"`
		}](),
		reflect.TypeFor[struct {
			Odd chan int `audit:"odd"`
		}](),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was accepted", shape)
				}
			}()
			record.PlanOf(shape)
		}()
	}
}

func frame() *record.Frame {
	user := &principal.Principal{
		Kind: principal.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ann",
		ID: "AIDAEXAMPLE", Name: "ann", AccessKeyID: "AKIAEXAMPLE",
	}
	call := &operation.Call{Time: until, RequestID: "11111111-2222-4333-8444-555555555555", Region: "eu-west-1", Caller: &authz.Caller{Principal: *user}}
	call.Concerns("AWS::KMS::Key", "arn:aws:kms:eu-west-1:111122223333:key/a", "111122223333")
	call.ShowAdditional("keyMaterialId", "abc")
	return &record.Frame{
		Source: "kms.amazonaws.com", Name: "Encrypt", ReadOnly: true, Call: call, Caller: call.Caller,
		Facts:   &authz.Facts{Source: netip.MustParseAddr("192.0.2.7"), UserAgent: "cli"},
		TLS:     &record.TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", Host: "kms.example.org"},
		Request: []byte(`{"keyId":"a"}`),
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	entries := frame().Entries()
	if len(entries) != 1 || entries[0].Account != "111122223333" || !entries[0].Time.Equal(until) {
		t.Fatalf("entries %+v", entries)
	}
	got := string(entries[0].Record)
	id := got[strings.Index(got, `"eventID":"`)+len(`"eventID":"`):][:36]
	want := `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ann",` +
		`"accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"ann"},"eventTime":"2022-08-10T22:38:27Z","eventSource":"kms.amazonaws.com",` +
		`"eventName":"Encrypt","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7","userAgent":"cli","requestParameters":{"keyId":"a"},` +
		`"responseElements":null,"additionalEventData":{"keyMaterialId":"abc"},"requestID":"11111111-2222-4333-8444-555555555555","eventID":"` + id + `",` +
		`"readOnly":true,"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/a"}],` +
		`"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management",` +
		`"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"kms.example.org"}}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestCopies: another owner of a resource gets a copy that says less.
func TestCopies(t *testing.T) {
	t.Parallel()
	f := frame()
	f.Call.Concerns("AWS::KMS::Key", "arn:aws:kms:eu-west-1:444455556666:key/b", "444455556666")
	entries := f.Entries()
	if len(entries) != 2 {
		t.Fatalf("%d entries, want 2", len(entries))
	}
	var own, other struct {
		EventID, SharedEventID, RecipientAccountID string
		UserIdentity                               map[string]string
		Resources                                  []map[string]string
		TLSDetails                                 map[string]string
	}
	if err := json.Unmarshal(entries[0].Record, &own); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(entries[1].Record, &other); err != nil {
		t.Fatal(err)
	}
	if own.SharedEventID == "" || own.SharedEventID != other.SharedEventID || own.EventID == other.EventID {
		t.Errorf("events %s and %s share %q and %q", own.EventID, other.EventID, own.SharedEventID, other.SharedEventID)
	}
	if len(own.Resources) != 2 || len(other.Resources) != 1 || other.Resources[0]["accountId"] != "444455556666" {
		t.Errorf("resources %v and %v", own.Resources, other.Resources)
	}
	if want := map[string]string{"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": "111122223333"}; !reflect.DeepEqual(other.UserIdentity, want) {
		t.Errorf("the owner sees the caller as %v", other.UserIdentity)
	}
	if other.RecipientAccountID != "444455556666" || other.TLSDetails != nil {
		t.Errorf("the owner's copy is for %s, with %v", other.RecipientAccountID, other.TLSDetails)
	}

	f.Fault, f.Code = fault.New(fault.AccessDenied, "no"), "AccessDenied"
	if n := len(f.Entries()); n != 1 {
		t.Errorf("a refusal leaves %d records, want 1", n)
	}
}

// TestBounds: a record stays readable whatever a client sends.
func TestBounds(t *testing.T) {
	t.Parallel()
	f := frame()
	f.Request = []byte(`{"a":"` + strings.Repeat("x", 101<<10) + `"}`)
	f.Facts.UserAgent = strings.Repeat("é", 2000)
	f.Fault = fault.New(fault.Validation, "%s", strings.Repeat("y", 5000))
	f.Code = "ValidationException"
	b := f.Entries()[0].Record
	if len(b) > 8<<10 || !json.Valid(b) || !strings.Contains(string(b), `"requestParameters":{"omitted":true}`) {
		t.Errorf("%d bytes: %.300s", len(b), b)
	}
}
