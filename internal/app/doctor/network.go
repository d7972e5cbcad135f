package doctor

import (
	"crypto/x509"
	"net/netip"
	"strings"
	"time"
)

// certificateDays is how long before its end a certificate is warned of.
const certificateDays = 14

// Certificate judges the certificate that the server would show.
func Certificate(leaf *x509.Certificate, now time.Time) []Finding {
	const check = "certificate"
	const renew = "have its authority issue a new one, put it in place, and send the server SIGHUP"
	var found []Finding
	left := leaf.NotAfter.Sub(now)
	switch {
	case left < 0:
		found = append(found, problem(check, renew, "it expired at %s: no client takes it", leaf.NotAfter.UTC().Format(time.RFC3339)))
	case now.Before(leaf.NotBefore):
		found = append(found, problem(check, "wait, or look at the clock", "it is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339)))
	case left < certificateDays*24*time.Hour:
		found = append(found, warning(check, renew, "it expires at %s", leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
	if len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0 {
		found = append(found, problem(check, "have it issued with the server's names as subject alternative names",
			"it has no names but its subject's, %q, which clients do not look at", leaf.Subject.CommonName))
	}
	if len(leaf.ExtKeyUsage) > 0 && !serves(leaf) {
		found = append(found, problem(check, "have it issued for server authentication", "it is not for servers"))
	}
	if len(found) == 0 {
		names := leaf.DNSNames
		for _, ip := range leaf.IPAddresses {
			names = append(names, ip.String())
		}
		found = append(found, ok(check, "for %s, until %s", strings.Join(names, ", "), leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
	return found
}

func serves(leaf *x509.Certificate) bool {
	for _, usage := range leaf.ExtKeyUsage {
		if usage == x509.ExtKeyUsageServerAuth || usage == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}

// Proxies judges whose word counts for where callers are.
func Proxies(list []netip.Prefix) []Finding {
	const check = "proxies"
	var found []Finding
	for _, p := range list {
		widest := 8
		if p.Addr().Is6() {
			widest = 32
		}
		if p.Bits() < widest {
			found = append(found, problem(check, "name the proxies themselves in --trusted-proxies",
				"%s takes the word of very many: whoever is among them chooses the address that policies see", p))
			continue
		}
		if a := p.Masked().Addr(); !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
			found = append(found, warning(check, "see that these addresses are your proxies' alone", "%s is not a private network", p))
		}
	}
	if len(found) == 0 && len(list) > 0 {
		found = append(found, ok(check, "%d networks of proxies are trusted", len(list)))
	}
	return found
}

// Listening judges an address that is served beyond this machine, or only here.
func Listening(address string, local, secure bool) Finding {
	const check = "address"
	switch {
	case local:
		return ok(check, "%s is for this machine only", address)
	case secure:
		return ok(check, "%s is reached from other machines, by TLS", address)
	}
	return problem(check, "give --tls-cert and --tls-key, or a loopback address", "%s would be reached from other machines in the clear: the server refuses", address)
}
