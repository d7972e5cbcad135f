package main

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func readRequest(raw []byte) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		head  head
		fails bool
	}{
		"":                               {},
		"HTTP/1.1 200 OK\r\nContent-Len": {},
		"HTTP/1.1 200 OK\r\n\r\n":        {fails: true},
		"SSH-2.0\r\n\r\n":                {fails: true},
		"HTTP/1.1 xyz\r\n\r\n":           {fails: true},
		"HTTP/1.1 20\r\n\r\n":            {fails: true},
		"HTTP/1.1 200\r\nA: b\r\n\r\n":   {fails: true},
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n":                    {fails: true},
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n":               {fails: true},
		"HTTP/1.1 400 Bad\r\ncontent-length:  7 \r\nA: b\r\n\r\n{":         {head: head{400, 47, 7}},
		"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200": {head: head{200, 44, 0}},
	} {
		got, err := parseHead([]byte(text))
		if (err != nil) != want.fails || err == nil && got != want.head {
			t.Errorf("parseHead(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 500\r\nX:\r\n\r\n",
		"\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHead(b)
		if err != nil {
			return
		}
		if h.size < 0 || h.size > len(b) || h.length < 0 || h.length > answerMax {
			t.Errorf("parseHead(%q) = %+v, which reaches outside", b, h)
		}
		if h.size > 0 && !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
			t.Errorf("parseHead(%q) = %+v", b, h)
		}
	})
}

// The client against the null server: bodies of every size that comes in pieces.
func TestClientAndNullServer(t *testing.T) {
	t.Parallel()
	requests := newWriter(newSigner(credentials{"AKIDEXAMPLE", "secret"}, region, "kms", time.Unix(0, 0)), "localhost:1", jsonType, target+"Encrypt")
	for _, size := range []int{1, 200, 5000, 40000} {
		server := httptest.NewServer(nullHandler(size))
		defer server.Close()
		c, err := dial(strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		for _, body := range []int{0, 100, 6000} {
			status, answer, err := c.do(requests.append(nil, "19700101T000000Z", bytes.Repeat([]byte{'a'}, body)))
			if err != nil || status != 200 || len(answer) != size {
				t.Fatalf("answer of %d bytes with status %d (%v), want %d", len(answer), status, err, size)
			}
		}
	}
}
