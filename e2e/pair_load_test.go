package e2e

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// TestPairsDoNotStall measures Encrypt, and Sign with an RSA key, on a quiet server
// and beside a stream of key pairs that take seconds each: the slowest calls of a
// hundred take three times as long at most. It wants a machine of its own.
func TestPairsDoNotStall(t *testing.T) {
	if !long() {
		t.Skip("skipped: a measurement, CLAVIGER_LONG=1 runs it")
	}
	s := newStage(t)
	key := s.newKey()
	signer := s.newKeyOf(types.KeySpecRsa2048, types.KeyUsageTypeSignVerify)
	signRSA := func(ctx context.Context, by *caller) error {
		_, err := by.kms.Sign(ctx, &kms.SignInput{KeyId: &signer, Message: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpecRsassaPssSha256})
		return err
	}
	const calls = 500
	slowest := func(do call) time.Duration {
		t.Helper()
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		took := make([]time.Duration, calls)
		for i := range took {
			<-pace.C
			begun := time.Now()
			if err := do(t.Context(), s.owner); err != nil {
				t.Fatal(err)
			}
			took[i] = time.Since(begun)
		}
		slices.Sort(took)
		return took[calls-calls/100]
	}
	quiet, quietRSA := slowest(encrypt(key, nil)), slowest(signRSA)

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	pairs := 0
	var counting sync.Mutex
	for range 4 {
		by := s.caller(s.owner.credentials)
		clients.Go(func() {
			for ctx.Err() == nil {
				_, err := by.kms.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: &key, KeyPairSpec: types.DataKeyPairSpecRsa4096})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				counting.Lock()
				pairs++
				counting.Unlock()
			}
		})
	}
	beside, besideRSA := slowest(encrypt(key, nil)), slowest(signRSA)
	stop()
	clients.Wait()
	t.Logf("p99 of Encrypt: %v quiet, %v beside %d key pairs; of Sign: %v and %v", quiet, beside, pairs, quietRSA, besideRSA)
	if pairs < 3 {
		t.Errorf("only %d key pairs were made", pairs)
	}
	if most := max(3*quiet, 5*time.Millisecond); beside > most {
		t.Errorf("p99 of Encrypt is %v beside key pairs, want at most %v", beside, most)
	}
	if most := max(3*quietRSA, 20*time.Millisecond); besideRSA > most {
		t.Errorf("p99 of Sign is %v beside key pairs, want at most %v", besideRSA, most)
	}
}
