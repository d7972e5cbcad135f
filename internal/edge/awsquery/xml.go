package awsquery

import "unicode/utf8"

func opening(dst []byte, name string) []byte {
	return append(append(append(dst, '<'), name...), '>')
}

func closing(dst []byte, name string) []byte {
	return append(append(append(dst, '<', '/'), name...), '>')
}

// appendText appends s as character data or as an attribute's value. What XML
// 1.0 has no way to write, and what is not valid UTF-8, becomes U+FFFD.
// https://www.w3.org/TR/xml/#charsets
func appendText[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			if r == 0xfffe || r == 0xffff {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
		switch c {
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '&':
			dst = append(dst, "&amp;"...)
		case '"':
			dst = append(dst, "&#34;"...)
		case '\'':
			dst = append(dst, "&#39;"...)
		case '\t':
			dst = append(dst, "&#x9;"...)
		case '\n':
			dst = append(dst, "&#xA;"...)
		case '\r':
			dst = append(dst, "&#xD;"...) // a plain one would be read as a line feed
		default:
			if c < ' ' {
				dst = append(dst, "\ufffd"...)
			} else {
				dst = append(dst, c)
			}
		}
	}
	return dst
}

// appendEscaped appends s with all but RFC 3986's unreserved characters percent-encoded.
func appendEscaped(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z', c == '-', c == '_', c == '.', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
