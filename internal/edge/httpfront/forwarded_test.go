package httpfront_test

import (
	"net/netip"
	"strings"
	"testing"

	"claviger/internal/edge/httpfront"
)

// TestForwarded: what a trusted proxy says of its client counts, and nobody
// else's word does.
func TestForwarded(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for name, test := range map[string]struct {
		trusted []netip.Prefix
		header  string
		remote  string
		secure  bool
	}{
		"nobody is trusted":        {nil, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https", "127.0.0.1", false},
		"another is trusted":       {proxies[1:], "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https", "127.0.0.1", false},
		"the proxy itself calls":   {proxies, "A: b", "127.0.0.1", false},
		"one proxy":                {proxies, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https", "192.0.2.1", true},
		"plain HTTP to the proxy":  {proxies, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http", "192.0.2.1", false},
		"the scheme is not told":   {proxies, "X-Forwarded-For: 192.0.2.1", "192.0.2.1", false},
		"the address is not told":  {proxies, "X-Forwarded-Proto: HTTPS", "127.0.0.1", true},
		"the client claims more":   {proxies, "X-Forwarded-For: 203.0.113.9, 192.0.2.1", "192.0.2.1", false},
		"in several fields":        {proxies, "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.1", "192.0.2.1", false},
		"the client claims TLS":    {proxies, "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http", "127.0.0.1", false},
		"two proxies":              {proxies, "X-Forwarded-For: 203.0.113.9, 192.0.2.1,10.1.2.3", "192.0.2.1", false},
		"proxies only":             {proxies, "X-Forwarded-For: 10.1.2.4, 10.1.2.3", "10.1.2.4", false},
		"an unknown hop":           {proxies, "X-Forwarded-For: 192.0.2.1, unknown, 10.1.2.3", "10.1.2.3", false},
		"an unknown client":        {proxies, "X-Forwarded-For: unknown", "127.0.0.1", false},
		"an empty list":            {proxies, "X-Forwarded-For:", "127.0.0.1", false},
		"with a port":              {proxies, "X-Forwarded-For: 192.0.2.1:4711", "192.0.2.1", false},
		"IPv6":                     {proxies, "X-Forwarded-For: 2001:db9::1, 2001:db8::1", "2001:db9::1", false},
		"IPv6 in brackets":         {proxies, "X-Forwarded-For: [2001:db9::1]", "2001:db9::1", false},
		"IPv6 with a port":         {proxies, "X-Forwarded-For: [2001:db9::1]:4711", "2001:db9::1", false},
		"IPv4 in IPv6, as trusted": {proxies, "X-Forwarded-For: 192.0.2.1, ::ffff:10.1.2.3", "192.0.2.1", false},
		"a zone":                   {proxies, "X-Forwarded-For: fe80::1%eth0", "fe80::1", false},
	} {
		handler := new(echo)
		address := serve(t, httpfront.Options{Handler: handler, TrustedProxies: test.trusted})
		exchange(t, address, "POST / HTTP/1.1\r\nHost: a\r\n"+test.header+"\r\nContent-Length: 0\r\n\r\n")
		if len(handler.asked) != 1 {
			t.Fatalf("%s: asked %d times", name, len(handler.asked))
		}
		if m := handler.asked[0]; m.Remote != netip.MustParseAddr(test.remote) || m.Secure != test.secure || m.TLS != nil {
			t.Errorf("%s: from %s, secure %t, want %s, %t", name, m.Remote, m.Secure, test.remote, test.secure)
		}
	}
}

// FuzzForwarded: the address is one that the header names, or the peer's, and
// is never a trusted one while another stands behind it.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "192.0.2.1", "192.0.2.1, 10.1.2.3", "[::1]:80,,", "%eth0", "10.0.0.1:99999", "]["} {
		f.Add(seed)
	}
	proxy := netip.MustParsePrefix("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, header string) {
		peer := netip.MustParseAddr("10.0.0.1")
		got := httpfront.ForwardedAddress(peer, header, proxy)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q leads to %v", header, got)
		}
		if got != peer && !strings.Contains(header, ".") && !strings.Contains(header, ":") {
			t.Errorf("%q has no address, and leads to %v", header, got)
		}
		if again := httpfront.ForwardedAddress(peer, header+", 10.0.0.2", proxy); again != got && got != peer {
			t.Errorf("%q leads to %v, behind one more proxy to %v", header, got, again)
		}
	})
}
