package policy_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
)

// A trial is one question with all its policies, in the form in which the
// public simulator reads it.
type trial struct {
	Principal       string         `json:"principal"`
	Action          string         `json:"action"`
	Resource        string         `json:"resource"`
	Account         string         `json:"account"`
	Context         map[string]any `json:"context"`
	Identity        []*drawn       `json:"identity,omitempty"`
	ResourcePolicy  *drawn         `json:"resourcePolicy,omitempty"`
	Boundary        []*drawn       `json:"boundary,omitempty"`
	Session         *drawn         `json:"session,omitempty"`
	ServiceControl  [][]*drawn     `json:"serviceControl,omitempty"`
	ResourceControl [][]*drawn     `json:"resourceControl,omitempty"`
}

// A drawn is a document, and a drawnStatement one of its statements.
type drawn struct {
	Version   string           `json:"Version,omitempty"`
	Statement []drawnStatement `json:"Statement"`
}

type drawnStatement struct {
	Effect       string
	Principal    any                       `json:"Principal,omitempty"`
	NotPrincipal any                       `json:"NotPrincipal,omitempty"`
	Action       []string                  `json:"Action,omitempty"`
	NotAction    []string                  `json:"NotAction,omitempty"`
	Resource     []string                  `json:"Resource,omitempty"`
	NotResource  []string                  `json:"NotResource,omitempty"`
	Condition    map[string]map[string]any `json:"Condition,omitempty"`
}

// What questions are about: an action, its resource, the rule that holds for it
// and the kind of policy that the resource has.
type subject struct {
	action, resource string
	rule             policy.Rule
	kind             policy.Kind
}

const plainRole = "arn:aws:iam::111122223333:role/web"

var (
	subjects = []subject{
		{"kms:Encrypt", keyARN, policy.ExplicitTrust, policy.KeyPolicy},
		{"kms:DescribeKey", keyARN, policy.ExplicitTrust, policy.KeyPolicy},
		{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-AbCdEf", policy.Standard, policy.Resource},
		{"events:PutEvents", "arn:aws:events:us-east-1:111122223333:event-bus/main", policy.Standard, policy.Resource},
		{"sts:AssumeRole", "arn:aws:iam::111122223333:role/ops/admin", policy.ExplicitTrust, policy.Trust},
	}
	trialCallers = map[string]func() *policy.Caller{
		userARN:    user,
		sessionARN: func() *policy.Caller { c := session(); c.IssuerARN = plainRole; return c },
		federatedARN: func() *policy.Caller {
			c := federated()
			c.IssuerARN = "arn:aws:iam::111122223333:user/bob"
			return c
		},
		"logs.amazonaws.com": service,
	}
	trialPrincipals = []any{ // the bare * is first
		"*", map[string]any{"AWS": "*"}, map[string]any{"AWS": home}, map[string]any{"AWS": rootARN}, map[string]any{"AWS": abroad},
		map[string]any{"AWS": userARN}, map[string]any{"AWS": plainRole}, map[string]any{"AWS": sessionARN}, map[string]any{"AWS": federatedARN},
		map[string]any{"AWS": []string{plainRole, sessionARN, userARN}}, map[string]any{"Service": "logs.amazonaws.com"},
		map[string]any{"AWS": "arn:aws:iam::111122223333:user/mallory"}, map[string]any{"AWS": abroad, "Service": "logs.amazonaws.com"},
	}
)

// trialKeys are condition keys with values that a request may have and values
// that a policy may compare them with, per family of operators.
var trialKeys = []struct {
	name      string
	request   []any
	operators []string
	values    []string
}{
	{"aws:PrincipalTag/Team", []any{"a", "b", "A", "*", "team a"}, stringOperators, stringValues},
	{"aws:RequestTag/Team", []any{"a", "b"}, stringOperators, stringValues},
	{"kms:EncryptionContext:App", []any{"a", "b", "a*"}, stringOperators, stringValues},
	{"aws:TagKeys", []any{[]string{"a", "b"}, []string{"a"}, []string{"A", "c"}}, stringOperators, stringValues},
	{"aws:username", []any{"a", "alice"}, stringOperators, stringValues},
	{"kms:RotationPeriodInDays", []any{"90", "365", "10.0"}, numericOperators, []string{"90", "365", "10", "-1", "1e2", "90.0"}},
	{"aws:MultiFactorAuthAge", []any{"10", "3600"}, numericOperators, []string{"10", "3600", "3599.5"}},
	{"aws:CurrentTime", []any{"2026-11-01T00:00:00Z", "2026-11-01T12:30:00Z"}, dateOperators,
		[]string{"2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00", "2026-10-31", "2027-01-01T00:00:00Z", "2026-11-01T12:30:00Z"}},
	{"aws:SourceIp", []any{"192.0.2.7", "198.51.100.1", "2001:db8::7"}, addressOperators,
		[]string{"192.0.2.0/24", "192.0.2.7", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0", "198.51.100.0/25"}},
	{"aws:MultiFactorAuthPresent", []any{"true", "false"}, []string{"Bool", "BoolIfExists", "Null"}, []string{"true", "false"}},
	{"aws:SecureTransport", []any{"true", "false"}, []string{"Bool", "BoolIfExists"}, []string{"true", "false"}},
	{"aws:SourceArn", []any{"arn:aws:logs:us-east-1:111122223333:log-group:g", "arn:aws:logs:us-east-1:444455556666:log-group:g:x"}, arnOperators,
		[]string{"arn:aws:logs:*:111122223333:*", "arn:aws:logs:us-east-1:444455556666:log-group:g*", "arn:*:logs:*:*:log-group:?", "arn:aws:logs:us-east-1:111122223333:log-group:g"}},
}

var (
	stringOperators = withForms("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike")
	stringValues    = []string{"a", "b", "A", "a*", "?", "*", "team ?", "${aws:username}", "${aws:PrincipalTag/Team}", "${aws:PrincipalTag/None}", "${aws:username, 'b'}", "${*}", "a${?}"}

	numericOperators = withForms("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals")
	dateOperators    = withForms("DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals")
	addressOperators = withForms("IpAddress", "NotIpAddress")
	arnOperators     = withForms("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike")
)

func withForms(names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, n, n, n+"IfExists", "ForAllValues:"+n, "ForAnyValue:"+n, "ForAnyValue:"+n+"IfExists", "ForAllValues:"+n+"IfExists")
	}
	return append(all, "Null", "Null", "Null")
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true in one of n.
func chance(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

func drawTrial(r *rand.Rand) *trial {
	s := pick(r, subjects)
	tr := &trial{
		Principal: pick(r, slices.Sorted(maps.Keys(trialCallers))),
		Action:    s.action,
		Resource:  s.resource,
		Account:   home,
		Context:   map[string]any{},
	}
	if chance(r, 4) {
		tr.Resource, tr.Account = strings.Replace(s.resource, home, abroad, 1), abroad
	}
	for _, k := range trialKeys {
		if !chance(r, 3) {
			tr.Context[k.name] = pick(r, k.request)
		}
	}
	outside := tr.Principal == "logs.amazonaws.com"
	for range r.IntN(3) {
		if !outside {
			tr.Identity = append(tr.Identity, drawDocument(r, s, policy.Identity))
		}
	}
	if s.rule == policy.ExplicitTrust || !chance(r, 4) {
		tr.ResourcePolicy = drawDocument(r, s, s.kind)
	}
	if chance(r, 4) && (tr.Principal == userARN || tr.Principal == sessionARN) {
		tr.Boundary = []*drawn{drawDocument(r, s, policy.Identity)}
	}
	if chance(r, 3) && tr.Principal == sessionARN || !chance(r, 4) && tr.Principal == federatedARN {
		tr.Session = drawDocument(r, s, policy.Identity)
	}
	for chance(r, 4) && !outside {
		level := []*drawn{drawDocument(r, s, policy.ServiceControl)}
		if chance(r, 2) {
			level = append(level, everything(""))
		}
		tr.ServiceControl = append(tr.ServiceControl, level)
	}
	for chance(r, 4) {
		tr.ResourceControl = append(tr.ResourceControl, []*drawn{everything("*"), drawDocument(r, s, policy.ResourceControl)})
	}
	return tr
}

// everything is the document that AWS attaches to every level.
func everything(who string) *drawn {
	s := drawnStatement{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}
	if who != "" {
		s.Principal = who
	}
	return &drawn{"2012-10-17", []drawnStatement{s}}
}

func drawDocument(r *rand.Rand, s subject, kind policy.Kind) *drawn {
	d := &drawn{Version: "2012-10-17"}
	if chance(r, 10) && (kind == policy.KeyPolicy || kind == policy.Resource || kind == policy.Trust) {
		d.Version = "2008-10-17"
	}
	for range 1 + r.IntN(3) {
		d.Statement = append(d.Statement, drawStatement(r, s, kind))
	}
	return d
}

func drawStatement(r *rand.Rand, s subject, kind policy.Kind) drawnStatement {
	out := drawnStatement{Effect: "Allow"}
	if chance(r, 5) || kind == policy.ResourceControl {
		out.Effect = "Deny"
	}
	vendor, name, _ := strings.Cut(s.action, ":")
	actions := []string{s.action, strings.ToUpper(vendor) + ":" + strings.ToLower(name), vendor + ":*", vendor + ":" + name[:2] + "*", vendor + ":?" + name[1:], vendor + ":Nothing"}
	if kind != policy.ResourceControl && kind != policy.Trust {
		actions = append(actions, "*")
	}
	if kind == policy.Trust {
		actions = []string{"sts:AssumeRole", "sts:AssumeRole", "sts:TagSession"}
	}
	list := []string{pick(r, actions)}
	if chance(r, 3) {
		list = append(list, pick(r, actions))
	}
	if out.Action = list; chance(r, 8) && kind != policy.Trust && kind != policy.ResourceControl {
		out.Action, out.NotAction = nil, list
	}
	drawReach(r, s, kind, &out)
	for n := r.IntN(4); n > 1; n-- {
		drawCondition(r, kind, &out)
	}
	return out
}

// drawReach draws whom and what the statement is about.
func drawReach(r *rand.Rand, s subject, kind policy.Kind, out *drawnStatement) {
	if kind != policy.Trust {
		prefix := s.resource[:strings.LastIndexAny(s.resource, ":/")+1]
		resources := []string{"*", "*", s.resource, prefix + "*", strings.Replace(s.resource, "us-east-1", "*", 1), strings.Replace(s.resource, home, "*", 1),
			prefix + "${aws:username}", prefix + "${aws:PrincipalTag/None}", prefix + "?*", prefix + "none"}
		list := []string{pick(r, resources)}
		if chance(r, 3) {
			list = append(list, pick(r, resources))
		}
		if out.Resource = list; chance(r, 8) {
			out.Resource, out.NotResource = nil, list
		}
	}
	switch kind {
	case policy.Trust: // takes neither the bare * nor NotPrincipal
		out.Principal = pick(r, trialPrincipals[1:])
	case policy.KeyPolicy, policy.Resource:
		if out.Principal = pick(r, trialPrincipals); out.Effect == "Deny" && chance(r, 3) {
			out.Principal, out.NotPrincipal = nil, out.Principal
		}
	case policy.ResourceControl:
		out.Principal = "*"
	}
}

func drawCondition(r *rand.Rand, kind policy.Kind, out *drawnStatement) {
	k := pick(r, trialKeys)
	operator := pick(r, k.operators)
	if kind == policy.KeyPolicy { // may not say so of keys with one value
		operator = strings.TrimPrefix(operator, "ForAllValues:")
	}
	values := []string{pick(r, k.values)}
	switch {
	case operator == "Null":
		values = []string{pick(r, []string{"true", "false"})}
	case chance(r, 3):
		values = append(values, pick(r, k.values))
	}
	if out.Condition == nil {
		out.Condition = map[string]map[string]any{}
	}
	name := k.name
	if chance(r, 5) {
		name = strings.ToUpper(name)
	}
	if out.Condition[operator] == nil {
		out.Condition[operator] = map[string]any{}
	}
	out.Condition[operator][name] = values
}

func (tr *trial) subject() subject {
	return subjects[slices.IndexFunc(subjects, func(s subject) bool { return s.action == tr.Action })]
}

// input is the question for Decide.
func (tr *trial) input(t *testing.T) *policy.Input {
	f := facts{}
	for k, v := range tr.Context {
		switch v := v.(type) {
		case string:
			f[policy.Fold(k)] = one(v)
		default:
			f[policy.Fold(k)] = many(texts(v)...)
		}
	}
	in := &policy.Input{
		Request:         policy.Request{Action: tr.Action, Resource: tr.Resource, Caller: trialCallers[tr.Principal](), Context: f},
		Rule:            tr.subject().rule,
		ResourceAccount: tr.Account,
		CrossAccount:    true,
		Identity:        compiled(t, policy.Identity, tr.Identity),
		Boundary:        compiled(t, policy.Identity, tr.Boundary),
	}
	if tr.Session != nil {
		in.Session = compiled(t, policy.Identity, []*drawn{tr.Session})
	}
	if tr.ResourcePolicy != nil {
		in.ResourcePolicy = compiled(t, tr.subject().kind, []*drawn{tr.ResourcePolicy})[0]
	}
	for _, level := range tr.ServiceControl {
		in.Service = append(in.Service, compiled(t, policy.ServiceControl, level))
	}
	for _, level := range tr.ResourceControl {
		in.Control = append(in.Control, compiled(t, policy.ResourceControl, level))
	}
	return in
}

func compiled(t *testing.T, kind policy.Kind, documents []*drawn) []*policy.Policy {
	var all []*policy.Policy
	for _, d := range documents {
		if kind == policy.ResourceControl && d.Statement[0].Effect == "Allow" {
			continue // the one that is always there: ours counts none
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, compile(t, kind, string(text)))
	}
	return all
}

// each calls f for every document, which it may change.
func (tr *trial) each(f func(*drawn)) {
	lists := append([][]*drawn{tr.Identity, tr.Boundary, {tr.Session, tr.ResourcePolicy}}, tr.ServiceControl...)
	for _, list := range append(lists, tr.ResourceControl...) {
		for _, d := range list {
			if d != nil {
				f(d)
			}
		}
	}
}

// smaller lists d with one thing less.
func (d *drawn) smaller() []drawn {
	var all []drawn
	change := func(i int, f func(*drawnStatement)) {
		c := drawn{d.Version, slices.Clone(d.Statement)}
		f(&c.Statement[i])
		all = append(all, c)
	}
	for i := range d.Statement {
		s := d.Statement[i]
		if len(d.Statement) > 1 {
			all = append(all, drawn{d.Version, slices.Delete(slices.Clone(d.Statement), i, i+1)})
		}
		for operator := range s.Condition {
			change(i, func(s *drawnStatement) { s.Condition = maps.Clone(s.Condition); delete(s.Condition, operator) })
		}
		for _, list := range []func(*drawnStatement) *[]string{
			func(s *drawnStatement) *[]string { return &s.Action },
			func(s *drawnStatement) *[]string { return &s.Resource },
			func(s *drawnStatement) *[]string { return &s.NotAction },
			func(s *drawnStatement) *[]string { return &s.NotResource },
		} {
			if l := *list(&s); len(l) > 1 {
				change(i, func(s *drawnStatement) { *list(s) = l[:1] })
				change(i, func(s *drawnStatement) { *list(s) = l[1:] })
			}
		}
	}
	return all
}
