package record_test

import (
	"encoding/json"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// TestWhoGetsACopy: the accounts that get a copy of a record, and which share an
// event id: those of one call, and the one of what a service did with a key.
func TestWhoGetsACopy(t *testing.T) {
	t.Parallel()
	const third = "777788889999"
	service := &authz.Caller{Principal: voiceService()}
	through := &authz.Caller{Principal: with(sample(), func(p *principal.Principal) { p.InvokedBy = voice })}
	for name, test := range map[string]struct {
		caller        *authz.Caller
		owners        []string // of the resources
		cryptographic bool
		failed        bool
		want          []string // accounts
		shared        bool
	}{
		"own key":                      {&authz.Caller{Principal: ann()}, []string{account}, true, false, []string{account}, false},
		"no resource":                  {&authz.Caller{Principal: ann()}, nil, true, false, []string{account}, false},
		"resource of nobody":           {&authz.Caller{Principal: ann()}, []string{""}, true, false, []string{account}, false},
		"another's key":                {&authz.Caller{Principal: ann()}, []string{owner}, true, false, []string{account, owner}, true},
		"another's key, described":     {&authz.Caller{Principal: ann()}, []string{owner}, false, false, []string{account, owner}, true},
		"another's two keys":           {&authz.Caller{Principal: ann()}, []string{owner, owner}, true, false, []string{account, owner}, true},
		"keys of two others":           {&authz.Caller{Principal: ann()}, []string{owner, third}, true, false, []string{account, owner, third}, true},
		"own and another's":            {&authz.Caller{Principal: sample()}, []string{account, owner}, true, false, []string{account, owner}, true},
		"another's, refused":           {&authz.Caller{Principal: sample()}, []string{owner}, true, true, []string{account}, false},
		"through a service":            {through, []string{account}, true, false, []string{account}, false},
		"through a service, another's": {through, []string{owner}, true, false, []string{account, owner}, true},
		"service":                      {service, []string{owner}, true, false, []string{owner}, true},
		"service, described":           {service, []string{owner}, false, false, []string{owner}, false},
		"service, two keys of one":     {service, []string{owner, owner}, true, false, []string{owner}, true},
		"service, keys of two":         {service, []string{owner, account}, true, false, []string{owner, account}, true},
		"service, keys of two, listed": {service, []string{owner, account}, false, false, []string{owner, account}, true},
		"service, no resource":         {service, nil, true, false, []string{""}, false},
		"service, refused":             {service, []string{owner}, true, true, []string{""}, false},
	} {
		f := by(test.caller)
		f.Cryptographic = test.cryptographic
		f.Call.Record.Resources = nil
		for _, o := range test.owners {
			f.Call.Concerns("AWS::KMS::Key", "arn:aws:kms:us-west-2:"+o+":key/a", o)
		}
		if test.failed {
			f.Fault, f.Code = fault.New(fault.AccessDenied, "no"), "AccessDenied"
		}
		var accounts []string
		ids, shared := make(map[string]bool), make(map[string]bool)
		for _, entry := range f.Entries() {
			e := decode(t, entry.Record)
			accounts = append(accounts, entry.Account)
			ids[e.EventID], shared[e.SharedEventID] = true, true
			if e.RecipientAccountID != entry.Account || !entry.Time.Equal(until) {
				t.Errorf("%s: a record for %s is kept for %s", name, e.RecipientAccountID, entry.Account)
			}
			for _, r := range e.Resources {
				if entry.Account != test.caller.Principal.Account && r.AccountID != entry.Account {
					t.Errorf("%s: %s is shown a resource of %s", name, entry.Account, r.AccountID)
				}
			}
		}
		if !slices.Equal(accounts, test.want) || len(ids) != len(test.want) || len(shared) != 1 || shared[""] == test.shared {
			t.Errorf("%s: recorded for %q, %d event ids, shared %v", name, accounts, len(ids), shared)
		}
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

const (
	voiceKey   = "arn:aws:kms:us-west-2:" + account + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"
	voiceOther = "arn:aws:kms:us-west-2:" + account + ":key/0987dcba-09fe-87dc-65ba-ab0987654321"
	domain     = `{"aws:voiceid:domain:arn":"arn:aws:voiceid:us-west-2:111122223333:domain/sampleDomainId"}`
)

// frameMembers are those that every record has.
var frameMembers = []string{
	"awsRegion", "eventCategory", "eventID", "eventName", "eventSource", "eventTime", "eventType", "eventVersion", "managementEvent",
	"readOnly", "recipientAccountId", "requestID", "requestParameters", "resources", "responseElements", "sourceIPAddress", "userAgent", "userIdentity",
}

// TestVoiceID has the published records of an integrated service: what it does
// for its user, and what it does by itself.
func TestVoiceID(t *testing.T) {
	t.Parallel()
	registered := &authz.Registration{Name: voice, SigningName: "voiceid"}
	user := &authz.Caller{
		Principal: with(sample(), func(p *principal.Principal) { p.InvokedBy = voice }),
		Via:       &authz.Via{Registration: registered, Services: []string{voice}, Address: netip.MustParseAddr("203.0.113.9"), UserAgent: "aws-cli/2"},
	}
	service := &authz.Caller{Principal: voiceService(), Registration: registered}
	for _, test := range []struct {
		name              string
		caller            *authz.Caller
		request, response string
		keys              []string
		readOnly, crypto  bool
		from, agent       string
	}{
		{
			"CreateGrant", user, `{"keyId":"` + voiceKey + `","operations":["CreateGrant","Decrypt"],"granteePrincipal":"` + voice + `","retiringPrincipal":"` + voice +
				`","constraints":{"encryptionContextSubset":` + domain + `}}`, `{"grantId":"` + strings.Repeat("0a", 32) + `"}`,
			[]string{voiceKey}, false, false, "203.0.113.9", "aws-cli/2",
		},
		{"DescribeKey", service, `{"keyId":"alias/sample-key-alias"}`, "", []string{voiceKey}, true, false, voice, voice},
		{"Decrypt", service, `{"encryptionContext":` + domain + `,"keyId":"` + voiceKey + `"}`, "", []string{voiceKey}, true, true, voice, voice},
		{"GenerateDataKeyWithoutPlaintext", service, `{"keySpec":"AES_256","encryptionContext":` + domain + `}`, "", []string{voiceKey}, true, true, voice, voice},
		{"ReEncrypt", service, `{"destinationEncryptionContext":` + domain + `}`, "", []string{voiceOther, voiceKey}, true, true, voice, voice},
	} {
		call := &operation.Call{Time: until, RequestID: "11111111-2222-4333-8444-555555555555", Region: "us-west-2", Caller: test.caller}
		for _, key := range test.keys {
			call.Concerns("AWS::KMS::Key", key, account)
		}
		f := &record.Frame{
			Source: "kms.amazonaws.com", Name: test.name, ReadOnly: test.readOnly, Call: call, Caller: test.caller, Cryptographic: test.crypto,
			Facts: &authz.Facts{Source: netip.MustParseAddr("192.0.2.7"), UserAgent: "sdk"},
			TLS:   &record.TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", Host: "kms.example.org"}, Request: []byte(test.request), Response: []byte(test.response),
		}
		entries := f.Entries()
		if len(entries) != 1 || entries[0].Account != account {
			t.Errorf("%s: %d records", test.name, len(entries))
			continue
		}
		want := slices.Clone(frameMembers)
		identity := `{"type":"AWSService","invokedBy":"` + voice + `"}`
		if test.crypto {
			want = append(want, "sharedEventID")
		}
		if test.caller == user {
			identity = `{"type":"AssumedRole","principalId":"AROAEXAMPLE:SampleUser","arn":"arn:aws:sts::111122223333:assumed-role/SampleRole/SampleUser",` +
				`"accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE",` +
				`"arn":"arn:aws:iam::111122223333:role/path/SampleRole","accountId":"111122223333","userName":"SampleRole"},"webIdFederationData":{},` +
				`"attributes":{"creationDate":"2022-08-10T21:38:27Z","mfaAuthenticated":"false"}},"invokedBy":"` + voice + `"}`
		}
		wantVoice(t, entries[0].Record, slices.Sorted(slices.Values(want)), event{
			EventVersion: "1.11", EventSource: "kms.amazonaws.com", EventName: test.name, AwsRegion: "us-west-2", EventType: "AwsApiCall",
			EventCategory: "Management", EventTime: until, SourceIPAddress: test.from, UserAgent: test.agent, RequestID: call.RequestID,
			RecipientAccountID: account, ReadOnly: test.readOnly, ManagementEvent: true, UserIdentity: []byte(identity),
			RequestParameters: []byte(test.request), ResponseElements: []byte(test.response),
		}, test.keys)
	}
}

// wantVoice compares a record, whose event ids are random, with what it should say.
func wantVoice(t *testing.T, b []byte, members []string, want event, keys []string) {
	t.Helper()
	var plain map[string]json.RawMessage
	if err := json.Unmarshal(b, &plain); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(plain)); !slices.Equal(got, members) {
		t.Errorf("%s has %q, want %q", want.EventName, got, members)
	}
	got := decode(t, b)
	if !uuid.MatchString(got.EventID) || got.SharedEventID != "" && !uuid.MatchString(got.SharedEventID) || got.EventID == got.SharedEventID {
		t.Errorf("%s: event id %q, shared %q", want.EventName, got.EventID, got.SharedEventID)
	}
	var listed []string
	for _, r := range got.Resources {
		listed = append(listed, r.ARN)
		if r.AccountID != account || r.Type != "AWS::KMS::Key" {
			t.Errorf("%s: resource %+v", want.EventName, r)
		}
	}
	if !slices.Equal(listed, keys) {
		t.Errorf("%s: resources %q, want %q", want.EventName, listed, keys)
	}
	if len(want.ResponseElements) == 0 {
		want.ResponseElements = []byte("null")
	}
	got.EventID, got.SharedEventID, got.Resources = "", "", nil
	gotText, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	wantText, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(gotText) != string(wantText) {
		t.Errorf("%s:\n got %s\nwant %s", want.EventName, gotText, wantText)
	}
}

// TestCopyOfASession: the owner of a key learns of a foreign session by whom it
// was used, and nothing of the role, the connection or other owners' resources.
func TestCopyOfASession(t *testing.T) {
	t.Parallel()
	f := by(&authz.Caller{Principal: sample()})
	f.Call.Concerns("AWS::KMS::Key", "arn:aws:kms:us-west-2:"+owner+":key/b", owner)
	entries := f.Entries()
	if len(entries) != 2 {
		t.Fatalf("%d records", len(entries))
	}
	copied := decode(t, entries[1].Record)
	if string(copied.UserIdentity) != `{"type":"AWSAccount","principalId":"AROAEXAMPLE:SampleUser","accountId":"111122223333"}` {
		t.Errorf("the owner sees %s", copied.UserIdentity)
	}
	for _, secret := range []string{"SampleRole", "ASIAEXAMPLE", "sessionContext", "tlsDetails", ":key/a"} {
		if strings.Contains(string(entries[1].Record), secret) {
			t.Errorf("the owner's copy has %s: %s", secret, entries[1].Record)
		}
	}
	if own := string(entries[0].Record); !strings.Contains(own, "tlsDetails") || !strings.Contains(own, ":key/b") {
		t.Errorf("the caller's record: %s", own)
	}
}
