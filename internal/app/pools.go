package app

import (
	"context"
	"time"

	"claviger/internal/ground/sealed"
)

// rsaQuiet is for how long nobody must have asked for RSA before keys are drawn
// ahead of need.
const rsaQuiet = time.Second

// fillPools draws RSA keys ahead of need until ctx ends. A server that is never
// asked for RSA draws none.
func fillPools(ctx context.Context) {
	tick := time.NewTicker(rsaQuiet)
	defer tick.Stop()
	sealed.FillPools(ctx, tick.C)
}
