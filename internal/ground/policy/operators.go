package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

// An operator is what stands before the keys of a condition.
type operator struct {
	*comparison
	quantifier quantifier
	ifExists   bool
}

// A comparison is an operator without its prefix and suffix.
type comparison struct {
	negated bool
	compile func(values []string, vars grammar) (test, error) // nil for Null
}

// comparisons holds every operator by its folded name.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var comparisons = map[string]*comparison{
	"stringequals":              {false, exactly},
	"stringnotequals":           {true, exactly},
	"stringequalsignorecase":    {false, foldedly},
	"stringnotequalsignorecase": {true, foldedly},
	"stringlike":                {false, like},
	"stringnotlike":             {true, like},

	"numericequals":            {false, number(equal)},
	"numericnotequals":         {true, number(equal)},
	"numericlessthan":          {false, number(less)},
	"numericlessthanequals":    {false, number(lessOrEqual)},
	"numericgreaterthan":       {false, number(greater)},
	"numericgreaterthanequals": {false, number(greaterOrEqual)},

	"dateequals":            {false, date(equal)},
	"datenotequals":         {true, date(equal)},
	"datelessthan":          {false, date(less)},
	"datelessthanequals":    {false, date(lessOrEqual)},
	"dategreaterthan":       {false, date(greater)},
	"dategreaterthanequals": {false, date(greaterOrEqual)},

	"bool":         {false, boolean},
	"binaryequals": {false, binary},

	"ipaddress":    {false, address},
	"notipaddress": {true, address},

	"arnequals":    {false, arnLike},
	"arnlike":      {false, arnLike},
	"arnnotequals": {true, arnLike},
	"arnnotlike":   {true, arnLike},

	"null": {false, nil},
}

// parseOperator reads [ForAllValues:|ForAnyValue:]Base[IfExists], in any letter
// case. Null has no IfExists, and a set prefix doesn't change it.
func parseOperator(name string) (operator, bool) {
	o, _, ok := splitOperator(name)
	return o, ok
}

// splitOperator is parseOperator, and returns the base too, folded.
func splitOperator(name string) (o operator, base string, ok bool) {
	name = Fold(name)
	if rest, ok := strings.CutPrefix(name, "forallvalues:"); ok {
		name, o.quantifier = rest, forAllValues
	} else if rest, ok := strings.CutPrefix(name, "foranyvalue:"); ok {
		name, o.quantifier = rest, forAnyValue
	}
	base, o.ifExists = strings.CutSuffix(name, "ifexists")
	o.comparison = comparisons[base]
	return o, base, o.comparison != nil && (o.compile != nil || !o.ifExists)
}

// newCondition compiles one key of a Condition. vars is variables where the
// version of the document has them.
func newCondition(t *testClause, vars grammar) (condition, error) {
	o, ok := parseOperator(t.operator)
	if !ok {
		return condition{}, errSyntax
	}
	c := condition{operator: o, key: newKey(t.key), written: t.operator + ":" + t.key}
	if o.compile == nil {
		for _, v := range t.values {
			absent, ok := parseBool(v)
			if !ok {
				return condition{}, errLegacy
			}
			c.null = append(c.null, absent)
		}
		return c, nil
	}
	var err error
	c.test, err = o.compile(t.values, vars)
	return c, err
}

// texts are the values of String and Bool operators.
type texts []pattern

func (t texts) holds(value string, q *question) bool {
	for i := range t {
		if t[i].match(value, q) {
			return true
		}
	}
	return false
}

func patterns(values []string, g grammar) ([]pattern, error) {
	compiled := make([]pattern, len(values))
	for i, v := range values {
		var err error
		if compiled[i], err = newPattern(v, g); err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

func exactly(values []string, vars grammar) (test, error) {
	p, err := patterns(values, vars)
	return texts(p), err
}

func like(values []string, vars grammar) (test, error) {
	p, err := patterns(values, vars|wildcards)
	return texts(p), err
}

// folded are the values of operators that ignore letter case.
type folded []pattern

func (f folded) holds(value string, q *question) bool {
	for i := range f {
		if f[i].equalFold(value, q) {
			return true
		}
	}
	return false
}

func foldedly(values []string, vars grammar) (test, error) {
	p, err := patterns(values, vars)
	return folded(p), err
}

// truths are the values of Bool.
type truths folded

func (t truths) holds(value string, q *question) bool {
	_, ok := parseBool(value)
	return ok && folded(t).holds(value, q)
}

func boolean(values []string, vars grammar) (test, error) {
	p, err := patterns(values, vars)
	if err != nil {
		return nil, err
	}
	for i := range p {
		if _, ok := parseBool(p[i].literal); p[i].plain && !ok {
			return nil, errLegacy
		}
	}
	return truths(p), nil
}

func parseBool(s string) (value, ok bool) {
	value = strings.EqualFold(s, "true")
	return value, value || strings.EqualFold(s, "false")
}

// An order says which results of a comparison an operator accepts.
type order func(int) bool

func equal(c int) bool          { return c == 0 }
func less(c int) bool           { return c < 0 }
func lessOrEqual(c int) bool    { return c <= 0 }
func greater(c int) bool        { return c > 0 }
func greaterOrEqual(c int) bool { return c >= 0 }

// A quantity is a number or a date.
type quantity[T any] interface {
	compare(T) int
	steps() int // that a comparison may take
}

// ordered are the values of a Numeric or Date operator.
type ordered[T quantity[T]] struct {
	order  order
	parse  func(string) (T, bool) // of a value of the request
	values []T
}

func (o *ordered[T]) holds(value string, q *question) bool {
	if !q.spend(scanning(len(value))) {
		return false
	}
	got, ok := o.parse(value)
	if !ok {
		return false
	}
	for _, v := range o.values {
		if !q.spend(got.steps() + v.steps()) {
			return false
		}
		if o.order(got.compare(v)) {
			return true
		}
	}
	return false
}

func number(o order) func([]string, grammar) (test, error) {
	return func(values []string, _ grammar) (test, error) {
		v, err := typed(values, parseDecimal)
		return &ordered[decimal]{o, parseDecimal, v}, err
	}
}

func date(o order) func([]string, grammar) (test, error) {
	return func(values []string, _ grammar) (test, error) {
		v, err := typed(values, parseWrittenInstant)
		return &ordered[instant]{o, parseInstant, v}, err
	}
}

// addresses are the values of an IP address operator.
type addresses []netip.Prefix

func (a addresses) holds(value string, q *question) bool {
	if !q.spend(scanning(len(value)) + len(a)) {
		return false
	}
	got, err := netip.ParseAddr(value)
	if err != nil || got.Zone() != "" {
		return false
	}
	got = got.Unmap()
	for _, p := range a {
		if p.Contains(got) {
			return true
		}
	}
	return false
}

func address(values []string, _ grammar) (test, error) {
	v, err := typed(values, parsePrefix)
	return addresses(v), err
}

// mappedBits is the length of ::ffff:0:0/96, under which IPv6 holds IPv4.
const mappedBits = 96

// parsePrefix reads a CIDR block, or an address as a block of one.
func parsePrefix(s string) (netip.Prefix, bool) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= mappedBits {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
	}
	return p.Masked(), true
}

// blobs are the values of BinaryEquals.
type blobs []string

func (b blobs) holds(value string, q *question) bool {
	for _, v := range b {
		if !q.spend(scanning(min(len(v), len(value)))) {
			return false
		}
		if v == value {
			return true
		}
	}
	return false
}

func binary(values []string, _ grammar) (test, error) {
	v, err := typed(values, func(s string) (string, bool) {
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		return string(b), err == nil
	})
	return blobs(v), err
}

// arns are the values of an ARN operator.
type arns []pattern

func (a arns) holds(value string, q *question) bool {
	return q.spend(scanning(len(value))) && isARN(value) && texts(a).holds(value, q)
}

// arnLike compiles for all four operators: ArnEquals compares as ArnLike does. A
// value must have the six parts of an ARN, be the lone *, or hold variables
// that may add what is missing.
func arnLike(values []string, vars grammar) (test, error) {
	p := make(arns, len(values))
	for i, v := range values {
		g := vars | wildcards | parted
		if v == "*" {
			g = wildcards
		}
		var err error
		if p[i], err = newPattern(v, g); err != nil {
			return nil, err
		}
		if v != "*" && len(p[i].variables) == 0 && strings.Count(v, ":") < arnColons {
			return nil, errLegacy
		}
	}
	return p, nil
}

// isARN reports whether s has the six parts of an ARN.
func isARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= arnColons
}

// typed parses values that have a form of their own.
func typed[T any](values []string, parse func(string) (T, bool)) ([]T, error) {
	parsed := make([]T, len(values))
	for i, v := range values {
		var ok bool
		if parsed[i], ok = parse(v); !ok {
			return nil, errLegacy
		}
	}
	return parsed, nil
}
