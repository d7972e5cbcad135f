package kms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/words/ident"
)

// A store is connected behind the back of its call. The call leaves a timer,
// which is the promise that somebody will try: it outlives the process. Whoever
// tries asks the proxy first and then writes down, in one commit, how it went, if
// nobody has disconnected the store meanwhile. So an attempt that dies half way
// is made again, and one that is made twice does no harm.

// connectsEntity is what commits touch when they leave a store to be connected.
const connectsEntity = "key-store-connects"

// connectsAtOnce bounds how many stores are being connected at the same time, so
// that a proxy that keeps silent holds up no more than one in so many.
const connectsAtOnce = 16

// timer is the promise to connect the store.
func (r *keyStoreRecord) timer() *timerRecord {
	return &timerRecord{Task: taskConnect, Due: r.Began, Region: r.Region, KeyID: r.ID, Account: r.Account}
}

// connects remembers whether stores waited when they were looked for last.
type connects struct {
	mu      sync.Mutex
	known   bool
	stamp   store.Stamp
	waiting bool
}

// ConnectsDue reports whether custom key stores wait to be connected. It reads
// the store only where a call has left one since it was asked last.
func (s *Service) ConnectsDue(ctx context.Context) (bool, error) {
	s.connects.mu.Lock()
	defer s.connects.mu.Unlock()
	err := s.lookForConnects(ctx)
	return s.connects.waiting, err
}

func (s *Service) lookForConnects(ctx context.Context) error {
	c := &s.connects
	if c.known && (c.waiting || c.stamp.Current()) {
		return nil
	}
	err := s.store.View(ctx, func(r store.Reader) error {
		c.waiting, c.stamp = false, s.stamp(r, connectsEntity)
		return timerTable.Scan(ctx, r, "", store.Key{store.S(string(taskConnect))}, nil, 1, func(*timerRecord, store.Rev) error {
			c.waiting = true
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("looking for custom key stores to connect: %w", err)
	}
	c.known = true
	return nil
}

// ConnectDue connects the custom key stores that wait for it. While there are
// none it costs nothing, so that it may be called often. Several processes may do
// this at the same time.
func (s *Service) ConnectDue(ctx context.Context) error {
	s.connects.mu.Lock()
	defer s.connects.mu.Unlock()
	if err := s.lookForConnects(ctx); err != nil || !s.connects.waiting {
		return err
	}
	s.connects.known, s.connects.waiting = false, false // whatever comes of it, look again
	return s.connectAll(ctx)
}

func (s *Service) connectAll(ctx context.Context) error {
	var failures []error
	var last *timerRecord
	for {
		page, err := s.timers(ctx, taskConnect, last)
		if err != nil || len(page) == 0 {
			return errors.Join(append(failures, err)...)
		}
		results := make([]error, len(page))
		var attempts sync.WaitGroup
		places := make(chan struct{}, connectsAtOnce)
		for i, t := range page {
			places <- struct{}{}
			attempts.Go(func() {
				defer func() { <-places }()
				if err := s.connect(ctx, t); err != nil {
					results[i] = fmt.Errorf("connecting custom key store %s: %w", t.KeyID, err)
				}
			})
		}
		attempts.Wait()
		failures = append(failures, results...)
		last = page[len(page)-1]
	}
}

// connect makes one attempt for a timer.
func (s *Service) connect(ctx context.Context, t *timerRecord) error {
	var k *keyStore
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		k, err = s.readKeyStore(ctx, r, t.Account, t.Region, t.KeyID)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || !k.waits(t) { // disconnected meanwhile, which took the timer too
		return nil
	}
	errorCode, err := s.attempt(ctx, k)
	if err != nil {
		return err
	}
	_, err = s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		return s.conclude(ctx, tx, t, errorCode)
	})
	return err
}

// disconnect has the record of a store say that it is disconnected, and drops the
// promise to connect it.
func (r *keyStoreRecord) disconnect(ctx context.Context, tx store.Txn) error {
	if r.Connection == connecting {
		if err := r.timer().stop(ctx, tx); err != nil {
			return err
		}
	}
	r.Connection, r.ErrorCode, r.Began = disconnected, "", time.Time{}
	return nil
}

// waits reports whether the store is still to be connected because of t.
func (r *keyStoreRecord) waits(t *timerRecord) bool {
	return r.Connection == connecting && r.Began.Equal(t.Due)
}

// attempt tries to reach what is behind a store and returns the
// ConnectionErrorCode, empty where it can be reached.
func (s *Service) attempt(ctx context.Context, k *keyStore) (errorCode string, err error) {
	if k.Cluster != nil {
		return s.logIn(ctx, k)
	}
	if k.Proxy.Connectivity == connectivityVPC && !s.reaches(k.Proxy.Service) {
		return xksproxy.ConnectionVPCNotFound, nil
	}
	proxy, err := s.proxy(&k.keyStoreRecord)
	if err != nil {
		return "", err
	}
	if f := proxy.Health(ctx, xksproxy.About{RequestID: ident.UUID(), Operation: "ConnectCustomKeyStore"}); f != nil {
		return f.Connection(), ctx.Err()
	}
	return "", nil
}

// conclude writes down how an attempt went, and that nobody need make another.
func (s *Service) conclude(ctx context.Context, tx store.Txn, t *timerRecord, errorCode string) error {
	_, rev, err := timerTable.Get(ctx, tx, timerTable.Key(t))
	if errors.Is(err, store.ErrNotFound) {
		return nil // disconnected meanwhile, or somebody else was faster
	}
	if err != nil {
		return err
	}
	if err := timerTable.Delete(ctx, tx, timerTable.Key(t), rev); err != nil {
		return err
	}
	k, err := s.readKeyStore(ctx, tx, t.Account, t.Region, t.KeyID)
	switch {
	case err != nil:
		return damaged(err)
	case !k.waits(t):
		return fmt.Errorf("its timer says otherwise than the store: %w", store.ErrDamaged)
	}
	rec := k.keyStoreRecord
	rec.Connection, rec.ErrorCode, rec.Began = connected, errorCode, time.Time{}
	if errorCode != "" {
		rec.Connection = failed
	}
	return k.put(ctx, tx, &rec)
}
