package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
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
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	created, err := p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{key: *created.KeyMetadata.KeyId, tags: make(map[string]string)}
	for round := range rounds {
		l.load(t, p, round)
		p = serve(t, dir)
		l.check(t, p)
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
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
	answered []answer          // successful calls
	tags     map[string]string // of the key, as answered
	unknown  map[string]bool   // tags of calls that were cut off: they may be there or not
	aliases  []string
}

// answer is a call that succeeded.
type answer struct{ operation, request string }

// load runs clients against p until it is killed at a random moment.
func (l *ledger) load(t *testing.T, p *process, round int) {
	var calls atomic.Int64
	enough := 20 + rand.Int64N(200)
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
	switch i % 4 {
	case 0:
		_, err := root.kms.TagResource(ctx, &kms.TagResourceInput{KeyId: &l.key, Tags: []types.Tag{{TagKey: &tag, TagValue: &name}}})
		return l.note(err, "TagResource", name, func() { l.tags[tag] = name }, func() { l.doubt(tag) })
	case 1:
		alias := "alias/" + name
		_, err := root.kms.CreateKey(ctx, &kms.CreateKeyInput{Description: &alias})
		return l.note(err, "CreateKey", alias, func() { l.aliases = append(l.aliases, alias) }, func() {})
	default:
		_, err := root.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &l.key, Plaintext: []byte(name), EncryptionContext: map[string]string{"n": name}})
		return l.note(err, "Encrypt", name, func() {}, func() {})
	}
}

// note keeps what err says: an answer, a refusal (which is none), or silence.
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
		return true
	default:
		silent()
		return false
	}
}

func (l *ledger) doubt(tag string) {
	if l.unknown == nil {
		l.unknown = make(map[string]bool)
	}
	l.unknown[tag] = true
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
	for tag, value := range l.tags {
		if stored[tag] != value && !l.unknown[tag] {
			t.Errorf("tag %s is %q, answered was %q", tag, stored[tag], value)
		}
	}
	clear(l.unknown)
	clear(l.tags) // the next round writes other values
	for tag, value := range stored {
		l.tags[tag] = value
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
}
