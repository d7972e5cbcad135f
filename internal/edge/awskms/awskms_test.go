package awskms

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

const keyARN = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"

// options are those of an environment.
func options(env map[string]string) Options {
	return Options{Getenv: func(name string) string { return env[name] }, ReadFile: os.ReadFile, Now: time.Now}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		"awskms:///" + keyARN:                                             {keyARN, "eu-west-1", ""},
		"awskms:///alias/root%2fa?region=us-east-1":                       {"alias/root/a", "us-east-1", ""},
		"awskms:///alias/root":                                            {"alias/root", "", ""},
		"awskms:///" + keyARN + "?endpoint=http://127.0.0.1:4566":         {keyARN, "eu-west-1", "http://127.0.0.1:4566"},
		"awskms:///k?region=r&endpoint=https%3A%2F%2Fkms.example.org%3A1": {"k", "r", "https://kms.example.org:1"},
	} {
		if k, err := Parse(text, options(nil)); err != nil || [3]string{k.id, k.region, k.endpoint} != want {
			t.Errorf("%s: %+v, %v", text, k, err)
		}
	}
	for _, text := range []string{
		"", "awskms:", "awskms:///", "awskms://alias/root", "awskms://u@/k", "kms:///k", "awskms:///k#f", "awskms:///k?region=", "awskms:///k?region=a&region=b",
		"awskms:///k?profile=x", "awskms:///arn:aws:s3:::b", "awskms:///arn:aws:kms", "awskms:///" + keyARN + "?region=us-east-1",
		"awskms:///k?endpoint=http://10.0.0.1", "awskms:///k?endpoint=http://kms.example.org", "awskms:///k?endpoint=ftp://localhost", "awskms:///k?endpoint=localhost",
		"awskms:///k?endpoint=https://h/path", "awskms:///k?endpoint=https://u:p@h", "awskms:///k?%zz",
	} {
		if k, err := Parse(text, options(nil)); err == nil {
			t.Errorf("%q is read as %+v", text, k)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("awskms:///" + keyARN + "?endpoint=https://[::1]:443&region=eu-west-1")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text, options(nil))
		if (k == nil) == (err == nil) {
			t.Errorf("%q: both or neither", text)
		}
		if k != nil && k.endpoint != "" {
			u, err := parseEndpoint(k.endpoint)
			if err != nil || u.Scheme == "http" && !local(u.Hostname()) {
				t.Errorf("%q has the endpoint %v, %v", text, u, err)
			}
		}
	})
}

// TestLine finds Region, endpoint and credentials in the order of AWS's tools.
func TestLine(t *testing.T) {
	t.Parallel()
	credentials := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"}
	for _, c := range []struct {
		text, env, region, endpoint string
	}{
		{"awskms:///k?region=a-b-1", "AWS_REGION=c-d-1", "a-b-1", "https://kms.a-b-1.amazonaws.com/"},
		{"awskms:///k", "AWS_REGION=c-d-1 AWS_DEFAULT_REGION=e-f-1", "c-d-1", "https://kms.c-d-1.amazonaws.com/"},
		{"awskms:///k", "AWS_DEFAULT_REGION=cn-north-1", "cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn/"},
		{"awskms:///" + keyARN, "AWS_REGION=c-d-1 AWS_ENDPOINT_URL=https://all AWS_ENDPOINT_URL_KMS=https://kms", "eu-west-1", "https://kms/"},
		{"awskms:///" + keyARN, "AWS_ENDPOINT_URL=https://all", "eu-west-1", "https://all/"},
		{"awskms:///" + keyARN + "?endpoint=https://own", "AWS_ENDPOINT_URL_KMS=https://kms", "eu-west-1", "https://own/"},
		{"awskms:///k", "", "", ""},
		{"awskms:///" + keyARN, "AWS_ENDPOINT_URL=http://all", "", ""},
		{"awskms:///" + keyARN, "AWS_CA_BUNDLE=/nonexistent", "", ""},
	} {
		env := make(map[string]string)
		for name, value := range credentials {
			env[name] = value
		}
		for _, pair := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		k, err := Parse(c.text, options(env))
		if err != nil {
			t.Fatal(err)
		}
		l, err := k.line()
		if (err == nil) != (c.region != "") {
			t.Errorf("%s with %s: %v", c.text, c.env, err)
		}
		if err == nil && (l.region != c.region || l.endpoint.String() != c.endpoint || l.who.SessionToken != "y") {
			t.Errorf("%s with %s: %s, %s, %q", c.text, c.env, l.region, l.endpoint, l.who.SessionToken)
		}
	}
}

const credentialsFile = `
# a comment
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key=one
region = eu-west-1
[ other ]
; a comment
aws_access_key_id=AKIDOTHER
aws_secret_access_key = two=2
aws_session_token = three
[half]
aws_access_key_id = AKIDHALF
`

func TestCredentials(t *testing.T) {
	t.Parallel()
	read := func(path string) ([]byte, error) {
		if path != "/home/ann/.aws/credentials" && path != "/elsewhere" {
			return nil, os.ErrNotExist
		}
		return []byte(credentialsFile), nil
	}
	for env, want := range map[string]string{
		"HOME=/home/ann":                         "AKIDDEFAULT one ",
		"HOME=/home/ann AWS_PROFILE=other":       "AKIDOTHER two=2 three",
		"HOME=/home/ann AWS_PROFILE=half":        "",
		"HOME=/home/ann AWS_PROFILE=nobody":      "",
		"HOME=/home/bob":                         "",
		"":                                       "",
		"AWS_SHARED_CREDENTIALS_FILE=/elsewhere": "AKIDDEFAULT one ",
		"HOME=/home/ann AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=s": "AKID s ",
		"HOME=/home/ann AWS_ACCESS_KEY_ID=AKID":                         "AKIDDEFAULT one ",
	} {
		set := make(map[string]string)
		for _, pair := range strings.Fields(env) {
			name, value, _ := strings.Cut(pair, "=")
			set[name] = value
		}
		who, err := findCredentials(func(name string) string { return set[name] }, read)
		got := ""
		if err == nil {
			got = who.AccessKeyID + " " + who.SecretAccessKey + " " + who.SessionToken
		}
		if got != want {
			t.Errorf("%s: %q, %v, want %q", env, got, err, want)
		}
	}
}

func FuzzReadProfile(f *testing.F) {
	f.Add([]byte(credentialsFile), "other")
	f.Fuzz(func(t *testing.T, file []byte, profile string) {
		c := readProfile(file, profile)
		for _, value := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken} {
			if strings.ContainsAny(value, "\n") || strings.TrimSpace(value) != value {
				t.Errorf("read %q", value)
			}
		}
	})
}

func FuzzReadRefusal(f *testing.F) {
	f.Add([]byte(`{"__type":"com.amazonaws.kms#NotFoundException","message":"gone"}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r := readRefusal("502 Bad Gateway", text); r == nil {
			t.Error("no refusal")
		}
	})
}

// TestPatience: a service that is away for a while, or at fault, is asked again;
// one that refuses is not.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status   int
		body     string
		failures int // before it answers
		calls    int
		says     string
	}{
		{500, `{"__type":"KMSInternalException"}`, 3, 4, ""},
		{503, `busy`, 7, 8, ""},
		{503, `busy`, 9, 8, "failed (attempt 8): 503 Service Unavailable"},
		{400, `{"__type":"ThrottlingException","message":"slow"}`, 1, 2, ""},
		{400, `{"__type":"com.amazonaws.kms#AccessDeniedException","Message":"no"}`, 1, 1, "AccessDeniedException: no"},
		{400, `{"__type":"InvalidCiphertextException"}`, 1, 1, "was not wrapped by this key for this installation"},
		{307, ``, 1, 1, "307"},
		{200, `{"Plaintext":3}`, 1, 1, "reading an answer"},
	} {
		calls := 0
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			var in request
			body, _ := io.ReadAll(r.Body)
			if json.Unmarshal(body, &in) != nil || in.KeyID != keyARN || string(in.CiphertextBlob) != "wrapped" ||
				in.EncryptionContext["claviger:installation"] != "id" || r.Header.Get("X-Amz-Target") != "TrentService.Decrypt" ||
				!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/kms/aws4_request") {
				t.Errorf("was sent %s with %v", body, r.Header)
			}
			if calls <= c.failures {
				w.Header().Set("Location", "/")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
				return
			}
			_, _ = io.WriteString(w, `{"Plaintext":"a2V5"}`)
		}))
		k, err := Parse("awskms:///"+keyARN+"?endpoint="+service.URL, options(map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary-secret"}))
		if err != nil {
			t.Fatal(err)
		}
		var paused time.Duration
		k.pause = func(_ context.Context, d time.Duration) { paused += d }
		got, err := k.Unwrap(t.Context(), "id", []byte("wrapped"))
		if calls != c.calls || (err == nil) != (c.says == "") || err == nil && string(got.Reveal(reveal.Token{})) != "key" {
			t.Errorf("%d %s: %d calls, %v", c.status, c.body, calls, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%d %s: %v, want %q", c.status, c.body, err, c.says)
		}
		if paused > 15*time.Second {
			t.Errorf("%s were waited", paused)
		}
		service.Close()
	}
}

// TestGone: a caller that goes away is not kept waiting.
func TestGone(t *testing.T) {
	t.Parallel()
	k, err := Parse("awskms:///"+keyARN+"?endpoint=http://127.0.0.1:1", options(map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	k.pause = func(context.Context, time.Duration) { cancel() }
	if _, err := k.Wrap(ctx, "id", confidential.New([]byte("key"))); err == nil || !strings.Contains(err.Error(), "attempt 2") {
		t.Errorf("%v", err)
	}
}
