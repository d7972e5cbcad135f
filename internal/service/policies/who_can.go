package policies

import (
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// WhoCanInput asks who could do something with a resource.
type WhoCanInput struct {
	Action   string `aws:"Action" audit:"action"`
	Resource string `aws:"Resource" audit:"resource"`
}

// Validate demands an action by its whole name.
func (in *WhoCanInput) Validate(c *check.Checks) { checkAction(c, in.Action) }

// WhoCanOutput lists who could.
type WhoCanOutput struct{ Holders []Holder }

// A Holder is somebody who could make a call.
type Holder struct {
	Principal string
	Kind      string   // root, user, role, session, service, account, everybody
	Through   []string // each of them needed
	If        []string // what else must hold: of the request, or of an account that is not known here
	Unless    []string // what a Deny would catch
}

func (s *Service) whoCan() operation.Operation {
	return operation.Use[WhoCanInput, WhoCanOutput, struct{}, *WhoCanInput]{
		Name:    "WhoCan",
		Actions: []string{"claviger:WhoCan"},
		Asks:    asks[WhoCanInput]("claviger:WhoCan"),
		Run: func(c *operation.Call, in *WhoCanInput, _ struct{}) (*WhoCanOutput, error) {
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			w := &search{
				s: s, c: c, r: r, in: in, seen: map[string]bool{}, walked: map[string]bool{}, grants: map[string][]*authz.Held{},
			}
			if err := w.run(); err != nil {
				return nil, err
			}
			return &WhoCanOutput{Holders: w.holders}, nil
		},
	}.Operation()
}

// A search goes through everybody who might be let in. Its work grows with their
// number; it holds nothing that calls wait for.
type search struct {
	s  *Service
	c  *operation.Call
	r  store.Reader
	in *WhoCanInput

	grants  map[string][]*authz.Held // that permit the action, by whom they name
	granted []string                 // their keys, in order
	seen    map[string]bool          // principals
	walked  map[string]bool          // accounts
	holders []Holder
}

func (w *search) run() error {
	a, ok := arn.Parse(w.in.Resource)
	switch {
	case w.in.Resource == "*":
		return w.everywhere()
	case !ok || !arn.IsAccount(a.Account):
		return fault.New(fault.Validation, "%q is neither an ARN with an account nor *.", w.in.Resource)
	}
	ask, err := w.ask(outsider(a.Partition, a.Account, ""), &given{})
	if err != nil {
		return err
	}
	if err := w.findGrants(ask.Resource); err != nil { // of the key, where an alias is named
		return err
	}
	if err := w.walk(a.Account); err != nil {
		return err
	}
	if ask.Policy != nil {
		for _, n := range ask.Policy.Principals() {
			if err := w.named(n); err != nil {
				return err
			}
		}
	}
	for _, name := range w.granted {
		if err := w.named(policy.NamedPrincipal{Type: "AWS", Name: name}); err != nil {
			return err
		}
	}
	return w.everybody(a.Partition)
}

// everywhere asks about an action without a resource: everybody in its own account.
func (w *search) everywhere() error {
	accounts, err := w.s.o.Identities.Accounts(w.c.Context)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if err := w.walk(account); err != nil {
			return err
		}
	}
	return nil
}

// findGrants collects the grants of a key that permit the action. There may be any
// number of them.
func (w *search) findGrants(key string) error {
	if a, _ := arn.Parse(key); a.Service != "kms" || !strings.HasPrefix(a.Resource, "key/") {
		return nil
	}
	kept := make(map[[2]string]bool) // of grants that give the same to the same, one from each issuer
	return w.s.o.Keys.EachGrant(w.c, key, func(g *authz.Held) error {
		same := [2]string{g.Equal, g.Issuer}
		if kept[same] {
			return w.c.Context.Err()
		}
		kept[same] = true
		if !slices.ContainsFunc(g.Actions, func(action string) bool { return policy.Fold(action) == policy.Fold(w.in.Action) }) {
			return w.c.Context.Err()
		}
		if w.grants[g.Grantee] == nil {
			w.granted = append(w.granted, g.Grantee)
		}
		w.grants[g.Grantee] = append(w.grants[g.Grantee], g)
		return w.c.Context.Err()
	})
}

// walk judges everybody in an account that exists here.
func (w *search) walk(account string) error {
	if w.walked[account] {
		return nil
	}
	w.walked[account] = true
	return w.s.o.Identities.EachCaller(w.c.Context, w.r, account, func(caller *authz.Caller) error {
		if err := w.c.Context.Err(); err != nil {
			return err
		}
		return w.judge(caller, &given{})
	})
}

// named judges whom a policy or a grant names: everybody in that account, or who
// is not found by walking there.
func (w *search) named(n policy.NamedPrincipal) error {
	account := n.Name
	if a, ok := arn.Parse(n.Name); ok {
		account = a.Account
	}
	if arn.IsAccount(account) {
		if err := w.walk(account); err != nil {
			return err
		}
	}
	caller, err := w.s.o.Identities.CallerNamed(w.c.Context, w.r, n.Name)
	if err != nil {
		return err
	}
	if caller == nil {
		caller = w.unknown(n.Name)
	}
	if caller == nil {
		return nil // a user or role that is gone, or somebody whom no call can have as its author
	}
	return w.judge(caller, &given{})
}

// unknown returns who is named but belongs to an account that does not exist here:
// what that account allows is not known. It is nil for others.
func (w *search) unknown(name string) *authz.Caller {
	a, ok := arn.Parse(name)
	account := name
	if ok {
		account = a.Account
	}
	if !arn.IsAccount(account) || w.exists(account) {
		return nil
	}
	return outsider(a.Partition, account, name)
}

func (w *search) exists(account string) bool {
	caller, err := w.s.o.Identities.CallerNamed(w.c.Context, w.r, account)
	return err == nil && caller != nil
}

// allowAll stands for the policies of somebody whose account is not known here.
var allowAll = func() *policy.Policy {
	p, err := policy.Compile(policy.Identity, "", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		panic("policies: " + err.Error())
	}
	return p
}()

// outsider makes a principal whose account is not known here, to whom that allows
// everything.
func outsider(partition, account, name string) *authz.Caller {
	if partition == "" {
		partition = "aws"
	}
	p := principal.Principal{Kind: principal.Root, Partition: partition, Account: account, ARN: arn.Root(partition, account), ID: account}
	a, _ := arn.Parse(name)
	role, session, isSession := strings.Cut(strings.TrimPrefix(a.Resource, "assumed-role/"), "/")
	switch {
	case strings.HasPrefix(a.Resource, "user/"):
		p.Kind, p.ARN, p.Name = principal.User, name, a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	case strings.HasPrefix(a.Resource, "role/"):
		p.Kind, p.IssuerARN, p.ARN = principal.RoleSession, name, name
	case a.Service == "sts" && isSession && session != "":
		p.Kind, p.ARN, p.IssuerARN = principal.RoleSession, name, "arn:"+partition+":iam::"+account+":role/"+role
	}
	return &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, IssuerARN: p.IssuerARN},
		Identity:  []*policy.Policy{allowAll},
	}
}

// everybody asks whether the whole world is let in.
func (w *search) everybody(partition string) error {
	return w.judge(outsider(partition, nobodys, ""), &given{blank: true})
}

// nobodys is the id of an account that nobody has.
const nobodys = "000000000000"

// ask is what a caller would be asked, with what is known of the request.
func (w *search) ask(caller *authz.Caller, g *given) (authz.Ask, error) {
	return w.s.supposed(w.c, caller, w.in.Action, w.in.Resource, g)
}

// judge adds a caller where it could be allowed. It is judged twice: with every
// condition on the request against it, and with all of them for it.
func (w *search) judge(caller *authz.Caller, g *given) error {
	if id := caller.Principal.ARN; !g.blank && w.seen[id] {
		return nil
	} else if !g.blank {
		w.seen[id] = true
	}
	caller, err := w.s.placed(w.c.Context, caller)
	if err != nil {
		return err
	}
	g.unknown = policy.Values{Ambiguous: true}
	sure, held, err := w.decide(caller, g)
	if err != nil {
		return err
	}
	h := holderOf(caller, g)
	if !h.known && caller.Principal.Kind != principal.Service {
		h.If = append(h.If, "its account allows it")
	}
	if sure.Verdict.Allowed {
		h.Through = through(sure, held)
		w.holders = append(w.holders, h.Holder)
		return nil
	}
	open := *g
	open.unknown = policy.Values{Open: true}
	could, held, err := w.decide(caller, &open)
	if err != nil {
		return err
	}
	if could.Verdict.Allowed {
		h.Through = through(could, held)
		h.If = append(h.If, conditions(could, &open)...)
		if held != nil {
			h.If = append(h.If, held.Requires...)
		}
		h.Unless = denials(sure, g)
		w.holders = append(w.holders, h.Holder)
	}
	return nil
}

// decide judges a caller by policies, and, where these don't allow, by grants.
func (w *search) decide(caller *authz.Caller, g *given) (*explanation.Explanation, *authz.Held, error) {
	ask, err := w.ask(caller, g)
	if err != nil {
		return nil, nil, err
	}
	facts := authz.Facts{Time: w.c.Time, Region: ask.Region}
	var judge authz.Judge
	ask.Grants = nil
	err = judge.Allow(&facts, caller, &ask)
	if err == nil || !fault.Is(err, fault.AccessDenied) {
		return judge.ExplainWhole(), nil, pass(err)
	}
	policies := judge.ExplainWhole()
	tried := make(map[authz.Admission]bool) // nothing else of a grant counts for who it is
	for _, held := range w.heldBy(caller) {
		a := authz.Admission{Grade: held.Grade(caller), Issuer: held.Issuer}
		if len(held.Requires) > 0 && g.unknown.Ambiguous || tried[a] {
			continue
		}
		tried[a] = true
		ask.Grants = a
		if err := judge.Allow(&facts, caller, &ask); err == nil {
			return judge.ExplainWhole(), held, nil
		} else if !fault.Is(err, fault.AccessDenied) {
			return nil, nil, err
		}
	}
	return policies, nil, nil
}

// pass lets an error through that is no refusal.
func pass(err error) error {
	if fault.Is(err, fault.AccessDenied) {
		return nil
	}
	return err
}

// heldBy lists the grants that name a caller, its role or its account.
func (w *search) heldBy(caller *authz.Caller) []*authz.Held {
	p := &caller.Principal
	var held []*authz.Held
	for _, name := range []string{p.ARN, p.IssuerARN, p.Account, arn.Root(p.Partition, p.Account)} {
		if name != "" {
			held = append(held, w.grants[name]...)
		}
	}
	return slices.DeleteFunc(held, func(g *authz.Held) bool { return g.Grade(caller) == policy.None })
}

// A holder is a Holder in the making.
type holder struct {
	Holder
	known bool // its own policies are
}

var kinds = map[principal.Kind]string{principal.Root: "root", principal.User: "user", principal.RoleSession: "role", principal.Service: "service"}

func holderOf(caller *authz.Caller, g *given) holder {
	p := &caller.Principal
	h := holder{Holder: Holder{Principal: p.ARN, Kind: kinds[p.Kind]}, known: len(caller.Identity) != 1 || caller.Identity[0] != allowAll}
	switch {
	case g.blank:
		h.Principal, h.Kind = "*", "everybody"
	case !h.known && p.Kind == principal.Root:
		h.Principal, h.Kind = p.Account, "account"
	case p.Kind == principal.RoleSession && p.IssuerID != "" && strings.HasSuffix(p.ARN, "/anybody"):
		h.Principal = p.IssuerARN
	case p.Kind == principal.RoleSession && p.ARN != p.IssuerARN:
		h.Kind = "session"
	}
	return h
}

// through names the grant or the statements that allow: of the policy of the
// resource, and of the caller's own where these were needed.
func through(e *explanation.Explanation, held *authz.Held) []string {
	v := e.Verdict
	var list []string
	switch v.Gate {
	case policy.ByGrant:
		list = append(list, "grant "+held.ID)
	case policy.ByNothing:
		list = append(list, "being the root user of the account")
	case policy.ByIdentity:
		for _, p := range allowing(e, policy.ByResource) {
			list = append(list, nameOf(p)+", which delegates to the account")
			break
		}
		list = append(list, nameOf(policy.Premise{Gate: v.Gate, Policy: v.Policy, Statement: v.Statement, Sid: v.Sid}))
	default:
		list = append(list, nameOf(policy.Premise{Gate: v.Gate, Policy: v.Policy, Statement: v.Statement, Sid: v.Sid}))
	}
	return list
}

// allowing lists the Allow statements of a gate that match.
func allowing(e *explanation.Explanation, gate policy.Gate) []policy.Premise {
	var list []policy.Premise
	for _, p := range e.Premises {
		if p.Gate == gate && p.Statement >= 0 && p.Matched && p.Effect == "Allow" {
			list = append(list, p)
		}
	}
	return list
}

// nameOf names a statement as a reader finds it: counted from one.
func nameOf(p policy.Premise) string {
	name := fmt.Sprintf("statement %d", p.Statement+1)
	if p.Sid != "" {
		name += " (" + p.Sid + ")"
	}
	switch p.Gate {
	case policy.ByResource:
		return name + " of the policy of the resource"
	case policy.ByBoundary:
		return name + " of the permissions boundary"
	}
	return name + " of policy " + p.Policy
}

// conditions says what of the request the statements demand that allow: of each
// gate one of them must match.
func conditions(e *explanation.Explanation, g *given) []string {
	v := e.Verdict
	var list []string
	for _, gate := range []policy.Gate{policy.ByServiceControl, policy.ByResource, policy.ByIdentity, policy.ByBoundary} {
		statements := allowing(e, gate)
		switch {
		case gate == v.Gate:
			statements = slices.DeleteFunc(statements, func(p policy.Premise) bool { return p.Policy != v.Policy || p.Statement != v.Statement })
		case v.Gate == policy.ByResource && gate == policy.ByIdentity, v.Gate == policy.ByGrant && gate == policy.ByResource:
			continue
		}
		if demanded := anyOf(statements, g); demanded != "" {
			list = append(list, demanded)
		}
	}
	return list
}

// anyOf joins what several statements demand; empty where one demands nothing.
func anyOf(statements []policy.Premise, g *given) string {
	var list []string
	for i := range statements {
		demands := demands(&statements[i], g)
		if len(demands) == 0 {
			return ""
		}
		list = append(list, strings.Join(demands, " and "))
	}
	return strings.Join(list, ", or ")
}

// demands lists the conditions of a statement that depend on the request.
func demands(p *policy.Premise, g *given) []string {
	var list []string
	for _, t := range p.Compared {
		k := policy.NewKey(t.Key)
		if v := g.Lookup(&k); v.Open || v.Ambiguous {
			list = append(list, t.Operator+" "+t.Key+" "+strings.Join(t.Wanted, " or "))
		}
	}
	return list
}

// denials says which Deny statements apply to some requests.
func denials(e *explanation.Explanation, g *given) []string {
	var list []string
	for i := range e.Premises {
		p := &e.Premises[i]
		if p.Effect != "Deny" || !p.Matched || p.Statement < 0 {
			continue
		}
		if d := demands(p, g); len(d) > 0 {
			list = append(list, nameOf(*p)+": "+strings.Join(d, " and "))
		}
	}
	return list
}
