package sealed

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// An account has one key after the other: a new generation seals, those before it
// go on to open what they sealed. What the first generation seals has no number in
// its prefix, as there was only one at first:
//
//	first generation   prefix
//	those after it     prefix with the highest bit of its byte set | be32(generation)
type generations struct {
	keys   []*key // from the first
	master int    // version of the master key that wraps the newest
}

// laterBit marks prefixes of later generations.
const laterBit = 0x80

// generationsMax is how many generations there can be: one for each master key.
const generationsMax = mastersMax

// rowPrefix is the version of a sealed row's format.
var rowPrefix = []byte{1}

// sealing returns the key that seals for an account, and the prefix that says so.
func (k *Keyring) sealing(account string, prefix []byte) (*key, []byte, error) {
	g, err := k.account(account)
	if err != nil {
		return nil, nil, err
	}
	n := len(g.keys)
	return g.keys[n-1], generationPrefix(prefix, n), nil
}

// opening returns the key of an account that sealed a box, and the box's prefix.
func (k *Keyring) opening(account string, prefix, box []byte) (*key, []byte, error) {
	g, err := k.account(account)
	if err != nil {
		return nil, nil, err
	}
	n := generation(box)
	if n < 1 || n > len(g.keys) {
		return nil, nil, ErrCiphertext
	}
	return g.keys[n-1], generationPrefix(prefix, n), nil
}

// generationPrefix is the prefix of boxes that the n-th generation seals.
func generationPrefix(prefix []byte, n int) []byte {
	if n == 1 {
		return prefix
	}
	return binary.BigEndian.AppendUint32([]byte{prefix[0] | laterBit}, uint32(n))
}

// generation is that which sealed a box, 0 where that can't be.
func generation(box []byte) int {
	switch {
	case len(box) == 0:
		return 0
	case box[0]&laterBit == 0:
		return 1
	case len(box) < 5:
		return 0
	}
	n := binary.BigEndian.Uint32(box[1:])
	if n < 2 || n > generationsMax {
		return 0
	}
	return int(n)
}

// Seal seals a body under the key of an account and binds it to associated,
// which Open must be given again.
func (k *Keyring) Seal(account string, associated, plaintext []byte) ([]byte, error) {
	key, prefix, err := k.sealing(account, rowPrefix)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, 0, boxSize(len(prefix), len(plaintext)))
	return key.box(labelRow, dst, prefix, drawVariates(), associated, plaintext), nil
}

// Open opens what Seal sealed, else ErrCiphertext.
func (k *Keyring) Open(account string, associated, sealed []byte) ([]byte, error) {
	key, prefix, err := k.opening(account, rowPrefix, sealed)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, 0, max(0, len(sealed)-boxSize(len(prefix), 0)))
	return key.unbox(labelRow, dst, prefix, associated, sealed)
}

// Stale reports whether what Seal sealed was sealed by an earlier generation of the
// account's key than the newest.
func (k *Keyring) Stale(account string, sealed []byte) bool {
	g, err := k.account(account)
	return err == nil && generation(sealed) < len(g.keys)
}

func (k *Keyring) account(account string) (*generations, error) {
	v, ok := k.accounts.Load(account)
	if !ok {
		return nil, fmt.Errorf("sealed: no key is installed for account %q", account)
	}
	return v.(*generations), nil
}

// Known reports whether a key is installed for the account. "" names what
// belongs to the installation, and has a key like every account.
func (k *Keyring) Known(account string) bool {
	_, ok := k.accounts.Load(account)
	return ok
}

// Generation is how many keys an account has had, 0 where none is installed. old says that
// the newest of them is wrapped by an earlier master key than the newest.
func (k *Keyring) Generation(account string) (n int, old bool) {
	g, err := k.account(account)
	if err != nil {
		return 0, false
	}
	return len(g.keys), g.master < len(*k.masters.Load())
}

// Draw makes a key for account and returns it wrapped: its first, or the next where
// the newest is old, else another one in place of the newest. It does not install it:
// what is sealed under a key whose wrapped form was never stored is lost.
func (k *Keyring) Draw(account string) ([]byte, error) {
	n, old := k.Generation(account)
	if n == 0 || old {
		n++
	}
	masters := *k.masters.Load()
	prefix := accountPrefix(len(masters), n)
	return masters[len(masters)-1].wrap(labelAccount, prefix, drawVariates(), k.accountBinding(account), drawKey()), nil
}

// Install makes a wrapped account key usable, generation after generation. It
// replaces the newest one where that is installed, so that of two drawn at once the stored one can win.
// ErrCiphertext where it was not drawn for this account by this installation, or
// not next.
func (k *Keyring) Install(account string, wrapped []byte) error {
	master, n, ok := readAccountPrefix(wrapped)
	masters := *k.masters.Load()
	if !ok || master < 1 || master > len(masters) {
		return fmt.Errorf("installing the key of account %q: %w", account, ErrCiphertext)
	}
	var before []*key
	if g, err := k.account(account); err == nil {
		before = g.keys
	}
	if n != len(before)+1 && n != len(before) || n < 1 {
		return fmt.Errorf("installing key %d of account %q, which has %d: %w", n, account, len(before), ErrCiphertext)
	}
	key, err := masters[master-1].unwrap(labelAccount, accountPrefix(master, n), k.accountBinding(account), wrapped)
	if err != nil {
		return fmt.Errorf("installing the key of account %q: %w", account, err)
	}
	k.accounts.Store(account, &generations{keys: append(slices.Clone(before[:n-1]), key), master: master})
	return nil
}

// accountPrefix is the version of the format, the version of the master key and, for
// later generations, the number of the generation.
func accountPrefix(master, generation int) []byte {
	if generation == 1 {
		return binary.BigEndian.AppendUint32([]byte{1}, uint32(master))
	}
	b := binary.BigEndian.AppendUint32([]byte{2}, uint32(master))
	return binary.BigEndian.AppendUint32(b, uint32(generation))
}

func readAccountPrefix(b []byte) (master, generation int, ok bool) {
	switch {
	case len(b) < 9:
		return 0, 0, false
	case b[0] == 1:
		return int(binary.BigEndian.Uint32(b[1:])), 1, true
	case b[0] == 2:
		master, generation = int(binary.BigEndian.Uint32(b[1:])), int(binary.BigEndian.Uint32(b[5:]))
		return master, generation, generation > 1
	}
	return 0, 0, false
}

func (k *Keyring) accountBinding(account string) []byte {
	return appendField(slices.Clone(k.installation[:]), account)
}
