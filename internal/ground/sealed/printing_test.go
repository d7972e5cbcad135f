package sealed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestNothingShows prints whatever holds a key in every common way.
func TestNothingShows(t *testing.T) {
	t.Parallel()
	canary := bytes.Repeat([]byte("canary42"), 4)
	newCanary := func() *key { return takeKey(bytes.Clone(canary)) }
	material, err := newMaterial(&Binding{KeyID: "1234abcd-12ab-34cd-56ef-1234567890ab"}, newCanary())
	if err != nil {
		t.Fatal(err)
	}
	ring := &Keyring{master: newCanary()}
	ring.accounts.Store("a", &generations{keys: []*key{newCanary()}})
	mac := &Material{private: hide(&macKey{key: canary})}
	wrapping := &WrappingKey{private: hide(&macKey{key: canary})}
	holders := []any{
		mac, *mac, wrapping, *wrapping, waiting{key: newCanary()},
		newCanary(), &RootKey{key: newCanary()}, ring, material,
		&Secret{key: newCanary(), hash: newCanary()}, &Signer{seed: newCanary()},
		*material, RootKey{key: newCanary()}, Secret{key: newCanary()},
	}
	n := 0
	for _, h := range holders {
		out := fmt.Sprintf("%v %+v %#v %s %d %x %q", h, h, h, h, h, h, h)
		encoded, err := json.Marshal(h)
		if err != nil {
			t.Errorf("%T: %v", h, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "holder", h)
		out += string(encoded) + log.String()
		for _, spelled := range []string{"canary", fmt.Sprintf("%x", canary[:8]), "99 97 110", "0x63, 0x61", "Y2FuYXJ5"} {
			if strings.Contains(out, spelled) {
				t.Errorf("%T shows its key as %q", h, spelled)
			}
		}
		n++
	}
	if n != 14 {
		t.Errorf("%d holders were printed", n)
	}
}
