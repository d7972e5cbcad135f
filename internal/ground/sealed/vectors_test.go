package sealed

// Tests against testdata, which another implementation computed. They are
// inside the package because N and IV can't be given from outside.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"claviger/internal/words/pairs"
)

// octets is a byte string that JSON writes in hex.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// named are pairs in any order.
type named [][2]string

func (n named) pairs(t *testing.T) pairs.Map {
	var out []pairs.Pair
	for _, p := range n {
		out = append(out, pairs.Pair{Key: p[0], Value: p[1]})
	}
	m, ok := pairs.New(out)
	if !ok {
		t.Fatal("a name stands twice")
	}
	return m
}

func readVectors(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func keyOf(o octets) *key { return takeKey(bytes.Clone(o)) }

func variatesOf(n, iv octets) (v variates) {
	copy(v[copy(v[:], n):], iv)
	return v
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s\n got %x\nwant %x", what, got, want)
	}
}

func sameKey(t *testing.T, what string, k *key, want []byte) {
	t.Helper()
	k.with(func(b []byte) []byte { same(t, what, b, want); return nil })
}

func counted(t *testing.T, what string, n, want int) {
	t.Helper()
	if n != want {
		t.Errorf("%d vectors of %s ran, not %d", n, what, want)
	}
}

type ciphertextVectors struct {
	Message struct {
		Material, N, IV, Header octets
		Context                 named
		Canonical, Key          octets
		Plaintext, Ciphertext   octets
	}
	Blobs []struct {
		Name, Partition, Account, KeyID string
		Material, MaterialID, Keyspace  octets
		Context                         named
		N, IV, Plaintext, Blob          octets
	}
}

func TestCiphertextVectors(t *testing.T) {
	t.Parallel()
	var file ciphertextVectors
	readVectors(t, "testdata/ciphertext.json", &file)

	// The message layer alone, with a header that is none.
	v := file.Message
	s := getScratch()
	defer s.release()
	material := keyOf(v.Material)
	canonical, err := appendContext(nil, v.Context.pairs(t))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "canonical context", canonical, v.Canonical)
	material.derive(s, labelMessage, v.N, &s.derived)
	same(t, "message key", s.derived[:], v.Key)
	aead := newGCM(&s.derived)
	same(t, "ciphertext", aead.Seal(nil, v.IV, v.Plaintext, append(v.Header, canonical...)), v.Ciphertext)

	counted(t, "blobs", len(file.Blobs), 5)
	for _, v := range file.Blobs {
		b := Binding{Partition: v.Partition, Account: v.Account, KeyID: v.KeyID}
		m, err := newMaterial(&b, keyOf(v.Material))
		if err != nil {
			t.Fatal(err)
		}
		same(t, v.Name+": keyspace", m.prefix[56:72], v.Keyspace)
		if m.ID() != hex.EncodeToString(v.MaterialID) {
			t.Errorf("%s: material id %s, not %x", v.Name, m.ID(), v.MaterialID)
		}
		got, err := m.encrypt(s, nil, variatesOf(v.N, v.IV), v.Plaintext, v.Context.pairs(t))
		if err != nil {
			t.Fatal(err)
		}
		same(t, v.Name+": blob", got, v.Blob)
		plaintext, err := m.decrypt(s, nil, v.Blob, v.Context.pairs(t))
		if err != nil {
			t.Fatal(err)
		}
		same(t, v.Name+": plaintext", plaintext, v.Plaintext)
	}
}

type keyringVectors struct {
	Headers []struct {
		RootKey, Installation, MasterKey, N, IV, RootCheck, Header octets
	}
	AccountKeys []struct {
		MasterKey, Installation    octets
		Account                    string
		AccountKey, N, IV, Wrapped octets
	}
	Rows []struct {
		AccountKey, Associated, Plaintext, N, IV, Sealed octets
	}
	Materials []struct {
		AccountKey, Installation                       octets
		Binding                                        Binding
		Encoding, Material, MaterialID, N, IV, Wrapped octets
	}
	Hashes []struct {
		MasterKey     octets
		Purpose       string
		Message, Hash octets
	}
	Tokens []struct {
		MasterKey                    octets
		Purpose                      string
		Associated, Plaintext, N, IV octets
		Token                        string
	}
	Segments []struct {
		MasterKey, Salt               octets
		Sequence                      string
		Associated, Plaintext, Sealed octets
	}
	Signers []struct {
		MasterKey, Installation, Public, Message, Signature octets
	}
}

func TestKeyringVectors(t *testing.T) {
	t.Parallel()
	var file keyringVectors
	readVectors(t, "testdata/keyring.json", &file)
	t.Run("headers", file.headers)
	t.Run("account keys", file.accountKeys)
	t.Run("rows", file.rows)
	t.Run("materials", file.materials)
	t.Run("secrets", file.secrets)
	t.Run("segments", file.segments)
	t.Run("signers", file.signers)
}

func (f *keyringVectors) headers(t *testing.T) {
	counted(t, "headers", len(f.Headers), 1)
	for _, v := range f.Headers {
		root := &RootKey{key: keyOf(v.RootKey)}
		check := root.check([16]byte(v.Installation))
		same(t, "root check", check[:], v.RootCheck)
		same(t, "header", wrapHeader([16]byte(v.Installation), []*key{keyOf(v.MasterKey)}, root, variatesOf(v.N, v.IV)), v.Header)
		ring, err := Open(v.Header, root)
		if err != nil {
			t.Fatal(err)
		}
		sameKey(t, "master key", ring.master, v.MasterKey)
		if ring.Installation() != hex.EncodeToString(v.Installation) {
			t.Errorf("installation %s", ring.Installation())
		}
	}
}

func (f *keyringVectors) accountKeys(t *testing.T) {
	counted(t, "account keys", len(f.AccountKeys), 2)
	for _, v := range f.AccountKeys {
		ring := newKeyring([16]byte(v.Installation), []*key{keyOf(v.MasterKey)})
		got := ring.master.wrap(labelAccount, accountPrefix(1, 1), variatesOf(v.N, v.IV), ring.accountBinding(v.Account), keyOf(v.AccountKey))
		same(t, "wrapped account key", got, v.Wrapped)
		if err := ring.Install(v.Account, v.Wrapped); err != nil {
			t.Fatal(err)
		}
		key, err := ring.account(v.Account)
		if err != nil {
			t.Fatal(err)
		}
		sameKey(t, "account key", key.keys[0], v.AccountKey)
	}
}

func (f *keyringVectors) rows(t *testing.T) {
	counted(t, "rows", len(f.Rows), 2)
	for _, v := range f.Rows {
		ring := &Keyring{}
		ring.accounts.Store("a", &generations{keys: []*key{keyOf(v.AccountKey)}})
		key, _, err := ring.sealing("a", rowPrefix)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "row", key.box(labelRow, nil, rowPrefix, variatesOf(v.N, v.IV), v.Associated, v.Plaintext), v.Sealed)
		got, err := ring.Open("a", v.Associated, v.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "plaintext", got, v.Plaintext)
	}
}

func (f *keyringVectors) materials(t *testing.T) {
	counted(t, "materials", len(f.Materials), 2)
	for _, v := range f.Materials {
		same(t, "binding", v.Binding.appendTo(nil), v.Encoding)
		ring := &Keyring{installation: [16]byte(v.Installation)}
		account := keyOf(v.AccountKey)
		ring.accounts.Store(v.Binding.Account, &generations{keys: []*key{account}})
		got := account.wrap(labelMaterial, materialPrefix, variatesOf(v.N, v.IV), ring.materialBinding(&v.Binding), keyOf(v.Material))
		same(t, "wrapped material", got, v.Wrapped)
		m, err := ring.Unwrap(v.Binding, v.Wrapped)
		if err != nil {
			t.Fatal(err)
		}
		sameKey(t, "material", m.key, v.Material)
		if m.ID() != hex.EncodeToString(v.MaterialID) {
			t.Errorf("material id %s, not %x", m.ID(), v.MaterialID)
		}
	}
}

func (f *keyringVectors) secrets(t *testing.T) {
	counted(t, "hashes", len(f.Hashes), 3)
	for _, v := range f.Hashes {
		sum := (&Keyring{master: keyOf(v.MasterKey)}).Secret(v.Purpose).Hash(v.Message)
		same(t, "hash", sum[:], v.Hash)
	}
	counted(t, "tokens", len(f.Tokens), 3)
	for _, v := range f.Tokens {
		secret := (&Keyring{master: keyOf(v.MasterKey)}).Secret(v.Purpose)
		got := secret.key.box(labelToken, nil, tokenPrefix, variatesOf(v.N, v.IV), v.Associated, v.Plaintext)
		if tokens.EncodeToString(got) != v.Token {
			t.Errorf("token %s, not %s", tokens.EncodeToString(got), v.Token)
		}
		plaintext, err := secret.Open(v.Associated, v.Token)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "plaintext", plaintext, v.Plaintext)
	}
}

func (f *keyringVectors) segments(t *testing.T) {
	counted(t, "segments", len(f.Segments), 2)
	for _, v := range f.Segments {
		sequence, err := strconv.ParseUint(v.Sequence, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		c := (&Keyring{master: keyOf(v.MasterKey)}).Cipher(v.Salt)
		same(t, "entry", c.Seal(nil, sequence, v.Associated, v.Plaintext), v.Sealed)
		got, err := c.Open(nil, sequence, v.Associated, v.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "plaintext", got, v.Plaintext)
	}
}

func (f *keyringVectors) signers(t *testing.T) {
	counted(t, "signers", len(f.Signers), 1)
	for _, v := range f.Signers {
		s := (&Keyring{installation: [16]byte(v.Installation), master: keyOf(v.MasterKey)}).Signer()
		same(t, "public key", s.Public(), v.Public)
		same(t, "signature", s.Sign(v.Message), v.Signature)
	}
}
