package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// serveAdmin serves the admin socket of the world and returns its path.
func serveAdmin(t *testing.T, w *world) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "admin") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "admin.sock")
	listener, err := listenAdmin(path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: w.server.admin()}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return path
}

// operatorCommand runs a command line and returns what it printed.
func operatorCommand(socket string, args ...string) (string, error) {
	var tree commands
	var out strings.Builder
	env := &environment{getenv: func(string) string { return "" }, stdout: &out, stderr: &out}
	parser, err := newParser(&tree, env, func(int) {})
	if err != nil {
		return "", err
	}
	command, err := parser.Parse(append(args, "--socket", socket))
	if err != nil {
		return "", usageError{err}
	}
	err = command.Run(env)
	return out.String(), err
}

func TestServicePrincipalCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	must := func(args ...string) string {
		t.Helper()
		out, err := operatorCommand(socket, append([]string{"service-principal"}, args...)...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	_, from := w.records(1)

	printed := must("create", "vault.example.org", "--signing-name", "vault", "--actions", "kms:CreateGrant,kms:DescribeKey")
	form := regexp.MustCompile(`^service principal     = vault\.example\.org\naws_access_key_id     = (AKIA[A-Z2-7]{16})\naws_secret_access_key = (\S{40})\n$`)
	made := form.FindStringSubmatch(printed)
	if made == nil {
		t.Fatalf("create printed\n%s", printed)
	}
	var created createServicePrincipalAnswer
	text := must("create", "ec2.amazonaws.com", "--signing-name=ec2", "--actions=kms:Decrypt", "--actions=kms:CreateGrant", "--grants-beyond-user", "--infrastructure", "--json")
	if err := json.Unmarshal([]byte(text), &created); err != nil {
		t.Fatalf("create printed %s: %v", text, err)
	}
	want := servicePrincipal{
		Name: "ec2.amazonaws.com", SigningName: "ec2", Actions: []string{"kms:Decrypt", "kms:CreateGrant"},
		GrantsBeyondUser: true, Infrastructure: true, Status: "Enabled", CreateDate: created.ServicePrincipal.CreateDate,
	}
	if !same(created.ServicePrincipal, want) || created.ServicePrincipal.CreateDate == 0 || len(created.SecretAccessKey) != 40 {
		t.Errorf("created %+v, want %+v", created.ServicePrincipal, want)
	}
	for _, id := range []string{made[1], created.AccessKeyID} {
		if p := w.caller(id).Caller.Principal; p.Kind != principal.Service {
			t.Errorf("the access key %s is of %+v", id, p)
		}
	}
	if again := must("disable", "vault.example.org"); again != "vault.example.org is disabled\n" {
		t.Errorf("disable printed %q", again)
	}
	if _, err := w.server.iam.Credential(t.Context(), made[1], ""); !fault.Is(err, fault.UnrecognizedClient) {
		t.Errorf("the access key of a disabled service: %v", err)
	}
	must("disable", "vault.example.org", "--json")

	table := must("list")
	if lines := strings.Split(strings.TrimSpace(table), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "NAME ") ||
		!regexp.MustCompile(`^ec2\.amazonaws\.com +ec2 +Enabled +20\S+Z +kms:Decrypt,kms:CreateGrant +grants-beyond-user,infrastructure$`).MatchString(lines[1]) ||
		!regexp.MustCompile(`^vault\.example\.org +vault +Disabled +20\S+Z +kms:CreateGrant,kms:DescribeKey *$`).MatchString(lines[2]) {
		t.Errorf("list printed\n%s", table)
	}
	var listed listServicePrincipalsAnswer
	text = must("list", "--json")
	if err := json.Unmarshal([]byte(text), &listed); err != nil || len(listed.ServicePrincipals) != 2 || !same(listed.ServicePrincipals[0], want) {
		t.Errorf("list printed %s: %v", text, err)
	}
	must("create", "vault.example.org", "--signing-name", "vault", "--actions", "kms:Decrypt")

	checkOperatorRecords(t, w, from, []string{
		"CreateServicePrincipal", "CreateServicePrincipal", "DisableServicePrincipal", "DisableServicePrincipal",
		"ListServicePrincipals", "ListServicePrincipals", "CreateServicePrincipal",
	}, made[2], created.SecretAccessKey)
}

func same(a, b servicePrincipal) bool {
	return slices.Equal(a.Actions, b.Actions) && a.Name == b.Name && a.SigningName == b.SigningName && a.Status == b.Status &&
		a.GrantsBeyondUser == b.GrantsBeyondUser && a.Infrastructure == b.Infrastructure && a.CreateDate == b.CreateDate
}

// checkOperatorRecords wants one record for each call, and no secret in any
// record, log or row.
func checkOperatorRecords(t *testing.T, w *world, from uint64, names []string, secrets ...string) {
	t.Helper()
	records, _ := w.records(from)
	var got []string
	for _, e := range records {
		var r struct{ EventSource, EventName string }
		if err := json.Unmarshal(e.Record, &r); err != nil || r.EventSource != operatorSource || e.Account != "" {
			t.Errorf("record of account %q: %s: %v", e.Account, e.Record, err)
		}
		got = append(got, r.EventName)
	}
	if !slices.Equal(got, names) {
		t.Errorf("recorded %v, want %v", got, names)
	}
	for _, secret := range secrets {
		if where := w.find([]byte(secret), "", nil); where != "" {
			t.Errorf("a secret stands in %s", where)
		}
	}
}

func TestServicePrincipalCommandsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	before := w.dump()
	tests := []struct {
		args  string
		usage bool
		want  string // part of the error
	}{
		{"create", true, "missing flags: --actions=LIST,..., --signing-name=NAME"},
		{"create a.b.c --actions kms:Decrypt", true, "missing flags: --signing-name"},
		{"create a.b.c --signing-name a", true, "missing flags: --actions"},
		{"disable", true, `expected "<name>"`},
		{"enable a.b.c", true, "unexpected argument enable"},
		{"create a.b --signing-name a --actions kms:Decrypt", false, "Value 'a.b' at 'name' failed to satisfy constraint"},
		{"create a.b.c --signing-name A --actions kms:Decrypt", false, "Value 'A' at 'signingName' failed to satisfy constraint"},
		{"create a.b.c --signing-name a --actions kms:*", false, "Value 'kms:*' at 'actions' failed to satisfy constraint"},
		{"create a.b.c --signing-name a --actions kms:Decrypt,iam:CreateUser", false, "No service may call iam:CreateUser for its users."},
		{"create kms.amazonaws.com --signing-name a --actions kms:Decrypt", false, "The name kms.amazonaws.com is reserved."},
		{"disable a.b.c", false, "The service principal with name a.b.c cannot be found."},
	}
	for _, tt := range tests {
		out, err := operatorCommand(socket, append([]string{"service-principal"}, strings.Fields(tt.args)...)...)
		wrong := usageError{}
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &wrong) != tt.usage {
			t.Errorf("%s: %v, want %s\n%s", tt.args, err, tt.want, out)
		}
	}
	if w.dump() != before {
		t.Error("refused commands changed the store")
	}
}
