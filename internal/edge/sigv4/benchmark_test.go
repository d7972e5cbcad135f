package sigv4_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/session"
)

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{0, 4096} {
		r := encrypt()
		r.Body = append(r.Body, bytes.Repeat([]byte("x"), size)...)
		signer("kms").sign(r)
		v := verifier()
		b.Run(fmt.Sprintf("body=%d", len(r.Body)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := v.Verify(context.Background(), r, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A session token is about as long as these.
func BenchmarkVerifyToken(b *testing.B) {
	for _, size := range []int{500, 2000, session.TokenMax} {
		token := strings.Repeat("t", size)
		r := encrypt()
		sessionSigner("kms", token).sign(r)
		v := sessionVerifier(token)
		b.Run(fmt.Sprintf("token=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := v.Verify(context.Background(), r, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyCold(b *testing.B) {
	r := encrypt()
	signer("kms").sign(r)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := verifier().Verify(context.Background(), r, noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeek(b *testing.B) {
	r := encrypt()
	signer("kms").sign(r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sigv4.Peek(r); err != nil {
			b.Fatal(err)
		}
	}
}
