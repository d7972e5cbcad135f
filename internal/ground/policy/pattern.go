package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A pattern is a text with wildcards and variables, split once into what stands
// before the first * and the stretches that each * begins. What a variable
// stands for is literal text: no value of a request can add a wildcard to a
// policy.
type pattern struct {
	head      []token
	stretches []stretch
	variables []*variable // those of the first slots are distinct
	least     int         // bytes of the shortest match, variables not counted
	tail      string      // literal text that every match ends with

	// plain says that the pattern is no more than literal.
	plain   bool
	literal string

	// broken patterns match nothing, and keep the NotResource of an Allow from
	// matching too.
	broken bool
}

type tokenKind uint8

const (
	literalToken  tokenKind = iota
	onesToken               // ?: one character each
	variableToken           // ${…}
)

type token struct {
	kind tokenKind

	// bounded wildcards stand in one of the first five parts of an ARN and
	// never match a colon.
	bounded bool

	text string // of a literal
	n    int    // how many ?
	slot int    // of a variable, its place in pattern.variables
}

// A stretch is a * with the tokens between it and the next. The ? next to the *
// have become a count: *?*, ?* and *? are the same.
type stretch struct {
	bounded bool
	least   int // characters that the wildcards take at least
	run     []token
}

// grammar says what is special in a pattern.
type grammar uint8

const (
	wildcards grammar = 1 << iota // * and ?
	variables                     // ${…} and its escapes
	parted                        // an ARN: wildcards keep to their part of the first five
)

// arnColons is how many colons divide the parts of an ARN. Those after them
// belong to the last part.
const arnColons = 5

func newPattern(text string, g grammar) (pattern, error) {
	var b builder
	for text != "" {
		switch {
		case g&variables != 0 && strings.HasPrefix(text, "${"):
			v, literal, rest, err := parseVariable(text)
			if err != nil {
				return pattern{}, err
			}
			if literal == "" {
				b.variable(&v)
			}
			b.literal = append(b.literal, literal...)
			text = rest
			continue
		case g&wildcards != 0 && text[0] == '*':
			b.star(b.bounded(g))
		case g&wildcards != 0 && text[0] == '?':
			b.one(b.bounded(g))
		default:
			if text[0] == ':' {
				b.colons++
			}
			b.literal = append(b.literal, text[0])
		}
		text = text[1:]
	}
	return b.finish(), nil
}

// A builder collects the tokens of a pattern.
type builder struct {
	pattern
	literal []byte // not yet a token
	colons  int    // seen outside of variables and escapes
}

// run returns the tokens since the last *.
func (b *builder) run() *[]token {
	if n := len(b.stretches); n > 0 {
		return &b.stretches[n-1].run
	}
	return &b.head
}

// bounded reports whether a wildcard keeps to its part.
func (b *builder) bounded(g grammar) bool { return g&parted != 0 && b.colons < arnColons }

func (b *builder) add(t token) {
	run := b.run()
	*run = append(*run, t)
}

// flush makes a token of the literal text so far.
func (b *builder) flush() {
	if len(b.literal) > 0 {
		b.least += len(b.literal)
		b.add(token{kind: literalToken, text: string(b.literal)})
		b.literal = b.literal[:0]
	}
}

// variable adds v. A repetition shares the slot, if that is one of the first: only
// these are kept during a match.
func (b *builder) variable(v *variable) {
	b.flush()
	slot := slices.IndexFunc(b.variables[:min(len(b.variables), slots)], func(w *variable) bool { return *w == *v })
	if slot < 0 {
		slot = len(b.variables)
		b.variables = append(b.variables, v)
	}
	b.add(token{kind: variableToken, slot: slot})
}

// one adds a ?.
func (b *builder) one(bounded bool) {
	b.flush()
	b.least++
	run := *b.run()
	switch n := len(run); {
	case n == 0 && len(b.stretches) > 0:
		b.stretches[len(b.stretches)-1].least++
	case n > 0 && run[n-1].kind == onesToken:
		run[n-1].n++
	default:
		b.add(token{kind: onesToken, bounded: bounded, n: 1})
	}
}

// star adds a *, which takes over the ? before it.
func (b *builder) star(bounded bool) {
	b.flush()
	run := b.run()
	last := len(*run) - 1
	if last < 0 && len(b.stretches) > 0 {
		return
	}
	s := stretch{bounded: bounded}
	if last >= 0 && (*run)[last].kind == onesToken {
		s.least = (*run)[last].n
		*run = (*run)[:last]
	}
	b.stretches = append(b.stretches, s)
}

func (b *builder) finish() pattern {
	b.flush()
	switch {
	case len(b.stretches) > 0 || len(b.head) > 1:
	case len(b.head) == 0:
		return pattern{plain: true}
	case b.head[0].kind == literalToken:
		return pattern{plain: true, literal: b.head[0].text}
	}
	run := *b.run()
	if n := len(run); n > 0 && run[n-1].kind == literalToken {
		b.tail = run[n-1].text
	}
	return b.pattern
}

// any reports whether p is the lone *.
func (p *pattern) any() bool {
	return len(p.head) == 0 && len(p.stretches) == 1 &&
		p.stretches[0].least == 0 && !p.stretches[0].bounded && len(p.stretches[0].run) == 0
}

// match reports whether p matches s as a whole. A variable without a value makes
// the pattern match nothing.
func (p *pattern) match(s string, q *question) bool {
	switch {
	case p.plain:
		return q.spend(scanning(min(len(p.literal), len(s)))) && p.literal == s && !p.broken
	case !q.spend(scanning(len(p.tail))) || p.broken || len(s) < p.least || !strings.HasSuffix(s, p.tail):
		return false
	}
	return p.search(s, q)
}

// search is match where no glance rules it out.
func (p *pattern) search(s string, q *question) bool {
	b := binding{question: q}
	return b.bind(p) && b.glob(p, s)
}

// matchFold is match for patterns that are folded and have no variables: s has
// no letter case (ASCII).
func (p *pattern) matchFold(s string, q *question) bool {
	switch {
	case p.plain:
		return q.spend(scanning(min(len(p.literal), len(s)))) && equalFold(s, p.literal)
	case !q.spend(1) || len(s) < p.least:
		return false
	case p.any():
		return true
	}
	b := binding{question: q, fold: true}
	return b.glob(p, s)
}

// equalFold is match without wildcards, letter case ignored as Unicode's simple
// folding has it.
func (p *pattern) equalFold(s string, q *question) bool {
	if p.plain {
		return q.spend(1+min(len(p.literal), len(s))) && strings.EqualFold(p.literal, s)
	}
	b := binding{question: q}
	if !b.bind(p) {
		return false
	}
	for i := range p.head {
		text := b.text(&p.head[i])
		if !q.spend(1 + min(len(text), len(s))) {
			return false
		}
		var ok bool
		if s, ok = cutFold(s, text); !ok {
			return false
		}
	}
	return s == ""
}

// cutFold cuts prefix from s, letter case ignored.
func cutFold(s, prefix string) (rest string, ok bool) {
	for _, want := range prefix {
		got, size := utf8.DecodeRuneInString(s)
		if size == 0 || !sameFold(got, want) {
			return s, false
		}
		s = s[size:]
	}
	return s, true
}

func sameFold(a, b rune) bool {
	if a == b {
		return true
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}

// slots is how many variables of a pattern a binding keeps.
const slots = 8

// A binding holds what the variables of one pattern stand for in one request,
// so that a search asks for each only once.
type binding struct {
	*question
	variables []*variable
	fold      bool          // the pattern is folded, and what it matches has no letter case
	texts     [slots]string // of the first variables; the others are asked for each time
}

// bind looks the variables of p up. It reports false where one has no value.
func (b *binding) bind(p *pattern) bool {
	b.variables = p.variables
	for i, v := range p.variables {
		text, ok := v.value(b.question)
		if !ok {
			return false
		}
		if i < slots {
			b.texts[i] = text
		}
	}
	return true
}

// text is what t stands for: a literal or the value of a variable.
func (b *binding) text(t *token) string {
	switch {
	case t.kind == literalToken:
		return t.text
	case t.slot < slots:
		return b.texts[t.slot]
	}
	text, _ := b.variables[t.slot].value(b.question)
	return text
}

// glob takes for each * the least that lets the tokens up to the next * match, and
// never comes back to it. That is enough: what an earlier * could take, a later
// one can take as well, and a bounded * ends at a colon that nothing else can
// match. The work is at most len(s) times the length of the pattern.
func (b *binding) glob(p *pattern, s string) bool {
	s, ok := b.run(p.head, s)
	if len(p.stretches) == 0 {
		return ok && s == ""
	}
	for i := 0; ok && i < len(p.stretches); i++ {
		s, ok = b.stretch(&p.stretches[i], s, i == len(p.stretches)-1)
	}
	return ok
}

// stretch matches t at the beginning of s, up to the end of s where t is the last
// of its pattern, and returns what follows.
func (b *binding) stretch(t *stretch, s string, last bool) (rest string, ok bool) {
	if s, ok = b.skip(s, t.least, t.bounded); !ok {
		return "", false
	}
	reach := len(s) // how much the * may take
	if t.bounded {
		if colon := strings.IndexByte(s, ':'); colon >= 0 {
			reach = colon
		}
		b.spend(scanning(reach))
	}
	if len(t.run) == 0 {
		return "", reach == len(s)
	}
	for i := 0; b.spend(1); {
		n, ok := b.seek(&t.run[0], s[i:], reach-i)
		if !ok {
			return "", false
		}
		i += n
		if rest, ok := b.run(t.run, s[i:]); ok && (!last || rest == "") {
			return rest, true
		}
		if i == reach {
			return "", false
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return "", false
}

// seek returns how many bytes of s, at most reach, stand before the first place
// where t may match. It reports false where there is none.
//
// Text that begins in the middle of a character, as a variable may hold, is left
// to the caller, who goes by whole characters.
func (b *binding) seek(t *token, s string, reach int) (int, bool) {
	if t.kind == onesToken || b.fold {
		return 0, true
	}
	text := b.text(t)
	if text == "" || !utf8.RuneStart(text[0]) {
		return 0, true
	}
	s = s[:min(len(s), reach+len(text))]
	n := strings.Index(s, text)
	if n < 0 {
		b.spend(scanning(len(s)))
		return 0, false
	}
	return n, b.spend(scanning(n + len(text)))
}

// run matches tokens at the beginning of s and returns what follows.
func (b *binding) run(tokens []token, s string) (rest string, ok bool) {
	for i := range tokens {
		t := &tokens[i]
		if t.kind == onesToken {
			s, ok = b.skip(s, t.n, t.bounded)
		} else {
			s, ok = b.cut(s, b.text(t))
		}
		if !ok {
			return "", false
		}
	}
	return s, true
}

// cut cuts text from the beginning of s.
func (b *binding) cut(s, text string) (rest string, ok bool) {
	if len(text) > len(s) || !b.spend(scanning(len(text))) {
		return "", false
	}
	if b.fold {
		return s[len(text):], equalFold(s[:len(text)], text)
	}
	return strings.CutPrefix(s, text)
}

// skip cuts n characters from the beginning of s, none of them a colon where
// bounded.
func (b *binding) skip(s string, n int, bounded bool) (rest string, ok bool) {
	if n > len(s) || !b.spend(1+n) {
		return "", false
	}
	for range n {
		if s == "" || bounded && s[0] == ':' {
			return "", false
		}
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s, true
}
