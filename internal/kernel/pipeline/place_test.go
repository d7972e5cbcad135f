package pipeline_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/words/ident"
)

// organization is a place that a policy may come over.
type organization struct {
	w      *world
	mu     sync.Mutex
	denies *policy.Policy
}

func (o *organization) Place(context.Context, string) (*authz.Place, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &authz.Place{Organization: "o-exampleorgid", Stamps: []store.Stamp{o.w.store.Stamp(o.w.store.Glance(), "organization")}}
	if o.denies != nil {
		p.Control = [][]*policy.Policy{{o.denies}}
	}
	return p, nil
}

// attach puts a policy over the place, as a commit of another call does.
func (o *organization) attach(t *testing.T, denies *policy.Policy) {
	o.mu.Lock()
	o.denies = denies
	o.mu.Unlock()
	if _, err := o.w.store.Update(context.Background(), ident.Bytes(), func(tx store.Txn) error {
		tx.Touch("organization")
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestPlace: a call rests on where the owner of its resource stands in an
// organization. What comes over it before the call is recorded is heeded.
func TestPlace(t *testing.T) {
	t.Parallel()
	open := compile(t, policy.KeyPolicy, "open", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`)
	denies := compile(t, policy.ResourceControl, "control", `{"Effect":"Deny","Principal":"*","Action":"test:*","Resource":"*"}`)
	for _, name := range []string{"Get", "Add"} {
		w := newWorld(t)
		places := &organization{w: w}
		w.pipeline = pipeline.New(pipeline.Options{Store: w.store, Trail: w.trail, Credentials: w, Sealer: w.keyring, Messages: explanation.NewMessages(w.keyring), Now: time.Now, Places: places})
		ofOwner := func(_ *operation.Call, _ *in, _ struct{}, a []authz.Ask) []authz.Ask {
			return append(a, authz.Ask{Action: "test:" + name, Resource: "*", Account: owner, CrossAccount: true, Policy: open})
		}
		tries := 0
		began := func() {
			if tries++; tries == 1 {
				places.attach(t, denies)
			}
		}
		op := operation.Use[in, out, struct{}, *in]{
			Name: name, Actions: []string{"test:" + name}, Asks: ofOwner,
			Run: func(*operation.Call, *in, struct{}) (*out, error) { began(); return &out{}, nil },
		}.Operation()
		if name == "Add" {
			op = operation.Change[in, out, struct{}, *in]{
				Name: name, Actions: []string{"test:" + name}, Asks: ofOwner,
				Run: func(*operation.Call, store.Txn, *in, struct{}) (*out, error) { began(); return &out{}, nil },
			}.Operation()
		}
		_, err := w.do(op, "one")
		if err == nil || !strings.HasSuffix(err.Error(), "with an explicit deny in a resource control policy") || tries != 1 {
			t.Errorf("%s: %v after %d tries", name, err, tries)
		}
		places.attach(t, nil)
		if _, err := w.do(op, "one"); err != nil {
			t.Errorf("%s without a policy: %v", name, err)
		}
	}
}
