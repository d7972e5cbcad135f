package metrics

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/gateway"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/tally"
	"claviger/internal/words/fault"
)

// TestHistogramInBothForms: the counts of a histogram are the same as classic
// and as native buckets, and native ones can be read back from spans and deltas.
func TestHistogramInBothForms(t *testing.T) {
	t.Parallel()
	h := tally.Numbers()
	values := []int64{1, 1, 2, 3, 3, 3, 700, 5000}
	for _, n := range values {
		h.Observe(n)
	}
	gathered, err := registry([]Family{
		{Name: "full", Help: "h", Kind: Histogram, Readings: func(show func(tally.Reading, ...string)) { show(h.Read()) }},
		{Name: "empty", Help: "h", Kind: Histogram, Readings: func(show func(tally.Reading, ...string)) { show(tally.Numbers().Read()) }},
	}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, family := range gathered {
		if name := family.GetName(); name != "full" && name != "empty" {
			continue
		}
		seen++
		m := family.GetMetric()[0].GetHistogram()
		index, count, total := 0, int64(0), uint64(0)
		found := make(map[int]int64)
		deltas := m.GetPositiveDelta()
		for _, span := range m.GetPositiveSpan() {
			index += int(span.GetOffset())
			for range span.GetLength() {
				count, deltas = count+deltas[0], deltas[1:]
				found[index] = count
				total += uint64(count)
				index++
			}
		}
		if len(deltas) != 0 || total != m.GetSampleCount() || m.GetSchema() != 3 {
			t.Errorf("%s: native buckets hold %d of %d, %d deltas are left", family.GetName(), total, m.GetSampleCount(), len(deltas))
		}
		if family.GetName() == "empty" {
			if len(m.GetPositiveSpan()) != 1 || total != 0 {
				t.Errorf("an empty native histogram does not look like one: %v", m)
			}
			continue
		}
		// Two to the power of 0, 1, 13/8 (3.08), 76/8 (724) and 99/8 (5312).
		for at, want := range map[int]int64{0: 2, 8: 1, 13: 3, 76: 1, 99: 1} {
			if found[at] != want {
				t.Errorf("bucket %d has %d, want %d: %v", at, found[at], want, found)
			}
		}
		if b := m.GetBucket(); b[1].GetUpperBound() != 2 || b[1].GetCumulativeCount() != 3 || b[len(b)-1].GetCumulativeCount() != 7 {
			t.Errorf("classic buckets %v", b)
		}
	}
	if seen != 2 {
		t.Errorf("%d histograms were gathered", seen)
	}
}

// TestForms: who asks for text gets text, and who asks for protocol buffers, as a
// Prometheus does that takes native histograms, gets those.
func TestForms(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(Handler(NewCalls(nil).Families()))
	defer server.Close()
	for accept, want := range map[string]string{
		"":                             "text/plain",
		"application/openmetrics-text": "application/openmetrics-text",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited":           "application/vnd.google.protobuf",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/html": "application/vnd.google.protobuf",
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if got := answer.Header.Get("Content-Type"); err != nil || !strings.HasPrefix(got, want) || len(body) == 0 {
			t.Errorf("Accept %q is answered with %s: %v", accept, got, err)
		}
	}
}

// TestReasons: every gate has a name, and what is refused before it is a call is
// not put down to a policy.
func TestReasons(t *testing.T) {
	t.Parallel()
	for gate := policy.ByNothing; gate <= policy.ByGrant; gate++ {
		if int(gate) >= len(gates) || gates[gate] == "" {
			t.Errorf("gate %d has no name", gate)
		}
	}
	for want, o := range map[string]gateway.Outcome{
		"signature":              {Fault: fault.New(fault.InvalidSignature, "")},
		"unreadable":             {Fault: fault.New(fault.RequestEntityTooLarge, "")},
		"service_control_policy": {Call: true, Gate: policy.ByServiceControl, Fault: fault.New("NotFoundException", "")},
		"credential":             {Call: true, Fault: fault.New(fault.AccessDenied, "")},
		"request_quota":          {Call: true, Fault: fault.New(fault.Throttling, "")},
		"resource_quota":         {Call: true, Fault: fault.New(fault.LimitExceeded, "")},
		"input":                  {Call: true, Fault: fault.New(fault.Validation, "")},
		"state":                  {Call: true, Fault: fault.New("KMSInvalidStateException", "")},
	} {
		if got := reason(&o); got != want {
			t.Errorf("%+v counts as %s, want %s", o, got, want)
		}
	}
}

// TestRefusalsAreBounded: should codes ever be somebody else's, they do not fill
// the memory.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	c := NewCalls(map[string][]string{"kms": {"Encrypt"}})
	for i := range refusalsMax + 100 {
		code := fault.Code(strings.Repeat("x", i+1))
		c.Ended(gateway.Outcome{Service: "kms", Operation: "Encrypt", Known: true, Call: true, Fault: &fault.Fault{Code: code}, Took: time.Second})
	}
	if n := len(c.refusals); n != refusalsMax+1 {
		t.Errorf("%d refusals are told apart, want %d", n, refusalsMax+1)
	}
	if n := c.refusals[refusal{other, other, other}].Load(); n != 100 {
		t.Errorf("%d others, want 100", n)
	}
}
