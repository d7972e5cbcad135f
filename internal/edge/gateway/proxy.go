package gateway

import (
	"context"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/edge/xksproxy"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// proxyBodyMax is how many bytes a body of the external key store proxy
// interface may have. The largest that is of use has half of them.
const proxyBodyMax = 32 << 10

// KeyStores knows external key stores by their prefixes.
type KeyStores interface {
	// KeyStore reports whether there is a key store of that prefix.
	KeyStore(ctx context.Context, prefix string) (bool, error)

	// KeyStoreCredential lends a credential of that key store, and no other, as
	// sigv4.Credentials lends one.
	KeyStoreCredential(ctx context.Context, prefix, accessKeyID, token string) (*authz.Credential, error)
}

// A lender lends the credentials of one key store.
type lender struct {
	stores KeyStores
	prefix string
}

// Credential implements sigv4.Credentials and pipeline.Credentials.
func (l lender) Credential(ctx context.Context, accessKeyID, token string) (*authz.Credential, error) {
	return l.stores.KeyStoreCredential(ctx, l.prefix, accessKeyID, token)
}

// An addressed input is told by the path what it is about.
type addressed interface {
	Address(keyStore, externalKey string)
}

// BodyMax returns how many bytes the body of a request to a path may have; 0
// where the path sets no limit of its own.
func (g *Gateway) BodyMax(path string) int64 {
	if g.proxies(path) {
		return proxyBodyMax
	}
	return 0
}

// proxies reports whether a path belongs to the external key store proxy interface.
func (g *Gateway) proxies(path string) bool { return g.proxy != nil && xksproxy.Recognises(path) }

// handleProxied answers a request to the external key store proxy interface.
func (g *Gateway) handleProxied(ctx context.Context, r *message.Request, began time.Time) message.Response {
	id := ident.UUID()
	lent, err := g.findKeyStore(ctx, r)
	if err != nil {
		return g.refuse(r, began, g.proxy, id, err)
	}
	credential, scope, err := g.proxyVerifier.VerifyAgainst(ctx, lent, r, g.o.Now())
	if err == nil {
		// The Region is that of the other key management service.
		err = scope.Require(scope.Region, g.proxy.Name)
	}
	if err != nil {
		return g.refuse(r, began, g.proxy, id, err)
	}
	return g.call(ctx, r, began, g.proxy, credential, lent, scope.Region, id)
}

// findKeyStore finds whose credentials a request is to be checked against. An
// unknown prefix has none, so that nobody can be asked to prove anything first.
func (g *Gateway) findKeyStore(ctx context.Context, r *message.Request) (lender, error) {
	if r.Method != "POST" {
		return lender{}, fault.New(xksproxy.MethodNotAllowed, "The only method of this interface is POST.")
	}
	unknown := fault.New(xksproxy.InvalidURIPath, "The URI path names no key store, or nothing that a key store offers.")
	target, ok := xksproxy.Parse(r.Path)
	if !ok || r.Query != "" {
		return lender{}, unknown
	}
	exists, err := g.o.KeyStores.KeyStore(ctx, target.KeyStore)
	if err != nil {
		return lender{}, err
	}
	if !exists {
		return lender{}, unknown
	}
	return lender{g.o.KeyStores, target.KeyStore}, nil
}

// proxyTarget reads the target of a request whose path names something.
func (s *service) proxyTarget(r *message.Request) target {
	path, _ := xksproxy.Parse(r.Path)
	t := target{name: path.Operation, bound: s.operations[path.Operation]}
	if t.bound == nil {
		t.refusal = &fault.Fault{Code: fault.UnsupportedOperation}
		return t
	}
	t.decode = func(in any) error {
		in.(addressed).Address(path.KeyStore, path.ExternalKey)
		return t.bound.json.in.Decode(r.Body, in)
	}
	return t
}

// proxyFailure answers with an error of the interface.
func proxyFailure(response message.Response, f *fault.Fault) message.Response {
	response.ContentType = "application/json"
	_, response.Status, response.Body = xksproxy.Error(f)
	if f.Code == xksproxy.MethodNotAllowed {
		response.Allow = "POST"
	}
	return response
}
