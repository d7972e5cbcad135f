package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	restartTurns    = 7   // restarts of each server after each way to end it
	restartWork     = 500 // calls of Encrypt before the server with keys ends
	restartMakers   = 8   // connections on which the keys are made; all change the account's count of keys
	restartRequired = 3.0 // most that a start with keys may take of one without
	schemaMark      = "NAME"
)

// restarts compares how long a durable server that has many keys takes from its
// start until it is ready with what one without a key takes. The keys are made by
// calls, and before each end others use some of them, so that the trail is what
// work has left. It returns what is slower than required.
func (b *bench) restarts() (misses []string, err error) {
	if b.restartKeys == 0 {
		return nil, nil
	}
	empty, err := b.settle("empty", 0)
	if err != nil {
		return nil, err
	}
	full, err := b.settle("full", b.restartKeys)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(b.out)
	for _, end := range []struct {
		name string
		by   func(*process)
	}{{"stopped", (*process).stop}, {"killed", (*process).kill}} {
		against, err := b.restartInTurns(full, empty, end.by)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b.out, "restart, %d keys ÷ empty, %s: %s\n", b.restartKeys, end.name, against)
		if against.median > restartRequired {
			misses = append(misses, fmt.Sprintf("restart, %s: %.2f of an empty server's time, %.2f allowed", end.name, against.median, restartRequired))
		}
	}
	return misses, nil
}

// restartInTurns restarts both servers in turns, the one with keys after some work.
func (b *bench) restartInTurns(full, empty *settled, end func(*process)) (spread, error) {
	var with, without []time.Duration
	for range restartTurns {
		if _, err := b.alone(&rows[0], full.world, restartWork); err != nil {
			return spread{}, err
		}
		none, err := b.restart(empty, end)
		if err != nil {
			return spread{}, err
		}
		many, err := b.restart(full, end)
		if err != nil {
			return spread{}, err
		}
		with, without = append(with, many), append(without, none)
	}
	if b.verbose {
		fmt.Fprintf(b.out, "    with keys %v, without %v\n", with, without)
	}
	return pairwise(with, without, func(d time.Duration) float64 { return float64(d) }), nil
}

// A settled server has data that outlives its process.
type settled struct {
	name  string
	data  string
	store string // URL; "" is a file in data
	world *world
}

// settle makes a durable server with so many keys.
func (b *bench) settle(name string, keys int) (*settled, error) {
	s := &settled{
		name:  "claviger serve, " + name,
		data:  filepath.Join(b.dir, "restart-"+name),
		store: strings.ReplaceAll(b.restartStore, schemaMark, "bench_"+name),
	}
	p, err := b.serve(s, "--init")
	if err != nil {
		return nil, err
	}
	if s.world, err = newWorld(p, 0); err != nil {
		return nil, fmt.Errorf("filling %s: %w", p.name, err)
	}
	if err := s.world.makeKeys(keys, restartMakers); err != nil {
		return nil, fmt.Errorf("filling %s: %w; it said:\n%s", p.name, err, p.said)
	}
	// The server has meanwhile hung up on the connection that waited.
	_ = s.world.control.Close()
	s.world.control, err = dial(p.addr)
	return s, err
}

func (b *bench) serve(s *settled, more ...string) (*process, error) {
	args := append([]string{b.claviger, "serve", "--data", s.data, "--admin-listen", ""}, commonArgs...)
	if s.store != "" {
		args = append(args, "--store", s.store)
	}
	return b.start(s.name, rootEnv, append(args, more...)...)
}

// restart ends a server and returns what its next start takes.
func (b *bench) restart(s *settled, end func(*process)) (time.Duration, error) {
	_ = s.world.control.Close()
	end(s.world.server)
	begin := time.Now()
	p, err := b.serve(s)
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	s.world.server = p
	s.world.control, err = dial(p.addr)
	return took, err
}

// makeKeys makes n keys by calls on so many connections.
func (w *world) makeKeys(n, connections int) error {
	account, err := w.account()
	if err != nil {
		return err
	}
	ids := make([]string, n)
	failures := make([]error, connections)
	var next atomic.Int64
	var clients sync.WaitGroup
	for c := range connections {
		clients.Go(func() { failures[c] = w.makeSome(account, ids, &next) })
	}
	clients.Wait()
	w.keys = append(w.keys, ids...)
	return errors.Join(failures...)
}

// makeSome makes keys on a connection of its own until all have an id.
func (w *world) makeSome(account string, ids []string, next *atomic.Int64) (err error) {
	client := *w
	if client.control, err = dial(w.server.addr); err != nil {
		return err
	}
	defer func() { _ = client.control.Close() }()
	for i := int(next.Add(1)) - 1; i < len(ids); i = int(next.Add(1)) - 1 {
		if ids[i], err = client.makeKey(account, i); err != nil {
			return fmt.Errorf("making key %d: %w", i, err)
		}
	}
	return nil
}
