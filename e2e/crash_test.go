package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// TestKill kills a server under load, again and again, and holds the next one
// to everything that was answered: no write lost, no record lost or twice, the
// trail whole.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 20
	if long() {
		rounds = 200
	}
	killUnderLoad(t, rounds)
}

// killUnderLoad is TestKill for a number of rounds and with more arguments.
func killUnderLoad(t *testing.T, rounds int, extra ...string) {
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir, extra...)
	l := newLedger(t, p)
	for round := range rounds {
		l.material.next(t, p.root())
		l.load(t, p, round)
		p = serve(t, dir, extra...)
		l.check(t, p)
		l.checkLastUse(t, p)
		l.material.check(t, p.root())
		l.deletion.check(t, p.root())
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
	l.finish(t, p, dir, rounds)
}

// finish holds the trail to the answers and ends the server.
func (l *ledger) finish(t *testing.T, p *process, dir string, rounds int) {
	t.Helper()
	l.checkTrail(t, p)
	if out, errs, code := command(t, []string{"audit", "verify", "--data", dir}); code != 0 {
		t.Errorf("audit verify ended with %d:\n%s%s", code, out, errs)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d:\n%s", code, p.output())
	}
	if n := len(l.answered); n < rounds {
		t.Errorf("only %d calls were answered in %d rounds", n, rounds)
	}
}

// ledger is what the clients know: everything that was answered.
type ledger struct {
	key string

	mu       sync.Mutex
	answered []answer            // successful calls
	failed   []string            // codes of calls that the server could not carry out
	tags     map[string]string   // of the key, as answered
	unknown  map[string][]string // of calls since that were cut off: they may be there or not
	aliases  []string

	read    int    // records of the trail
	lastUse string // of the key, the newest of them

	material materialLedger
	deletion deletionLedger
}

func newLedger(t *testing.T, p *process) *ledger {
	t.Helper()
	created := must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{}))
	l := &ledger{key: *created.KeyMetadata.KeyId, tags: make(map[string]string), unknown: make(map[string][]string)}
	l.material.begin(t, p.root())
	l.deletion.begin(t, p.root())
	return l
}

// answer is a call that succeeded.
type answer struct{ operation, request string }

// load runs clients against p until it is killed at a random moment.
func (l *ledger) load(t *testing.T, p *process, round int) {
	var calls atomic.Int64
	enough := 20 + rand.Int64N(100)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			root := p.root()
			for i := 0; ctx.Err() == nil; i++ {
				if !l.step(ctx, root, fmt.Sprintf("c%d", n), fmt.Sprintf("r%d-c%d-%d", round, n, i), i) {
					return
				}
				if calls.Add(1) == enough {
					p.kill()
				}
			}
		})
	}
	clients.Wait()
	p.kill()
}

// step makes one call and notes its answer. It reports false when the server is gone.
// The tag is the client's own, so that its answers come in the order of its writes.
func (l *ledger) step(ctx context.Context, root *client, tag, name string, i int) bool {
	if tag == "c0" && i%3 == 2 { // one client, so that it knows what came last
		return l.material.bring(ctx, l, root, name)
	}
	if tag == "c1" && i%3 == 2 {
		return l.deletion.turn(ctx, l, root)
	}
	switch i % 5 {
	case 0:
		_, err := root.kms.TagResource(ctx, &kms.TagResourceInput{KeyId: &l.key, Tags: []types.Tag{{TagKey: &tag, TagValue: &name}}})
		return l.note(err, "TagResource", name, func() {
			l.tags[tag] = name
			delete(l.unknown, tag)
		}, func() { l.unknown[tag] = append(l.unknown[tag], name) })
	case 1:
		alias := "alias/" + name
		_, err := root.kms.CreateKey(ctx, &kms.CreateKeyInput{Description: &alias})
		return l.note(err, "CreateKey", alias, func() { l.aliases = append(l.aliases, alias) }, func() {})
	case 2:
		return l.material.rotate(ctx, l, root)
	default:
		_, err := root.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &l.key, Plaintext: []byte(name), EncryptionContext: map[string]string{"n": name}})
		return l.note(err, "Encrypt", name, func() {}, func() {})
	}
}

// note keeps what err says: an answer, a refusal (which is none), or silence. A
// server that says it failed has said nothing of the outcome.
func (l *ledger) note(err error, operation, request string, answered, silent func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refusal smithy.APIError
	switch {
	case err == nil:
		l.answered = append(l.answered, answer{operation, request})
		answered()
		return true
	case errors.As(err, &refusal):
		if refusal.ErrorFault() == smithy.FaultServer {
			silent()
			l.failed = append(l.failed, refusal.ErrorCode())
		}
		return true
	default:
		silent()
		return false
	}
}

// check holds the store to what was answered.
func (l *ledger) check(t *testing.T, p *process) {
	t.Helper()
	root := p.root()
	tags, err := root.kms.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: &l.key})
	if err != nil {
		t.Fatal(err)
	}
	stored := make(map[string]string)
	for _, tag := range tags.Tags {
		stored[*tag.TagKey] = *tag.TagValue
	}
	for n := range 8 { // each client has one
		tag := fmt.Sprintf("c%d", n)
		if got := stored[tag]; got != l.tags[tag] && !slices.Contains(l.unknown[tag], got) {
			t.Errorf("tag %s is %q, answered was %q, and cut off since then %q", tag, got, l.tags[tag], l.unknown[tag])
		}
	}
	clear(l.unknown)
	l.tags = stored
}

// checkLastUse holds what is known of the key's last use to the newest record of
// one, which the server that was killed has stored nowhere else.
func (l *ledger) checkLastUse(t *testing.T, p *process) {
	t.Helper()
	out, err := p.root().kms.GetKeyLastUsage(t.Context(), &kms.GetKeyLastUsageInput{KeyId: &l.key})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.recordsFrom(l.read + 1) {
		l.read++
		if r.EventName == "Encrypt" && r.ErrorCode == "" && strings.HasSuffix(r.Resources[0].ARN, "/"+l.key) {
			l.lastUse = r.EventID
		}
	}
	if got := aws.ToString(out.KeyLastUsage.CloudTrailEventId); got != l.lastUse {
		t.Errorf("the last use is %q, the newest record %q", got, l.lastUse)
	}
}

// checkTrail holds the trail and the list of keys to what was answered.
func (l *ledger) checkTrail(t *testing.T, p *process) {
	t.Helper()
	seen := make(map[answer]int)
	events := make(map[string]int)
	for _, r := range p.records() {
		events[r.EventID]++
		if r.ErrorCode != "" {
			continue
		}
		request := ""
		switch r.EventName {
		case "Encrypt":
			if context, ok := r.RequestParameters["encryptionContext"].(map[string]any); ok {
				request, _ = context["n"].(string)
			}
		case "CreateKey":
			request, _ = r.RequestParameters["description"].(string)
		case "ImportKeyMaterial":
			request, _ = r.RequestParameters["keyMaterialDescription"].(string)
		case "RotateKeyOnDemand", "RotateKey":
			l.material.recorded(r.EventName, r.Resources[0].ARN)
		case "TagResource":
			if tags, ok := r.RequestParameters["tags"].([]any); ok && len(tags) == 1 {
				request, _ = tags[0].(map[string]any)["tagValue"].(string)
			}
		}
		seen[answer{r.EventName, request}]++
	}
	for id, n := range events {
		if n != 1 {
			t.Errorf("the record %s stands in the trail %d times", id, n)
		}
	}
	for _, a := range l.answered {
		if seen[a] != 1 {
			t.Errorf("%s %s was answered and stands in the trail %d times", a.operation, a.request, seen[a])
		}
	}
	l.material.checkTrail(t)
	keys := make(map[string]int)
	pages := kms.NewListKeysPaginator(p.root().kms, &kms.ListKeysInput{Limit: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Keys {
			described, err := p.root().kms.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: k.KeyId})
			if err != nil {
				t.Fatal(err)
			}
			keys[*described.KeyMetadata.Description]++
		}
	}
	for _, description := range l.aliases {
		if keys[description] != 1 {
			t.Errorf("CreateKey %s was answered and there are %d such keys", description, keys[description])
		}
	}
	// Those that were not answered have a record where they were made, and only there.
	for a, n := range seen {
		if a.operation == "CreateKey" && a.request != "" && keys[a.request] != n {
			t.Errorf("CreateKey %s stands in the trail %d times, and there are %d such keys", a.request, n, keys[a.request])
		}
	}
	for description, n := range keys {
		if description != "" && seen[answer{"CreateKey", description}] != n {
			t.Errorf("there are %d keys %s, and CreateKey stands in the trail %d times", n, description, seen[answer{"CreateKey", description}])
		}
	}
}

// materialLedger is what the clients know of keys whose material changes: one
// that is rotated, another one each round, and one with imported material that
// comes and goes.
type materialLedger struct {
	rotated          string // ARN
	answered, silent int    // rotations of it
	blob             []byte // encrypted under its first material

	external string
	token    []byte
	wrapped  []byte
	old      []byte // encrypted under its material
	there    bool   // the material, as far as was answered
	unknown  bool   // a call was cut off that would have changed it

	listed map[string]int // rotations of the keys of all rounds
	trail  map[string]int // by operation and key
}

func (m *materialLedger) begin(t *testing.T, root *client) {
	t.Helper()
	m.listed, m.trail = make(map[string]int), make(map[string]int)
	key := external(t.Context(), t, root, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt)
	in := imported(t.Context(), t, root, key.KeyId, bytes.Repeat([]byte{7}, 32))
	m.external, m.token, m.wrapped, m.there = *key.KeyId, in.ImportToken, in.EncryptedKeyMaterial, true
	must[*kms.ImportKeyMaterialOutput](t)(root.kms.ImportKeyMaterial(t.Context(), in))
	m.old = must[*kms.EncryptOutput](t)(root.kms.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &m.external, Plaintext: []byte("old")})).CiphertextBlob
}

// next begins a round, with a key of its own to be rotated.
func (m *materialLedger) next(t *testing.T, root *client) {
	t.Helper()
	created := must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(t.Context(), &kms.CreateKeyInput{}))
	m.rotated, m.answered, m.silent = *created.KeyMetadata.Arn, 0, 0
	m.blob = must[*kms.EncryptOutput](t)(root.kms.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &m.rotated, Plaintext: []byte("first")})).CiphertextBlob
}

func (m *materialLedger) rotate(ctx context.Context, l *ledger, root *client) bool {
	_, err := root.kms.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &m.rotated})
	return l.note(err, "RotateKeyOnDemand", "", func() {
		l.answered = l.answered[:len(l.answered)-1] // it has no name of its own in the trail
		m.answered++
	}, func() { m.silent++ })
}

// bring takes away the imported material, or brings it back.
func (m *materialLedger) bring(ctx context.Context, l *ledger, root *client, name string) bool {
	if m.there {
		_, err := root.kms.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &m.external})
		return l.note(err, "DeleteImportedKeyMaterial", "", func() {
			l.answered = l.answered[:len(l.answered)-1]
			m.there, m.unknown = false, false
		}, func() { m.unknown = true })
	}
	_, err := root.kms.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{
		KeyId: &m.external, ImportToken: m.token, EncryptedKeyMaterial: m.wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire, KeyMaterialDescription: &name,
	})
	return l.note(err, "ImportKeyMaterial", name, func() { m.there, m.unknown = true, false }, func() { m.unknown = true })
}

// check holds the keys to what was answered: each rotation that was, and none
// that nobody asked for; and material that is there decrypts.
func (m *materialLedger) check(t *testing.T, root *client) {
	t.Helper()
	ctx := t.Context()
	list := must[*kms.ListKeyRotationsOutput](t)(root.kms.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &m.rotated})).Rotations
	if n := len(list); n < m.answered || n > m.answered+m.silent {
		t.Errorf("%d rotations are listed; %d were answered, %d cut off", n, m.answered, m.silent)
	}
	m.listed[m.rotated] = len(list)
	got := must[*kms.DecryptOutput](t)(root.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: m.blob}))
	if string(got.Plaintext) != "first" {
		t.Errorf("decrypted %q", got.Plaintext)
	}
	state := must[*kms.DescribeKeyOutput](t)(root.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &m.external})).KeyMetadata.KeyState
	there := state == types.KeyStateEnabled
	if there != m.there && !m.unknown {
		t.Errorf("the imported key is %s, and its material there by the answers: %v", state, m.there)
	}
	m.there, m.unknown = there, false
	old, err := root.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: m.old})
	if there && (err != nil || string(old.Plaintext) != "old") || !there && err == nil {
		t.Errorf("in the state %s the imported key decrypts: %v", state, err)
	}
}

func (m *materialLedger) recorded(operation, key string) { m.trail[operation+" "+key]++ }

// checkTrail holds the trail to the rotations: each has the record of its call
// and that of its event.
func (m *materialLedger) checkTrail(t *testing.T) {
	t.Helper()
	rotations := 0
	for key, n := range m.listed {
		rotations += n
		for _, operation := range []string{"RotateKeyOnDemand", "RotateKey"} {
			if found := m.trail[operation+" "+key]; found != n {
				t.Errorf("a key has %d rotations and %d records of %s", n, found, operation)
			}
		}
	}
	if rotations == 0 {
		t.Error("no key was rotated")
	}
}
