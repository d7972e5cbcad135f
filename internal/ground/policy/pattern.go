package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A pattern is a text with wildcards and variables, split once into tokens.
// What a variable stands for is literal text: no value of a request can add a
// wildcard to a policy.
type pattern struct {
	tokens []token

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
	anyToken                // *: any characters, none included
	oneToken                // ?: one character
	variableToken           // ${…}
)

type token struct {
	kind tokenKind

	// bounded wildcards stand in one of the first five parts of an ARN and
	// never match a colon.
	bounded bool

	text     string    // of a literal
	variable *variable // of a variable, with its number in the pattern
	slot     int
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
			b.wildcard(anyToken, g)
		case g&wildcards != 0 && text[0] == '?':
			b.wildcard(oneToken, g)
		default:
			if text[0] == ':' {
				b.colons++
			}
			b.literal = append(b.literal, text[0])
		}
		text = text[1:]
	}
	return b.pattern(), nil
}

// A builder collects the tokens of a pattern.
type builder struct {
	tokens  []token
	literal []byte // not yet a token
	colons  int    // seen outside of variables and escapes
	slots   int    // variables so far
}

// flush makes a token of the literal text so far.
func (b *builder) flush() {
	if len(b.literal) > 0 {
		b.tokens = append(b.tokens, token{kind: literalToken, text: string(b.literal)})
		b.literal = b.literal[:0]
	}
}

func (b *builder) variable(v *variable) {
	b.flush()
	b.tokens = append(b.tokens, token{kind: variableToken, variable: v, slot: b.slots})
	b.slots++
}

// wildcard adds a * or a ?; several * in a row are one.
func (b *builder) wildcard(kind tokenKind, g grammar) {
	b.flush()
	if n := len(b.tokens); kind == anyToken && n > 0 && b.tokens[n-1].kind == anyToken {
		return
	}
	b.tokens = append(b.tokens, token{kind: kind, bounded: g&parted != 0 && b.colons < arnColons})
}

func (b *builder) pattern() pattern {
	b.flush()
	switch {
	case len(b.tokens) == 0:
		return pattern{plain: true}
	case len(b.tokens) == 1 && b.tokens[0].kind == literalToken:
		return pattern{plain: true, literal: b.tokens[0].text}
	}
	return pattern{tokens: b.tokens}
}

// any reports whether p is the lone *.
func (p *pattern) any() bool {
	return len(p.tokens) == 1 && p.tokens[0].kind == anyToken && !p.tokens[0].bounded
}

// match reports whether p matches s as a whole. ctx answers for variables; a
// variable without a value makes the pattern match nothing.
func (p *pattern) match(s string, ctx Context) bool {
	if p.plain {
		return p.literal == s && !p.broken
	}
	if p.broken {
		return false
	}
	var b binding
	return b.bind(p, ctx) && b.glob(p.tokens, s)
}

// matchFold is match for patterns that are folded and have no variables: s has
// no letter case (ASCII).
func (p *pattern) matchFold(s string) bool {
	switch {
	case p.plain:
		return equalFold(s, p.literal)
	case p.any():
		return true
	}
	b := binding{fold: true}
	return b.glob(p.tokens, s)
}

// equalFold is match without wildcards, letter case ignored as Unicode's simple
// folding has it.
func (p *pattern) equalFold(s string, ctx Context) bool {
	if p.plain {
		return strings.EqualFold(p.literal, s)
	}
	var b binding
	if !b.bind(p, ctx) {
		return false
	}
	for i := range p.tokens {
		var ok bool
		if s, ok = cutFold(s, b.text(&p.tokens[i])); !ok {
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

// A binding holds what the variables of one pattern stand for in one request,
// so that a search asks for each only once.
type binding struct {
	ctx   Context
	fold  bool      // the pattern is folded, and what it matches has no letter case
	texts [8]string // of the first variables; the others are asked for each time
}

// bind looks the variables of p up. It reports false where one has no value.
func (b *binding) bind(p *pattern, ctx Context) bool {
	b.ctx = ctx
	for i := range p.tokens {
		t := &p.tokens[i]
		if t.kind != variableToken {
			continue
		}
		text, ok := t.variable.value(ctx)
		if !ok {
			return false
		}
		if t.slot < len(b.texts) {
			b.texts[t.slot] = text
		}
	}
	return true
}

// text is what t stands for: a literal or the value of a variable.
func (b *binding) text(t *token) string {
	switch {
	case t.kind == literalToken:
		return t.text
	case t.slot < len(b.texts):
		return b.texts[t.slot]
	}
	text, _ := t.variable.value(b.ctx)
	return text
}

// glob matches in one pass that returns to the last * only. That is enough: what
// an earlier * could take, the last can take as well, and a bounded * ends at
// a colon that nothing else can match. The work is at most len(s) times the
// length of the pattern.
func (b *binding) glob(tokens []token, s string) bool {
	star, mark := -1, 0 // last *, and where the text after it begins
	t, i := 0, 0
	for {
		if t == len(tokens) {
			if i == len(s) {
				return true
			}
		} else if tokens[t].kind == anyToken {
			if t == len(tokens)-1 && !tokens[t].bounded {
				return true
			}
			star, mark = t, i
			t++
			continue
		} else if n, ok := b.step(&tokens[t], s[i:]); ok {
			i += n
			t++
			continue
		}
		// Let the last * take one character more.
		if star < 0 || mark == len(s) || tokens[star].bounded && s[mark] == ':' {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[mark:])
		mark += size
		t, i = star+1, mark
	}
}

// step matches one token that is no * at the beginning of s, and returns how
// many bytes it takes.
func (b *binding) step(t *token, s string) (int, bool) {
	if t.kind == oneToken {
		if s == "" || t.bounded && s[0] == ':' {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(s)
		return size, true
	}
	text := b.text(t)
	if b.fold {
		return len(text), len(text) <= len(s) && equalFold(s[:len(text)], text)
	}
	return len(text), strings.HasPrefix(s, text)
}

// hasVariables reports whether p depends on the request.
func (p *pattern) hasVariables() bool {
	for i := range p.tokens {
		if p.tokens[i].kind == variableToken {
			return true
		}
	}
	return false
}
