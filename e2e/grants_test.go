package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The account and Region of the scenarios.
const (
	house  = "111122223333"
	region = "us-west-2"
)

// How a call may end. Anything else is the code of an error.
const (
	allowed = "OK"
	denied  = "DENY" // AccessDenied or AccessDeniedException
)

// A caller is one principal with the official SDK. It remembers what it sent last.
type caller struct {
	kms         *kms.Client
	iam         *iam.Client
	sts         *sts.Client
	credentials aws.Credentials
	account     string // empty for a service in its own name
	arn         string // as records show it; empty for a service in its own name
	invokedBy   string // as records show it
	wire        *wire
}

// A wire carries the requests of a caller and remembers the last one.
type wire struct {
	http.RoundTripper
	mu   sync.Mutex
	last sent
}

// sent is a request that was answered.
type sent struct {
	operation string
	id        string // of the request, as the answer tells it
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	if operation == "" && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		operation = form.Get("Action")
	}
	response, err := w.RoundTripper.RoundTrip(r)
	if err == nil {
		err = readWhole(response)
	}
	if err == nil {
		w.mu.Lock()
		w.last = sent{operation, response.Header.Get("X-Amzn-Requestid")}
		w.mu.Unlock()
	}
	return response, err
}

// readWhole reads an answer before the SDK has it. With the answer in hand the
// SDK closes the body of its request, even if the transport has not looked yet
// whether it ends there; the transport then closes the connection in the middle
// of a long answer. A retry would hide that, and there are none here.
func readWhole(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

// A stage is a fresh server in which scenarios are played, and what was played.
type stage struct {
	*process
	owner  *caller // root user of the house
	played []played
}

// played is a call of a scenario.
type played struct {
	row, want string
	message   string
	by        *caller
	sent
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{process: dev(t, "--account", house)}
	s.owner = s.rootOf(house)
	return s
}

// rootOf is the root user of an account.
func (s *stage) rootOf(account string) *caller {
	c := s.caller(aws.Credentials{AccessKeyID: account, SecretAccessKey: "test"})
	c.account, c.arn = account, "arn:aws:iam::"+account+":root"
	return c
}

// caller is whoever has the credentials.
func (s *stage) caller(c aws.Credentials) *caller {
	w := &wire{RoundTripper: &http.Transport{MaxIdleConnsPerHost: 64}}
	config := aws.Config{
		Region:       region,
		BaseEndpoint: &s.endpoint,
		Credentials:  credentials.StaticCredentialsProvider{Value: c},
		Retryer:      func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) },
		HTTPClient:   &http.Client{Timeout: 60 * time.Second, Transport: w},
	}
	return &caller{
		kms: kms.NewFromConfig(config), iam: iam.NewFromConfig(config), sts: sts.NewFromConfig(config),
		credentials: c, wire: w,
	}
}

// user makes an IAM user with an access key.
func (s *stage) newUser(root *caller, name, policy string) *caller {
	t := s.t
	t.Helper()
	must[*iam.CreateUserOutput](t)(root.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}))
	if policy != "" {
		must[*iam.PutUserPolicyOutput](t)(root.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: ptr("own"), PolicyDocument: &policy}))
	}
	key := must[*iam.CreateAccessKeyOutput](t)(root.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})).AccessKey
	c := s.caller(aws.Credentials{AccessKeyID: *key.AccessKeyId, SecretAccessKey: *key.SecretAccessKey})
	c.account, c.arn = root.account, "arn:aws:iam::"+root.account+":user/"+name
	return c
}

// newRole makes a role that trusts a principal, given as JSON, and returns its ARN.
func (s *stage) newRole(root *caller, name, trusted, policy string) string {
	t := s.t
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + trusted + `,"Action":"sts:AssumeRole"}]}`
	out := must[*iam.CreateRoleOutput](t)(root.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}))
	if policy != "" {
		must[*iam.PutRolePolicyOutput](t)(root.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: ptr("own"), PolicyDocument: &policy}))
	}
	return *out.Role.Arn
}

// trusts is the principal of a trust policy: a service by name, or anybody of AWS.
func trusts(name string) string {
	if strings.HasSuffix(name, ".amazonaws.com") {
		return `{"Service":"` + name + `"}`
	}
	return `{"AWS":"` + name + `"}`
}

// assume takes a session of a role.
func (s *stage) assume(by *caller, role, session string) *caller {
	s.t.Helper()
	out := must[*sts.AssumeRoleOutput](s.t)(by.sts.AssumeRole(s.t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session}))
	c := s.caller(aws.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	})
	c.arn = *out.AssumedRoleUser.Arn
	c.account = strings.Split(c.arn, ":")[4]
	return c
}

// A service is a service principal that the operator registered.
type service struct {
	*caller
	name, signingName string
}

// register makes a service principal over the admin socket. Its calls in its own
// name are for resources of the house.
func (s *stage) register(name string, actions []string, flags ...string) *service {
	s.t.Helper()
	signingName, _, _ := strings.Cut(name, ".")
	args := append([]string{"service-principal", "create", name, "--signing-name", signingName,
		"--actions", strings.Join(actions, ","), "--json", "--socket", s.admin}, flags...)
	out, errs, code := command(s.t, args)
	if code != 0 {
		s.t.Fatalf("service-principal create ended with %d: %s", code, errs)
	}
	var made struct{ AccessKeyID, SecretAccessKey string }
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.AccessKeyID == "" {
		s.t.Fatalf("service-principal create printed %q: %v", out, err)
	}
	v := &service{s.caller(aws.Credentials{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey}), name, signingName}
	v.invokedBy = name
	return v
}

// kmsActions are those that the services of the scenarios may call for users.
var kmsActions = []string{
	"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
	"kms:ListGrants", "kms:RetireGrant", "kms:RevokeGrant",
}

// forAccount tells for whose resources a service calls.
func forAccount(account string) func(*kms.Options) {
	return kms.WithAPIOptions(smithyhttp.AddHeaderValue("X-Amz-Source-Account", account))
}

// Evidence is a signed request to a service.
type evidence struct {
	method, uri string
	header      http.Header
	sum         string // of the body
}

// ask signs a request of a user to a service, as at a time.
func (s *stage) ask(user *caller, signingName string, at time.Time) *evidence {
	s.t.Helper()
	body := "Action=Create&Name=example"
	host := signingName + "." + region + ".amazonaws.com"
	r := must[*http.Request](s.t)(http.NewRequest(http.MethodPost, "https://"+host+"/", strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "example/1.0")
	sum := sha256.Sum256([]byte(body))
	e := &evidence{method: r.Method, uri: "/", sum: hex.EncodeToString(sum[:])}
	if err := v4.NewSigner().SignHTTP(s.t.Context(), user.credentials, r, e.sum, signingName, region, at); err != nil {
		s.t.Fatal(err)
	}
	e.header = r.Header.Clone()
	e.header.Set("Host", host)
	e.header.Set("Content-Length", strconv.Itoa(len(body)))
	return e
}

// form is the evidence as parameters of CreateForwardAccessSession.
func (e *evidence) form() url.Values {
	form := url.Values{"Action": {"CreateForwardAccessSession"}, "Version": {"2011-06-15"},
		"Method": {e.method}, "Uri": {e.uri}, "BodySha256": {e.sum}, "SourceIp": {"192.0.2.17"}}
	n := 0
	for _, name := range slices.Sorted(maps.Keys(e.header)) {
		for _, value := range e.header[name] {
			n++
			form.Set(fmt.Sprintf("Headers.member.%d.Name", n), name)
			form.Set(fmt.Sprintf("Headers.member.%d.Value", n), value)
		}
	}
	return form
}

// trade asks for forward access with the credentials of by.
func (s *stage) trade(by *caller, form url.Values) (aws.Credentials, error) {
	ctx := s.t.Context()
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint+"/", strings.NewReader(body))
	if err != nil {
		return aws.Credentials{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, by.credentials, r, hex.EncodeToString(sum[:]), "sts", region, time.Now()); err != nil {
		return aws.Credentials{}, err
	}
	response, err := (&http.Client{Transport: by.wire}).Do(r)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer response.Body.Close()
	var answer struct {
		ID      string `xml:"CreateForwardAccessSessionResult>Credentials>AccessKeyId"`
		Secret  string `xml:"CreateForwardAccessSessionResult>Credentials>SecretAccessKey"`
		Token   string `xml:"CreateForwardAccessSessionResult>Credentials>SessionToken"`
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if err := xml.NewDecoder(response.Body).Decode(&answer); err != nil {
		return aws.Credentials{}, fmt.Errorf("reading the answer to a trade: %w", err)
	}
	if answer.Code != "" {
		return aws.Credentials{}, &smithy.GenericAPIError{Code: answer.Code, Message: answer.Message}
	}
	return aws.Credentials{AccessKeyID: answer.ID, SecretAccessKey: answer.Secret, SessionToken: answer.Token}, nil
}

// through is a user for whom a service acts.
func (s *stage) through(user *caller, v *service) *caller {
	s.t.Helper()
	c := must[aws.Credentials](s.t)(s.trade(v.caller, s.ask(user, v.signingName, time.Now()).form()))
	via := s.caller(c)
	via.account, via.arn, via.invokedBy = user.account, user.arn, v.name
	return via
}

// statement is an Allow of a key policy for one principal.
func statement(principal, actions, condition string) string {
	text := `{"Effect":"Allow","Principal":` + trusts(principal) + `,"Action":["` + strings.ReplaceAll(actions, " ", `","`) + `"],"Resource":"*"`
	if condition != "" {
		text += `,"Condition":{"StringEquals":` + condition + `}`
	}
	return text + "}"
}

// keyPolicy leaves everything to the account, and has more statements.
func keyPolicy(account string, statements ...string) string {
	all := append([]string{statement("arn:aws:iam::"+account+":root", "kms:*", "")}, statements...)
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`
}

// identityPolicy allows actions on everything.
func identityPolicy(actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.ReplaceAll(actions, " ", `","`) + `"],"Resource":"*"}]}`
}

// newKey makes a key of the house and returns its ARN.
func (s *stage) newKey(statements ...string) string {
	s.t.Helper()
	out := must[*kms.CreateKeyOutput](s.t)(s.owner.kms.CreateKey(s.t.Context(), &kms.CreateKeyInput{Policy: ptr(keyPolicy(house, statements...))}))
	return *out.KeyMetadata.Arn
}

// newKeyOf makes a key of a spec and a usage and returns its ARN.
func (s *stage) newKeyOf(spec types.KeySpec, usage types.KeyUsageType, statements ...string) string {
	s.t.Helper()
	out := must[*kms.CreateKeyOutput](s.t)(s.owner.kms.CreateKey(s.t.Context(), &kms.CreateKeyInput{
		KeySpec: spec, KeyUsage: usage, Policy: ptr(keyPolicy(house, statements...))}))
	return *out.KeyMetadata.Arn
}

// A call is what somebody does.
type call func(ctx context.Context, by *caller) error

// play lets somebody do something and demands how it ends.
func (s *stage) play(row, want string, by *caller, do call) {
	s.t.Helper()
	err := do(s.t.Context(), by)
	got, message := ended(err)
	if got != want {
		s.t.Errorf("%s: %v, want %s", row, cause(err), want)
	}
	by.wire.mu.Lock()
	defer by.wire.mu.Unlock()
	s.played = append(s.played, played{row, got, message, by, by.wire.last})
}

func cause(err error) any {
	if err == nil {
		return allowed
	}
	return err
}

// ended tells how a call ended.
func ended(err error) (outcome, message string) {
	if err == nil {
		return allowed, ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "FAILURE", err.Error()
	}
	if code := api.ErrorCode(); code != "AccessDenied" && code != "AccessDeniedException" {
		return code, api.ErrorMessage()
	}
	return denied, api.ErrorMessage()
}

// An object is part of a record.
type object = map[string]any

// trail reads all records, by the ids of their requests.
func (s *stage) trail() map[string][]object {
	byRequest := make(map[string][]object)
	for _, r := range s.inOrder() {
		id, _ := r["requestID"].(string)
		byRequest[id] = append(byRequest[id], r)
	}
	return byRequest
}

// inOrder reads all records in the order of the trail.
func (s *stage) inOrder() []object {
	s.t.Helper()
	out, errs, code := command(s.t, []string{"audit", "tail", "--json", "--socket", s.admin})
	if code != 0 {
		s.t.Fatalf("audit tail ended with %d: %s", code, errs)
	}
	var records []object
	for line := range strings.Lines(out) {
		var l struct{ Record object }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			s.t.Fatalf("reading a record: %v\n%s", err, line)
		}
		records = append(records, l.Record)
	}
	return records
}

// checkTrail demands that so many calls were played, and that every one of them
// left its record: by whom, what, and how it ended.
func (s *stage) checkTrail(t *testing.T, calls int) map[string][]object {
	t.Helper()
	if len(s.played) != calls {
		t.Errorf("%d calls were played, want %d", len(s.played), calls)
	}
	trail := s.trail()
	for _, p := range s.played {
		records := trail[p.id]
		if p.id == "" || len(records) == 0 {
			t.Errorf("%s: %s left no record", p.row, p.operation)
			continue
		}
		for _, r := range records {
			p.checkRecord(t, r)
		}
		if p.want != allowed && len(records) != 1 {
			t.Errorf("%s: a call that was refused left %d records", p.row, len(records))
		}
	}
	return trail
}

func (p *played) checkRecord(t *testing.T, r object) {
	t.Helper()
	code, message := any(nil), any(nil)
	switch p.want {
	case allowed:
	case denied:
		code = "AccessDenied"
	default:
		code = p.want
	}
	if p.message != "" && p.want != "AccessDenied" {
		message = p.message
	}
	if r["eventName"] != p.operation || r["errorCode"] != code || r["errorMessage"] != message {
		t.Errorf("%s is recorded as %v with the error %v: %v; want %s, %v: %v", p.row, r["eventName"], r["errorCode"], r["errorMessage"], p.operation, code, message)
	}
	identity, _ := r["userIdentity"].(object)
	if p.by.account != "" && r["recipientAccountId"] != p.by.account {
		if identity["type"] != "AWSAccount" || identity["accountId"] != p.by.account {
			t.Errorf("%s: another account's copy says %v", p.row, identity)
		}
		return
	}
	want := object{"arn": any(nil), "invokedBy": any(nil)}
	if p.by.arn != "" {
		want["arn"] = p.by.arn
	}
	if p.by.invokedBy != "" {
		want["invokedBy"] = p.by.invokedBy
	}
	if identity["arn"] != want["arn"] || identity["invokedBy"] != want["invokedBy"] {
		t.Errorf("%s is recorded as called by %v through %v, want %v through %v", p.row, identity["arn"], identity["invokedBy"], want["arn"], want["invokedBy"])
	}
}

// record is the one record of a row.
func (s *stage) record(t *testing.T, trail map[string][]object, row string) object {
	t.Helper()
	for _, p := range s.played {
		if p.row == row {
			if n := len(trail[p.id]); n != 1 {
				t.Fatalf("%s left %d records, want one", row, n)
			}
			return trail[p.id][0]
		}
	}
	t.Fatalf("%s was not played", row)
	return nil
}

// The calls of the scenarios. What they make is left behind a pointer, and what
// earlier ones have made is read behind one.

type pairs = map[string]string

func subset(p pairs) *types.GrantConstraints {
	return &types.GrantConstraints{EncryptionContextSubset: p}
}
func equals(p pairs) *types.GrantConstraints {
	return &types.GrantConstraints{EncryptionContextEquals: p}
}

// both is two contexts in one.
func both(a, b pairs) pairs {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// operations reads names that stand in one string.
func operations(names string) []types.GrantOperation {
	var list []types.GrantOperation
	for name := range strings.FieldsSeq(names) {
		list = append(list, types.GrantOperation(name))
	}
	return list
}

// A granting is what CreateGrant is asked for.
type granting struct {
	key, to, retirer, name string
	ops                    string
	under                  *types.GrantConstraints
	id, token              *string // where the answer is left
	dry                    bool
}

func (g granting) input() *kms.CreateGrantInput {
	in := &kms.CreateGrantInput{KeyId: &g.key, GranteePrincipal: &g.to, Operations: operations(g.ops), Constraints: g.under}
	if g.retirer != "" {
		in.RetiringPrincipal = &g.retirer
	}
	if g.name != "" {
		in.Name = &g.name
	}
	if g.dry {
		in.DryRun = ptr(true)
	}
	return in
}

func (g granting) call(ctx context.Context, by *caller) error {
	out, err := by.kms.CreateGrant(ctx, g.input())
	if err == nil && g.id != nil {
		*g.id = *out.GrantId
	}
	if err == nil && g.token != nil {
		*g.token = *out.GrantToken
	}
	return err
}

// volumeKey generates a data key that stays closed.
func volumeKey(key string, with pairs, blob *[]byte) call {
	return func(ctx context.Context, by *caller) error {
		out, err := by.kms.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId: &key, NumberOfBytes: ptr(int32(64)), EncryptionContext: with})
		if err == nil && blob != nil {
			*blob = out.CiphertextBlob
		}
		return err
	}
}

// objectKey is volumeKey with a key specification instead of a length.
func objectKey(key string, with pairs, blob *[]byte) call {
	return func(ctx context.Context, by *caller) error {
		out, err := by.kms.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: with})
		if err == nil && blob != nil {
			*blob = out.CiphertextBlob
		}
		return err
	}
}

// keyPair generates a key pair whose private key decrypt opens.
func keyPair(key string, with pairs, blob *[]byte) call {
	return func(ctx context.Context, by *caller) error {
		out, err := by.kms.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{
			KeyId: &key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: with})
		if err != nil {
			return err
		}
		private, err := x509.ParsePKCS8PrivateKey(out.PrivateKeyPlaintext)
		if err != nil {
			return err
		}
		public, err := x509.MarshalPKIXPublicKey(private.(*ecdsa.PrivateKey).Public())
		if err == nil && !bytes.Equal(public, out.PublicKey) {
			return errors.New("the public key is that of another private one")
		}
		if blob != nil {
			*blob = out.PrivateKeyCiphertextBlob
		}
		return err
	}
}

// closedKeyPair is keyPair without the private key in clear.
func closedKeyPair(key string, with pairs) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.GenerateDataKeyPairWithoutPlaintext(ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{
			KeyId: &key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: with})
		return err
	}
}

func sign(key string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.Sign(ctx, &kms.SignInput{KeyId: &key, Message: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
		return err
	}
}

func dataKey(key string, with pairs, blob *[]byte, tokens ...string) call {
	return func(ctx context.Context, by *caller) error {
		out, err := by.kms.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: with, GrantTokens: tokens})
		if err == nil && blob != nil {
			*blob = out.CiphertextBlob
		}
		return err
	}
}

func encrypt(key string, with pairs) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: with})
		return err
	}
}

// decrypt opens a blob and demands a plaintext of n bytes. The key is named, so
// that a refusal names it too.
func decrypt(key string, blob *[]byte, with pairs, n int) call {
	return func(ctx context.Context, by *caller) error {
		out, err := by.kms.Decrypt(ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: *blob, EncryptionContext: with})
		if err == nil && len(out.Plaintext) != n {
			return fmt.Errorf("the plaintext has %d bytes, want %d", len(out.Plaintext), n)
		}
		return err
	}
}

func describe(key string, options ...func(*kms.Options)) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key}, options...)
		return err
	}
}

func retire(key string, id *string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &key, GrantId: id})
		return err
	}
}

func retireByToken(token *string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: token})
		return err
	}
}

func revoke(key string, id *string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: id})
		return err
	}
}

func disable(key string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key})
		return err
	}
}

func enable(key string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &key})
		return err
	}
}

func scheduleDeletion(key string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})
		return err
	}
}

func cancelDeletion(key string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &key})
		return err
	}
}

func putKeyPolicy(key string, statements ...string) call {
	return func(ctx context.Context, by *caller) error {
		_, err := by.kms.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: ptr(keyPolicy(by.account, statements...))})
		return err
	}
}

// grantIDs lists the grants of a key, through all pages.
func grantIDs(ctx context.Context, by *caller, key string) ([]string, error) {
	ids := []string{}
	pages := kms.NewListGrantsPaginator(by.kms, &kms.ListGrantsInput{KeyId: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.Grants {
			ids = append(ids, *g.GrantId)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// lists demands that a key has exactly these grants.
func lists(key string, want ...*string) call {
	return func(ctx context.Context, by *caller) error {
		got, err := grantIDs(ctx, by, key)
		if err != nil {
			return err
		}
		ids := []string{}
		for _, id := range want {
			ids = append(ids, *id)
		}
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			return fmt.Errorf("the key has the grants %v, want %v", got, ids)
		}
		return nil
	}
}
