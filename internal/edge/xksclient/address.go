package xksclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// dialer connects to the proxy of a host, or of a VPC endpoint service, whatever
// address it is given. Names are resolved here and not by net.Dial, so that what
// was judged is what is connected to.
func (c *Client) dialer(host, service string) func(context.Context, string, string) (net.Conn, error) {
	name := host
	if service != "" {
		name = service
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		if address := c.o.Addresses[name]; address != "" {
			return d.DialContext(ctx, network, address)
		}
		if service != "" {
			return nil, fmt.Errorf("nobody has said where %s is", service)
		}
		addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		if !c.o.AllowPrivate {
			for _, a := range addresses {
				if !public(a) {
					return nil, fmt.Errorf("%s has the address %s, which is not public", host, a)
				}
			}
		}
		err = errors.New("no addresses")
		for _, a := range addresses {
			var connection net.Conn
			if connection, err = d.DialContext(ctx, network, netip.AddrPortFrom(a, port).String()); err == nil {
				return connection, nil
			}
		}
		return nil, err
	}
}

// port is that of every proxy: endpoints can't name one.
const port = 443

// reserved are addresses that lead to no public host, beside those that package
// netip knows, and such that stand for other addresses.
// https://www.iana.org/assignments/iana-ipv4-special-registry and its counterpart for IPv6
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 791
	netip.MustParsePrefix("100.64.0.0/10"),   // behind carriers' translators, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments, RFC 6890
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737
	netip.MustParsePrefix("192.88.99.0/24"),  // relays of 6to4, RFC 7526
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks, RFC 2544
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // for later, and broadcast, RFC 1112
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind a translator, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same, local, RFC 8215
	netip.MustParsePrefix("100::/64"),        // discarded, RFC 6666
	netip.MustParsePrefix("2001::/23"),       // protocol assignments with Teredo, RFC 2928
	netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
	netip.MustParsePrefix("2002::/16"),       // 6to4, RFC 3056
	netip.MustParsePrefix("3fff::/20"),       // documentation, RFC 9637
	netip.MustParsePrefix("fec0::/10"),       // site-local, RFC 3879
	netip.MustParsePrefix("::/96"),           // IPv4 in IPv6, RFC 4291
}

// public reports whether an address is one of a public host.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() { // neither loopback nor link-local nor multicast
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
