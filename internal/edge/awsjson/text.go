package awsjson

import (
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string. What it returns may be part of the body.
func (s *scanner) text(wanted string) ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.mismatch(wanted)
	}
	start, ascii := s.i+1, true
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			if part := s.b[start:i]; ascii || utf8.Valid(part) {
				return part, nil
			}
			return nil, errUTF8
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			return nil, errSyntax
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, errSyntax
}

// escaped reads a string that began at start and has its first escape at i.
func (s *scanner) escaped(start, i int) ([]byte, error) {
	out := append(make([]byte, 0, 2*(i-start)+16), s.b[start:i]...)
	for i < len(s.b) {
		c := s.b[i]
		i++
		switch {
		case c == '"':
			s.i = i
			if !utf8.Valid(out) {
				return nil, errUTF8
			}
			return out, nil
		case c < ' ':
			return nil, errSyntax
		case c != '\\':
			out = append(out, c)
		default:
			r, n, err := escape(s.b[i:])
			if err != nil {
				return nil, err
			}
			out = utf8.AppendRune(out, r)
			i += n
		}
	}
	return nil, errSyntax
}

// escape reads what follows a backslash, and returns how many bytes it takes.
func escape(b []byte) (rune, int, error) {
	if len(b) == 0 {
		return 0, 0, errSyntax
	}
	switch b[0] {
	case '"', '\\', '/':
		return rune(b[0]), 1, nil
	case 'b':
		return '\b', 1, nil
	case 'f':
		return '\f', 1, nil
	case 'n':
		return '\n', 1, nil
	case 'r':
		return '\r', 1, nil
	case 't':
		return '\t', 1, nil
	}
	r, ok := unicode(b)
	if !ok {
		return 0, 0, errSyntax
	}
	if !utf16.IsSurrogate(r) {
		return r, 5, nil
	}
	// Half a character: the other half must follow at once.
	if len(b) < 11 || b[5] != '\\' {
		return 0, 0, errUTF8
	}
	low, ok := unicode(b[6:])
	if !ok {
		return 0, 0, errSyntax
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, 0, errUTF8
	}
	return r, 11, nil
}

// unicode reads "u" and four hexadecimal digits.
func unicode(b []byte) (rune, bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[1:5] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendString appends a JSON string. What is not valid UTF-8 becomes U+FFFD.
func appendString[T string | []byte](dst []byte, s T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i-1]...)
		start = i
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// appendTime appends seconds since 1970 with up to three decimals. What is
// finer than a millisecond is cut off.
func appendTime(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst, ms = append(dst, '-'), -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}
