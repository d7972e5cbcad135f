package httpfront

import (
	"net/http"
	"net/netip"

	"claviger/internal/edge/message"
)

// ForwardedAddress is the caller's address that a peer's X-Forwarded-For leads to.
func ForwardedAddress(peer netip.Addr, header string, trusted netip.Prefix) netip.Addr {
	f := &front{o: Options{TrustedProxies: []netip.Prefix{trusted}}}
	m := &message.Request{Remote: peer}
	f.forwarded(m, http.Header{"X-Forwarded-For": {header}})
	return m.Remote
}
