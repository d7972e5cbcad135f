package sealed

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

type externalVectors struct {
	Material octets `json:"material"`
	Messages []struct {
		Version    uint32 `json:"version"`
		N          octets `json:"n"`
		IV         octets `json:"iv"`
		Plaintext  octets `json:"plaintext"`
		AAD        octets `json:"aad"`
		Key        octets `json:"key"`
		Metadata   octets `json:"metadata"`
		Ciphertext octets `json:"ciphertext"`
		Tag        octets `json:"tag"`
		Integrity  octets `json:"integrity"`
	} `json:"messages"`
	Wrapped struct {
		Installation octets `json:"installation"`
		Account      octets `json:"account"`
		N            octets `json:"n"`
		IV           octets `json:"iv"`
		KeyStore     string `json:"keyStore"`
		KeyID        string `json:"keyId"`
		Version      uint32 `json:"version"`
		Created      int64  `json:"created"`
		Wrapped      octets `json:"wrapped"`
	} `json:"wrapped"`
	Probe struct {
		Master   octets `json:"master"`
		KeyStore string `json:"keyStore"`
		Key      octets `json:"key"`
	} `json:"probe"`
}

func TestExternalVectors(t *testing.T) {
	t.Parallel()
	var v externalVectors
	readVectors(t, "testdata/external.json", &v)
	s := getScratch()
	defer s.release()
	for _, m := range v.Messages {
		x := &External{key: keyOf(v.Material), version: m.Version}
		got, err := x.encrypt(s, variatesOf(m.N, m.IV), m.Plaintext, m.AAD)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "metadata", got.Metadata, m.Metadata)
		same(t, "IV", got.IV, m.IV)
		same(t, "ciphertext", got.Ciphertext, m.Ciphertext)
		same(t, "tag", got.Tag, m.Tag)
		sum := got.Integrity(m.AAD)
		same(t, "integrity value", sum[:], m.Integrity)
		plain, err := x.Decrypt(&got, m.AAD)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "plaintext", plain.Reveal(reveal.Token{}), m.Plaintext)
	}
	counted(t, "messages", len(v.Messages), 4)

	w := v.Wrapped
	ring := &Keyring{installation: [16]byte(w.Installation)}
	ring.accounts.Store("", &generations{keys: []*key{keyOf(w.Account)}})
	b := ExternalBinding{KeyStore: w.KeyStore, KeyID: w.KeyID, Version: w.Version, Created: w.Created}
	x, err := ring.UnwrapExternal(b, w.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	sameKey(t, "unwrapped material", x.key, v.Material)
	wrapped := keyOf(w.Account).wrap(labelExternalMaterial, externalPrefix, variatesOf(w.N, w.IV), ring.externalBinding(&b), keyOf(v.Material))
	same(t, "wrapped material", wrapped, w.Wrapped)

	probe := (&Keyring{master: keyOf(v.Probe.Master)}).ProbeExternal(v.Probe.KeyStore)
	sameKey(t, "key of a probe", probe.key, v.Probe.Key)
}

// TestExternalAssociatedData has the vectors of the published interface, whose
// AES key is no key of ours, and of its integrity value.
func TestExternalAssociatedData(t *testing.T) {
	t.Parallel()
	decode := func(text string) []byte {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	raw := make([]byte, keySize)
	for i := range raw {
		raw[i] = byte(i)
	}
	const aad, metadata = "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n", "a2V5X3ZlcnNpb249MQ=="
	for _, v := range []struct{ aad, metadata, iv, ciphertext, tag, integrity string }{
		{aad, metadata, "AAECAwQFBgcICQoL", "D2e6d6rFlXT/LfOq", "z16Jpi+YEVrPfy7xOkRNVw==", "f3I7NWF4DGjk7+jfvjeSU5DvQJDKZ/RQztaBma/YHso="},
		{"", "", "AAECAwQFBgcICQoL", "D2e6d6rFlXT/LfOq", "+DX8ZJOvQVMTeK7gwOAsdg==", "doMOaf+m+SLxEOfkUsWQLZ7ogxHdDMkxCl3238JWldo="},
	} {
		s := getScratch()
		s.associateExternal(decode(v.aad), decode(v.metadata))
		sealed := newGCM((*[keySize]byte)(raw)).Seal(nil, decode(v.iv), []byte("Hello World!"), s.associated)
		s.release()
		same(t, "ciphertext and tag", sealed, append(decode(v.ciphertext), decode(v.tag)...))
		m := ExternalMessage{Ciphertext: decode(v.ciphertext), IV: decode(v.iv), Tag: decode(v.tag), Metadata: decode(v.metadata)}
		sum := m.Integrity(decode(v.aad))
		same(t, "integrity value", sum[:], decode(v.integrity))
	}
	published := ExternalMessage{
		Ciphertext: decode("ghxkK1txeDNn3q8Y"), IV: decode("HMrlRw85cAJUd5Ax"),
		Tag: decode("vBxN2ncH1oEkR8WVXpmyYQ=="), Metadata: decode(metadata),
	}
	sum := published.Integrity(decode(aad))
	same(t, "published integrity value", sum[:], decode("qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="))
}

func external(t testing.TB) *External {
	t.Helper()
	return &External{key: drawKey(), version: 1}
}

// secretOf makes a plaintext, which is used once.
func secretOf(b []byte) confidential.Bytes { return confidential.New(bytes.Clone(b)) }

// TestExternalLengths: one below, on, and one above.
func TestExternalLengths(t *testing.T) {
	t.Parallel()
	x := external(t)
	for _, c := range []struct {
		plaintext, aad int
		fits           bool
	}{{0, 0, true}, {1, 1, true}, {4299, 8191, true}, {4300, 8192, true}, {4301, 0, false}, {0, 8193, false}} {
		plaintext, aad := bytes.Repeat([]byte{7}, c.plaintext), bytes.Repeat([]byte{9}, c.aad)
		m, sum, err := x.EncryptProven(secretOf(plaintext), aad)
		if (err == nil) != c.fits {
			t.Errorf("%d bytes with %d: %v", c.plaintext, c.aad, err)
		}
		if err != nil {
			continue
		}
		if sum != m.Integrity(aad) || len(m.Ciphertext) != c.plaintext || len(m.IV) != 12 || len(m.Tag) != 16 || len(m.Metadata) != 20 {
			t.Errorf("%d bytes: parts of %d, %d, %d and %d", c.plaintext, len(m.Ciphertext), len(m.IV), len(m.Tag), len(m.Metadata))
		}
		if got, err := x.Decrypt(&m, aad); err != nil || !bytes.Equal(got.Reveal(reveal.Token{}), plaintext) {
			t.Errorf("%d bytes do not come back: %v", c.plaintext, err)
		}
	}
}

// TestExternalRefuses: whatever is changed, moved or left out does not open.
func TestExternalRefuses(t *testing.T) {
	t.Parallel()
	x := external(t)
	aad := []byte("project=nile")
	whole, err := x.Encrypt(secretOf([]byte("a plaintext")), aad)
	if err != nil {
		t.Fatal(err)
	}
	clone := func() (ExternalMessage, []byte) {
		return ExternalMessage{
			Ciphertext: bytes.Clone(whole.Ciphertext), IV: bytes.Clone(whole.IV),
			Tag: bytes.Clone(whole.Tag), Metadata: bytes.Clone(whole.Metadata),
		}, bytes.Clone(aad)
	}
	refuses := func(what string, change func(m *ExternalMessage, aad *[]byte)) {
		t.Helper()
		m, a := clone()
		change(&m, &a)
		if _, err := x.Decrypt(&m, a); err != ErrCiphertext {
			t.Errorf("%s: %v", what, err)
		}
	}
	m, a := clone()
	if _, err := x.Decrypt(&m, a); err != nil {
		t.Fatal(err)
	}
	parts := map[string]func(m *ExternalMessage, aad *[]byte) *[]byte{
		"ciphertext": func(m *ExternalMessage, _ *[]byte) *[]byte { return &m.Ciphertext },
		"IV":         func(m *ExternalMessage, _ *[]byte) *[]byte { return &m.IV },
		"tag":        func(m *ExternalMessage, _ *[]byte) *[]byte { return &m.Tag },
		"metadata":   func(m *ExternalMessage, _ *[]byte) *[]byte { return &m.Metadata },
		"AAD":        func(_ *ExternalMessage, aad *[]byte) *[]byte { return aad },
	}
	for name, part := range parts {
		size := len(*part(&m, &a))
		for i := range size {
			refuses(name+" with a bit flipped", func(m *ExternalMessage, a *[]byte) { (*part(m, a))[i] ^= 1 })
		}
		refuses(name+" shorter", func(m *ExternalMessage, a *[]byte) { *part(m, a) = (*part(m, a))[:size-1] })
		refuses(name+" longer", func(m *ExternalMessage, a *[]byte) { *part(m, a) = append(*part(m, a), 0) })
		refuses(name+" left out", func(m *ExternalMessage, a *[]byte) { *part(m, a) = nil })
	}
	refuses("metadata moved to the end of the AAD", func(m *ExternalMessage, a *[]byte) {
		*a, m.Metadata = slices.Concat(*a, m.Metadata), nil
	})
	refuses("a byte moved from the AAD to the metadata", func(m *ExternalMessage, a *[]byte) {
		last := len(*a) - 1
		*a, m.Metadata = (*a)[:last], slices.Concat((*a)[last:], m.Metadata)
	})
	refuses("a byte moved from the ciphertext to the tag", func(m *ExternalMessage, _ *[]byte) {
		last := len(m.Ciphertext) - 1
		m.Tag, m.Ciphertext = slices.Concat(m.Ciphertext[last:], m.Tag), m.Ciphertext[:last]
	})
	if _, err := external(t).Decrypt(&m, a); err != ErrCiphertext {
		t.Errorf("under another key: %v", err)
	}
	if _, err := (&External{key: x.key, version: 2}).Decrypt(&m, a); err != ErrCiphertext {
		t.Errorf("under another version: %v", err)
	}
}

// TestExternalProof: a message that does not open to its plaintext is noticed.
func TestExternalProof(t *testing.T) {
	t.Parallel()
	x := external(t)
	m, err := x.Encrypt(secretOf([]byte("a plaintext")), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := getScratch()
	defer s.release()
	if !x.proves(s, &m, nil, []byte("a plaintext")) {
		t.Error("what is right is not proven")
	}
	if x.proves(s, &m, nil, []byte("a plaintexT")) {
		t.Error("another plaintext is proven")
	}
	m.Ciphertext[0] ^= 1
	if x.proves(s, &m, nil, []byte("a plaintext")) {
		t.Error("a damaged ciphertext is proven")
	}
}

func TestExternalMaterial(t *testing.T) {
	t.Parallel()
	ring := &Keyring{master: drawKey()}
	b := ExternalBinding{KeyStore: "store", KeyID: "key", Version: 3, Created: 5}
	if _, err := ring.GenerateExternal(b); err == nil {
		t.Error("material was generated without a key to wrap it")
	}
	ring.accounts.Store("", &generations{keys: []*key{drawKey()}})
	for _, version := range []uint32{0, MaxExternalVersion + 1} {
		if _, err := ring.GenerateExternal(ExternalBinding{Version: version}); err == nil {
			t.Errorf("version %d was generated", version)
		}
	}
	wrapped, err := ring.GenerateExternal(b)
	if err != nil {
		t.Fatal(err)
	}
	x, err := ring.UnwrapExternal(b, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	m, err := x.Encrypt(secretOf([]byte("a plaintext")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if version, err := ExternalVersion(m.Metadata); err != nil || version != 3 {
		t.Errorf("version %d, %v", version, err)
	}
	for _, other := range []ExternalBinding{
		{"stor", "ekey", 3, 5}, {"Store", "key", 3, 5}, {"store", "key2", 3, 5}, {"store", "key", 2, 5}, {"store", "key", 3, 6},
	} {
		if _, err := ring.UnwrapExternal(other, wrapped); !errors.Is(err, ErrCiphertext) {
			t.Errorf("material opens as that of %+v: %v", other, err)
		}
	}
}

func FuzzExternal(f *testing.F) {
	x := external(f)
	whole, err := x.Encrypt(secretOf([]byte("a plaintext")), []byte("aad"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Ciphertext, whole.IV, whole.Tag, whole.Metadata, []byte("aad"))
	f.Add([]byte{}, make([]byte, 16), make([]byte, 17), make([]byte, 21), []byte{})
	f.Fuzz(func(t *testing.T, ciphertext, iv, tag, metadata, aad []byte) {
		m := ExternalMessage{Ciphertext: ciphertext, IV: iv, Tag: tag, Metadata: metadata}
		original := bytes.Equal(ciphertext, whole.Ciphertext) && bytes.Equal(iv, whole.IV) && bytes.Equal(tag, whole.Tag) &&
			bytes.Equal(metadata, whole.Metadata) && string(aad) == "aad"
		if _, err := x.Decrypt(&m, aad); (err == nil) != original || err != nil && err != ErrCiphertext {
			t.Errorf("opened: %v", err)
		}
	})
}
