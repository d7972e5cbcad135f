package sealed_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/blob"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/pairs"
)

const (
	keyID         = "1234abcd-12ab-34cd-56ef-1234567890ab"
	otherKeyID    = "1234abcd-12ab-34cd-56ef-1234567890ac"
	multiRegionID = "mrk-1234abcd12ab34cd56ef1234567890ab"
)

func binding() sealed.Binding {
	return sealed.Binding{
		Partition: "aws",
		Account:   account,
		Region:    "us-east-1",
		KeyID:     keyID,
		Spec:      "SYMMETRIC_DEFAULT",
		Usage:     "ENCRYPT_DECRYPT",
		Origin:    "AWS_KMS",
		Created:   1763726400000000,
	}
}

func generate(t testing.TB, ring *sealed.Keyring, b sealed.Binding) *sealed.Material {
	t.Helper()
	m, _, err := ring.Generate(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// importSame imports the same bytes under every binding.
func importSame(t testing.TB, ring *sealed.Keyring, b sealed.Binding) *sealed.Material {
	t.Helper()
	m, _, err := ring.Import(b, confidential.New(bytes.Repeat([]byte{0x5a}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func secret(s string) confidential.Bytes { return confidential.New([]byte(s)) }

func shown(b confidential.Bytes) string { return string(b.Reveal(reveal.Token{})) }

func encrypt(t testing.TB, m *sealed.Material, plaintext string, context pairs.Map) []byte {
	t.Helper()
	ciphertext, err := m.Encrypt(nil, secret(plaintext), context)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

// refused demands the one error, itself and not wrapped: its text must not
// differ from case to case.
func refused(t testing.TB, what string, m *sealed.Material, ciphertext []byte, context pairs.Map) {
	t.Helper()
	plaintext, err := m.Decrypt(ciphertext, context)
	if err != sealed.ErrCiphertext || plaintext.IsSet() {
		t.Errorf("%s: %v", what, err)
	}
}

var context = pairs.Of(map[string]string{"aws:rds:db-id": "db-1234", "aws:ebs:id": "vol-1"})

func TestEncrypt(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, id := range []string{keyID, multiRegionID} {
		b := binding()
		b.KeyID = id
		m := generate(t, ring, b)
		for _, size := range []int{0, 1, 15, 16, 17, 32, 4095, 4096} {
			plaintext := strings.Repeat("x", size)
			for _, context := range []pairs.Map{nil, context} {
				ciphertext := encrypt(t, m, plaintext, context)
				if len(ciphertext) != size+blob.Overhead {
					t.Errorf("%d bytes became %d", size, len(ciphertext))
				}
				got, err := m.Decrypt(ciphertext, context)
				if err != nil || !got.IsSet() || shown(got) != plaintext {
					t.Errorf("%d bytes: %v", size, err)
				}
				gotKey, gotMaterial, err := sealed.Named(ciphertext)
				if err != nil || gotKey != id || gotMaterial != m.ID() {
					t.Errorf("names %s %s, %v", gotKey, gotMaterial, err)
				}
			}
		}
		if _, err := m.Encrypt(nil, secret(strings.Repeat("x", 4097)), nil); err == nil {
			t.Error("4097 bytes were encrypted")
		}
	}
}

func TestEncryptAppends(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	for _, dst := range [][]byte{[]byte("before"), append(make([]byte, 0, 1000), "before"...)} {
		out, err := m.Encrypt(dst, secret("plaintext"), context)
		if err != nil || !bytes.HasPrefix(out, []byte("before")) {
			t.Fatalf("%q, %v", out, err)
		}
		if got, err := m.Decrypt(out[len("before"):], context); err != nil || shown(got) != "plaintext" {
			t.Error(err)
		}
	}
}

func TestEncryptDiffers(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	seen := map[string]bool{}
	for range 100 {
		c := encrypt(t, m, "plaintext", nil)
		for _, part := range [][]byte{c[72:88], c[88:100], c[100:]} { // N, IV, ciphertext
			if seen[string(part)] {
				t.Error("two messages share N, IV or ciphertext")
			}
			seen[string(part)] = true
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d parts seen", len(seen))
	}
}

func TestDecryptAltered(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	ciphertext := encrypt(t, m, "some plaintext", context)
	n := 0
	for i := range ciphertext {
		for bit := range 8 {
			b := bytes.Clone(ciphertext)
			b[i] ^= 1 << bit
			refused(t, "altered", m, b, context)
			n++
		}
		refused(t, "cut at the end", m, ciphertext[:i], context)
		refused(t, "cut at the beginning", m, ciphertext[i+1:], context)
		refused(t, "a byte left out", m, append(bytes.Clone(ciphertext[:i]), ciphertext[i+1:]...), context)
	}
	if n != 8*(14+blob.Overhead) {
		t.Errorf("%d bits were altered", n)
	}
	refused(t, "a byte more", m, append(bytes.Clone(ciphertext), 0), context)
	refused(t, "twice", m, append(bytes.Clone(ciphertext), ciphertext...), context)
	refused(t, "much more", m, append(bytes.Clone(ciphertext), make([]byte, 1<<16)...), context)
	refused(t, "nothing", m, nil, context)
	second := encrypt(t, m, "some plaintext", context)
	refused(t, "header of another", m, append(bytes.Clone(second[:blob.HeaderSize]), ciphertext[blob.HeaderSize:]...), context)
}

func TestDecryptContext(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	of := func(kv ...string) pairs.Map {
		out := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return pairs.Of(out)
	}
	contexts := map[string]pairs.Map{
		"two pairs":           of("a", "1", "b", "2"),
		"none":                nil,
		"one missing":         of("a", "1"),
		"other missing":       of("b", "2"),
		"one more":            of("a", "1", "b", "2", "c", "3"),
		"empty pair more":     of("a", "1", "b", "2", "", ""),
		"value changed":       of("a", "1", "b", "3"),
		"value in capitals":   of("a", "x", "b", "2"),
		"value as a capital":  of("a", "X", "b", "2"),
		"name in capitals":    of("A", "1", "b", "2"),
		"values swapped":      of("a", "2", "b", "1"),
		"names for values":    of("1", "a", "2", "b"),
		"boundary moved":      of("a1", "", "b", "2"),
		"boundary moved back": of("a", "", "1b", "2"),
		"joined":              of("a", "1b2"),
		"space":               of("a", "1", "b", "2 "),
		"composed":            of("\u00e9", ""),
		"decomposed":          of("e\u0301", ""),
	}
	n := 0
	for made, context := range contexts {
		ciphertext := encrypt(t, m, "plaintext", context)
		for given, context := range contexts {
			n++
			if made != given {
				refused(t, made+" opened with "+given, m, ciphertext, context)
			} else if got, err := m.Decrypt(ciphertext, context); err != nil || shown(got) != "plaintext" {
				t.Errorf("%s: %v", made, err)
			}
		}
	}
	if n != 18*18 {
		t.Errorf("%d cases ran", n)
	}
}

func TestEmptyContext(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	if got, err := m.Decrypt(encrypt(t, m, "plaintext", nil), pairs.Map{}); err != nil || shown(got) != "plaintext" {
		t.Error("an absent context differs from an empty one:", err)
	}
}

func TestLongContext(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	longest, longer := strings.Repeat("x", 65535), strings.Repeat("x", 65536)
	good := pairs.Map{{Key: longest, Value: longest}}
	ciphertext := encrypt(t, m, "plaintext", good)
	if got, err := m.Decrypt(ciphertext, good); err != nil || shown(got) != "plaintext" {
		t.Error(err)
	}
	many := make(pairs.Map, 65536)
	for i := range many {
		many[i].Key = string([]byte{byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for _, bad := range []pairs.Map{{{Key: longer}}, {{Value: longer}}, many} {
		if out, err := m.Encrypt(nil, secret("plaintext"), bad); err == nil || out != nil || strings.Contains(err.Error(), "xx") {
			t.Errorf("encrypted under a context that has no canonical form: %v", err)
		}
		refused(t, "long context", m, ciphertext, bad)
	}
}

func TestContextSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		context pairs.Map
		want    int
	}{
		{nil, 2},
		{pairs.Map{{}}, 6},
		{pairs.Map{{Key: "aws:ebs:id", Value: "vol-0987654321gfedcba"}, {Key: "aws:rds:db-id", Value: "db-1234"}}, 61},
		{pairs.Map{{Key: "\u00e9", Value: strings.Repeat("x", 8184)}}, 8192},
	} {
		if got := sealed.ContextSize(c.context); got != c.want {
			t.Errorf("%d bytes, not %d", got, c.want)
		}
	}
}

func TestUnsortedContextPanics(t *testing.T) {
	t.Parallel()
	m := generate(t, newRing(t, account), binding())
	for _, context := range []pairs.Map{{{Key: "b"}, {Key: "a"}}, {{Key: "a"}, {Key: "a"}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a context out of order was taken")
				}
			}()
			_, _ = m.Encrypt(nil, secret("plaintext"), context)
		}()
	}
}

// TestDecryptElsewhere has the same bytes of material everywhere, so that
// nothing but what the header names can refuse.
func TestDecryptElsewhere(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account, other)
	change := map[string]func(*sealed.Binding){
		"other key":       func(b *sealed.Binding) { b.KeyID = otherKeyID },
		"multi-Region":    func(b *sealed.Binding) { b.KeyID = multiRegionID },
		"other account":   func(b *sealed.Binding) { b.Account = other },
		"other partition": func(b *sealed.Binding) { b.Partition = "aws-cn" },
	}
	m := importSame(t, ring, binding())
	ciphertext := encrypt(t, m, "plaintext", context)
	for what, change := range change {
		b := binding()
		change(&b)
		elsewhere := importSame(t, ring, b)
		if elsewhere.ID() == m.ID() {
			t.Errorf("%s: the same material id", what)
		}
		refused(t, what, elsewhere, ciphertext, context)
		refused(t, what+", the other way", m, encrypt(t, elsewhere, "plaintext", context), context)
	}
	fresh := generate(t, ring, binding())
	refused(t, "other material", fresh, ciphertext, context)
}

func TestRelatedKeys(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	b := binding()
	b.KeyID, b.Region = multiRegionID, "us-east-1"
	primary := importSame(t, ring, b)
	b.Region = "eu-west-1"
	replica := importSame(t, ring, b)
	if primary.ID() != replica.ID() || len(primary.ID()) != 64 || strings.ToLower(primary.ID()) != primary.ID() {
		t.Errorf("material ids %s and %s", primary.ID(), replica.ID())
	}
	got, err := replica.Decrypt(encrypt(t, primary, "plaintext", context), context)
	if err != nil || shown(got) != "plaintext" {
		t.Error(err)
	}
}

func TestReEncrypt(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account, other)
	b := binding()
	b.Account, b.KeyID = other, otherKeyID
	from, to := generate(t, ring, binding()), generate(t, ring, b)
	before := encrypt(t, from, "plaintext", context)
	toContext := context.With("more", "1")
	after, err := from.ReEncrypt([]byte("before"), before, context, to, toContext)
	if err != nil {
		t.Fatal(err)
	}
	after, ok := bytes.CutPrefix(after, []byte("before"))
	if got, err := to.Decrypt(after, toContext); !ok || err != nil || shown(got) != "plaintext" {
		t.Error(err)
	}
	refused(t, "source key", from, after, toContext)
	refused(t, "source context", to, after, context)

	same, err := from.ReEncrypt(nil, before, context, from, nil)
	if err != nil || bytes.Equal(same, before) {
		t.Fatal(err)
	}
	if got, err := from.Decrypt(same, nil); err != nil || shown(got) != "plaintext" {
		t.Error(err)
	}
	for what, c := range map[string][]byte{"altered": append(bytes.Clone(before[:len(before)-1]), before[len(before)-1]^1), "after": after, "nothing": nil} {
		if out, err := from.ReEncrypt(nil, c, context, to, toContext); err != sealed.ErrCiphertext || out != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := from.ReEncrypt(nil, before, nil, to, toContext); err != sealed.ErrCiphertext {
		t.Errorf("wrong context: %v", err)
	}
	if _, err := from.ReEncrypt(nil, before, context, to, pairs.Map{{Key: strings.Repeat("x", 65536)}}); err == nil || err == sealed.ErrCiphertext {
		t.Errorf("impossible target context: %v", err)
	}
}

func TestNamedRefuses(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{nil, make([]byte, 116), []byte("AQICAHh")} {
		if k, m, err := sealed.Named(b); err != sealed.ErrCiphertext || k != "" || m != "" {
			t.Errorf("%x names %s %s, %v", b, k, m, err)
		}
	}
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	accountKey := addAccount(t, ring, account)
	m, wrapped, err := ring.Generate(t.Context(), binding())
	if err != nil {
		t.Fatal(err)
	}
	ciphertext := encrypt(t, m, "plaintext", context)

	again, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Unwrap(binding(), wrapped); err == nil || errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("without the account's key: %v", err)
	}
	if err := again.Install(account, accountKey); err != nil {
		t.Fatal(err)
	}
	m, err = again.Unwrap(binding(), wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Decrypt(ciphertext, context); err != nil || shown(got) != "plaintext" {
		t.Error(err)
	}
}

func TestUnwrapRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account, other)
	_, wrapped, err := ring.Generate(t.Context(), binding())
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, b sealed.Binding, wrapped []byte) {
		t.Helper()
		if m, err := ring.Unwrap(b, wrapped); !errors.Is(err, sealed.ErrCiphertext) || m != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	changes := map[string]func(*sealed.Binding){
		"partition":    func(b *sealed.Binding) { b.Partition = "aws-cn" },
		"account":      func(b *sealed.Binding) { b.Account = other },
		"Region":       func(b *sealed.Binding) { b.Region = "us-east-2" },
		"no Region":    func(b *sealed.Binding) { b.Region = "" },
		"key id":       func(b *sealed.Binding) { b.KeyID = otherKeyID },
		"spec":         func(b *sealed.Binding) { b.Spec = "HMAC_256" },
		"usage":        func(b *sealed.Binding) { b.Usage = "GENERATE_VERIFY_MAC" },
		"origin":       func(b *sealed.Binding) { b.Origin = "EXTERNAL" },
		"created":      func(b *sealed.Binding) { b.Created++ },
		"moved border": func(b *sealed.Binding) { b.Spec, b.Usage = b.Spec+"E", b.Usage[1:] },
	}
	for what, change := range changes {
		b := binding()
		change(&b)
		refuse(what, b, wrapped)
	}
	for i := range wrapped {
		b := bytes.Clone(wrapped)
		b[i] ^= 4
		refuse("altered", binding(), b)
		refuse("cut", binding(), wrapped[:i])
	}
	refuse("longer", binding(), append(bytes.Clone(wrapped), 0))
	row, err := ring.Seal(account, nil, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	refuse("a row of the same account", binding(), row)
	if len(changes) != 10 {
		t.Errorf("%d changes ran", len(changes))
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	b := binding()
	b.Account = other
	if _, _, err := ring.Generate(t.Context(), b); err == nil {
		t.Error("generated for an account without a key")
	}
	for _, id := range []string{"", "alias/x", keyID[:35], strings.ToUpper(keyID), "mrk-" + keyID[4:]} {
		b := binding()
		b.KeyID = id
		if _, _, err := ring.Generate(t.Context(), b); err == nil {
			t.Errorf("generated for key id %q", id)
		}
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, _, err := ring.Import(binding(), sealed.Random(n)); err == nil {
			t.Errorf("imported %d bytes", n)
		}
	}
}

func TestImportWipes(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, n := range []int{31, 32} {
		raw := bytes.Repeat([]byte{1}, n)
		_, _, _ = ring.Import(binding(), confidential.New(raw))
		if !bytes.Equal(raw, make([]byte, n)) {
			t.Errorf("%d bytes taken over are still there", n)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 1024} {
		if got := sealed.Random(n); got.Len() != n || !got.IsSet() {
			t.Errorf("%d bytes, not %d", got.Len(), n)
		}
	}
	if first, second := sealed.Random(16), sealed.Random(16); shown(first) == shown(second) {
		t.Error("drew the same twice")
	}
}

func TestMaterialConcurrently(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	shared, wrapped, err := ring.Generate(t.Context(), binding())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				own, err := ring.Unwrap(binding(), wrapped)
				if err != nil {
					t.Error(err)
					return
				}
				c, err := own.Encrypt(nil, secret("plaintext"), context)
				if err != nil {
					t.Error(err)
					return
				}
				if c, err = shared.ReEncrypt(nil, c, context, own, nil); err != nil {
					t.Error(err)
					return
				}
				if got, err := shared.Decrypt(c, nil); err != nil || shown(got) != "plaintext" {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzDecrypt(f *testing.F) {
	m := generate(f, newRing(f, account), binding())
	ciphertext := encrypt(f, m, "some plaintext", nil)
	f.Add(ciphertext)
	f.Add(ciphertext[:116])
	f.Add([]byte("\x9cCLV\x01\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := m.Decrypt(b, nil)
		if bytes.Equal(b, ciphertext) {
			if err != nil || shown(got) != "some plaintext" {
				t.Error(err)
			}
		} else if err != sealed.ErrCiphertext {
			t.Errorf("%x: %v", b, err)
		}
	})
}
