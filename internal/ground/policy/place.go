package policy

import "errors"

// A Place is a line of a document and a column in it, counted from 1 in
// characters.
type Place struct {
	Line, Column int
}

// PlaceOf returns the place of an offset in text. A line ends with a line feed, a
// carriage return, or both.
func PlaceOf(text string, offset int) Place {
	r := newReading(text)
	return r.to(min(max(offset, 0), len(text)))
}

// A reading finds the places of offsets that ascend, in one pass over a text.
type reading struct {
	text  string
	at    int
	place Place
}

func newReading(text string) reading { return reading{text: text, place: Place{1, 1}} }

func (r *reading) to(offset int) Place {
	for i, c := range r.text[r.at:offset] {
		switch {
		case c == '\n' && r.at+i > 0 && r.text[r.at+i-1] == '\r':
			r.place.Column = 1 // the line has ended already
		case c == '\n' || c == '\r':
			r.place = Place{r.place.Line + 1, 1}
		default:
			r.place.Column++
		}
	}
	r.at = offset
	return r.place
}

// located is a complaint about a place in the document.
func located(err error, at int) error {
	var m *Malformed
	if !errors.As(err, &m) {
		return err
	}
	return &Malformed{Message: m.Message, Offset: at}
}
