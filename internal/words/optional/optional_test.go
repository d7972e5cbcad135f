package optional_test

import (
	"testing"

	"claviger/internal/words/optional"
)

func TestOr(t *testing.T) {
	t.Parallel()
	var absent optional.Of[int]
	if absent.Set || absent.Or(7) != 7 {
		t.Errorf("absent is %+v, or %d", absent, absent.Or(7))
	}
	for _, v := range []int{0, 1} {
		if some := optional.Some(v); !some.Set || some.V != v || some.Or(7) != v {
			t.Errorf("present %d is %+v, or %d", v, some, some.Or(7))
		}
	}
	if optional.Some("") == (optional.Of[string]{}) {
		t.Error("empty is absent")
	}
}
