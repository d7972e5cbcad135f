package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/app/metrics"
	"claviger/internal/edge/gateway"
	"claviger/internal/edge/message"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// scrape reads the metrics of a server as Prometheus does.
func scrape(t testing.TB, s *server) string {
	t.Helper()
	answer := httptest.NewRecorder()
	metrics.Handler(s.families()).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 {
		t.Fatalf("/metrics answers %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// A measured world is one with a gateway.
func measured(t testing.TB) (*world, *gateway.Gateway) {
	t.Helper()
	w := newWorld(t)
	settings := common{Region: "us-east-1"}
	if err := settings.check(); err != nil {
		t.Fatal(err)
	}
	return w, w.server.gateway(&settings)
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !slices.Contains(strings.Split(text, "\n"), line) {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("the metrics lack\n\t%s\nbut have\n%s", line, regexp.MustCompile("(?m)^"+regexp.QuoteMeta(name)+".*$").FindAllString(text, -1))
		}
	}
}

// TestCallsAreCounted: what is answered is counted under its operation, with what
// refused it, and a call of the operator's too.
func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	w, g := measured(t)
	key := w.key()
	nobody := w.newUser(owner, "nobody")
	if _, err := w.call(nobody, "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some(key)}); err == nil {
		t.Fatal("nobody may describe keys")
	}
	handle := func(account, target, body string) int {
		return g.Handle(context.Background(), sign(account, target, body, time.Now())).Status
	}
	encrypt := fmt.Sprintf(`{"KeyId":"%s","Plaintext":"%s"}`, key, base64.StdEncoding.EncodeToString([]byte(canaryText)))
	for _, c := range []struct {
		account, target, body string
		status                int
	}{
		{owner, "TrentService.Encrypt", encrypt, 200},
		{owner, "TrentService.Encrypt", encrypt, 200},
		{stranger, "TrentService.Encrypt", strings.Replace(encrypt, key, "arn:aws:kms:us-east-1:"+owner+":key/"+key, 1), 400},
		{owner, "TrentService.Encrypt", `{}`, 400},
		{owner, "TrentService.DescribeKey", `{"KeyId":"11111111-2222-3333-4444-555555555555"}`, 400},
		{owner, "TrentService.Conjure", `{}`, 400},
	} {
		if got := handle(c.account, c.target, c.body); got != c.status {
			t.Errorf("%s of %s answers %d, want %d", c.target, c.account, got, c.status)
		}
	}
	forged := sign(owner, "TrentService.Encrypt", encrypt, time.Now())
	forged.Body = []byte(`{}`)
	if g.Handle(context.Background(), forged).Status != 400 {
		t.Error("a forged request is answered")
	}
	if _, err := w.server.operate(context.Background(), "CreateAccount", func(any) {}); err != nil {
		t.Error(err)
	}
	wants(t, scrape(t, w.server),
		`claviger_calls_total{operation="Encrypt",outcome="success",service="kms"} 2`,
		`claviger_calls_total{operation="Encrypt",outcome="refused",service="kms"} 2`,
		`claviger_calls_total{operation="DescribeKey",outcome="refused",service="kms"} 1`,
		`claviger_calls_total{operation="other",outcome="refused",service="kms"} 2`,
		`claviger_calls_total{operation="CreateAccount",outcome="success",service="claviger"} 1`,
		`claviger_refusals_total{code="AccessDenied",reason="resource_policy",service="kms"} 1`,
		`claviger_refusals_total{code="Validation",reason="input",service="kms"} 1`,
		`claviger_refusals_total{code="NotFoundException",reason="state",service="kms"} 1`,
		`claviger_refusals_total{code="UnknownOperation",reason="input",service="kms"} 1`,
		`claviger_refusals_total{code="InvalidSignature",reason="signature",service="kms"} 1`,
		`claviger_call_duration_seconds_count{operation="Encrypt",service="kms"} 4`,
		`claviger_calls_in_flight 0`,
	)
}

// TestGatesAreTold: a refusal is counted under the policy that refused.
func TestGatesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	reader := w.newUser(owner, "reader")
	w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{
		UserName: optional.Some("reader"), PolicyName: optional.Some("own"),
		PolicyDocument: optional.Some(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*","Resource":"*"}}`),
	})
	_, g := w, w.server.gateway(&common{Region: "us-east-1", Regions: []string{"us-east-1"}})
	r := signWith(reader.AccessKeyID, string(secretBytes(reader.Secret)), "TrentService.DescribeKey", fmt.Sprintf(`{"KeyId":"%s"}`, key), time.Now())
	if got := g.Handle(context.Background(), r).Status; got != 400 {
		t.Fatalf("answered %d", got)
	}
	wants(t, scrape(t, w.server), `claviger_refusals_total{code="AccessDenied",reason="identity_policy",service="kms"} 1`)
}

// TestEveryPartIsShown: a durable server shows its store, trail, tasks and caches.
func TestEveryPartIsShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorldWith(t, dir, func(f *foundations) { f.dir = dir })
	key := w.key()
	for range 3 {
		w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some(key)})
	}
	text := scrape(t, w.server)
	wants(t, text,
		`claviger_ready{part="trail"} 1`,
		`claviger_store_commits_total{outcome="failed"} 0`,
		`claviger_background_runs_total{outcome="failed",task="delete_keys"} 0`,
		`claviger_background_runs_total{outcome="done",task="rotate_keys"} 1`,
		`claviger_trail_behind 0`,
		`claviger_trail_failures_total 0`,
		`claviger_key_pairs_waiting{spec="RSA_4096"} 0`,
	)
	for _, pattern := range []string{
		`(?m)^claviger_store_commits_total\{outcome="applied"\} [1-9]`,
		`(?m)^claviger_store_size_bytes\{file="database"\} [1-9]`,
		`(?m)^claviger_store_commit_duration_seconds_bucket\{le="5e-05"\} `,
		`(?m)^claviger_trail_records_total [1-9]`,
		`(?m)^claviger_trail_sync_duration_seconds_count [1-9]`,
		`(?m)^claviger_cache_lookups_total\{cache="keys",result="hit"\} [1-9]`,
		`(?m)^claviger_cache_lookups_total\{cache="keys",result="miss"\} [1-9]`,
		`(?m)^claviger_build_info\{goversion="go1`,
		`(?m)^go_goroutines `,
	} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("the metrics lack %s", pattern)
		}
	}
}

// label matches the labels of a line of metrics.
var label = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)

// TestLabelsAreBounded: whatever is called by whomever, labels have values of the
// program's own: no name, key, account or address, and no more series than
// there are operations and reasons.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	w, g := measured(t)
	for name, sample := range samples {
		in := sample(w)
		_, _ = w.call(w.author(name), name, in)
	}
	key := w.key()
	for i := range 50 {
		for _, r := range []*message.Request{
			sign(owner, fmt.Sprintf("TrentService.Conjure%d", i), `{}`, time.Now()),
			sign(fmt.Sprintf("%012d", i+1), "TrentService.DescribeKey", fmt.Sprintf(`{"KeyId":"%s"}`, key), time.Now()),
			sign(owner, "TrentService.DescribeKey", fmt.Sprintf(`{"KeyId":"alias/name-%d"}`, i), time.Now()),
			{Method: "POST", Path: fmt.Sprintf("/%d", i), Host: "localhost"},
		} {
			g.Handle(context.Background(), r)
		}
		strange := sign(owner, "TrentService.DescribeKey", `{}`, time.Now())
		for j, f := range strange.Header {
			strange.Header[j].Value = strings.Replace(f.Value, "/kms/", fmt.Sprintf("/service%d/", i), 1)
		}
		g.Handle(context.Background(), strange)
	}
	allowed := map[string]bool{"other": true, "success": true, "refused": true, "failed": true, operatorSource: true}
	for service, names := range w.server.operationNames() {
		allowed[service] = true
		for _, name := range names {
			allowed[name] = true
		}
	}
	lines, operations := 0, 0
	for line := range strings.Lines(scrape(t, w.server)) {
		if !strings.HasPrefix(line, "claviger_") {
			continue
		}
		lines++
		for _, m := range label.FindAllStringSubmatch(line, -1) {
			switch name, value := m[1], m[2]; name {
			case "service", "operation", "outcome":
				operations++
				if !allowed[value] && !slices.Contains([]string{"applied", "unknown", "done"}, value) {
					t.Errorf("%s", line)
				}
			case "reason", "part", "task", "cache", "result", "file", "spec", "code":
				if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,60}$`).MatchString(value) {
					t.Errorf("%s", line)
				}
			case "le":
			case "version", "revision", "goversion":
			default:
				t.Errorf("a label that the test does not know: %s", line)
			}
		}
		for _, forbidden := range []string{owner, stranger, key, "arn:", "Conjure", "alias/", "AKIA", "service1", "000000000001"} {
			if series := line[:strings.LastIndexByte(line, ' ')]; strings.Contains(series, forbidden) {
				t.Errorf("%s shows %s", line, forbidden)
			}
		}
	}
	if operations < 100 || lines > 5000 {
		t.Errorf("%d lines with %d labels of operations", lines, operations)
	}
}

// TestMeasuringAllocatesNothing: a call whose operation and refusal were seen
// before is counted without an allocation.
func TestMeasuringAllocatesNothing(t *testing.T) {
	c := metrics.NewCalls(map[string][]string{"kms": {"Encrypt"}})
	good := gateway.Outcome{Service: "kms", Operation: "Encrypt", Known: true, Call: true, Took: time.Millisecond}
	bad := gateway.Outcome{Service: "kms", Operation: "Encrypt", Known: true, Call: true, Fault: fault.New(fault.AccessDenied, "no")}
	count := func() {
		c.Began()
		c.Ended(good)
		c.Began()
		c.Ended(bad)
	}
	if n := testing.AllocsPerRun(1000, count); n != 0 {
		t.Errorf("measuring allocates %v times", n)
	}
}

// TestMonitoringPage prints the list of metrics.
func TestMonitoringPage(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/operating/monitoring.md", "<!-- metrics -->\n", "<!-- end of metrics -->\n"
	dir := t.TempDir()
	w := newDurableWorldWith(t, dir, func(f *foundations) { f.dir = dir })
	var b bytes.Buffer
	b.WriteString("\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, f := range w.server.families() {
		labels := ""
		if len(f.Labels) > 0 {
			labels = code(f.Labels)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Kind, labels, f.Help)
	}
	b.WriteString("\n")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the list of metrics", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != b.String() {
		t.Errorf("%s is stale: run make golden", path)
	}
}
