package kms_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

const throttled = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."

// admitted counts how many of n calls of an operation at one time are admitted.
func admitted(t *testing.T, q *kms.RequestQuotas, account, operation string, in any, at time.Time, n int) (admitted int) {
	t.Helper()
	for range n {
		switch err := q.Admit(account, region, operation, in, at); {
		case err == nil:
			admitted++
		case !fault.Is(err, fault.Throttling) || err.Error() != string(fault.Throttling)+": "+throttled:
			t.Fatalf("refused with %v", err)
		}
	}
	return admitted
}

func TestRequestQuota(t *testing.T) {
	t.Parallel()
	q := kms.NewRequestQuotas(kms.RequestQuotasAWS())
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := &kms.CreateKeyInput{}
	for _, step := range []struct {
		after time.Duration
		n     int
		want  int
	}{
		{0, 5, 5},                                  // on the quota
		{0, 2, 0},                                  // above it
		{200 * time.Millisecond, 2, 1},             // a fifth of a second has room for one
		{199 * time.Millisecond, 1, 0},             // not quite
		{time.Millisecond, 1, 1},                   // what was refused did not count
		{time.Hour, 9, 5},                          // no more than a second's worth is saved up
		{-time.Minute, 1, 0},                       // a clock that is set back gives nothing
		{time.Minute + 400*time.Millisecond, 4, 2}, // and takes nothing
	} {
		now = now.Add(step.after)
		if got := admitted(t, q, home, "CreateKey", in, now, step.n); got != step.want {
			t.Errorf("%v later %d of %d calls are admitted, want %d", step.after, got, step.n, step.want)
		}
	}
	// Nobody pays for another account, Region or quota.
	if n := admitted(t, q, abroad, "CreateKey", in, now, 5); n != 5 {
		t.Errorf("%d calls of another account", n)
	}
	if err := q.Admit(home, "us-east-1", "CreateKey", in, now); err != nil {
		t.Errorf("in another Region: %v", err)
	}
	if n := admitted(t, q, home, "CreateAlias", &kms.CreateAliasInput{}, now, 6); n != 5 {
		t.Errorf("%d calls of another operation", n)
	}
	// Shared quotas, and those of pairs by their spec.
	if n := admitted(t, q, home, "Encrypt", &kms.EncryptInput{}, now, 6000) + admitted(t, q, home, "GenerateRandom", &kms.GenerateRandomInput{}, now, 6000); n != 10_000 {
		t.Errorf("%d symmetric calls", n)
	}
	for spec, want := range map[string]int{"RSA_4096": 1, "RSA_3072": 4, "ECC_NIST_P256": 100, "nonsense": 200} {
		n := admitted(t, q, home, "GenerateDataKeyPair", &kms.GenerateDataKeyPairInput{KeyPairSpec: str(spec)}, now, 100) +
			admitted(t, q, home, "GenerateDataKeyPairWithoutPlaintext", &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyPairSpec: str(spec)}, now, 100)
		if n != want {
			t.Errorf("%d pairs of %s", n, spec)
		}
	}
	only := kms.NewRequestQuotas(map[string]int{"CreateKey": 1})
	if n := admitted(t, only, home, "Encrypt", &kms.EncryptInput{}, now, 20_000); n != 20_000 {
		t.Errorf("%d calls without a quota", n)
	}
}

// TestRequestQuotaElsewhere: what makes a replica counts as two CreateKey in its
// Region, what moves the primary key counts in both.
func TestRequestQuotaElsewhere(t *testing.T) {
	t.Parallel()
	q := kms.NewRequestQuotas(kms.RequestQuotasAWS())
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	admit := func(at, operation string, in any) bool { return q.Admit(home, at, operation, in, now) == nil }
	replicate := &kms.ReplicateKeyInput{ReplicaRegion: str(otherRegion)}
	for i, want := range []bool{true, true, false} { // of five
		if got := admit(region, "ReplicateKey", replicate); got != want {
			t.Errorf("replication %d is admitted: %v", i, got)
		}
	}
	for i, want := range []bool{true, false} {
		if got := admit(otherRegion, "CreateKey", &kms.CreateKeyInput{}); got != want {
			t.Errorf("key %d in the replica's Region is admitted: %v", i, got)
		}
	}
	if n := admitted(t, q, home, "CreateKey", &kms.CreateKeyInput{}, now, 6); n != 5 {
		t.Errorf("%d keys at home", n)
	}
	replicate.ReplicaRegion = str(thirdRegion)
	for i, want := range []bool{true, true, false} { // the refused one did not count
		if got := admit(region, "ReplicateKey", replicate); got != want {
			t.Errorf("replication %d to a third Region is admitted: %v", i, got)
		}
	}
	for range 3 {
		admit(otherRegion, "UpdatePrimaryRegion", &kms.UpdatePrimaryRegionInput{PrimaryRegion: str(region)})
	}
	if n := admitted(t, q, home, "UpdatePrimaryRegion", &kms.UpdatePrimaryRegionInput{PrimaryRegion: str(otherRegion)}, now, 6); n != 2 {
		t.Errorf("%d moves in all", 3+n)
	}
	single := kms.NewRequestQuotas(map[string]int{"CreateKey": 1})
	if n := admitted(t, single, home, "ReplicateKey", replicate, now, 2); n != 1 {
		t.Errorf("%d replications where one key may be created", n)
	}
}

// TestRequestQuotaOfEveryOperation: every operation has a quota on AWS.
func TestRequestQuotaOfEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, op := range w.operations {
		if quota := kms.RequestQuotaOf(name, op.NewIn()); quota != "" && !slices.Contains(kms.RequestQuotaNames(), quota) {
			t.Errorf("%s has no quota", name)
		}
	}
	if len(w.operations) < 30 {
		t.Errorf("only %d operations", len(w.operations))
	}
}

// TestRequestQuotaMemory: accounts that call no more are forgotten, and what
// others have left is not.
func TestRequestQuotaMemory(t *testing.T) {
	t.Parallel()
	q := kms.NewRequestQuotas(map[string]int{"CreateKey": 1})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := &kms.CreateKeyInput{}
	for i := range 25_000 {
		now = now.Add(time.Millisecond)
		if err := q.Admit(fmt.Sprint(i), region, "CreateKey", in, now); err != nil {
			t.Fatal(err)
		}
		if err := q.Admit(fmt.Sprint(i), region, "CreateKey", in, now); err == nil {
			t.Fatal("a second call of an account is admitted")
		}
	}
	if n := q.Buckets(); n > 10_000 || n < 1000 {
		t.Errorf("%d buckets are kept", n)
	}
	// Exact with many at once.
	var group sync.WaitGroup
	var n atomic.Int64
	for range 64 {
		group.Go(func() {
			if q.Admit(home, region, "CreateKey", in, now) == nil {
				n.Add(1)
			}
		})
	}
	if group.Wait(); n.Load() != 1 {
		t.Errorf("%d of a crowd are admitted", n.Load())
	}
}
