package sealed

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"runtime"
)

// turns bounds how much RSA is computed at once, so that a processor is left for
// everything else.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// turn runs work when its turn comes, or not at all where ctx ends before.
func turn[T any](ctx context.Context, work func() (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
		return work()
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func drawRSA(ctx context.Context, bits int) (*rsa.PrivateKey, error) {
	return turn(ctx, func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, bits) })
}
