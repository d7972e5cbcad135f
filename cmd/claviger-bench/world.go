package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	region     = "us-east-1"
	target     = "TrentService."
	jsonType   = "application/x-amz-json-1.1"
	formType   = "application/x-www-form-urlencoded; charset=utf-8"
	iamVersion = "2010-05-08"
)

// rootUser are the credentials with which every server is made.
var rootUser = credentials{"AKIACLAVIGERBENCH000", "only-for-a-server-that-lives-for-a-minute"}

// A world is a server that has been filled: one user with a policy of ten
// statements, and keys with three each.
type world struct {
	server     *process
	control    *conn
	user       credentials
	keys       []string // ids
	ciphertext []sealed
}

// A sealed message: the answer to Encrypt, kept for the calls of Decrypt.
type sealed struct {
	key  int
	n    uint64
	size int
	blob string // Base64
}

// newWorld fills a server.
func newWorld(p *process, keys int) (*world, error) {
	c, err := dial(p.addr)
	if err != nil {
		return nil, err
	}
	w := &world{server: p, control: c}
	account, err := w.account()
	if err != nil {
		return nil, fmt.Errorf("asking who is root: %w", err)
	}
	if err := w.makeUser(account); err != nil {
		return nil, fmt.Errorf("making the user: %w", err)
	}
	for i := range keys {
		id, err := w.makeKey(account, i)
		if err != nil {
			return nil, fmt.Errorf("making key %d: %w", i, err)
		}
		w.keys = append(w.keys, id)
	}
	return w, nil
}

// account asks for the id of the first account.
func (w *world) account() (string, error) {
	var answer struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	err := w.query("sts", url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}, &answer)
	return answer.Account, err
}

func (w *world) makeUser(account string) error {
	const name = "bench"
	if err := w.query("iam", url.Values{"Action": {"CreateUser"}, "UserName": {name}}, nil); err != nil {
		return err
	}
	if err := w.query("iam", url.Values{
		"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {"work"}, "PolicyDocument": {identityPolicy(account)},
	}, nil); err != nil {
		return err
	}
	var answer struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := w.query("iam", url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}}, &answer); err != nil {
		return err
	}
	w.user = credentials{answer.ID, answer.Secret}
	return nil
}

func (w *world) makeKey(account string, i int) (string, error) {
	var answer struct {
		KeyMetadata struct{ KeyId string } //nolint:revive // the name on the wire
	}
	err := w.json(rootUser, "CreateKey", map[string]any{"Policy": keyPolicy(account, i), "Description": "bench " + strconv.Itoa(i)}, &answer)
	return answer.KeyMetadata.KeyId, err
}

// identityPolicy has ten statements; the last one allows the calls.
func identityPolicy(account string) string {
	var statements []string
	for _, action := range []string{"sqs:*", "sns:Publish", "dynamodb:Query", "logs:Put*", "ec2:Describe*", "lambda:Invoke*", "events:Put*", "states:Start*"} {
		service, _, _ := strings.Cut(action, ":")
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":"arn:aws:%s:%s:%s:bench/*"}`, action, service, region, account))
	}
	statements = append(statements,
		`{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}`,
		fmt.Sprintf(`{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey"],"Resource":"arn:aws:kms:%s:%s:key/*"}`, region, account))
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// keyPolicy has three statements: the account's authority, what the user may do
// under the key's own context, and what nobody may do without a purpose.
func keyPolicy(account string, i int) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+
		`{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%[1]s:root"},"Action":"kms:*","Resource":"*"},`+
		`{"Sid":"work","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%[1]s:user/bench"},"Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*",`+
		`"Condition":{"StringEquals":{"kms:EncryptionContext:tenant":%[2]q}}},`+
		`{"Sid":"purpose","Effect":"Deny","Principal":"*","Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*",`+
		`"Condition":{"StringNotEquals":{"kms:EncryptionContext:purpose":"bench"}}}]}`, account, tenant(i))
}

func tenant(key int) string { return "tenant-" + strconv.Itoa(key) }

// encryptionContext is the context of all calls under a key, as JSON.
func encryptionContext(key int) string {
	return `{"purpose":"bench","tenant":"` + tenant(key) + `"}`
}

// message is the nth plaintext: different for each n, and easily made again.
func message(n uint64, size int) []byte {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	b := make([]byte, 0, size+len(seed))
	for len(b) < size {
		b = append(b, seed[:]...)
	}
	return b[:size]
}

// seal makes n ciphertexts for the calls of Decrypt, spread over the keys.
func (w *world) seal(n, size int) error {
	for i := range n {
		s := sealed{key: i % len(w.keys), n: uint64(i), size: size}
		var answer struct{ CiphertextBlob string }
		err := w.json(w.user, "Encrypt", map[string]any{
			"KeyId": w.keys[s.key], "Plaintext": message(s.n, size), "EncryptionContext": json.RawMessage(encryptionContext(s.key)),
		}, &answer)
		if err != nil {
			return fmt.Errorf("sealing a message for Decrypt: %w", err)
		}
		s.blob = answer.CiphertextBlob
		w.ciphertext = append(w.ciphertext, s)
	}
	return nil
}

// open decrypts a blob that was sealed under a key.
func (w *world) open(key int, blob string) ([]byte, error) {
	var answer struct{ Plaintext []byte }
	err := w.json(w.user, "Decrypt", map[string]any{
		"CiphertextBlob": blob, "EncryptionContext": json.RawMessage(encryptionContext(key)),
	}, &answer)
	return answer.Plaintext, err
}

// json calls an operation of KMS on the control connection.
func (w *world) json(c credentials, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := w.call(c, "kms", jsonType, target+operation, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// query calls an operation of IAM or STS as the root user.
func (w *world) query(service string, form url.Values, out any) error {
	if !form.Has("Version") {
		form.Set("Version", iamVersion)
	}
	answer, err := w.call(rootUser, service, formType, "", []byte(form.Encode()))
	if err != nil || out == nil {
		return err
	}
	return xml.Unmarshal(answer, out)
}

func (w *world) call(c credentials, service, contentType, target string, body []byte) ([]byte, error) {
	now := time.Now()
	request := newWriter(newSigner(c, region, service, now), w.server.addr, contentType, target).append(nil, stampOf(now), body)
	status, answer, err := w.control.do(request)
	if err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, fmt.Errorf("status %d: %.500s", status, answer)
	}
	return answer, nil
}

// encode is Base64 as the API writes bytes.
func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
