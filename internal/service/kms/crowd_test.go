package kms_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

// aside is the same actor making calls of its own, beside the world's others.
func (a *actor) aside() *actor { return a.within(a.w.t) }

// within is the same actor in a part of the test.
func (a *actor) within(t testing.TB) *actor {
	w := *a.w
	w.t = t
	aside := *a
	aside.w = &w
	return &aside
}

// crowd has many make a call at once. It returns how many succeeded; all others
// must have been refused with code.
func crowd(owner *actor, code fault.Code, in func(i int) any) int {
	const callers = 12
	var succeeded atomic.Int64
	var group sync.WaitGroup
	for i := range callers {
		a := owner.aside()
		group.Go(func() {
			switch _, err := a.do(in(i)); {
			case err == nil:
				succeeded.Add(1)
			case !fault.Is(err, code):
				a.w.t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	group.Wait()
	return int(succeeded.Load())
}

func TestOneAliasOfAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	n := crowd(owner, kms.AlreadyExists, func(i int) any {
		return &kms.CreateAliasInput{AliasName: str("alias/a"), TargetKeyID: str([]string{key.KeyID, other.KeyID}[i%2])}
	})
	list := must[kms.ListAliasesOutput](owner, &kms.ListAliasesInput{}).Aliases
	list = slices.DeleteFunc(list, func(a kms.AliasListEntry) bool { return strings.HasPrefix(a.AliasName, "alias/aws/") })
	if n != 1 || len(list) != 1 {
		t.Errorf("%d of them made it, %+v is listed", n, list)
	}
}

func TestQuotasAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	ok(t, kms.SetCount(t.Context(), w.store, home, region, kms.KeysPerAccount-5))
	if n := crowd(owner, fault.LimitExceeded, func(int) any { return &kms.CreateKeyInput{} }); n != 5 {
		t.Errorf("%d of them made a key, 5 places were left", n)
	}
	for i := range kms.AliasesPerKey - 5 {
		owner.createAlias(fmt.Sprintf("alias/%d", i), key.KeyID)
	}
	if n := crowd(owner, fault.LimitExceeded, func(i int) any {
		return &kms.CreateAliasInput{AliasName: str(fmt.Sprintf("alias/crowd-%d", i)), TargetKeyID: str(key.KeyID)}
	}); n != 5 {
		t.Errorf("%d of them made an alias, 5 places were left", n)
	}
	owner.done(&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: tags(kms.TagsPerKey - 5)})
	if n := crowd(owner, kms.TagFault, func(i int) any {
		return &kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag(fmt.Sprintf("crowd-%d", i), "")}}
	}); n != 5 {
		t.Errorf("%d of them added a tag, 5 places were left", n)
	}
}

// Calls that use keys while others change them see one state or the other.
func TestUsesBesideChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	var group sync.WaitGroup
	for range 3 {
		a := owner.aside()
		group.Go(func() {
			for range 60 {
				_, err := a.do(&kms.EncryptInput{KeyID: str("alias/a"), Plaintext: secret("x")})
				if err != nil && !fault.Is(err, kms.Disabled) {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
		owner.refused(&kms.EncryptInput{KeyID: str("alias/a"), Plaintext: secret("x")}, kms.Disabled, key.ARN+" is disabled.")
		owner.done(&kms.EnableKeyInput{KeyID: str(key.KeyID)})
		owner.encrypt("alias/a", "x")
	}
	group.Wait()
}
