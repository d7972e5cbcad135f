package policy

import (
	"encoding/json"
	"strings"
)

// RenamePrincipals returns text in which each principal string that is a key of
// names stands as its value, otherwise unchanged byte for byte. Deleted
// principals are shown so, by their unique id. Text that isn't a policy is
// returned as it is.
func RenamePrincipals(text []byte, names map[string]string) []byte {
	r := renamer{parser: parser{scanner: scanner{text: string(text)}}, names: names}
	if err := r.document(); err != nil {
		return text
	}
	r.out.WriteString(r.text[r.copied:])
	return []byte(r.out.String())
}

// A renamer walks a document and copies what lies between the principals.
type renamer struct {
	parser
	names  map[string]string
	out    strings.Builder
	copied int // how much of the text is in out, or replaced there
}

func (r *renamer) document() error {
	err := r.object(func(name string) error {
		if name != "Statement" {
			return r.skip(0)
		}
		return r.oneOrMore(func() error {
			return r.object(func(name string) error {
				if name != "Principal" && name != "NotPrincipal" {
					return r.skip(0)
				}
				return r.principal()
			})
		})
	})
	if err == nil {
		_, err = r.expect(lexEnd)
	}
	return err
}

func (r *renamer) principal() error {
	if kind, err := r.peek(); err != nil || kind != '{' {
		return r.skip(0)
	}
	return r.object(func(string) error { return r.oneOrMore(r.rename) })
}

func (r *renamer) rename() error {
	l, err := r.expect(lexString)
	if err != nil {
		return err
	}
	if name, ok := r.names[l.text]; ok {
		quoted, err := json.Marshal(name)
		if err != nil {
			return err
		}
		r.out.WriteString(r.text[r.copied:l.start])
		r.out.Write(quoted)
		r.copied = l.end
	}
	return nil
}

// maxDepth bounds how deep values may be nested that the walk passes over.
const maxDepth = 8

// skip passes over a value.
func (r *renamer) skip(depth int) error {
	if depth > maxDepth {
		return errSyntax
	}
	kind, err := r.peek()
	if err != nil {
		return err
	}
	switch kind {
	case '{':
		return r.object(func(string) error { return r.skip(depth + 1) })
	case '[':
		return r.array(func() error { return r.skip(depth + 1) })
	}
	_, err = r.scalarOrNull()
	return err
}

func (r *renamer) scalarOrNull() (lexeme, error) {
	l, err := r.next()
	if err == nil && strings.IndexByte("snft0", l.kind) < 0 {
		err = errSyntax
	}
	return l, err
}
