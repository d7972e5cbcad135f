package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// pairClients is how many clients have RSA_4096 pairs drawn one after the other.
const pairClients = 4

// pairs compares what one client waits for Encrypt on a quiet server with what it
// waits while others have key pairs drawn that take a processor a second and more.
// Server and client share two processors, and records are asynchronous.
func (b *bench) pairs() error {
	unpinClient()
	p, err := b.startOn(2, "claviger dev", rootEnv, append([]string{b.claviger, "dev"}, commonArgs...)...)
	if err != nil {
		return err
	}
	w, err := newWorld(p, min(b.keys, 50))
	if err != nil {
		return fmt.Errorf("filling %s: %w", p.name, err)
	}
	span := 5 * b.duration
	quiet, err := b.waits(w, span, func() bool { return true })
	if err != nil {
		return err
	}
	draws, err := startDraws(w)
	if err != nil {
		return err
	}
	beside, err := b.waits(w, span, draws.any)
	drawn, drawErr := draws.end()
	if err = errors.Join(err, drawErr); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\none client beside %d clients that have RSA_4096 pairs generated (%d were): p99 of Encrypt ÷ on a quiet server: %.2f (median: %.2f)\n",
		pairClients, drawn, ratio(percentile(beside, 0.99), percentile(quiet, 0.99)), ratio(percentile(beside, 0.5), percentile(quiet, 0.5)))
	return nil
}

// waits measures calls of one client for some time, and until enough says so.
func (b *bench) waits(w *world, span time.Duration, enough func() bool) ([]time.Duration, error) {
	var all []time.Duration
	for end := time.Now().Add(span); time.Now().Before(end) || !enough(); {
		latency, err := b.alone(&rows[0], w, 200)
		if err != nil {
			return nil, err
		}
		all = append(all, latency...)
	}
	return all, nil
}

// draws are clients that have key pairs drawn.
type draws struct {
	stop    chan struct{}
	clients sync.WaitGroup

	mu    sync.Mutex
	drawn int
	err   error
}

func startDraws(w *world) (*draws, error) {
	d := &draws{stop: make(chan struct{})}
	for range pairClients {
		control, err := dial(w.server.addr)
		if err != nil {
			return nil, err
		}
		client := *w
		client.control = control
		d.clients.Go(func() { d.run(&client) })
	}
	return d, nil
}

func (d *draws) run(w *world) {
	defer func() { _ = w.control.Close() }()
	for {
		select {
		case <-d.stop:
			return
		default:
		}
		var answer struct{ PublicKey string }
		err := w.json(rootUser, "GenerateDataKeyPair", map[string]any{
			"KeyId": w.keys[0], "KeyPairSpec": "RSA_4096", "EncryptionContext": map[string]string{"purpose": "bench", "tenant": tenant(0)},
		}, &answer)
		d.mu.Lock()
		d.drawn++
		d.err = errors.Join(d.err, err)
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// any reports whether a pair was drawn, or none ever will be.
func (d *draws) any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.drawn > 0 || d.err != nil
}

// end returns how many pairs were drawn until now.
func (d *draws) end() (int, error) {
	d.mu.Lock()
	drawn := d.drawn
	d.mu.Unlock()
	close(d.stop)
	d.clients.Wait()
	return drawn, d.err
}
