package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const (
	repository = "../.."
	region     = "us-east-1"
	principal  = "vault.example.com"
	bank       = "111122223333" // the customer
	rival      = "444455556666"
)

// binaries is the directory of the programs that the tests try, built once.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if binaries, err = os.MkdirTemp("", "vault-of-documents-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(binaries)
	for _, program := range [][2]string{{repository, "./cmd/claviger"}, {".", "."}} {
		build := exec.Command("go", "build", "-trimpath", "-o", binaries+"/", program[1])
		build.Dir = program[0]
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %s\n%s", program[1], err, out)
			return 1
		}
	}
	return m.Run()
}

// A claviger is a development server.
type claviger struct {
	t        *testing.T
	endpoint string
	socket   string
}

// start starts a development server for the length of a test.
func start(t *testing.T) *claviger {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "claviger"), "dev", "--listen", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = []string{"TMPDIR=" + t.TempDir()} // where it is killed it leaves its socket
	var failures bytes.Buffer
	cmd.Stderr = &failures
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	var ready struct {
		Endpoint string
		Socket   string `json:"admin_socket"`
	}
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("claviger did not start: %v\n%s%s", err, line, failures.String())
	}
	return &claviger{t: t, endpoint: ready.Endpoint, socket: ready.Socket}
}

// operate runs an operator's command and returns what it printed.
func (c *claviger) operate(args ...string) []byte {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "claviger"), append(args, "--socket", c.socket)...)
	cmd.Env = []string{"TMPDIR=" + os.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("claviger %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// service registers a service principal and returns its credentials.
func (c *claviger) service(name, signingName string) aws.CredentialsProvider {
	c.t.Helper()
	var key struct{ AccessKeyID, SecretAccessKey string }
	out := c.operate("service-principal", "create", name, "--signing-name", signingName, "--actions", "kms:CreateGrant,kms:DescribeKey", "--json")
	if err := json.Unmarshal(out, &key); err != nil || key.SecretAccessKey == "" {
		c.t.Fatalf("service-principal create printed %q: %v", out, err)
	}
	return credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")
}

// A person is a principal of Claviger's who also uses the vaults.
type person struct {
	kms         *kms.Client
	iam         *iam.Client
	credentials aws.Credentials
}

func (c *claviger) person(id, secret string) *person {
	config := aws.Config{
		Region:       region,
		BaseEndpoint: &c.endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient:   &http.Client{Timeout: time.Minute},
	}
	return &person{
		kms: kms.NewFromConfig(config), iam: iam.NewFromConfig(config),
		credentials: aws.Credentials{AccessKeyID: id, SecretAccessKey: secret},
	}
}

// root is the root user of an account.
func (c *claviger) root(account string) *person { return c.person(account, "test") }

// user makes an IAM user with a policy.
func (c *claviger) user(root *person, name, policy string) *person {
	c.t.Helper()
	ctx := c.t.Context()
	_, err := root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	if err == nil {
		_, err = root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("own"), PolicyDocument: &policy})
	}
	if err != nil {
		c.t.Fatalf("making user %s: %v", name, err)
	}
	key, err := root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		c.t.Fatalf("making an access key for %s: %v", name, err)
	}
	return c.person(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
}

// A record is what the tests read of a record of the trail.
type record struct {
	EventName    string
	ErrorCode    string
	UserIdentity struct {
		Type, ARN, InvokedBy string
	}
	RequestParameters map[string]any
}

func (c *claviger) trail() (list []record) {
	c.t.Helper()
	for line := range bytes.Lines(c.operate("audit", "tail")) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			c.t.Fatalf("reading a record: %v", err)
		}
		list = append(list, r)
	}
	return list
}
