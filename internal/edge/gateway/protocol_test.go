package gateway

import (
	"testing"

	"claviger/internal/edge/message"
)

func TestQueryTarget(t *testing.T) {
	t.Parallel()
	who := &bound{}
	s := &service{
		Service:    Service{Protocol: Query, Version: "2011-06-15"},
		operations: map[string]*bound{"GetCallerIdentity": who},
	}
	const form, other = "Action=GetCallerIdentity&Version=2011-06-15", "Action=Other&Version=2011-06-15"
	tests := map[string]struct {
		r    message.Request
		name string
		want *bound
	}{
		"body":            {message.Request{Method: "POST", Path: "/", Body: []byte(form)}, "GetCallerIdentity", who},
		"query of GET":    {message.Request{Method: "GET", Path: "/", Query: form}, "GetCallerIdentity", who},
		"query of POST":   {message.Request{Method: "POST", Path: "/", Query: form}, "GetCallerIdentity", who},
		"body and query":  {message.Request{Method: "POST", Path: "/", Query: form, Body: []byte(other)}, "Other", nil},
		"neither":         {message.Request{Method: "POST", Path: "/"}, "", nil},
		"another method":  {message.Request{Method: "PUT", Path: "/", Query: form}, "GetCallerIdentity", nil},
		"another path":    {message.Request{Method: "POST", Path: "/x", Query: form}, "GetCallerIdentity", nil},
		"another version": {message.Request{Method: "POST", Path: "/", Query: "Action=GetCallerIdentity"}, "GetCallerIdentity", nil},
		"unknown to GET":  {message.Request{Method: "GET", Path: "/", Query: other}, "Other", nil},
		"body beside GET": {message.Request{Method: "GET", Path: "/", Query: form, Body: []byte(other)}, "GetCallerIdentity", who},
	}
	for name, c := range tests {
		got := s.target(&c.r)
		if got.name != c.name || got.bound != c.want || got.refusal == nil {
			t.Errorf("%s: %q, found %t, want %q, %t", name, got.name, got.bound != nil, c.name, c.want != nil)
		}
	}
	if len(tests) != 10 {
		t.Errorf("%d cases ran", len(tests))
	}
}
