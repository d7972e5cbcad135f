package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// nobody is the world of a server that knows no keys.
func nobody(addr string) *world {
	return &world{
		server: &process{name: "null server", addr: addr, cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}},
		user:   credentials{"AKIDEXAMPLE", "secret"},
		keys:   []string{"a", "b", "c"},
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nullHandler(100))
	defer server.Close()
	w := nobody(strings.TrimPrefix(server.URL, "http://"))
	conns, err := connect(w.server.addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(conns)
	var b batch
	const calls = 350
	for _, rate := range []float64{0, 20000} {
		b.fill(w, &rows[0], 1000, calls)
		p, err := (&load{conns: conns, batch: &b, duration: time.Minute, keep: true, rate: rate}).run(w.server)
		if err != nil {
			t.Fatal(err)
		}
		if p.calls != calls || len(p.samples) != 4 || p.elapsed <= 0 {
			t.Errorf("%d calls with %d samples in %v, want %d with 4", p.calls, len(p.samples), p.elapsed, calls)
		}
		if want := map[bool]int{false: 0, true: calls}[rate > 0]; len(p.latency) != want {
			t.Errorf("%d latencies, want %d", len(p.latency), want)
		}
		for _, s := range p.samples {
			if s.n < 1000 || s.n >= 1000+calls || len(s.answer) != 100 {
				t.Errorf("sample of call %d with %d bytes", s.n, len(s.answer))
			}
		}
	}
}

// A server that refuses ends the pass.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil) // 404
	defer server.Close()
	w := nobody(strings.TrimPrefix(server.URL, "http://"))
	conns, err := connect(w.server.addr, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(conns)
	var b batch
	b.fill(w, &rows[0], 0, 10)
	if _, err := (&load{conns: conns, batch: &b, duration: time.Minute}).run(w.server); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("refusals give the error %v", err)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	w := nobody("localhost:1")
	w.ciphertext = []sealed{{key: 1, n: 7, size: 32, blob: "QUJD"}}
	tried := 0
	for i := range rows {
		r := &rows[i]
		var b batch
		b.fill(w, r, 5, 3)
		if len(b.ends) != 3 {
			t.Fatalf("%s: %d requests, want 3", r.name, len(b.ends))
		}
		for k := range b.ends {
			req, err := readRequest(b.request(k))
			if err != nil {
				t.Errorf("%s: %v", r.name, err)
				continue
			}
			if req.Header.Get("X-Amz-Target") != target+r.operation || req.ContentLength < 10 {
				t.Errorf("%s: %v", r.name, req.Header)
			}
			tried++
		}
	}
	if tried != 3*len(rows) {
		t.Errorf("%d requests read", tried)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for n := range uint64(100) {
		for _, size := range []int{32, 4096} {
			m := message(n, size)
			if len(m) != size || seen[string(m)] {
				t.Errorf("message(%d, %d) has %d bytes or came before", n, size, len(m))
			}
			seen[string(m)] = true
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		own, null []float64
		want      spread
	}{
		{nil, nil, spread{}},
		{[]float64{1}, []float64{2}, spread{0.5, 0.5, 0.5}},
		{[]float64{3, 1, 2}, []float64{1, 1, 1}, spread{2, 1, 3}},
		{[]float64{4, 1, 2, 3}, []float64{1, 1, 1, 1}, spread{2.5, 1, 4}},
		{[]float64{4, 1}, []float64{0, 1}, spread{1, 1, 1}},
	} {
		if got := pairwise(c.own, c.null, func(f float64) float64 { return f }); got != c.want {
			t.Errorf("pairwise(%v, %v) = %v, want %v", c.own, c.null, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	values := make([]time.Duration, 200)
	for i := range values {
		values[i] = time.Duration(200 - i)
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 101, 0.99: 199, 1: 200} {
		if got := percentile(values, share); got != want {
			t.Errorf("percentile %v = %d, want %d", share, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("percentile of nothing = %d", got)
	}
}

// The policies that fill the servers must stay within what IAM takes of a user.
func TestIdentityPolicy(t *testing.T) {
	t.Parallel()
	p := identityPolicy("123456789012")
	if n := strings.Count(p, `"Effect"`); n != 10 || len(p) > 2048 {
		t.Errorf("%d statements in %d bytes", n, len(p))
	}
	if n := strings.Count(keyPolicy("123456789012", 3), `"Effect"`); n != 3 {
		t.Errorf("%d statements in a key policy", n)
	}
}
