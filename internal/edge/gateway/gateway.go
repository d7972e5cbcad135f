// Package gateway turns a message into a call and the call's outcome into a message.
//
// It finds the service by the scope of the signature, has the signature
// verified over the raw bytes, and only then hands the body's decoder to the
// pipeline. Whatever goes wrong is answered in the protocol of the service.
package gateway

import (
	"context"
	"strings"
	"time"

	"claviger/internal/edge/awsjson"
	"claviger/internal/edge/awsquery"
	"claviger/internal/edge/message"
	"claviger/internal/edge/sigv4"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/kernel/record"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// A Protocol is how a service reads requests and writes answers.
type Protocol uint8

// The protocols.
const (
	JSON  Protocol = iota // AWS JSON 1.1
	Query                 // AWS Query
	XKS                   // the external key store proxy interface, found by its paths
)

// A Service is one API as the gateway offers it.
type Service struct {
	Name       string // signing name, such as "kms"
	Source     string // event source of its records, such as "kms.amazonaws.com"
	Protocol   Protocol
	Target     string        // JSON: what stands before the operation in X-Amz-Target
	Version    string        // Query: the Version parameter
	Namespace  string        // Query: XML namespace of answers
	Capital    bool          // JSON: texts of faults stand in "Message"
	Skew       time.Duration // how far the client's clock may be off
	Global     bool          // one endpoint for a whole partition, signed for its first Region
	Internal   fault.Code    // what the service calls an internal failure, if it has a name of its own
	Operations []operation.Operation
}

// Options of New.
type Options struct {
	Services    []Service
	Pipeline    *pipeline.Pipeline
	Credentials sigv4.Credentials
	KeyStores   KeyStores // needed where one of Services speaks XKS
	Regions     []string  // that exist
	Region      string    // of requests that name none
	Now         func() time.Time
	FIPS        bool // the process runs in FIPS 140-3 mode, so kms-fips host names may be used

	// Refused is told of requests that are no calls, under the id that was answered:
	// those whose signature does not verify, and those of which that could not be
	// found out. They leave no record. An error that is no fault is a failure of
	// the server's own.
	Refused func(r *message.Request, id string, err error)

	// Meter counts requests. It may be nil.
	Meter Meter
}

// Gateway answers requests. It is safe for concurrent use.
type Gateway struct {
	o        Options
	verifier sigv4.Verifier
	services map[string]*service // by signing name
	regions  map[string]bool     // of the server's partition

	proxy         *service // which speaks XKS; nil where none does
	proxyVerifier sigv4.Verifier
}

// service is a Service with its plans.
type service struct {
	Service
	operations map[string]*bound
}

// bound is an operation with the plans of its shapes.
type bound struct {
	entrance *pipeline.Entrance
	json     struct{ in, out *awsjson.Shape }
	query    struct{ in, out *awsquery.Shape }
	empty    bool // answers with an empty body
}

// New prepares every operation of every service. It panics if one can't be carried by its protocol.
func New(o Options) *Gateway {
	g := &Gateway{o: o, services: make(map[string]*service), regions: make(map[string]bool)}
	for _, s := range o.Services {
		if s.Protocol == XKS {
			g.proxy = bind(s)
			continue
		}
		g.services[s.Name] = bind(s)
	}
	for _, region := range o.Regions {
		if arn.Partition(region) == arn.Partition(o.Region) {
			g.regions[region] = true
		}
	}
	g.verifier = sigv4.Verifier{Credentials: o.Credentials, Skew: g.skew}
	g.proxyVerifier = sigv4.Verifier{BareContentType: true}
	return g
}

func bind(s Service) *service {
	out := &service{Service: s, operations: make(map[string]*bound)}
	for _, op := range s.Operations {
		b := &bound{entrance: pipeline.Open(s.Source, op), empty: op.Out == noneType}
		switch s.Protocol {
		case JSON, XKS:
			b.json.in, b.json.out = awsjson.Plan(op.In), awsjson.Plan(op.Out)
		case Query:
			b.query.in, b.query.out = awsquery.Plan(op.In), awsquery.Plan(op.Out)
		}
		out.operations[op.Name] = b
	}
	return out
}

func (g *Gateway) skew(name string) time.Duration {
	if s, ok := g.services[name]; ok {
		return s.Skew
	}
	return 5 * time.Minute
}

// Handle answers one request.
func (g *Gateway) Handle(ctx context.Context, r *message.Request) message.Response {
	began := g.begin()
	if g.proxies(r.Path) {
		return g.handleProxied(ctx, r, began)
	}
	id := ident.UUID()
	scope, err := sigv4.Peek(r)
	s := g.services[scope.Service]
	if err != nil || s == nil {
		// Nobody can be attributed, so this is no call. It is answered in the
		// protocol that the request seems to speak.
		if err == nil {
			err = fault.New(fault.InvalidSignature, "Credential should be scoped to correct service: '%s' is not served here.", scope.Service)
		}
		return g.refuse(r, began, g.guess(r), id, err)
	}
	credential, scope, err := g.authenticate(ctx, r, s, scope)
	if err != nil {
		return g.refuse(r, began, s, id, err)
	}
	region := scope.Region
	if s.Global {
		region = globalRegion(region)
	}
	return g.call(ctx, r, began, s, credential, nil, region, id)
}

// authenticate verifies the signature, for a scope that this endpoint serves.
func (g *Gateway) authenticate(ctx context.Context, r *message.Request, s *service, claimed sigv4.Scope) (*authz.Credential, sigv4.Scope, error) {
	if err := g.serves(r.Host, s, claimed); err != nil {
		return nil, claimed, err
	}
	credential, scope, err := g.verifier.Verify(ctx, r, g.o.Now())
	if err != nil {
		return nil, claimed, err
	}
	return credential, scope, nil
}

// serves refuses a scope whose Region does not exist, or that is not the one
// the host name stands for. A client that was given one endpoint for all
// services signs for its own Region, also where the service is global. Regions
// of another partition don't exist here: users would have a second ARN there,
// which no policy about the first covers.
func (g *Gateway) serves(host string, s *service, scope sigv4.Scope) error {
	if !g.regions[scope.Region] {
		return scope.Require("", s.Name)
	}
	label, rest, _ := strings.Cut(host, ".")
	region, _, _ := strings.Cut(rest, ".")
	if plain, fips := strings.CutSuffix(label, "-fips"); fips && g.services[plain] != nil {
		if !g.o.FIPS {
			return fault.New(fault.Validation, "This server does not run in FIPS 140-3 mode and does not answer as %s.", label)
		}
		label = plain
	}
	named := g.services[label]
	if named == nil {
		return nil // the host name does not say
	}
	switch {
	case named.Global:
		region = globalRegion(scope.Region)
	case !g.regions[region]:
		region = scope.Region
	}
	return scope.Require(region, named.Name)
}

// globalRegion is the Region for which a partition's global endpoints sign.
func globalRegion(region string) string {
	switch arn.Partition(region) {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// call takes an authenticated request through the pipeline.
func (g *Gateway) call(ctx context.Context, r *message.Request, began time.Time, s *service, credential *authz.Credential, lent pipeline.Credentials, region, id string) message.Response {
	target := s.target(r)
	req := pipeline.Request{
		Source:      s.Source,
		Name:        target.recorded(),
		Refusal:     target.refusal,
		Credential:  credential,
		Credentials: lent,
		Facts: authz.Facts{
			Region:    region,
			Source:    r.Remote,
			Secure:    r.Secure,
			UserAgent: r.Get("user-agent"),
			Referer:   r.Get("referer"),
		},
		ID:        id,
		Partition: arn.Partition(region),
		Decode:    target.decode,
		Spell:     s.spell,
	}
	if r.TLS != nil {
		req.TLS = &record.TLS{Version: r.TLS.Version, Cipher: r.TLS.Cipher, Host: r.Host}
	}
	if target.bound != nil {
		req.Entrance = target.bound.entrance
	}
	if err := source(r, &credential.Caller.Principal, &req.Facts); err != nil {
		req.Entrance, req.Refusal = nil, err
	}
	out, err := g.o.Pipeline.Do(ctx, &req)
	var answer message.Response
	if err != nil {
		answer = s.failure(id, err)
		answer.Explanation = req.Message
	} else {
		answer = s.success(target.bound, id, out)
	}
	g.ended(began, Outcome{
		Service: s.Name, Operation: req.Name, Known: target.bound != nil, Call: true, Gate: req.Gate, Fault: fault.From(err),
	})
	return answer
}

// Refuse answers a request that could not even be read, such as one whose body
// is too large.
func (g *Gateway) Refuse(r *message.Request, err error) message.Response {
	scope, _ := sigv4.Peek(r)
	s := g.services[scope.Service]
	switch {
	case g.proxies(r.Path):
		s = g.proxy
	case s == nil:
		s = g.guess(r)
	}
	return g.refuse(r, g.begin(), s, ident.UUID(), err)
}

// guess returns a service without operations that speaks the protocol which r
// seems to speak.
func (g *Gateway) guess(r *message.Request) *service {
	target, _, _ := strings.Cut(r.Get("x-amz-target"), ".")
	if target != "" {
		for _, s := range g.services {
			if s.Target == target {
				return s
			}
		}
		return &service{Service: Service{Protocol: JSON}}
	}
	if strings.HasPrefix(r.Get("content-type"), "application/x-amz-json") {
		return &service{Service: Service{Protocol: JSON}}
	}
	return &service{Service: Service{Protocol: Query, Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}}
}
