package kms

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// BenchmarkDecryptByGrant decrypts through the whole corridor, its record durable
// before the answer, with 64 clients: under the only grant of a key, and under
// one of very many, with caches for a hundredth of them. "ratio" is how much
// longer a call takes than one under the only grant, in the same run.
// CLAVIGER_GRANTS says how many grants there are, 10,000 by default.
func BenchmarkDecryptByGrant(b *testing.B) {
	many := 10_000
	if n, err := strconv.Atoi(os.Getenv("CLAVIGER_GRANTS")); err == nil {
		many = n
	}
	c := newCorridor(b, many/100)
	c.load(many, func(i int) *grantRecord {
		return toAnn("Decrypt", subsetContext, map[string]string{"volume": strconv.Itoa(i)})
	})
	c.load(many/10, func(int) *grantRecord {
		return toAnn("Decrypt", subsetContext, map[string]string{"shared": "by all"})
	})
	c.load(many/10, func(int) *grantRecord {
		return toAnn("Encrypt", subsetContext, map[string]string{"other": "operation"})
	})
	alone := *c.shelf
	alone.keyID = c.newKey(b)
	alone.put(toAnn("Decrypt", subsetContext, map[string]string{"volume": "0"}))
	only := c.blob(b, alone.keyID, "volume", "0")

	someOf := func(values int, name string) func() []byte {
		blobs := make([][]byte, values)
		for i := range blobs {
			blobs[i] = c.blob(b, c.keyID, name, strconv.Itoa(i*(many/values)))
		}
		return func() []byte { return blobs[rand.IntN(values)] }
	}
	shared, denied := c.blob(b, c.keyID, "shared", "by all"), c.blob(b, c.keyID, "other", "operation")
	cold, warm := someOf(min(many, 5000), "volume"), someOf(many/200, "volume")
	nobody := someOf(min(many, 5000), "nobody's")
	for _, test := range []struct {
		name    string
		blob    func() []byte
		allowed bool
	}{
		{"one of many, cold", cold, true},
		{"one of many, warm", warm, true},
		{"all share one pair", func() []byte { return shared }, true},
		{"all for another operation", func() []byte { return denied }, false},
		{"no match", nobody, false},
	} {
		b.Run(test.name, func(b *testing.B) {
			var base, measured time.Duration
			for range b.N {
				base += c.run(b, func() []byte { return only }, true)
				measured += c.run(b, test.blob, test.allowed)
			}
			b.ReportMetric(float64(measured)/float64(base), "ratio")
		})
	}
}

// A corridor is a shelf whose calls are judged, run and recorded.
type corridor struct {
	*shelf
	pipeline *pipeline.Pipeline
	decrypt  *pipeline.Entrance
	contexts map[string]pairs.Map // by ciphertext
}

func newCorridor(b *testing.B, cached int) *corridor {
	d, err := sqlite.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	c := &corridor{shelf: newShelf(b, d, cached), contexts: make(map[string]pairs.Map)}
	log, err := audit.Open(audit.Options{
		Dir: b.TempDir(), Origin: c.keyring.Installation(), Signer: c.keyring.Signer(), Now: time.Now,
		Cipher: func(salt []byte) audit.Cipher { return c.keyring.Cipher(salt) },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	c.pipeline = pipeline.New(pipeline.Options{Store: c.store, Trail: log, Credentials: c, Sealer: c.keyring, Now: time.Now,
		Report: func(_ string, err error) { b.Error(err) }})
	for _, op := range c.service.Operations() {
		if op.Name == "Decrypt" {
			c.decrypt = pipeline.Open("kms.amazonaws.com", op)
		}
	}
	c.keyID = c.newKey(b)
	return c
}

// Credential lends ann's.
func (c *corridor) Credential(context.Context, string, string) (*authz.Credential, error) {
	return &authz.Credential{Caller: ann()}, nil
}

// newKey makes a key with material, which lets nobody in.
func (c *corridor) newKey(b *testing.B) string {
	b.Helper()
	var id string
	c.update(func(tx store.Txn) error {
		call := &operation.Call{Context: b.Context(), Time: time.Now(), Region: c.region, Partition: "aws", Caller: ann(), Facts: &authz.Facts{}}
		call.Begin(func() (store.Reader, error) { return tx, nil })
		for _, op := range c.service.Operations() {
			if op.Name != "CreateKey" {
				continue
			}
			in := &CreateKeyInput{BypassPolicyLockoutSafetyCheck: optional.Some(true)}
			out, err := op.Walk(call, tx, in, func([]authz.Ask) error { return nil })
			if err != nil {
				return err
			}
			id = out.(*CreateKeyOutput).KeyMetadata.KeyID
		}
		return nil
	})
	return id
}

// blob encrypts under a key with a context of one pair.
func (c *corridor) blob(b *testing.B, keyID, name, value string) []byte {
	b.Helper()
	context := pairs.Of(map[string]string{name: value})
	call := &operation.Call{Context: b.Context(), Time: time.Now(), Region: c.region, Partition: "aws", Caller: ann(), Facts: &authz.Facts{}}
	snapshot, err := c.store.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer snapshot.Close()
	call.Begin(func() (store.Reader, error) { return snapshot, nil })
	for _, op := range c.service.Operations() {
		if op.Name != "Encrypt" {
			continue
		}
		out, err := op.Walk(call, nil, &EncryptInput{
			KeyID: optional.Some(keyID), Plaintext: confidential.New([]byte("thirty-two bytes of some secret.")), EncryptionContext: context,
		}, func([]authz.Ask) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		blob := out.(*EncryptOutput).CiphertextBlob
		c.contexts[string(blob)] = context
		return blob
	}
	return nil
}

// run has 64 clients decrypt.
func (c *corridor) run(b *testing.B, blob func() []byte, allowed bool) time.Duration {
	const clients, calls = 64, 4096
	blobs := make([][]byte, calls)
	for i := range blobs {
		blobs[i] = blob()
	}
	var next atomic.Int64
	done := make(chan error, clients)
	begin := time.Now()
	for range clients {
		go func() {
			for {
				i := next.Add(1) - 1
				if i >= calls {
					done <- nil
					return
				}
				if err := c.call(b, blobs[i]); (err == nil) != allowed || err != nil && !fault.Is(err, fault.AccessDenied) {
					done <- err
					return
				}
			}
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begin)
}

func (c *corridor) call(b *testing.B, blob []byte) error {
	_, err := c.pipeline.Do(b.Context(), &pipeline.Request{
		Entrance: c.decrypt, Source: "kms.amazonaws.com", Name: "Decrypt",
		Credential: &authz.Credential{Caller: ann()}, Facts: authz.Facts{Region: c.region}, ID: ident.UUID(), Partition: "aws",
		Decode: func(in any) error {
			*in.(*DecryptInput) = DecryptInput{CiphertextBlob: blob, EncryptionContext: c.contexts[string(blob)]}
			return nil
		},
		Spell: func(code fault.Code) string { return string(code) },
	})
	return err
}
