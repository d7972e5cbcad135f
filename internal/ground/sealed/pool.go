package sealed

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// rsaWork is all work with RSA private keys of the process.
var rsaWork = newWorks(max(1, runtime.GOMAXPROCS(0)-1), 2048, 3072, 4096)

// works bounds how much is computed at once, so that a processor is left for
// everything else, and draws keys ahead of need. Drawing a key takes a second or
// more, using one milliseconds: they have turns of their own, so that nobody who
// signs or decrypts stands in line behind those who want new keys.
type works struct {
	turns chan struct{} // of using keys
	draws chan struct{} // of drawing them
	asked atomic.Uint64 // how often somebody asked for a turn
	pools []*pool
}

func newWorks(turns int, sizes ...int) *works {
	w := &works{turns: make(chan struct{}, turns), draws: make(chan struct{}, turns)}
	for _, bits := range sizes {
		w.pools = append(w.pools, &pool{bits: bits, keys: make(chan waiting, poolSize)})
	}
	return w
}

// turn runs work with a key when its turn comes, or not at all where ctx ends before.
func (w *works) turn(ctx context.Context, work func() error) error {
	return w.inLine(ctx, w.turns, work)
}

func (w *works) inLine(ctx context.Context, line chan struct{}, work func() error) error {
	w.asked.Add(1)
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case line <- struct{}{}:
		defer func() { <-line }()
		return work()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// draw takes a key that waits, else draws one when its turn comes.
func (w *works) draw(ctx context.Context, bits int) (key *rsa.PrivateKey, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(w.pools, func(p *pool) bool { return p.bits == bits }); i >= 0 {
		w.pools[i].wanted.Store(true)
		select {
		case k := <-w.pools[i].keys:
			return k.open()
		default:
		}
	}
	err = w.inLine(ctx, w.draws, func() (err error) {
		key, err = rsa.GenerateKey(rand.Reader, bits)
		return err
	})
	return key, err
}

// A pool has RSA keys of one size that were drawn ahead of need.
type pool struct {
	bits   int
	wanted atomic.Bool // a key was asked for, ever
	keys   chan waiting
}

// poolSize is how many keys of each size wait, at most.
const poolSize = 4

// A waiting key is sealed under a key of its own outside the Go heap, and so
// wiped when it is dropped.
type waiting struct {
	key *key
	box []byte
}

func newWaiting(k *rsa.PrivateKey) waiting {
	der := x509.MarshalPKCS1PrivateKey(k)
	defer clear(der)
	w := waiting{key: drawKey()}
	w.box = w.key.box(labelWaiting, nil, nil, drawVariates(), nil, der)
	return w
}

func (w waiting) open() (*rsa.PrivateKey, error) {
	der, err := w.key.unbox(labelWaiting, nil, nil, nil, w.box)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	return x509.ParsePKCS1PrivateKey(der)
}

// FillPools draws RSA keys ahead of need while there is nothing else to do with
// RSA, until ctx ends; then it drops those that wait. It looks at each tick, of
// which one a second is a good measure: where nobody asked for RSA since the one
// before, it draws keys of the sizes that were ever asked for, one after another,
// until somebody does. Whoever starts a server starts it, too.
//
// It takes no turn, so nobody waits for it: who comes while it draws a key, of
// RSA_4096 for a second or a few, works beside it.
func FillPools(ctx context.Context, tick <-chan time.Time) { rsaWork.fillPools(ctx, tick) }

func (w *works) fillPools(ctx context.Context, tick <-chan time.Time) {
	defer w.drop()
	seen := w.asked.Load()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		now := w.asked.Load()
		if now == seen && len(w.turns) == 0 && len(w.draws) == 0 {
			w.fill(ctx, now)
		}
		seen = now
	}
}

// fill draws keys until all pools are full or somebody asks for a turn.
func (w *works) fill(ctx context.Context, seen uint64) {
	for _, p := range w.pools {
		for p.wanted.Load() && len(p.keys) < poolSize {
			if ctx.Err() != nil || w.asked.Load() != seen {
				return
			}
			k, err := rsa.GenerateKey(rand.Reader, p.bits)
			if err != nil { // whoever needs one is told
				return
			}
			select {
			case p.keys <- newWaiting(k):
			default: // another server of the process was quicker
			}
		}
	}
}

// Waiting returns how many RSA keys of each size, in bits, are drawn ahead of
// need at the moment.
func Waiting() map[int]int {
	waiting := make(map[int]int)
	for _, p := range rsaWork.pools {
		waiting[p.bits] = len(p.keys)
	}
	return waiting
}

func (w *works) drop() {
	for _, p := range w.pools {
		for {
			select {
			case <-p.keys:
				continue
			default:
			}
			break
		}
	}
}
