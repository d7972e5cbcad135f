package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/store/drivertest"
	"claviger/internal/service/kms"
)

// TestQuotaSettings: what is not understood is refused, not ignored.
func TestQuotaSettings(t *testing.T) {
	t.Parallel()
	c := common{Region: "us-east-1", Quotas: []string{"keys=7", "aliases=1", "grants=50000", "custom-key-stores=2"}, RequestQuotas: []string{"CreateKey=9", "aws", "symmetric=1"}}
	got, err := c.quotas()
	want := kms.RequestQuotasAWS()
	want["CreateKey"], want["symmetric"] = 9, 1
	if err != nil || got.resources != (kms.Quotas{Keys: 7, Aliases: 1, Grants: 50000, CustomKeyStores: 2}) || !maps.Equal(got.requests, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for limit, list := range map[int][]string{0: nil, 50_000: {"aws"}, 7: {"grants=7", "aws"}, 8: {"aws", "grants=8"}} {
		c := common{Quotas: list}
		if got, err := c.quotas(); err != nil || got.resources != (kms.Quotas{Grants: limit}) {
			t.Errorf("%q: %+v, %v", list, got, err)
		}
	}
	c = common{}
	if got, err := c.quotas(); err != nil || got.requests != nil || got.admission() != nil {
		t.Errorf("by default: %+v, %v", got, err)
	}
	for _, bad := range []common{
		{Quotas: []string{"keys"}}, {Quotas: []string{"keys=0"}}, {Quotas: []string{"keys=-1"}}, {Quotas: []string{"keys=many"}}, {Quotas: []string{"tags=1"}},
		{Quotas: []string{""}}, {RequestQuotas: []string{"AWS"}}, {RequestQuotas: []string{"Encrypt=1"}}, {RequestQuotas: []string{"CreateKey=0"}},
	} {
		bad.Region = "us-east-1"
		if err := bad.check(); !errors.As(err, new(usageError)) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestThrottled: a call that comes too soon is refused before its input is
// looked at, and recorded; other accounts, Regions and services don't suffer.
func TestThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.foundations(drivertest.Open(t), "")
	now := time.Now()
	var later atomic.Int64 // background work asks for the time, too
	f.now = func() time.Time { return now.Add(time.Duration(later.Load())) }
	f.quotas = quotas{requests: map[string]int{"CreateKey": 2}}
	s, err := newServer(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	settings := common{Region: "us-east-1"}
	if err := settings.check(); err != nil {
		t.Fatal(err)
	}
	g := s.gateway(&settings)
	call := func(account, operation, body string, status int, want string) {
		t.Helper()
		answer := g.Handle(context.Background(), sign(account, "TrentService."+operation, body, f.now()))
		if answer.Status != status || !strings.Contains(string(answer.Body), want) {
			t.Errorf("%s: %d %s", operation, answer.Status, answer.Body)
		}
	}
	const text = `{"__type":"ThrottlingException","message":"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."}`
	call(owner, "CreateKey", `{`, 400, "SerializationException") // is no call of CreateKey yet
	call(owner, "CreateKey", `{}`, 200, "KeyMetadata")
	call(owner, "CreateKey", `{"KeySpec":"none"}`, 400, "ValidationException")
	call(owner, "CreateKey", `{}`, 400, text)
	call(owner, "CreateKey", `{"KeySpec":"none"}`, 400, text)
	call(stranger, "CreateKey", `{}`, 200, "KeyMetadata")
	call(owner, "ListKeys", `{}`, 200, "Keys")
	later.Store(int64(time.Second))
	call(owner, "CreateKey", `{}`, 200, "KeyMetadata")

	var refused []string
	w.server, s = s, w.server
	records, _ := w.records(1)
	w.server, s = s, w.server
	for _, e := range records {
		if strings.Contains(string(e.Record), `"errorCode":"ThrottlingException"`) {
			refused = append(refused, fmt.Sprint(e.Account, strings.Contains(string(e.Record), `"eventName":"CreateKey"`)))
		}
	}
	if len(refused) != 2 || refused[0] != owner+"true" || refused[1] != owner+"true" {
		t.Errorf("recorded %q", refused)
	}
}
