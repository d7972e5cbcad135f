package gateway_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/gateway"
	"claviger/internal/edge/httpfront"
	"claviger/internal/edge/message"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/kernel/session"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

const (
	account = "111122223333"
	secret  = "a secret access key"
	service = "vault.amazonaws.com"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type echoInput struct {
	Word string `aws:"Word"`
}

func (*echoInput) Validate(*check.Checks) {}

type echoOutput struct {
	Text string `aws:"Text"`
}

// world is a gateway before one operation, Echo, offered by a service of each
// protocol, which says for which resource it was called.
type world struct {
	t       *testing.T
	gateway *gateway.Gateway
	trail   *audit.Ring
	callers map[string]*authz.Credential // by access key id
	refused []fault.Code
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, trail: audit.NewRing(100)}
	t.Cleanup(func() { _ = w.trail.Close() })
	all, err := policy.Compile(policy.Identity, "all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	lend := func(id string, p principal.Principal) *authz.Credential {
		p.Partition, p.AccessKeyID = "aws", id
		return &authz.Credential{AccessKeyID: id, Secret: confidential.New([]byte(secret)), Caller: &authz.Caller{
			Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: "aws", Account: p.Account, ARN: p.ARN}, Identity: []*policy.Policy{all},
		}}
	}
	user := principal.Principal{Kind: principal.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/ann", ID: "AIDAANN", Name: "ann"}
	role := principal.Principal{
		Kind: principal.RoleSession, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/Worker/one", ID: "AROAWORKER:one",
		IssuerARN: "arn:aws:iam::" + account + ":role/Worker", IssuerID: "AROAWORKER", IssuerName: "Worker", Since: noon.Add(-time.Minute),
	}
	w.callers = map[string]*authz.Credential{
		"AKIAROOT":    lend("AKIAROOT", principal.Principal{Kind: principal.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}),
		"AKIAUSER":    lend("AKIAUSER", user),
		"ASIAROLE":    lend("ASIAROLE", role),
		"ASIAFORWARD": lend("ASIAFORWARD", user),
		"AKIASERVICE": lend("AKIASERVICE", principal.Principal{Kind: principal.Service, ARN: service, Name: service}),
		"ASIALONG":    lend("ASIALONG", role),
	}
	// The service assumed the role, and still it is the role that calls.
	w.callers["ASIAROLE"].Caller.IssuedTo = service
	w.callers["ASIAROLE"].Token = "token"
	w.callers["ASIALONG"].Token = strings.Repeat("t", session.TokenMax)
	forward := w.callers["ASIAFORWARD"]
	forward.Token = "token"
	forward.Caller.Principal.InvokedBy = service
	forward.Caller.Via = &authz.Via{
		Registration: &authz.Registration{Name: service, SigningName: "vault", Actions: []string{"test:Echo"}}, Services: []string{service},
	}
	w.open()
	return w
}

// open puts the gateway before a fresh store.
func (w *world) open() {
	w.t.Helper()
	key, err := root.Random()
	if err != nil {
		w.t.Fatal(err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := store.Open(w.t.Context(), drivertest.Open(w.t), store.Options{Sealer: keyring})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = rows.Close() })
	now := func() time.Time { return noon }
	w.gateway = gateway.New(gateway.Options{
		Services: []gateway.Service{
			{Name: "kms", Source: "kms.amazonaws.com", Protocol: gateway.JSON, Target: "TrentService", Skew: time.Minute, Operations: echo()},
			{Name: "sts", Source: "sts.amazonaws.com", Protocol: gateway.Query, Version: "1", Skew: time.Minute, Operations: echo()},
		},
		Pipeline:    pipeline.New(pipeline.Options{Store: rows, Trail: w.trail, Credentials: w, Sealer: keyring, Now: now}),
		Credentials: w,
		Regions:     []string{"us-east-1"},
		Region:      "us-east-1",
		Now:         now,
		Refused:     func(_ *message.Request, _ string, err error) { w.refused = append(w.refused, fault.From(err).Code) },
	})
}

func echo() []operation.Operation {
	return []operation.Operation{operation.Use[echoInput, echoOutput, struct{}, *echoInput]{
		Name: "Echo", Actions: []string{"test:Echo"},
		Asks: func(_ *operation.Call, _ *echoInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			// Services have no policies of their own: a resource lets them in.
			return append(asks, authz.Ask{Action: "test:Echo", Resource: "*", Account: account, Policy: everybody})
		},
		Run: func(c *operation.Call, _ *echoInput, _ struct{}) (*echoOutput, error) {
			return &echoOutput{Text: "for " + c.Facts.SourceARN + " of " + c.Facts.SourceAccount}, nil
		},
	}.Operation()}
}

// everybody is let in.
var everybody = func() *policy.Policy {
	p, err := policy.Compile(policy.KeyPolicy, "open", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		panic(err)
	}
	return p
}()

// Credential lends who is known, to whoever has its token.
func (w *world) Credential(_ context.Context, id, token string) (*authz.Credential, error) {
	if c := w.callers[id]; c != nil && c.Token == token {
		return c, nil
	}
	return nil, fault.New(fault.UnrecognizedClient, "nobody")
}

// request is a call of Echo, signed with the access key of that id.
func (w *world) request(service, id string, fields ...message.Field) *message.Request {
	r := &message.Request{Method: "POST", Path: "/", Host: service + ".us-east-1.example.org"}
	switch service {
	case "kms":
		r.Header = []message.Field{{Name: "content-type", Value: "application/x-amz-json-1.1"}, {Name: "x-amz-target", Value: "TrentService.Echo"}}
		r.Body = []byte(`{"Word":"x"}`)
	case "sts":
		r.Header = []message.Field{{Name: "content-type", Value: "application/x-www-form-urlencoded"}}
		r.Body = []byte("Action=Echo&Version=1&Word=x")
	}
	r.Header = append(r.Header, message.Field{Name: "x-amz-date", Value: noon.Format("20060102T150405Z")})
	if c := w.callers[id]; c != nil && c.Token != "" {
		r.Header = append(r.Header, message.Field{Name: "x-amz-security-token", Value: c.Token})
	}
	r.Header = append(r.Header, fields...)
	sign(r, service, id)
	return r
}

// sign adds a signature over the host and the whole header.
func sign(r *message.Request, service, id string) {
	fields := append(slices.Clone(r.Header), message.Field{Name: "host", Value: r.Host})
	slices.SortFunc(fields, func(a, b message.Field) int { return strings.Compare(a.Name, b.Name) })
	var canonical, names []string
	for _, f := range fields {
		canonical, names = append(canonical, f.Name+":"+f.Value), append(names, f.Name)
	}
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	signed := strings.Join(names, ";")
	text := r.Method + "\n/\n\n" + strings.Join(canonical, "\n") + "\n\n" + signed + "\n" + hash(string(r.Body))
	stamp := noon.Format("20060102T150405Z")
	scope := stamp[:8] + "/us-east-1/" + service + "/aws4_request"
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hash(text)) {
		key = mac(key, part)
	}
	r.Header = append(r.Header, message.Field{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=" + id + "/" + scope +
		", SignedHeaders=" + signed + ", Signature=" + hex.EncodeToString(key)})
}

// records returns what the trail has.
func (w *world) records() []string {
	w.t.Helper()
	var list []string
	err := w.trail.Read(w.t.Context(), 1, func(_ uint64, e audit.Entry) error {
		list = append(list, string(e.Record))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func sourceFields(name, account string) []message.Field {
	var fields []message.Field
	if name != "" {
		fields = append(fields, message.Field{Name: "x-amz-source-arn", Value: name})
	}
	if account != "" {
		fields = append(fields, message.Field{Name: "x-amz-source-account", Value: account})
	}
	return fields
}

// TestSource: the header fields that name the resource for which a service calls
// count when the service signed them, and whoever else sends them is refused, in
// the protocol of the call and with a record of it.
func TestSource(t *testing.T) {
	t.Parallel()
	const name = "arn:aws:vault:us-east-1:" + account + ":document/1"
	forbidden := []string{"AccessDenied", "is not authorized to call for a resource"}
	for label, test := range map[string]struct {
		id       string
		name     string
		account  string
		echoed   string   // what the operation saw, "" where it was not called
		refusals []string // what stands in answer and record
	}{
		"service":                       {"AKIASERVICE", name, account, "for " + name + " of " + account, nil},
		"service, ARN alone":            {"AKIASERVICE", name, "", "for " + name + " of ", nil},
		"service, account alone":        {"AKIASERVICE", "", account, "for  of " + account, nil},
		"service, nothing":              {"AKIASERVICE", "", "", "for  of ", nil},
		"service, ARN of no account":    {"AKIASERVICE", "arn:aws:s3:::bucket", account, "for arn:aws:s3:::bucket of " + account, nil},
		"service, not an ARN":           {"AKIASERVICE", "document/1", account, "", []string{"Validation", "x-amz-source-arn is not an ARN"}},
		"service, ARN with a space":     {"AKIASERVICE", name + " 2", account, "", []string{"Validation", "x-amz-source-arn is not an ARN"}},
		"service, long ARN":             {"AKIASERVICE", name + strings.Repeat("x", 2048), account, "", []string{"Validation", "x-amz-source-arn is not an ARN"}},
		"service, not an account":       {"AKIASERVICE", name, "1111", "", []string{"Validation", "x-amz-source-account is not an account id"}},
		"service, ARN of another":       {"AKIASERVICE", name, "444455556666", "", []string{"Validation", "not of the account that x-amz-source-account names"}},
		"user":                          {"AKIAUSER", name, account, "", forbidden},
		"user, ARN alone":               {"AKIAUSER", name, "", "", forbidden},
		"user, account alone":           {"AKIAUSER", "", account, "", forbidden},
		"user, malformed":               {"AKIAUSER", "x", "y", "", forbidden},
		"user, nothing":                 {"AKIAUSER", "", "", "for  of ", nil},
		"root user":                     {"AKIAROOT", name, account, "", forbidden},
		"role that the service assumed": {"ASIAROLE", name, account, "", forbidden},
		"service for its user":          {"ASIAFORWARD", name, account, "", forbidden},
		"service for its user, nothing": {"ASIAFORWARD", "", "", "for  of ", nil},
	} {
		for _, service := range []string{"kms", "sts"} {
			w := newWorld(t)
			answer := w.gateway.Handle(t.Context(), w.request(service, test.id, sourceFields(test.name, test.account)...))
			body, records := string(answer.Body), w.records()
			if len(records) != 1 || !strings.Contains(records[0], `"eventName":"Echo"`) || len(w.refused) != 0 {
				t.Errorf("%s to %s: recorded as %s, refused %v", label, service, records, w.refused)
				continue
			}
			if test.refusals == nil {
				if answer.Status != 200 || !strings.Contains(body, test.echoed) || strings.Contains(records[0], "errorCode") {
					t.Errorf("%s to %s: answered %d %s", label, service, answer.Status, body)
				}
				continue
			}
			wantShape(t, service, answer)
			for _, part := range test.refusals {
				if answer.Status < 400 || !strings.Contains(body+answer.ErrorType, part) || !strings.Contains(records[0], part) {
					t.Errorf("%s to %s: answered %d %s, recorded %s", label, service, answer.Status, body, records[0])
				}
			}
		}
	}
}

// wantShape checks that an error is written as the service's protocol writes it.
func wantShape(t *testing.T, service string, answer message.Response) {
	t.Helper()
	switch body := string(answer.Body); {
	case service == "kms" && (answer.ContentType != "application/x-amz-json-1.1" || !strings.HasPrefix(body, `{"__type":"`) || answer.ErrorType == ""):
		t.Errorf("no JSON error: %s %s", answer.ContentType, body)
	case service == "sts" && (answer.ContentType != "text/xml" || !strings.Contains(body, "<ErrorResponse") || answer.ErrorType != ""):
		t.Errorf("no XML error: %s %s", answer.ContentType, body)
	}
}

// TestSourceMustBeSigned: what somebody added on the way, or sent twice, is
// refused with the signature, and is no call.
func TestSourceMustBeSigned(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"kms", "sts"} {
		for _, id := range []string{"AKIASERVICE", "AKIAUSER"} {
			for _, f := range sourceFields("arn:aws:s3:::bucket", account) {
				w := newWorld(t)
				added, twice := w.request(service, id), w.request(service, id, f)
				added.Header, twice.Header = append(added.Header, f), append(twice.Header, f)
				for _, r := range []*message.Request{added, twice} {
					if answer := w.gateway.Handle(t.Context(), r); answer.Status < 400 {
						t.Errorf("%s of %s to %s: answered %d", f.Name, id, service, answer.Status)
					}
				}
				if !slices.Equal(w.refused, []fault.Code{fault.InvalidSignature, fault.InvalidSignature}) || len(w.records()) != 0 {
					t.Errorf("%s of %s to %s: refused %v, recorded %s", f.Name, id, service, w.refused, w.records())
				}
			}
		}
	}
}

// TestRefusedCaller: a caller that may do nothing any more is known by its
// signature, and its calls are recorded as its own, whatever they ask.
func TestRefusedCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callers["ASIAROLE"].Refusal = fault.New(fault.AccessDenied, "The session has ended.")
	for _, r := range []*message.Request{
		w.request("kms", "ASIAROLE"),
		w.request("sts", "ASIAROLE"),
		w.request("kms", "ASIAROLE", sourceFields("x", "y")...),
	} {
		if answer := w.gateway.Handle(t.Context(), r); answer.Status < 400 || !strings.Contains(string(answer.Body), "The session has ended.") {
			t.Errorf("answered %d %s", answer.Status, answer.Body)
		}
	}
	records := w.records()
	for _, r := range records {
		if !strings.Contains(r, `"errorMessage":"The session has ended."`) || !strings.Contains(r, "assumed-role/Worker/one") {
			t.Errorf("recorded %s", r)
		}
	}
	if len(records) != 3 {
		t.Errorf("%d records of 3 calls", len(records))
	}
}

// TestLongestToken: through the door a request with the longest session token is
// served, and one with a longer token is refused as any other that is nobody's.
func TestLongestToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpfront.New(httpfront.Options{
		Handler: w.gateway, Ready: func() bool { return true }, Panicked: func(cause any) { t.Errorf("panic: %v", cause) },
	})
	server.Start()
	defer server.Close()
	for name, test := range map[string]struct {
		more   string
		status int
		text   string
	}{
		"longest":        {"", 200, "for  of "},
		"longer":         {"t", 400, "UnrecognizedClientException"},
		"as long as two": {strings.Repeat("t", session.TokenMax), 400, "UnrecognizedClientException"},
	} {
		long := *w.callers["ASIALONG"]
		long.Token += test.more
		w.callers["ASIALONGER"] = &long
		long.AccessKeyID = "ASIALONGER"
		r := w.request("kms", "ASIALONGER")
		send, err := http.NewRequestWithContext(t.Context(), r.Method, server.URL, strings.NewReader(string(r.Body)))
		if err != nil {
			t.Fatal(err)
		}
		send.Host = r.Host
		for _, f := range r.Header {
			send.Header.Set(f.Name, f.Value)
		}
		answer, err := server.Client().Do(send)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != test.status || !strings.Contains(string(body), test.text) {
			t.Errorf("%s: answered %d %s, %v", name, answer.StatusCode, body, err)
		}
	}
}
