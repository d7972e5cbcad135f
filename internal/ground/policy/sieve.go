package policy

// A sieve tells at a glance that a statement is not about a request. Most
// statements that a principal carries are about other services, actions or
// resources, so that a decision reads a few words for each of them and no more. A
// sieve lets through whatever the statement may cover, and some things that it
// doesn't.
type sieve struct {
	vendor uint32 // tag of the only vendor, 0 for any
	first  uint32 // a bit for each letter that the action may begin with
	second uint32 // and for each that may come next
	end    uint64 // a bit for each byte that the resource may end with
}

// anything is the sieve that lets everything through.
var anything = sieve{first: ^uint32(0), second: ^uint32(0), end: ^uint64(0)}

// newSieve returns the sieve of a statement.
func newSieve(s *statement) sieve {
	v := actionSieve(s)
	if s.notResource || s.anyResource {
		return v
	}
	v.end = 0
	for i := range s.resources {
		v.end |= s.resources[i].whole.end()
	}
	return v
}

// actionSieve returns the part of the sieve that looks at actions.
func actionSieve(s *statement) sieve {
	if s.notAction || len(s.actions) == 0 {
		return anything
	}
	v := s.actions[0].sieve()
	for i := range s.actions[1:] {
		w := s.actions[1+i].sieve()
		if w.vendor != v.vendor {
			v.vendor = 0
		}
		v.first |= w.first
		v.second |= w.second
	}
	return v
}

// sieve returns what a alone lets through.
func (a *action) sieve() sieve {
	v := anything
	if a.vendor != "" {
		v.vendor = vendorTag(a.vendor)
	}
	text, whole := a.name.literal, a.name.plain
	if !whole {
		if len(a.name.head) == 0 || a.name.head[0].kind != literalToken {
			return v
		}
		text = a.name.head[0].text
	}
	if len(text) > 0 || whole {
		v.first = letter(text, 0)
	}
	if len(text) > 1 || whole {
		v.second = letter(text, 1)
	}
	return v
}

// end returns a bit for each byte that what p matches may end with.
func (p *pattern) end() uint64 {
	switch {
	case p.plain:
		return lastByte(p.literal)
	case p.tail != "":
		return lastByte(p.tail)
	}
	return anything.end
}

// sieveOf returns the marks of what is asked about.
func sieveOf(vendor, name, resource string) sieve {
	return sieve{vendorTag(vendor), letter(name, 0), letter(name, 1), lastByte(resource)}
}

// lets reports whether s lets through what is marked m.
func (s *sieve) lets(m *sieve) bool {
	return (s.vendor == 0 || s.vendor == m.vendor) && s.first&m.first != 0 && s.second&m.second != 0 && s.end&m.end != 0
}

// letter returns the bit of a letter of name, in any case; where the name is
// shorter, one that it shares with others.
func letter(name string, i int) uint32 {
	if i >= len(name) {
		return 1
	}
	return 1 << (name[i] & 31)
}

// lastByte returns the bit of the last byte of a resource, which it shares with
// others.
func lastByte(s string) uint64 {
	if s == "" {
		return 1
	}
	return 1 << (s[len(s)-1] & 63)
}

// vendorTag is the FNV-1a hash of a vendor in any letter case, never 0.
func vendorTag(vendor string) uint32 {
	h := uint32(2166136261)
	for i := range len(vendor) {
		c := vendor[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return max(h, 1)
}
