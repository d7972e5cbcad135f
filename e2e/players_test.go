package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/smithy-go"
)

// A turn is one call of a story, for whichever client plays it.
type turn struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Input     given  `json:"input"`
	ID        string `json:"id"`
	Secret    string `json:"secret"`
	Token     string `json:"token,omitempty"`
	PageSize  int    `json:"pageSize,omitempty"` // walks the client's paginator
	Waiter    string `json:"waiter,omitempty"`   // waits with the client's waiter of this name
}

// given is the input of a call, by the names of the public reference.
type given = map[string]any

// An outcome is what a client made of the answer, in its own types: one page, or
// as many as the paginator had, or an error.
type outcome struct {
	Pages     []given `json:"pages"`
	Code      string  `json:"code"`
	Message   string  `json:"message"`
	Type      string  `json:"type"` // of the exception, where the client has one for the error
	RequestID string  `json:"requestId"`
	Encoded   string  `json:"encoded"` // explanation of a refusal, from the header; the CLI shows none
	Unknown   bool    `json:"unknown"` // the client is older than the operation
}

// A player is a client that plays a story.
type player struct {
	name   string
	typed  bool   // its errors have types, and it shows request ids
	silent string // what it shows for an error without a message
	play   func(*testing.T, *turn) outcome
}

// players are the clients that stories are played with, each against p.
var players = map[string]func(*testing.T, *process) *player{
	"go": func(_ *testing.T, p *process) *player {
		return &player{name: "go", typed: true, play: p.playInGo()}
	},
	"boto3": func(t *testing.T, p *process) *player {
		if exec.Command("/usr/bin/python3", "-c", "import boto3").Run() != nil {
			t.Skip("skipped: boto3 (Debian package python3-boto3) is not installed")
		}
		return &player{name: "boto3", typed: true, play: p.playOutside(t, "/usr/bin/python3", "testdata/players/boto3_player.py")}
	},
	"cli": func(t *testing.T, p *process) *player {
		if exec.Command("/usr/bin/python3", "-c", "import awscli.clidriver").Run() != nil {
			t.Skip("skipped: the AWS CLI (Debian package awscli) is not installed")
		}
		return &player{name: "cli", silent: "None", play: p.playOutside(t, "/usr/bin/python3", "testdata/players/cli_player.py")}
	},
	"javascript": func(t *testing.T, p *process) *player {
		return &player{name: "javascript", typed: true, silent: "UnknownError", play: p.playOutside(t, "node", "testdata/players/player.mjs", javaScriptSDK(t))}
	},
}

// javaScriptSDK installs the SDK for JavaScript, in the versions that the lock
// file next to the player names, and returns where it is.
func javaScriptSDK(t *testing.T) string {
	t.Helper()
	if exec.Command("node", "-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)").Run() != nil {
		t.Skip("skipped: the SDK for JavaScript needs Node.js 20 or newer")
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), must[[]byte](t)(os.ReadFile("testdata/players/"+name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("skipped: npm can't install the SDK for JavaScript: %v\n%s", err, out)
	}
	return dir
}

// playOutside plays with a program that reads a call and prints its outcome, a
// line of JSON each.
func (p *process) playOutside(t *testing.T, program string, args ...string) func(*testing.T, *turn) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + p.endpoint, "AWS_DEFAULT_REGION=us-east-1"}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	in := must[io.WriteCloser](t)(cmd.StdinPipe())
	out := bufio.NewReader(must[io.ReadCloser](t)(cmd.StdoutPipe()))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return func(t *testing.T, call *turn) (o outcome) {
		t.Helper()
		if err := json.NewEncoder(in).Encode(call); err != nil {
			t.Fatalf("%s:%s: %v", call.Service, call.Operation, err)
		}
		line, err := out.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &o)
		}
		if err != nil {
			_ = cmd.Wait()
			t.Fatalf("%s:%s: %v %s%s", call.Service, call.Operation, err, line, problems.String())
		}
		return o
	}
}

// playInGo plays with the SDK for Go. Which method a call is, is known by its name.
func (p *process) playInGo() func(*testing.T, *turn) outcome {
	clients := make(map[[3]string]*client)
	return func(t *testing.T, call *turn) outcome {
		t.Helper()
		who := [3]string{call.ID, call.Secret, call.Token}
		if clients[who] == nil {
			clients[who] = p.signing("us-east-1", credentials.NewStaticCredentialsProvider(call.ID, call.Secret, call.Token))
		}
		return clients[who].play(t, call)
	}
}

func (as *client) play(t *testing.T, call *turn) outcome {
	t.Helper()
	var of any
	switch call.Service {
	case "iam":
		of = as.iam
	case "kms":
		of = as.kms
	case "organizations":
		of = as.organizations
	case "sts":
		of = as.sts
	}
	method := reflect.ValueOf(of).MethodByName(call.Operation)
	if !method.IsValid() {
		return outcome{Unknown: true}
	}
	in := reflect.New(method.Type().In(1).Elem())
	strict := json.NewDecoder(bytes.NewReader(must[[]byte](t)(json.Marshal(call.Input))))
	strict.DisallowUnknownFields()
	if err := strict.Decode(in.Interface()); err != nil {
		t.Fatalf("%s:%s has no such input: %v", call.Service, call.Operation, err)
	}
	switch {
	case call.Waiter != "":
		return failure(waitInGo(t.Context(), as, call.Waiter, in.Interface()))
	case call.PageSize > 0:
		return pagesInGo(t, of, call, in)
	}
	got := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	if err, _ := got[1].Interface().(error); err != nil {
		return failure(err)
	}
	return outcome{Pages: []given{membersInGo(t, got[0].Interface())}, RequestID: "not shown"}
}

// pagesInGo walks a paginator.
func pagesInGo(t *testing.T, of any, call *turn, in reflect.Value) (o outcome) {
	t.Helper()
	size := map[string]string{"iam": "MaxItems", "organizations": "MaxResults"}[call.Service]
	in.Elem().FieldByName(size).Set(reflect.ValueOf(aws.Int32(int32(call.PageSize))))
	paginator := reflect.ValueOf(paginators[call.Operation]).Call([]reflect.Value{reflect.ValueOf(of), in})[0]
	for paginator.MethodByName("HasMorePages").Call(nil)[0].Bool() {
		got := paginator.MethodByName("NextPage").Call([]reflect.Value{reflect.ValueOf(t.Context())})
		if err, _ := got[1].Interface().(error); err != nil {
			return failure(err)
		}
		o.Pages = append(o.Pages, membersInGo(t, got[0].Interface()))
	}
	return o
}

var paginators = map[string]any{
	"GetAccountAuthorizationDetails": iam.NewGetAccountAuthorizationDetailsPaginator,
	"GetGroup":                       iam.NewGetGroupPaginator,
	"ListAccounts":                   organizations.NewListAccountsPaginator,
	"ListEntitiesForPolicy":          iam.NewListEntitiesForPolicyPaginator,
	"ListPolicies":                   iam.NewListPoliciesPaginator,
	"ListUsers":                      iam.NewListUsersPaginator,
	"SimulateCustomPolicy":           iam.NewSimulateCustomPolicyPaginator,
}

func waitInGo(ctx context.Context, as *client, name string, in any) error {
	const long = time.Minute // what is there is found at once, however slow the machine
	switch name {
	case "UserExists":
		return iam.NewUserExistsWaiter(as.iam).Wait(ctx, in.(*iam.GetUserInput), long)
	case "RoleExists":
		return iam.NewRoleExistsWaiter(as.iam).Wait(ctx, in.(*iam.GetRoleInput), long)
	case "PolicyExists":
		return iam.NewPolicyExistsWaiter(as.iam).Wait(ctx, in.(*iam.GetPolicyInput), long)
	case "InstanceProfileExists":
		return iam.NewInstanceProfileExistsWaiter(as.iam).Wait(ctx, in.(*iam.GetInstanceProfileInput), long)
	}
	return errors.New("the SDK has no waiter " + name)
}

// failure is an error as the SDK for Go shows it.
func failure(err error) outcome {
	var api smithy.APIError
	if !errors.As(err, &api) {
		if err != nil {
			return outcome{Code: "none", Message: err.Error()}
		}
		return outcome{}
	}
	var response *awshttp.ResponseError
	o := outcome{Code: api.ErrorCode(), Message: api.ErrorMessage()}
	if errors.As(err, &response) {
		o.RequestID = response.RequestID
		o.Encoded = response.Response.Header.Get("X-Claviger-Authorization-Message")
	}
	if name := reflect.TypeOf(api).Elem().Name(); name != "GenericAPIError" {
		o.Type = name
	}
	return o
}

// membersInGo are those of an output that the SDK for Go has filled.
func membersInGo(t *testing.T, output any) given {
	t.Helper()
	var out given
	if err := json.Unmarshal(must[[]byte](t)(json.Marshal(output)), &out); err != nil {
		t.Fatal(err)
	}
	delete(out, "ResultMetadata")
	return filled(out).(given)
}

func filled(v any) any {
	switch v := v.(type) {
	case given:
		maps.DeleteFunc(v, func(_ string, m any) bool { return m == nil })
		for name, m := range v {
			v[name] = filled(m)
		}
	case []any:
		for i := range v {
			v[i] = filled(v[i])
		}
	}
	return v
}

// untyped are errors for which clients have no type: no operation lists them.
var untyped = map[string]bool{
	"iam:AccessDenied": true, "iam:ValidationError": true, "iam:InvalidClientTokenId": true, "iam:SignatureDoesNotMatch": true,
	"kms:AccessDeniedException": true, "kms:UnrecognizedClientException": true,
	"sts:AccessDenied": true, "sts:ValidationError": true, "sts:InvalidParameterValue": true, "sts:InvalidClientTokenId": true,
	"organizations:UnrecognizedClientException": true,
}

// exception is the name of the type of an error.
func exception(service, code string) string {
	if untyped[service+":"+code] {
		return ""
	}
	if code == "ReportNotPresent" {
		return "CredentialReportNotPresentException"
	}
	return strings.TrimSuffix(code, "Exception") + "Exception"
}

// A tale is a story while it is turn.
type tale struct {
	*testing.T
	p      *process
	player *player
	calls  int
	lacks  map[string]bool // operations that the client is too old for
}

// An actor is whose credentials a call is signed with.
type actor struct{ id, secret, token string }

func (s *tale) send(as actor, name string, in given, change func(*turn)) outcome {
	s.Helper()
	service, operation, _ := strings.Cut(name, ":")
	if in == nil {
		in = given{}
	}
	call := &turn{Service: service, Operation: operation, Input: in, ID: as.id, Secret: as.secret, Token: as.token}
	if change != nil {
		change(call)
	}
	s.calls++
	return s.player.play(s.T, call)
}

// do makes a call that succeeds and returns its output.
func (s *tale) do(as actor, name string, in given) shown {
	s.Helper()
	o := s.send(as, name, in, nil)
	if o.Code != "" || o.Unknown || len(o.Pages) != 1 {
		s.Fatalf("%s: %+v", name, o)
	}
	if s.player.typed && o.RequestID == "" {
		s.Errorf("%s has no request id", name)
	}
	return shown{s, name, o.Pages[0]}
}

// refused makes a call that is refused, word for word.
func (s *tale) refused(as actor, name string, in given, code, message string) {
	s.Helper()
	o := s.send(as, name, in, nil)
	if message == "" {
		message = s.player.silent
	}
	if o.Code != code || o.Message != message {
		s.Errorf("%s is answered\n\t%s: %s\nwant\n\t%s: %s", name, o.Code, o.Message, code, message)
		return
	}
	service, _, _ := strings.Cut(name, ":")
	if want := exception(service, code); s.player.typed && (o.Type != want || o.RequestID == "") {
		s.Errorf("%s: the exception is %q with request id %q, want %s", name, o.Type, o.RequestID, want)
	}
}

// pages walks the client's paginator and returns what the pages list under a name.
// The CLI makes one answer of all pages.
func (s *tale) pages(as actor, name string, in given, size, pages int, list string) (all []any) {
	s.Helper()
	o := s.send(as, name, in, func(c *turn) { c.PageSize = size })
	if o.Code != "" || s.player.name != "cli" && len(o.Pages) != pages {
		s.Errorf("%s has %d pages, want %d: %+v", name, len(o.Pages), pages, o)
	}
	for _, page := range o.Pages {
		items, _ := page[list].([]any)
		all = append(all, items...)
	}
	return all
}

// wait waits with the client's waiter.
func (s *tale) wait(as actor, waiter, name string, in given) {
	s.Helper()
	if o := s.send(as, name, in, func(c *turn) { c.Waiter = waiter }); o.Code != "" {
		s.Errorf("waiting for %s: %+v", waiter, o)
	}
}

// has reports whether the client knows an operation.
func (s *tale) has(as actor, name string, in given) bool {
	if s.send(as, name, in, nil).Unknown {
		s.lacks[name] = true
		return false
	}
	return true
}

// A shown is the output of a call, as a client shows it.
type shown struct {
	s    *tale
	name string
	out  any
}

// at is the member at a path, such as Policy.Tags.0.Key; nil where there is none.
func (a shown) at(path string) any {
	v := a.out
	for name := range strings.SplitSeq(path, ".") {
		switch m := v.(type) {
		case given:
			v = m[name]
		case []any:
			i := -1
			if _, err := fmt.Sscan(name, &i); err != nil || i < 0 || i >= len(m) {
				return nil
			}
			v = m[i]
		default:
			return nil
		}
	}
	return v
}

// text is the text at a path, which must be there.
func (a shown) text(path string) string {
	a.s.Helper()
	text, ok := a.at(path).(string)
	if !ok || text == "" {
		a.s.Fatalf("%s answers no %s: %v", a.name, path, a.out)
	}
	return text
}

// is demands what stands at paths, two of which follow each other: a path, a value.
// A nil is a member that must not be there.
func (a shown) is(pairs ...any) shown {
	a.s.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got, want := a.at(pairs[i].(string)), pairs[i+1]
		if n, ok := want.(int); ok {
			want = float64(n)
		}
		if !reflect.DeepEqual(got, want) {
			a.s.Errorf("%s: %s is %v, want %v", a.name, pairs[i], got, want)
		}
	}
	return a
}

// list is the list at a path. Clients disagree on whether an empty one is there.
func (a shown) list(path string) []any {
	list, _ := a.at(path).([]any)
	return list
}

// each is a member of every item of a list.
func each(items []any, name string) string {
	var all []string
	for _, item := range items {
		all = append(all, fmt.Sprint(item.(given)[name]))
	}
	return strings.Join(all, " ")
}

// recent demands that a time is one of the last minute.
func (a shown) recent(paths ...string) shown {
	a.s.Helper()
	for _, path := range paths {
		at, err := time.Parse(time.RFC3339, a.text(path))
		if age := time.Since(at); err != nil || age < -time.Second || age > time.Minute {
			a.s.Errorf("%s: %s is %s (%v)", a.name, path, at, err)
		}
	}
	return a
}
