package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// binary is the claviger that the tests try, built once, and temporary where it puts
// temporary files: a development server that is killed leaves its socket there.
var binary, temporary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "claviger-e2e-")
	if err != nil {
		panic(err)
	}
	binary, temporary = filepath.Join(dir, "claviger"), filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		panic(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/claviger")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building claviger: %s\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// long reports whether the long runs are wanted.
func long() bool { return os.Getenv("CLAVIGER_LONG") != "" }

// A process is a claviger that serves.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	endpoint string
	admin    string // socket
	watched  string // address of the admin port
	mu       sync.Mutex
	log      bytes.Buffer  // what it wrote to stderr
	ready    chan struct{} // closed when it serves
	done     chan struct{} // closed when it has ended
	exit     error
}

// environment is that of a process: nothing of the tests' own that could configure
// it, but the mode of Go's cryptography.
func environment(extra ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + temporary, "GODEBUG=" + os.Getenv("GODEBUG")}
	return append(env, extra...)
}

// onPostgres reports whether servers whose test names no store keep their records in
// PostgreSQL, each in a schema of its own.
func onPostgres() bool { return os.Getenv("CLAVIGER_TEST_STORE") == "postgres" }

// ofSQLite skips a test of what only SQLite's own file can meet.
func ofSQLite(t *testing.T) {
	t.Helper()
	if onPostgres() {
		t.Skip("it is about a store in a file")
	}
}

// databases are those of data directories, by path.
var databases sync.Map

// storeOf returns where the server with a data directory keeps its records.
func storeOf(t *testing.T, dir string) string {
	t.Helper()
	if !onPostgres() {
		return "sqlite:"
	}
	url, ok := databases.Load(dir)
	if !ok {
		url = postgrestest.URL(t)
		databases.Store(dir, url)
	}
	return url.(string)
}

// stored adds the store of its data directory to the environment of a command line,
// where neither of them says a store.
func stored(t *testing.T, args, env []string) []string {
	t.Helper()
	says := func(s string) bool { return strings.HasPrefix(s, "CLAVIGER_STORE=") || s == "--store" }
	data := slices.Index(args, "--data")
	if !onPostgres() || data < 0 || slices.ContainsFunc(args, says) || slices.ContainsFunc(env, says) {
		return env
	}
	return append(slices.Clone(env), "CLAVIGER_STORE="+storeOf(t, args[data+1]))
}

// start runs claviger with args and waits until it is ready.
func start(t *testing.T, args []string, env ...string) *process {
	t.Helper()
	return startUnder(t, nil, args, env...)
}

// startUnder is start with a program in front that runs it, such as strace.
func startUnder(t *testing.T, front, args []string, env ...string) *process {
	t.Helper()
	p := launch(t, append(append(front, binary), args...), env...)
	select {
	case <-p.ready:
	case <-p.done:
		t.Fatalf("claviger %s ended before it was ready: %v\n%s", strings.Join(args, " "), p.exit, p.output())
	case <-time.After(60 * time.Second):
		t.Fatalf("claviger %s is not ready after a minute\n%s", strings.Join(args, " "), p.output())
	}
	return p
}

// launch runs a command line and collects what claviger logs.
func launch(t *testing.T, line []string, env ...string) *process {
	t.Helper()
	p := &process{t: t, ready: make(chan struct{}), done: make(chan struct{})}
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Env = environment(stored(t, line, env)...)
	p.cmd.Dir = t.TempDir()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.line(lines.Bytes())
		}
		p.exit = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) line(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(b)
	p.log.WriteByte('\n')
	var line struct {
		Msg, Endpoint string
		Admin         string `json:"admin_socket"`
		Watched       string `json:"admin_listen"`
	}
	if json.Unmarshal(b, &line) == nil && line.Msg == "ready" {
		p.endpoint, p.admin, p.watched = line.Endpoint, line.Admin, line.Watched
		close(p.ready)
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// says waits until the log has a text: what a server writes there is read a moment after
// the answer that it is about.
func (p *process) says(text string) {
	p.t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !strings.Contains(p.output(), text) {
		select {
		case <-again.C:
		case <-deadline:
			p.t.Errorf("the log lacks %s:\n%s", text, p.output())
			return
		}
	}
}

// kill ends the process as a power cut would, as far as it is concerned.
func (p *process) kill() {
	_ = p.signal(syscall.SIGKILL)
	<-p.done
}

// signal sends a signal to the process, and to a program in front of it. One that has
// ended gets none: its number may be that of another group by now, such as a process of
// a database.
func (p *process) signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
		return syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// stop asks the process to stop and returns its exit code.
func (p *process) stop() int {
	_ = p.signal(syscall.SIGTERM)
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// dev starts a development server.
func dev(t *testing.T, extra ...string) *process {
	t.Helper()
	return start(t, append([]string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, extra...))
}

// The root user of the durable servers' first account.
const (
	rootAccount = "111122223333"
	rootKeyID   = "AKIAROOTOFTHETESTS00"
	rootSecret  = "root-secret-of-the-tests-0123456789abcdef"
)

var rootEnv = []string{"CLAVIGER_ROOT_ACCESS_KEY_ID=" + rootKeyID, "CLAVIGER_ROOT_SECRET_ACCESS_KEY=" + rootSecret}

// serve starts a durable server on dir, which it initialises if need be.
func serve(t *testing.T, dir string, extra ...string) *process {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", dir, "--init", "--account", rootAccount}, extra...)
	return start(t, args, rootEnv...)
}

// command runs claviger to its end and returns what it printed and its exit code.
func command(t *testing.T, args []string, env ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = environment(stored(t, args, env)...)
	cmd.Dir = t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A client is one principal with the official SDK.
type client struct {
	kms           *kms.Client
	iam           *iam.Client
	sts           *sts.Client
	organizations *organizations.Client
	id            string
}

// as returns a client with long-term credentials. It does not retry: a refusal
// is seen as it was sent.
func (p *process) as(id, secret string) *client { return p.asIn("us-east-1", id, secret) }

func (p *process) asIn(region, id, secret string) *client {
	c := p.signing(region, credentials.NewStaticCredentialsProvider(id, secret, ""))
	c.id = id
	return c
}

func (p *process) signing(region string, as aws.CredentialsProvider) *client {
	config := aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(p.endpoint),
		Credentials:  as,
		Retryer:      func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) },
		HTTPClient:   &http.Client{Timeout: 60 * time.Second, Transport: whole{&http.Transport{MaxIdleConnsPerHost: 64}}},
	}
	return &client{
		kms: kms.NewFromConfig(config), iam: iam.NewFromConfig(config), sts: sts.NewFromConfig(config),
		organizations: organizations.NewFromConfig(config),
	}
}

// whole sends requests whose bodies nobody closes. The SDK closes a body as soon as
// the answer begins, which can be before the transport has seen its end; the
// transport then closes the connection, and the rest of the answer is lost.
type whole struct{ http.RoundTripper }

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.RoundTripper.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := *r
	again.Body = io.NopCloser(bytes.NewReader(body))
	return w.RoundTripper.RoundTrip(&again)
}

// account is the root user of an account of a development server.
func (p *process) account(id string) *client { return p.as(id, "test") }

// root is the root user of a durable server's first account.
func (p *process) root() *client { return p.as(rootKeyID, rootSecret) }

// user makes an IAM user with an inline policy, if one is given, and returns
// it as a client.
func (p *process) user(root *client, name, policy string) *client {
	p.t.Helper()
	ctx := p.t.Context()
	if _, err := root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
		p.t.Fatalf("creating user %s: %v", name, err)
	}
	if policy != "" {
		p.allow(root, name, policy)
	}
	key, err := root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		p.t.Fatalf("creating an access key for %s: %v", name, err)
	}
	return p.as(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
}

func (p *process) allow(root *client, name, policy string) {
	p.t.Helper()
	if _, err := root.iam.PutUserPolicy(p.t.Context(), &iam.PutUserPolicyInput{
		UserName: &name, PolicyName: aws.String("own"), PolicyDocument: &policy,
	}); err != nil {
		p.t.Fatalf("putting the policy of %s: %v", name, err)
	}
}

// refused demands that err is the given error of the service, word for word.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("refused with\n\t%s: %s\nwant\n\t%s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ptr[T any](v T) *T { return &v }

func itoa(n int) string { return strconv.Itoa(n) }
