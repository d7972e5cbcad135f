package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// policyCommandLine runs a command with an input, and returns its exit code and
// what it printed.
func policyCommandLine(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	code = Main(append([]string{"policy"}, args...), func(string) string { return "" }, strings.NewReader(stdin), &out, &problems)
	return code, out.String(), problems.String()
}

// TestPolicyLint: the exit code says whether something should be done.
func TestPolicyLint(t *testing.T) {
	t.Parallel()
	const (
		fine    = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Sign","Resource":"arn:aws:kms:us-east-1:111122223333:key/k"}}`
		inert   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Sing","Resource":"arn:aws:kms:us-east-1:111122223333:key/k"}}`
		refused = "{\"Version\":\"2012-10-17\",\n\"Statement\":{}}"
		closed  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Sign","Resource":"*"}}`
		trust   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}}`
	)
	for _, tt := range []struct {
		document string
		args     []string
		code     int
		stdout   string
		stderr   string
	}{
		{fine, nil, 0, "", ""},
		{inert, nil, 0, "-:1:64: inert: unknown-action: No action is called kms:Sing. Correct the name; a wildcard must match an action that exists.\n", ""},
		{refused, nil, 1, "-:2:14: error: refused: AWS refuses the document: Syntax errors in policy. Write it as the grammar of policies has it.\n", "claviger: findings: 1 of class error\n"},
		{closed, []string{"--type", "key"}, 1, "-:1:1: danger: lockout: No principal may call kms:PutKeyPolicy on the key. Let an account or an administrator call kms:PutKeyPolicy.\n", "claviger: findings: 1 of class danger\n"},
		{trust, nil, 0, "", ""},
		{trust, []string{"--account", "111122223333"}, 1, "-:1:74: danger: foreign-trust: Account 444455556666 may assume the role without an external id. Add a condition on sts:ExternalId, or name a principal of that account that you know.\n", "claviger: findings: 1 of class danger\n"},
		{fine, []string{"--type", "bucket"}, 2, "", ""},
		{strings.Repeat(" ", 256<<10) + fine, nil, 2, "", "claviger: - is larger than any policy\n"},
	} {
		code, stdout, stderr := policyCommandLine(tt.document, append([]string{"lint", "-"}, tt.args...)...)
		if tt.code == 2 && tt.stderr == "" {
			stdout, stderr = "", ""
		}
		if code != tt.code || stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("%.80s %v: code %d\n got %q, %q\nwant %q, %q", tt.document, tt.args, code, stdout, stderr, tt.stdout, tt.stderr)
		}
	}
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte(inert), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := policyCommandLine("", "lint", path, "--json")
	var out struct{ Findings []lintFinding }
	if err := json.Unmarshal([]byte(stdout), &out); err != nil || code != 0 || len(out.Findings) != 1 || out.Findings[0].Code != "unknown-action" || out.Findings[0].About != path || out.Findings[0].Column != 64 {
		t.Errorf("code %d, %v: %s", code, err, stdout)
	}
	if code, _, stderr := policyCommandLine("", "lint", path+".missing"); code != 1 || !strings.Contains(stderr, "reading the policy") {
		t.Errorf("code %d: %s", code, stderr)
	}
}

// TestPolicyCommands is a key with everybody that can be let in, and what the
// operator is told of them.
func TestPolicyCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	run := func(args ...string) string {
		t.Helper()
		out, err := operatorCommand(socket, append([]string{"policy"}, args...)...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	root := w.caller(owner)
	w.caller(stranger)
	user := func(name, document string) string {
		w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some(name)})
		if document != "" {
			w.must(root, "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some(name), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(document)})
		}
		return "arn:aws:iam::" + owner + ":user/" + name
	}
	ann := user("ann", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}`)
	bob, carol, dan := user("bob", ""), user("carol", ""), user("dan", "")
	id := w.key()
	arn := "arn:aws:kms:us-east-1:" + owner + ":key/" + id
	w.must(root, "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(id), Policy: optional.Some(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"kms:*","Resource":"*"},
		{"Sid":"Carol","Effect":"Allow","Principal":{"AWS":"` + carol + `"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"shop"}}},
		{"Sid":"Partner","Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"kms:Decrypt","Resource":"*"},
		{"Sid":"Neighbour","Effect":"Allow","Principal":{"AWS":"` + stranger + `"},"Action":"kms:Decrypt","Resource":"*"},
		{"Sid":"Disks","Effect":"Allow","Principal":{"Service":"disks.example.com"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"` + owner + `"}}},
		{"Sid":"Org","Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-example"}}},
		{"Sid":"Home","Effect":"Deny","Principal":{"AWS":"` + ann + `"},"Action":"kms:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}`)})
	grant := func(name string) string {
		return w.must(root, "kms:CreateGrant", &kms.CreateGrantInput{
			KeyID: optional.Some(id), GranteePrincipal: optional.Some(bob), Operations: []string{"Decrypt", "DescribeKey"}, Name: optional.Some(name),
			Constraints: &kms.GrantConstraints{EncryptionContextSubset: pairs.Of(map[string]string{"app": "shop"})},
		}).(*kms.CreateGrantOutput).GrantID
	}
	first := grant("one")
	free := w.must(root, "kms:CreateGrant", &kms.CreateGrantInput{
		KeyID: optional.Some(id), GranteePrincipal: optional.Some(dan), Operations: []string{"Decrypt"},
	}).(*kms.CreateGrantOutput).GrantID
	_, from := w.records(1)

	const inert = " of the policy of the resource\n"
	want := "arn:aws:iam::111122223333:root (root)\n  through statement 1 (Owner)" + inert +
		ann + " (user)\n  through statement 1 (Owner) of the policy of the resource, which delegates to the account\n  through statement 1 of policy own\n" +
		"  unless statement 7 (Home) of the policy of the resource: NotIpAddress aws:SourceIp 192.0.2.0/24\n" +
		bob + " (user)\n  through grant " + first + "\n  if the encryption context has app=shop\n" +
		carol + " (user)\n  through statement 2 (Carol)" + inert + "  if StringEquals kms:EncryptionContext:app shop\n" +
		dan + " (user)\n  through grant " + free + "\n" +
		"999988887777 (account)\n  through statement 3 (Partner)" + inert + "  if its account allows it\n" +
		"arn:aws:iam::444455556666:root (root)\n  through statement 4 (Neighbour)" + inert +
		"disks.example.com (service)\n  through statement 5 (Disks)" + inert + "  if StringEquals aws:SourceAccount 111122223333\n" +
		"* (everybody)\n  through statement 6 (Org)" + inert + "  if its account allows it\n  if StringEquals aws:PrincipalOrgID o-example\n"
	if got := run("who-can", "kms:Decrypt", arn); got != want {
		t.Errorf("who-can printed\n%s\nwant\n%s", got, want)
	}
	var holders whoCanAnswer
	if err := json.Unmarshal([]byte(run("who-can", "kms:GenerateRandom", "*", "--json")), &holders); err != nil || len(holders.Holders) != 2 || holders.Holders[0].Kind != "root" {
		t.Errorf("%v: %+v", err, holders)
	}

	for _, tt := range []struct{ principal, context, want string }{
		{bob, "kms:EncryptionContext:App=shop", "allowed by a grant"},
		{bob, "kms:EncryptionContext:app=other", "refused because no identity-based policy allows the kms:Decrypt action"},
		{carol, "kms:EncryptionContext:app=shop", "allowed by statement 2 (Carol) of " + arn},
		{ann, "aws:SourceIp=192.0.2.7", "allowed by statement 1 of own"},
		{ann, "aws:SourceIp=198.51.100.7", "refused with an explicit deny in a resource-based policy: statement 7 (Home)"},
		{"disks.example.com", "aws:SourceAccount=" + owner, "allowed by statement 5 (Disks) of " + arn},
		{owner, "aws:SecureTransport=true", "allowed by statement 1 (Owner) of " + arn},
	} {
		out := run("simulate", "--principal", tt.principal, "--action", "kms:Decrypt", "--resource", arn, "--context", tt.context)
		if lines := strings.Split(out, "\n"); len(lines) < 2 || lines[0] != "kms:Decrypt on "+arn || !strings.HasPrefix(strings.TrimSpace(lines[1]), tt.want) {
			t.Errorf("%s with %s:\n%swant %s", tt.principal, tt.context, out, tt.want)
		}
	}
	var simulated simulateAnswer
	if err := json.Unmarshal([]byte(run("simulate", "--principal", bob, "--action", "kms:CreateKey", "--json")), &simulated); err != nil || simulated.Allowed ||
		simulated.Refusal != "User: "+bob+" is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action" || len(simulated.Explanation.Changes) != 1 {
		t.Errorf("%v: %+v", err, simulated)
	}

	w.must(root, "iam:CreateGroup", &iam.CreateGroupInput{GroupName: optional.Some("admins")})
	w.must(root, "iam:PutGroupPolicy", &iam.PutGroupPolicyInput{
		GroupName: optional.Some("admins"), PolicyName: optional.Some("all"), PolicyDocument: optional.Some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`),
	})
	w.must(root, "iam:AddUserToGroup", &iam.AddUserToGroupInput{GroupName: optional.Some("admins"), UserName: optional.Some("dan")})
	if out := run("simulate", "--principal", dan, "--action", "kms:Encrypt", "--resource", arn); !strings.Contains(out, "allowed by statement 1 of all") {
		t.Errorf("a member of a group:\n%s", out)
	}
	second := grant("two")
	low, high := min(first, second), max(first, second)
	out, err := operatorCommand(socket, "policy", "lint", "--all")
	if err == nil || !strings.Contains(out, ann+" own:1:55: danger: any-key: kms:Decrypt is allowed with every key.") ||
		!strings.Contains(out, "group/admins all:1:55: danger: everything: ") ||
		!strings.Contains(out, arn+": danger: duplicate-grant: Grant "+high+" gives the same as grant "+low+".") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "gone-principal") || strings.Contains(out, "refused") {
		t.Errorf("what is fine is found to be wrong:\n%s", out)
	}

	for _, args := range [][]string{
		{"simulate", "--principal", bob + "x", "--action", "kms:Decrypt", "--resource", arn},
		{"simulate", "--principal", bob, "--action", "kms:*", "--resource", arn},
		{"simulate", "--principal", bob, "--action", "kms:Decrypt", "--resource", arn + "x"},
		{"simulate", "--principal", bob, "--action", "kms:Decrypt", "--resource", arn, "--context", "nothing"},
		{"who-can", "kms:Decrypt", "key"},
		{"who-can", "Decrypt", arn},
		{"lint"},
		{"lint", "file", "--all"},
		{"lint", "--all", "--type", "key"},
	} {
		if out, err := operatorCommand(socket, append([]string{"policy"}, args...)...); err == nil {
			t.Errorf("%v printed\n%s", args, out)
		}
	}
	names := map[string]int{}
	records, _ := w.records(from)
	for _, r := range records {
		var event struct {
			EventName         string            `json:"eventName"`
			RequestParameters map[string]any    `json:"requestParameters"`
			UserIdentity      map[string]string `json:"userIdentity"`
		}
		if err := json.Unmarshal(r.Record, &event); err != nil {
			t.Fatal(err)
		}
		names[event.EventName]++
		if event.EventName == "WhoCan" && event.RequestParameters["action"] == nil {
			t.Errorf("%s", r.Record)
		}
	}
	if names["WhoCan"] != 4 || names["SimulatePolicies"] != 13 || names["LintPolicies"] != 1 {
		t.Errorf("records of %v", names)
	}
}

// TestPolicyCommandsHeedOrganizations: what an organization denies is denied in a
// simulation, and its policies are linted.
func TestPolicyCommandsHeedOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	socket := serveAdmin(t, w)
	w.organization()
	member := w.member()
	w.attach(w.controlPolicy(serviceControl, `{"Version":"2012-10-17","Statement":[{"Sid":"NoKeys","Effect":"Deny","Action":["kms:CreateKey","kms:MakeKey"],"Resource":"*"}]}`), member)
	for account, want := range map[string]string{
		member.V: "refused with an explicit deny in a service control policy",
		owner:    "allowed by the account",
	} {
		out, err := operatorCommand(socket, "policy", "simulate", "--principal", account, "--action", "kms:CreateKey")
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%swant %s", account, err, out, want)
		}
	}
	out, err := operatorCommand(socket, "policy", "who-can", "kms:CreateKey", "*")
	if err != nil || strings.Contains(out, member.V) || !strings.Contains(out, owner) {
		t.Errorf("%v\n%s", err, out)
	}
	out, _ = operatorCommand(socket, "policy", "lint", "--all")
	if !strings.Contains(out, "inert: unknown-action: No action is called kms:MakeKey.") {
		t.Errorf("lint printed\n%s", out)
	}
}
