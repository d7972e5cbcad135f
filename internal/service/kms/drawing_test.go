package kms

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// TestDrawPatience: whoever waits for an RSA key too long is told to come again.
func TestDrawPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &operation.Call{Context: t.Context()}
		began := time.Now()
		never := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		if _, err := drawn(c, "RSA_4096", never); !errors.Is(err, operation.ErrApart) {
			t.Fatalf("not apart: %v", err)
		}
		if err := c.Make(); !fault.Is(err, DependencyTimeout) || time.Since(began) != drawPatience {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
	c := &operation.Call{Context: t.Context()}
	if made, err := drawn(c, "ECC_NIST_P256", func(context.Context) (int, error) { return 7, nil }); made != 7 || err != nil {
		t.Errorf("what is quick: %d, %v", made, err)
	}
}
