package httpfront

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"claviger/internal/edge/message"
)

// trusts reports whether a peer is a proxy whose word counts.
func (f *front) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(f.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// forwarded puts into m what a trusted proxy says of its client's connection. A
// proxy appends the address of its peer to X-Forwarded-For, so that the list
// counts from its end, as long as it names trusted proxies; what stands before
// is the client's own word. Of X-Forwarded-Proto the last counts. Without these
// headers, the proxy itself is the caller.
func (f *front) forwarded(m *message.Request, header http.Header) {
	if !f.trusts(m.Remote) {
		return
	}
	hops := listed(header["X-Forwarded-For"])
	for _, hop := range slices.Backward(hops) {
		address, ok := parseHop(hop)
		if !ok {
			break // nobody knows; the proxy that said so is the last that is known
		}
		m.Remote = address
		if !f.trusts(address) {
			break
		}
	}
	schemes := listed(header["X-Forwarded-Proto"])
	if len(schemes) > 0 {
		m.Secure = strings.EqualFold(schemes[len(schemes)-1], "https")
	}
	if len(hops)+len(schemes) > 0 {
		m.TLS = nil // it is the proxy's connection, not the caller's
	}
}

// listed is the list that header fields of one name make.
func listed(fields []string) []string {
	if len(fields) == 0 {
		return nil
	}
	list := strings.Split(strings.Join(fields, ","), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// parseHop reads an address, with or without a port.
func parseHop(text string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().WithZone(""), true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return address.Unmap().WithZone(""), err == nil
}
