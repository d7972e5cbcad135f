package policy

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// A Place is a line of a document and a column in it, counted from 1 in
// characters.
type Place struct {
	Line, Column int
}

// PlaceOf returns the place of an offset in text. A line ends with a line feed, a
// carriage return, or both.
func PlaceOf(text string, offset int) Place {
	before := text[:min(max(offset, 0), len(text))]
	lines := strings.Count(before, "\n") + strings.Count(before, "\r") - strings.Count(before, "\r\n")
	start := strings.LastIndexAny(before, "\r\n") + 1
	return Place{Line: 1 + lines, Column: 1 + utf8.RuneCountInString(before[start:])}
}

// located is a complaint about a place in the document.
func located(err error, at int) error {
	var m *Malformed
	if !errors.As(err, &m) {
		return err
	}
	return &Malformed{Message: m.Message, Offset: at}
}
