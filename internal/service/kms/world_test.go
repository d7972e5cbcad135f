package kms_test

import (
	"context"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/arn"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// Regions of the world, and where calls go but for those of an actor elsewhere.
const (
	region      = "eu-west-1"
	otherRegion = "us-east-1"
	thirdRegion = "ap-southeast-2"
)

const (
	home    = "111122223333"
	abroad  = "444455556666"
	nowhere = "1234abcd-12ab-34cd-56ef-1234567890ab" // the id of no key
)

// A world is a small installation: a store in memory, a real keyring, and a
// walk that validates, judges and runs.
type world struct {
	t          testing.TB
	store      *store.Store
	ring       *sealed.Keyring
	quotas     kms.Quotas
	edit       []func(*kms.Options) // what the service is given
	service    *kms.Service
	people     *directory
	operations map[string]operation.Operation
	now        time.Time
	apart      int    // how often something was made apart
	reads      int    // how often a call opened the store
	position   uint64 // of the last change
	last       operation.Call
	in, out    any // of the last call
	happened   *happenings
	proxy      *xksproxytest.Proxy // of external key stores
	clusters   clusters            // of CloudHSM key stores
	plans      map[reflect.Type]*record.Plan
}

func newWorld(t testing.TB) *world { return newWorldOn(t, drivertest.Open(t)) }

// newWorldOn is a world on a database; edit changes what the service is given.
func newWorldOn(t testing.TB, d driver.Driver, edit ...func(*kms.Options)) *world {
	t.Helper()
	rootKey, err := root.Random()
	ok(t, err)
	ring, _, err := sealed.Create(rootKey)
	ok(t, err)
	st, err := store.Open(t.Context(), d, store.Options{Tables: kms.Tables(), Sealer: ring})
	ok(t, err)
	t.Cleanup(func() { _ = st.Close() })
	people := &directory{ids: make(map[string]string)}
	for _, account := range []string{home, abroad} {
		people.ids[arn.Root("aws", account)] = ""
	}
	w := &world{
		t:          t,
		store:      st,
		ring:       ring,
		people:     people,
		operations: make(map[string]operation.Operation),
		happened:   &happenings{store: st},
		now:        time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC),
		proxy:      xksproxytest.New(),
		clusters:   newClusters(),
		plans:      make(map[reflect.Type]*record.Plan),
	}
	w.ring, w.edit = ring, edit
	w.restart()
	for _, account := range []string{home, abroad} {
		wrapped, err := ring.Draw(account)
		ok(t, err)
		ok(t, ring.Install(account, wrapped))
	}
	return w
}

// restart has another service on the same store.
func (w *world) restart() {
	options := kms.Options{
		Keyring: w.ring, Principals: w.people, Regions: []string{region, otherRegion, thirdRegion}, Stamp: w.store.Stamp, Store: w.store,
		CarryOut: w.happened.carryOut, Glance: w.store.Glance, Quotas: w.quotas,
		Proxies: w.proxy.Send, Clusters: w.clusters,
		Reaches: func(service string) bool { return service == vpcService || service == otherVPCService },
	}
	for _, change := range w.edit {
		change(&options)
	}
	w.service = kms.New(options)
	for _, op := range w.service.Operations() {
		w.operations[op.Name] = op
		w.plans[op.In], w.plans[op.Out] = record.PlanOf(op.In), record.PlanOf(op.Out)
	}
}

// happenings carries out what the service does by itself, and keeps the events.
type happenings struct {
	store  *store.Store
	mu     sync.Mutex
	events []operation.Event
}

func (h *happenings) carryOut(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error {
	var event *operation.Event
	_, err := h.store.Update(ctx, ident.Bytes(), func(tx store.Txn) (err error) {
		event, err = change(tx)
		return err
	})
	if err == nil && event != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, *event)
	}
	return err
}

// directory knows users and roles: it stands for the service of identities.
type directory struct {
	mu  sync.Mutex
	ids map[string]string
}

func (d *directory) Principal(_ context.Context, _ store.Reader, name string) (string, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, exists := d.ids[name]
	return id, exists, nil
}

// Renamed returns the name of whoever has an id, as long as somebody has.
func (d *directory) Renamed(_ context.Context, _ store.Reader, id string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, other := range d.ids {
		if other == id && strings.Contains(name, ":user/") {
			return name, nil
		}
	}
	return "", nil
}

// rename gives a user another name.
func (d *directory) rename(from, to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids[to] = d.ids[from]
	delete(d.ids, from)
}

// An actor makes calls.
type actor struct {
	w       *world
	caller  *authz.Caller
	source  string // for which a service calls: its ARN
	account string // and its account
	region  string // to which it sends its calls
}

// in is the same actor, who calls another Region.
func (a *actor) in(region string) *actor {
	there := *a
	there.region = region
	return &there
}

func (w *world) root(account string) *actor {
	name := arn.Root("aws", account)
	return w.actor(principal.Principal{Kind: principal.Root, Partition: "aws", Account: account, ARN: name, ID: account})
}

// user makes a user with identity policies. A user of the same name as one
// before is another person.
func (w *world) user(account, name string, policies ...string) *actor {
	p := principal.Principal{
		Kind:      principal.User,
		Partition: "aws",
		Account:   account,
		ARN:       "arn:aws:iam::" + account + ":user/" + name,
		ID:        ident.Unique("AIDA", 21),
		Name:      name,
	}
	w.people.ids[p.ARN] = p.ID
	return w.actor(p, policies...)
}

func (w *world) actor(p principal.Principal, policies ...string) *actor {
	w.t.Helper()
	caller := &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, ID: p.ID},
	}
	for _, text := range policies {
		compiled, err := policy.Compile(policy.Identity, "inline", []byte(text), nil)
		ok(w.t, err)
		caller.Identity = append(caller.Identity, compiled)
	}
	return &actor{w: w, caller: caller, region: region}
}

// everything is an identity policy that allows whatever a policy of identities can.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`

// allow is an identity policy of one statement.
func allow(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
}

// keyPolicy is a key policy that keeps the key with its account and has more statements.
func keyPolicy(statements ...string) string {
	all := append([]string{
		`{"Sid":"Account","Effect":"Allow","Principal":{"AWS":"` + arn.Root("aws", home) + `"},"Action":"kms:*","Resource":"*"}`,
	}, statements...)
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`
}

// do takes one call through its walk, as the pipeline does. in is a pointer.
func (a *actor) do(in any) (any, error) {
	w := a.w
	w.t.Helper()
	name := strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")
	op, known := w.operations[name]
	if !known {
		w.t.Fatalf("no operation %s", name)
	}
	facts := &authz.Facts{Time: w.now, Region: a.region, Secure: true, SourceARN: a.source, SourceAccount: a.account}
	c := &w.last
	*c = operation.Call{
		Context:   w.t.Context(),
		Time:      w.now,
		RequestID: ident.UUID(),
		Operation: name,
		Region:    a.region,
		Partition: a.caller.Principal.Partition,
		Caller:    a.caller,
		Facts:     facts,
	}
	w.in, w.out = in, nil
	if err := op.Validate(in); err != nil {
		return nil, err
	}
	out, err := a.walk(op, c, in)
	for errors.Is(err, operation.ErrApart) {
		w.apart++
		if err := c.Make(); err != nil {
			return nil, err
		}
		out, err = a.walk(op, c, in)
	}
	if err == nil {
		w.out = out
	}
	return out, err
}

func (a *actor) walk(op operation.Operation, c *operation.Call, in any) (out any, err error) {
	if op.Writes {
		commit, err := a.w.store.Update(c.Context, ident.Bytes(), func(tx store.Txn) (err error) {
			c.Begin(func() (store.Reader, error) { return tx, nil })
			out, err = op.Walk(c, tx, in, a.judge)
			return err
		})
		a.w.position = commit.Position
		return out, err
	}
	for {
		var open store.Snapshot
		c.Begin(func() (store.Reader, error) {
			if open == nil {
				a.w.reads++
				if open, err = a.w.store.Snapshot(c.Context); err != nil {
					return nil, err
				}
			}
			return open, nil
		})
		out, err = op.Walk(c, nil, in, a.judge)
		if open != nil {
			err = errors.Join(err, open.Close())
		}
		if err != nil || c.Current() {
			return out, err
		}
	}
}

func (a *actor) judge(asks []authz.Ask) error {
	if len(asks) == 0 {
		return errors.New("the call asks nothing")
	}
	actions := a.w.operations[strings.TrimSuffix(reflect.TypeOf(a.w.in).Elem().Name(), "Input")].Actions
	var judge authz.Judge
	for i := range asks {
		if !slices.Contains(actions, asks[i].Action) {
			a.w.t.Errorf("asked for %s, which is not declared", asks[i].Action)
		}
		if err := judge.Allow(a.w.last.Facts, a.caller, &asks[i]); err != nil {
			return err
		}
	}
	return nil
}

// must makes a call that succeeds.
func must[Out any](a *actor, in any) *Out {
	a.w.t.Helper()
	out, err := a.do(in)
	if err != nil {
		a.w.t.Fatalf("%T: %v", in, err)
	}
	return out.(*Out)
}

// done makes a call that succeeds with an empty answer.
func (a *actor) done(in any) {
	a.w.t.Helper()
	must[operation.None](a, in)
}

// refused makes a call that is refused with a code and a message.
func (a *actor) refused(in any, code fault.Code, message string) {
	a.w.t.Helper()
	out, err := a.do(in)
	var f *fault.Fault
	switch {
	case err == nil:
		a.w.t.Errorf("%T: answered %+v, want %s", in, out, code)
	case !errors.As(err, &f):
		a.w.t.Errorf("%T: failed with %v, want %s", in, err, code)
	case f.Code != code || f.Message != message:
		a.w.t.Errorf("%T:\n got %s: %s\nwant %s: %s", in, f.Code, f.Message, code, message)
	}
}

// denied makes a call that is not allowed, for the reason that ends its text.
func (a *actor) denied(in any, action, resource, reason string) {
	a.w.t.Helper()
	a.refused(in, fault.AccessDenied, "User: "+a.caller.Principal.ARN+" is not authorized to perform: "+action+
		" on resource: "+resource+" "+reason)
}

func noIdentity(action string) string {
	return "because no identity-based policy allows the " + action + " action"
}

func noResource(action string) string {
	return "because no resource-based policy allows the " + action + " action"
}

// failed makes a call that fails without a word for its caller.
func (a *actor) failed(in any, cause error) {
	a.w.t.Helper()
	_, err := a.do(in)
	var f *fault.Fault
	if errors.As(err, &f) || !errors.Is(err, cause) {
		a.w.t.Errorf("%T: got %v, want %v", in, err, cause)
	}
}

// createKey makes a key with the default policy, or the one given.
func (a *actor) createKey(policies ...string) kms.KeyMetadata {
	a.w.t.Helper()
	return a.createKeyOf("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", policies...)
}

// createKeyOf makes a key of a spec and a usage.
func (a *actor) createKeyOf(spec, usage string, policies ...string) kms.KeyMetadata {
	a.w.t.Helper()
	in := &kms.CreateKeyInput{KeySpec: str(spec), KeyUsage: str(usage)}
	if len(policies) > 0 {
		in.Policy = optional.Some(policies[0])
	}
	return must[kms.CreateKeyOutput](a, in).KeyMetadata
}

// createPrimary makes a multi-Region key with the default policy, or the one given.
func (a *actor) createPrimary(policies ...string) kms.KeyMetadata {
	a.w.t.Helper()
	in := &kms.CreateKeyInput{MultiRegion: optional.Some(true)}
	if len(policies) > 0 {
		in.Policy = optional.Some(policies[0])
	}
	return must[kms.CreateKeyOutput](a, in).KeyMetadata
}

// replicate makes a replica with the default policy, and describes it.
func (a *actor) replicate(primary kms.KeyMetadata, region string) kms.KeyMetadata {
	a.w.t.Helper()
	must[kms.ReplicateKeyOutput](a, &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(region)})
	return a.in(region).described(primary.KeyID)
}

// schedule schedules the deletion of a key.
func (a *actor) schedule(key kms.KeyMetadata, days int) *kms.ScheduleKeyDeletionOutput {
	a.w.t.Helper()
	return must[kms.ScheduleKeyDeletionOutput](a, &kms.ScheduleKeyDeletionInput{KeyID: str(key.ARN), PendingWindowInDays: optional.Some(days)})
}

func (a *actor) createAlias(name, key string) {
	a.w.t.Helper()
	a.done(&kms.CreateAliasInput{AliasName: optional.Some(name), TargetKeyID: optional.Some(key)})
}

func (a *actor) encrypt(key, text string) []byte {
	a.w.t.Helper()
	return must[kms.EncryptOutput](a, &kms.EncryptInput{KeyID: optional.Some(key), Plaintext: secret(text)}).CiphertextBlob
}

func (a *actor) decrypt(blob []byte) string {
	a.w.t.Helper()
	return shown(must[kms.DecryptOutput](a, &kms.DecryptInput{CiphertextBlob: blob}).Plaintext)
}

// state brings a key into a state that no operation leads to yet.
func (w *world) state(id, state string) { w.t.Helper(); w.stateIn(region, id, state) }

func (w *world) stateIn(region, id, state string) {
	w.t.Helper()
	ok(w.t, kms.Edit(w.t.Context(), w.store, region, id, func(s, _, _ *string) { *s = state }))
}

// kind gives a key a spec and usage of which no key can be made yet.
func (w *world) kind(id, spec, usage string) {
	w.t.Helper()
	ok(w.t, kms.Edit(w.t.Context(), w.store, region, id, func(_, s, u *string) { *s, *u = spec, usage }))
}

// give replaces the material of a key by one that the test knows.
func (w *world) give(id string, material []byte) {
	w.t.Helper()
	ok(w.t, kms.Give(w.t.Context(), w.store, w.ring, region, id, material))
}

// tryKeyOf is createKeyOf for tests of every spec: in FIPS 140-3 mode it demands
// that specs which lie outside it are refused, and makes none.
func (a *actor) tryKeyOf(spec, usage string) (kms.KeyMetadata, bool) {
	a.w.t.Helper()
	if fips140.Enabled() && !sealed.Approved(spec) {
		a.refused(&kms.CreateKeyInput{KeySpec: str(spec), KeyUsage: str(usage)}, fault.UnsupportedOperation, leftOut(spec))
		return kms.KeyMetadata{}, false
	}
	return a.createKeyOf(spec, usage), true
}

// leftOut is the text of that refusal.
func leftOut(spec string) string {
	return "Keys of the spec " + spec + " are not approved in FIPS 140-3 mode."
}

// fixedRSA makes an RSA key of a material that was drawn before, as drawing one
// takes long.
func (a *actor) fixedRSA(spec, usage string) kms.KeyMetadata {
	a.w.t.Helper()
	key := a.createKey()
	a.w.kind(key.KeyID, spec, usage)
	a.w.give(key.KeyID, fixedKey(a.w.t, spec))
	return must[kms.DescribeKeyOutput](a, &kms.DescribeKeyInput{KeyID: str(key.KeyID)}).KeyMetadata
}

// fixedKey returns a private RSA key as PKCS#8.
func fixedKey(t testing.TB, spec string) []byte {
	t.Helper()
	der, err := os.ReadFile("../../ground/sealed/testdata/keys/" + strings.ToLower(spec) + ".der")
	ok(t, err)
	return der
}

// recorded compares what the record of the last call shows.
func (w *world) recorded(request, response, additional string, resources ...string) {
	w.t.Helper()
	d := &w.last.Record
	sameJSON(w.t, "requestParameters", w.plans[reflect.TypeOf(w.in).Elem()].Append(nil, w.in, d.Request), request)
	answer := []byte("null")
	if w.out != nil {
		answer = w.plans[reflect.TypeOf(w.out).Elem()].Append(nil, w.out, d.Response)
	}
	sameJSON(w.t, "responseElements", answer, response)
	extra := make(map[string]any)
	for _, m := range d.Additional {
		if extra[m.Name] = m.Value; m.Pairs != nil {
			object := make(map[string]string)
			for _, p := range m.Pairs {
				object[p.Key] = p.Value
			}
			extra[m.Name] = object
		}
	}
	b, err := json.Marshal(extra)
	ok(w.t, err)
	sameJSON(w.t, "additionalEventData", b, additional)
	var got []string
	for _, r := range d.Resources {
		got = append(got, r.Type+" "+r.ARN+" "+r.Account)
	}
	if !slices.Equal(got, resources) {
		w.t.Errorf("resources\n got %q\nwant %q", got, resources)
	}
}

// echoed compares the one record that the last call left in another Region.
func (w *world) echoed(want operation.Echo, request, response string) {
	w.t.Helper()
	echoes := w.last.Record.Echoes
	if len(echoes) != 1 {
		w.t.Fatalf("%d records in other Regions", len(echoes))
	}
	got := echoes[0]
	render := func(shape any) []byte {
		if shape == nil {
			return []byte("null")
		}
		return record.PlanOf(reflect.TypeOf(shape).Elem()).Append(nil, shape, nil)
	}
	sameJSON(w.t, "requestParameters elsewhere", render(got.Request), request)
	sameJSON(w.t, "responseElements elsewhere", render(got.Response), response)
	got.Request, got.Response = nil, nil
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("elsewhere is recorded %+v, want %+v", got, want)
	}
}

func sameJSON(t testing.TB, what string, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%s: %v in %s", what, err, got)
	}
	ok(t, json.Unmarshal([]byte(want), &w))
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s\n got %s\nwant %s", what, got, want)
	}
}

// ofKey is a record's resource.
func ofKey(k kms.KeyMetadata) string { return "AWS::KMS::Key " + k.ARN + " " + k.AWSAccountID }

func ofAlias(name string) string { return "AWS::KMS::Alias " + aliasARN(name) + " " + home }

func aliasARN(name string) string { return "arn:aws:kms:" + region + ":" + home + ":" + name }

func keyARN(account, id string) string { return "arn:aws:kms:" + region + ":" + account + ":key/" + id }

func str(s string) optional.Of[string] { return optional.Some(s) }

func secret(s string) confidential.Bytes { return confidential.New([]byte(s)) }

var secretUnset confidential.Bytes

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func shown(b confidential.Bytes) string { return string(b.Reveal(reveal.Token{})) }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
