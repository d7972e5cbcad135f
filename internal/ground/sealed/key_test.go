package sealed

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"slices"
	"testing"
	"time"
)

// TestMAC compares the resumed states with crypto/hmac.
func TestMAC(t *testing.T) {
	t.Parallel()
	s := getScratch()
	defer s.release()
	message := make([]byte, 300)
	_, _ = rand.Read(message)
	for n := range message {
		raw := make([]byte, keySize)
		_, _ = rand.Read(raw)
		k := takeKey(bytes.Clone(raw))
		h := hmac.New(sha256.New, raw)
		h.Write(message[:n])
		var got, plain [keySize]byte
		k.mac(s, message[:n], &got)
		k.macPlain(message[:n], &plain)
		if want := h.Sum(nil); !bytes.Equal(got[:], want) || !bytes.Equal(plain[:], want) {
			t.Fatalf("MAC of %d bytes: %x and %x, not %x", n, got, plain, want)
		}
	}
}

// TestKnownMAC is test case 4 of RFC 4231, padded to our key size by HMAC's own rule.
func TestKnownMAC(t *testing.T) {
	t.Parallel()
	raw, _ := hex.DecodeString("0102030405060708090a0b0c0d0e0f10111213141516171819" + "00000000000000")
	s := getScratch()
	defer s.release()
	var got [keySize]byte
	takeKey(raw).mac(s, bytes.Repeat([]byte{0xcd}, 50), &got)
	const want = "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
	if hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	labels := []string{labelMessage, labelMaterial, labelImport, labelWaiting, labelRow, labelAccount, labelMaster, labelToken,
		labelSegment, labelRootCheck, labelMaterialID, labelSecret, labelHash, labelSigner}
	k := drawKey()
	s := getScratch()
	defer s.release()
	seen := map[[keySize]byte]string{}
	for _, label := range labels {
		// The context is the tail of the label: the zero byte between the two
		// must keep "ab"+"c" from "a"+"bc".
		for cut := range 3 {
			k.derive(s, label[:len(label)-cut], []byte(label[len(label)-cut:]), &s.derived)
			if other, ok := seen[s.derived]; ok {
				t.Errorf("%s and %s derive the same", label, other)
			}
			seen[s.derived] = label
		}
	}
	if len(seen) != 3*14 {
		t.Errorf("%d derived keys", len(seen))
	}
}

func TestTakeKeyWipes(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte{7}, keySize)
	k := takeKey(raw)
	if !bytes.Equal(raw, make([]byte, keySize)) {
		t.Error("the bytes taken over are still there")
	}
	sameKey(t, "key", k, bytes.Repeat([]byte{7}, keySize))
}

// TestWipe runs alone: a parallel test could fill the slot again.
func TestWipe(t *testing.T) {
	k := drawKey()
	used := k.slot()
	if bytes.Equal(used[:keySize], make([]byte, keySize)) {
		t.Fatal("the slot is empty before")
	}
	runtime.KeepAlive(k)
	k = nil
	for deadline := time.Now().Add(time.Minute); ; {
		runtime.GC()
		if free, wiped := inspect(used); free {
			if !wiped {
				t.Error("a slot was given back with something in it")
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("an unreachable key kept its slot")
		}
		runtime.Gosched()
	}
}

func inspect(s *slot) (free, wiped bool) {
	arena.mu.Lock()
	defer arena.mu.Unlock()
	return slices.Contains(arena.free, s), *s == slot{}
}

// TestAlive uses keys whose last use is the derivation itself, while the
// collector runs: their slots must not be wiped before it ends.
func TestAlive(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte{9}, keySize)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	s := getScratch()
	defer s.release()
	var want, got [keySize]byte
	takeKey(bytes.Clone(raw)).derive(s, labelRow, nil, &want)
	for range 2000 {
		if takeKey(bytes.Clone(raw)).derive(s, labelRow, nil, &got); got != want {
			t.Error("a key was wiped in use")
			break
		}
	}
	close(stop)
	<-done
}

func TestArena(t *testing.T) {
	t.Parallel()
	var a slots
	taken := map[*slot]bool{}
	for range 3*chunkSize/slotSize/2 + 1 {
		s := a.take()
		if taken[s] {
			t.Fatal("a slot was handed out twice")
		}
		if *s != (slot{}) {
			t.Fatal("a slot was handed out with something in it")
		}
		taken[s] = true
		s[0], s[slotSize-1] = 1, 1
	}
	if a.total != 2*chunkSize/slotSize {
		t.Errorf("%d slots in the arena", a.total)
	}
	for s := range taken {
		a.wipe(s)
	}
	for range a.total {
		if *a.take() != (slot{}) {
			t.Fatal("a slot came back with something in it")
		}
	}
}
