package sealed_test

import (
	"bytes"
	ctxpkg "context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

var sizes = []int{32, 4096}

func BenchmarkEncrypt(b *testing.B) {
	m := generate(b, newRing(b, account), binding())
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			plaintext := confidential.New(make([]byte, size))
			dst := make([]byte, 0, 5000)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := m.Encrypt(dst, plaintext, context); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecrypt(b *testing.B) {
	m := generate(b, newRing(b, account), binding())
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			ciphertext, err := m.Encrypt(nil, confidential.New(make([]byte, size)), context)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := m.Decrypt(ciphertext, context); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRow(b *testing.B) {
	ring := newRing(b, account)
	body, associated := make([]byte, 300), bytes.Repeat([]byte{'k'}, 150)
	row, err := ring.Seal(account, associated, body)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Seal(account, associated, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Open(account, associated, row); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUnwrap(b *testing.B) {
	ring := newRing(b, account)
	_, wrapped, err := ring.Generate(b.Context(), binding())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Unwrap(binding(), wrapped); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	s := newRing(b).Secret("grants")
	message := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		s.Hash(message)
	}
}

func BenchmarkSegment(b *testing.B) {
	c := newRing(b).Cipher(make([]byte, 32))
	entry := make([]byte, 600)
	dst := make([]byte, 0, 700)
	b.ReportAllocs()
	var sequence uint64
	for b.Loop() {
		sequence++
		c.Seal(dst, sequence, nil, entry)
	}
}

// BenchmarkEncryptBesideRSA measures what a stream of new RSA_4096 pairs does to
// everybody else: the 99th percentile of an Encrypt that comes once in a
// millisecond, with and without the stream. On two processors the second must
// stay within three times the first.
func BenchmarkEncryptBesideRSA(b *testing.B) {
	m := generate(b, newRing(b, account), binding())
	for name, streams := range map[string]int{"quiet": 0, "beside": 8} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := ctxpkg.WithCancel(b.Context())
			var drawing sync.WaitGroup
			for range streams {
				drawing.Go(func() {
					for ctx.Err() == nil {
						_, _, _ = sealed.NewKeyPair(ctx, "RSA_4096")
					}
				})
			}
			tick := time.NewTicker(time.Millisecond)
			var took []time.Duration
			for b.Loop() {
				asked := <-tick.C
				done := make(chan struct{})
				go func() { // as a connection is woken for its request
					defer close(done)
					if _, err := m.Encrypt(nil, confidential.New(make([]byte, 32)), context); err != nil {
						b.Error(err)
					}
				}()
				<-done
				took = append(took, time.Since(asked))
			}
			tick.Stop()
			cancel()
			drawing.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		})
	}
}
