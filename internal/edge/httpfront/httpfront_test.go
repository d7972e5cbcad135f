package httpfront_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"claviger/internal/edge/httpfront"
	"claviger/internal/edge/message"
	"claviger/internal/words/fault"
)

// echo answers with what it was asked.
type echo struct {
	mu    sync.Mutex
	asked []*message.Request
	panic bool
}

func (e *echo) Handle(_ context.Context, r *message.Request) message.Response {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, r)
	if e.panic {
		panic("a bug")
	}
	return message.Response{Status: 200, ContentType: "text/plain", RequestID: "id", Explanation: r.Get("x-told"), Body: r.Body}
}

func (e *echo) Refuse(_ *message.Request, err error) message.Response {
	return message.Response{Status: 400, ContentType: "text/plain", RequestID: "id", Body: []byte(fault.From(err).Code)}
}

// serve returns the address of a server.
func serve(t *testing.T, o httpfront.Options) string {
	t.Helper()
	if o.Ready == nil {
		o.Ready = func() bool { return true }
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpfront.New(o)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// exchange sends bytes and returns the status and the body of the answer.
func exchange(t *testing.T, address, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestLocalOnly: what a page of another site can have a browser send does not
// come through, with an Origin or without one.
func TestLocalOnly(t *testing.T) {
	t.Parallel()
	address := serve(t, httpfront.Options{Handler: new(echo), LocalOnly: true})
	for field, want := range map[string]int{
		"Host: 127.0.0.1:4566":                           200,
		"Host: localhost":                                200,
		"Host: kms.localhost.":                           200,
		"Host: [::1]:4566":                               200,
		"Host: localhost\r\nSec-Fetch-Site: none":        200,
		"Host: localhost\r\nSec-Fetch-Site: cross-site":  403,
		"Host: localhost\r\nSec-Fetch-Site: same-site":   403,
		"Host: localhost\r\nSec-Fetch-Site: same-origin": 403,
		"Host: localhost\r\nOrigin: https://example.org": 403,
		"Host: localhost\r\nOrigin: null":                403,
		"Host: example.org":                              403,
		"Host: localhost.example.org":                    403,
		"Host: 192.0.2.1":                                403,
		"Host: 127.0.0.1.example.org":                    403,
		"Host: ":                                         403,
		"Host: localhost\r\nSec-Fetch-Site: none\r\nOrigin: http://localhost": 403,
	} {
		if status, body := exchange(t, address, "GET /?Action=CreateUser HTTP/1.1\r\n"+field+"\r\n\r\n"); status != want {
			t.Errorf("%q: %d %s, want %d", field, status, body, want)
		}
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	address := serve(t, httpfront.Options{Handler: new(echo)})
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, httpfront.BodyMax} {
		body := strings.Repeat("x", size)
		if status, got := exchange(t, address, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, body)); status != 200 || got != body {
			t.Errorf("%d bytes: %d, %d bytes", size, status, len(got))
		}
		chunked := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", size, body)
		if size > 0 {
			chunked += "0\r\n\r\n"
		}
		if status, got := exchange(t, address, chunked); status != 200 || got != body {
			t.Errorf("%d bytes in chunks: %d, %d bytes", size, status, len(got))
		}
	}
	tooLong := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", httpfront.BodyMax+1)
	if status, got := exchange(t, address, tooLong); status != 400 || got != string(fault.RequestEntityTooLarge) {
		t.Errorf("a body too long: %d %s", status, got)
	}
	if status, got := exchange(t, address, "GET http://example.org/ HTTP/1.1\r\nHost: a\r\n\r\n"); status != 400 || got != string(fault.Validation) {
		t.Errorf("an absolute request line: %d %s", status, got)
	}
}

// TestBodyOfPath: a path may have a lower limit, and none has a higher one.
func TestBodyOfPath(t *testing.T) {
	t.Parallel()
	limits := map[string]int64{"/low": 100, "/high": httpfront.BodyMax + 1}
	address := serve(t, httpfront.Options{Handler: new(echo), BodyMax: func(path string) int64 { return limits[path] }})
	for path, limit := range map[string]int{"/low": 100, "/low?x": 100, "/high": httpfront.BodyMax, "/other": httpfront.BodyMax} {
		for _, size := range []int{limit - 1, limit, limit + 1} {
			want, body := 200, strings.Repeat("x", size)
			if size > limit {
				want = 400
			}
			sent := body
			if size > httpfront.BodyMax {
				sent = "" // refused before it comes
			}
			if status, got := exchange(t, address, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, size, sent)); status != want {
				t.Errorf("%d bytes to %s: %d %.40s", size, path, status, got)
			}
			chunked := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", path, size, body)
			if size > httpfront.BodyMax {
				continue
			}
			if status, got := exchange(t, address, chunked); status != want {
				t.Errorf("%d bytes in chunks to %s: %d %.40s", size, path, status, got)
			}
		}
	}
}

// absent is a body of which nothing comes. It keeps how much was made room for.
type absent struct{ room int }

func (a *absent) Read(b []byte) (int, error) {
	a.room = max(a.room, len(b))
	return 0, errors.New("the client has gone")
}

// TestAnnouncedBody: a body that was announced and does not come takes no memory.
func TestAnnouncedBody(t *testing.T) {
	t.Parallel()
	server := httpfront.New(httpfront.Options{Handler: new(echo)})
	body := new(absent)
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = httpfront.BodyMax
	answer := httptest.NewRecorder()
	server.Handler.ServeHTTP(answer, r)
	if got := answer.Body.String(); got != string(fault.Serialization) {
		t.Errorf("answered %s", got)
	}
	if body.room == 0 || body.room > httpfront.BodyMax/16 {
		t.Errorf("made room for %d bytes before any had come", body.room)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var cause any
	address := serve(t, httpfront.Options{Handler: &echo{panic: true}, Panicked: func(c any) { cause = c }})
	status, body := exchange(t, address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	if status != 400 || body != string(fault.InternalFailure) || cause != "a bug" {
		t.Errorf("%d %s, told of %v", status, body, cause)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for ready, want := range map[bool]int{true: 200, false: 503} {
		address := serve(t, httpfront.Options{Handler: new(echo), Ready: func() bool { return ready }})
		if status, body := exchange(t, address, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); status != want {
			t.Errorf("ready %t: %d %s", ready, status, body)
		}
	}
}

// TestExplanation: who was refused by policies is told so in a field of the header.
func TestExplanation(t *testing.T) {
	t.Parallel()
	address := serve(t, httpfront.Options{Handler: new(echo)})
	for _, told := range []string{"", "sealed-text"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Told", told)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Values("X-Claviger-Authorization-Message"); strings.Join(got, ",") != told || len(got) > 1 || (told == "") != (got == nil) {
			t.Errorf("told %q in %q", told, got)
		}
	}
}

// TestMessage: the message has the bytes of the wire.
func TestMessage(t *testing.T) {
	t.Parallel()
	handler := new(echo)
	address := serve(t, httpfront.Options{Handler: handler})
	exchange(t, address, "POST /a%2Fb//../c?x=%41;y&z HTTP/1.1\r\nhOST: Example.org:1\r\nX-AMZ-Target:  A.B \r\nx-amz-target: C\r\nContent-Length: 2\r\n\r\n{}")
	if len(handler.asked) != 1 {
		t.Fatalf("%d requests", len(handler.asked))
	}
	m := handler.asked[0]
	if m.Method != "POST" || m.Path != "/a%2Fb//../c" || m.Query != "x=%41;y&z" || m.Host != "Example.org:1" || !bytes.Equal(m.Body, []byte("{}")) {
		t.Errorf("%+v", m)
	}
	var targets []string
	for _, f := range m.Header {
		if f.Name == "x-amz-target" {
			targets = append(targets, f.Value)
		}
	}
	if strings.Join(targets, "|") != "A.B|C" || m.Get("content-length") != "2" || !m.Remote.IsLoopback() {
		t.Errorf("%+v", m)
	}
}
