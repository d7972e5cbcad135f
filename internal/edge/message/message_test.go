package message_test

import (
	"testing"

	"claviger/internal/edge/message"
)

func TestGet(t *testing.T) {
	t.Parallel()
	r := message.Request{Header: []message.Field{{Name: "a", Value: "1"}, {Name: "b", Value: ""}, {Name: "a", Value: "2"}}}
	for name, want := range map[string]string{"a": "1", "b": "", "c": "", "A": ""} {
		if got := r.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
