package pipeline_test

import (
	"strings"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// TestEchoes: what a change does in another Region has a record there, once,
// however often the change was tried, and none where it failed.
func TestEchoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := 0
	op := operation.Change[in, out, struct{}, *in]{
		Name: "Spread", Actions: []string{"test:Spread"}, Asks: asks("test:Spread"),
		Run: func(c *operation.Call, _ store.Txn, i *in, _ struct{}) (*out, error) {
			c.Echoed(operation.Echo{Name: "Arrive", Region: "eu-west-1", Request: i, Response: &out{2}})
			if tries++; tries == 1 {
				return nil, store.ErrConflict
			}
			if i.Name == "b" {
				return nil, fault.New(fault.LimitExceeded, "no")
			}
			return &out{1}, nil
		},
	}.Operation()
	if _, err := w.do(op, "a"); err != nil || tries != 2 {
		t.Fatalf("after %d tries: %v", tries, err)
	}
	if _, err := w.do(op, "b"); err == nil {
		t.Error("the second did not fail")
	}
	w.want("Spread", "Arrive", "Spread LimitExceeded")
	err := w.trail.Read(t.Context(), 2, func(n uint64, e audit.Entry) error {
		if text := string(e.Record); n == 2 && (field(text, "awsRegion") != "eu-west-1" || field(text, "name") != "a" || !strings.Contains(text, `{"n":2}`)) {
			t.Errorf("elsewhere is recorded %s", text)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
