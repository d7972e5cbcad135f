package record_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/record"
	"claviger/internal/words/principal"
)

const (
	account = "111122223333"
	owner   = "444455556666"
	voice   = "voiceid.amazonaws.com"
)

var began = until.Add(-time.Hour)

func ann() principal.Principal {
	return principal.Principal{
		Kind: principal.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/staff/ann",
		ID: "AIDAEXAMPLE", Name: "ann", AccessKeyID: "AKIAEXAMPLE",
	}
}

func rootUser() principal.Principal {
	return principal.Principal{
		Kind: principal.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account, AccessKeyID: "AKIAROOT",
	}
}

// sample is the session of the fixtures.
func sample() principal.Principal {
	return principal.Principal{
		Kind: principal.RoleSession, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/SampleRole/SampleUser",
		ID: "AROAEXAMPLE:SampleUser", IssuerARN: "arn:aws:iam::" + account + ":role/path/SampleRole", IssuerID: "AROAEXAMPLE",
		IssuerName: "SampleRole", AccessKeyID: "ASIAEXAMPLE", Since: began,
	}
}

// instance is a session of a role that exists by convention only.
func instance() principal.Principal {
	const id = account + ":aws:ec2-infrastructure"
	return principal.Principal{
		Kind: principal.RoleSession, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/aws:ec2-infrastructure/i-1234567890abcdefg",
		ID: id + ":i-1234567890abcdefg", IssuerARN: "arn:aws:iam::" + account + ":role/aws:ec2-infrastructure", IssuerID: id,
		IssuerName: "aws:ec2-infrastructure", AccessKeyID: "ASIAINSTANCE", Since: began,
	}
}

func voiceService() principal.Principal {
	return principal.Principal{Kind: principal.Service, ARN: voice, Name: voice, AccessKeyID: "AKIAVOICE"}
}

func with(p principal.Principal, change func(p *principal.Principal)) principal.Principal {
	change(&p)
	return p
}

// TestIdentities: every kind of caller, as its own account sees it and as the
// owner of a resource in another account does.
func TestIdentities(t *testing.T) {
	t.Parallel()
	const (
		arns       = `"arn":"arn:aws:iam::111122223333:`
		attributes = `"attributes":{"creationDate":"2022-08-10T21:38:27Z","mfaAuthenticated":"false"}`
		factor     = `"attributes":{"creationDate":"2022-08-10T21:38:27Z","mfaAuthenticated":"true"}`
		user       = `{"type":"IAMUser","principalId":"AIDAEXAMPLE",` + arns + `user/staff/ann","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"ann"`
		session    = `{"type":"IAMUser","principalId":"AIDAEXAMPLE",` + arns + `user/staff/ann","accountId":"111122223333","accessKeyId":"ASIAUSER","userName":"ann","sessionContext":{`
		role       = `{"type":"AssumedRole","principalId":"AROAEXAMPLE:SampleUser","arn":"arn:aws:sts::111122223333:assumed-role/SampleRole/SampleUser",` +
			`"accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE",` +
			arns + `role/path/SampleRole","accountId":"111122223333","userName":"SampleRole"},"webIdFederationData":{},`
		infrastructure = `{"type":"AssumedRole","principalId":"111122223333:aws:ec2-infrastructure:i-1234567890abcdefg",` +
			`"arn":"arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-1234567890abcdefg","accountId":"111122223333","accessKeyId":"ASIAINSTANCE",` +
			`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"111122223333:aws:ec2-infrastructure",` +
			arns + `role/aws:ec2-infrastructure","accountId":"111122223333","userName":"aws:ec2-infrastructure"},"webIdFederationData":{},` + attributes + `}}`
		federated = `{"type":"FederatedUser","principalId":"111122223333:bob","arn":"arn:aws:sts::111122223333:federated-user/bob",` +
			`"accountId":"111122223333","accessKeyId":"ASIAFED","sessionContext":{"sessionIssuer":`
		service = `{"type":"AWSService","invokedBy":"voiceid.amazonaws.com"}`
		invoked = `,"invokedBy":"voiceid.amazonaws.com"}`
	)
	temporary := func(p *principal.Principal) { p.AccessKeyID, p.Since = "ASIAUSER", began }
	through := func(p *principal.Principal) { p.InvokedBy = voice }
	bob := principal.Principal{
		Kind: principal.FederatedUser, Account: account, ARN: "arn:aws:sts::" + account + ":federated-user/bob", ID: account + ":bob",
		IssuerARN: ann().ARN, IssuerID: ann().ID, IssuerName: "ann", AccessKeyID: "ASIAFED", Since: began,
	}
	stranger := func(id, more string) string {
		return `{"type":"AWSAccount","principalId":"` + id + `","accountId":"111122223333"` + more + `}`
	}
	tests := map[string]struct {
		p            principal.Principal
		own, foreign string
	}{
		"root user": {rootUser(), `{"type":"Root","principalId":"111122223333",` + arns + `root","accountId":"111122223333","accessKeyId":"AKIAROOT"}`, stranger(account, "")},
		"root user, GetSessionToken": {with(rootUser(), temporary), `{"type":"Root","principalId":"111122223333",` + arns +
			`root","accountId":"111122223333","accessKeyId":"ASIAUSER","sessionContext":{` + attributes + `}}`, stranger(account, "")},
		"user":                  {ann(), user + `}`, stranger("AIDAEXAMPLE", "")},
		"user through":          {with(ann(), through), user + invoked, stranger("AIDAEXAMPLE", invoked[:len(invoked)-1])},
		"user, GetSessionToken": {with(ann(), temporary), session + attributes + `}}`, stranger("AIDAEXAMPLE", "")},
		"user, second factor": {with(ann(), func(p *principal.Principal) { temporary(p); p.MFA = true }),
			session + factor + `}}`, stranger("AIDAEXAMPLE", "")},
		"role": {sample(), role + attributes + `}}`, stranger("AROAEXAMPLE:SampleUser", "")},
		"role, source identity": {with(sample(), func(p *principal.Principal) { p.SourceIdentity, p.MFA = `an"n`, true }),
			role + factor + `,"sourceIdentity":"an\"n"}}`, stranger("AROAEXAMPLE:SampleUser", "")},
		"role through":           {with(sample(), through), role + attributes + `}` + invoked, stranger("AROAEXAMPLE:SampleUser", invoked[:len(invoked)-1])},
		"role of infrastructure": {instance(), infrastructure, stranger(account+":aws:ec2-infrastructure:i-1234567890abcdefg", "")},
		"federated user": {bob, federated + `{"type":"IAMUser","principalId":"AIDAEXAMPLE",` + arns + `user/staff/ann","accountId":"111122223333","userName":"ann"},` +
			`"webIdFederationData":{},` + attributes + `}}`, stranger(account+":bob", "")},
		"federated by root": {with(bob, func(p *principal.Principal) { p.IssuerARN, p.IssuerID, p.IssuerName = rootUser().ARN, account, "" }),
			federated + `{"type":"Root","principalId":"111122223333",` + arns + `root","accountId":"111122223333"},"webIdFederationData":{},` + attributes + `}}`, stranger(account+":bob", "")},
		"service":  {voiceService(), service, service},
		"operator": {principal.Principal{Kind: principal.Operator, ID: "operator"}, `{"type":"Unknown","principalId":"operator"}`, ""},
	}
	for name, test := range tests {
		f := by(&authz.Caller{Principal: test.p})
		got := decode(t, f.Entries()[0].Record)
		if string(got.UserIdentity) != test.own {
			t.Errorf("%s:\n got %s\nwant %s", name, got.UserIdentity, test.own)
		}
		if test.foreign == "" {
			continue
		}
		f.Call.Concerns("AWS::KMS::Key", "arn:aws:kms:us-west-2:"+owner+":key/b", owner)
		entries := f.Entries()
		got = decode(t, entries[len(entries)-1].Record)
		if string(got.UserIdentity) != test.foreign || got.RecipientAccountID != owner {
			t.Errorf("%s, to %s:\n got %s\nwant %s", name, got.RecipientAccountID, got.UserIdentity, test.foreign)
		}
	}
	if len(tests) != 14 {
		t.Errorf("%d cases ran", len(tests))
	}
}

// TestWhereFrom: the address and the agent of a record, and whether it tells of
// the connection, by who called through whom.
func TestWhereFrom(t *testing.T) {
	t.Parallel()
	registered := &authz.Registration{Name: voice, SigningName: "voiceid"}
	own, told := netip.MustParseAddr("::ffff:192.0.2.7"), netip.MustParseAddr("2001:db8::1")
	through := func(p principal.Principal) principal.Principal {
		p.InvokedBy = voice
		return p
	}
	for name, test := range map[string]struct {
		caller         authz.Caller
		source         netip.Addr
		address, agent string
		tls            bool
	}{
		"user":                              {authz.Caller{Principal: ann()}, own, "192.0.2.7", "cli", true},
		"role":                              {authz.Caller{Principal: sample()}, told, "2001:db8::1", "cli", true},
		"nowhere":                           {authz.Caller{Principal: ann()}, netip.Addr{}, "AWS Internal", "cli", true},
		"service":                           {authz.Caller{Principal: voiceService(), Registration: registered}, own, voice, voice, false},
		"through, told nothing":             {authz.Caller{Principal: through(ann()), Via: &authz.Via{Registration: registered}}, own, voice, voice, false},
		"through, told both":                {authz.Caller{Principal: through(sample()), Via: &authz.Via{Registration: registered, Address: told, UserAgent: "browser"}}, own, "2001:db8::1", "browser", false},
		"through, told the address":         {authz.Caller{Principal: through(ann()), Via: &authz.Via{Registration: registered, Address: told}}, own, "2001:db8::1", voice, false},
		"through, told the agent":           {authz.Caller{Principal: through(ann()), Via: &authz.Via{Registration: registered, UserAgent: "browser"}}, own, voice, "browser", false},
		"through who assumed the role":      {authz.Caller{Principal: sample(), IssuedTo: voice, Via: &authz.Via{Registration: registered, Address: told, UserAgent: "browser"}}, own, "192.0.2.7", "cli", true},
		"role that the service assumed":     {authz.Caller{Principal: sample(), IssuedTo: voice}, own, "192.0.2.7", "cli", true},
		"role of a service's own instances": {authz.Caller{Principal: instance()}, own, "192.0.2.7", "cli", true},
	} {
		f := by(&test.caller)
		f.Facts.Source = test.source
		f.Call.Record.Resources = nil
		got := decode(t, f.Entries()[0].Record)
		if got.SourceIPAddress != test.address || got.UserAgent != test.agent || (got.TLSDetails != nil) != test.tls {
			t.Errorf("%s: from %s with %s, connection %v", name, got.SourceIPAddress, got.UserAgent, got.TLSDetails)
		}
	}
}

// by is the frame of a call by somebody.
func by(c *authz.Caller) *record.Frame {
	f := frame()
	f.Caller, f.Call.Caller = c, c
	return f
}

// event is a record as its readers see it.
type event struct {
	EventVersion, EventSource, EventName, AwsRegion, EventType, EventCategory string
	EventTime                                                                 time.Time
	SourceIPAddress, UserAgent                                                string
	ErrorCode, ErrorMessage                                                   string
	RequestID, EventID, SharedEventID, RecipientAccountID                     string
	ReadOnly, ManagementEvent                                                 bool
	UserIdentity                                                              json.RawMessage
	RequestParameters, ResponseElements                                       json.RawMessage
	AdditionalEventData                                                       map[string]string
	Resources                                                                 []struct{ AccountID, Type, ARN string }
	TLSDetails                                                                map[string]string
}

func decode(t *testing.T, b []byte) event {
	t.Helper()
	var e event
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return e
}
