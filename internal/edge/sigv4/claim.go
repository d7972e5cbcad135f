package sigv4

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/kernel/session"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	stampLayout = "20060102T150405Z"

	authorizationMax = 8 << 10 // bytes of the Authorization header
	fieldsMax        = 256     // fields of a header
	expiresMax       = 7 * 24 * time.Hour
)

// A claim is what a request says of its own signature, in either form.
type claim struct {
	scope     Scope
	signed    string // names of signed header fields, as written
	signature string // as written
	stamp     string // the time as the string to sign has it
	time      time.Time
	expires   time.Duration // of the query form; 0 in the header form
	token     string        // session token, "" where none is presented; Peek leaves it out
	query     parameters
}

// parse reads the claim of r. It looks at the form alone: nothing is compared with r.
func (c *claim) parse(r *message.Request) error {
	if len(r.Header) > fieldsMax {
		return incomplete("The request has too many header fields.")
	}
	var err error
	if c.query, err = parseQuery(r.Query); err != nil {
		return err
	}
	header, n := only(r, "authorization")
	presigned := c.query.has("X-Amz-Algorithm") || c.query.has("X-Amz-Credential") || c.query.has("X-Amz-Signature")
	switch {
	case n == 0 && !presigned:
		return missing()
	case n > 0 && presigned:
		return incomplete("A request is signed either by its Authorization header or by its query-string parameters, not by both.")
	case n > 1:
		return incomplete("A request has one Authorization header.")
	case presigned:
		return c.parseQueryForm()
	}
	return c.parseHeaderForm(r, header)
}

// parseToken reads the session token. It stands where the signature does; one
// that is empty, repeated, too long or in the other place is nobody's.
func (c *claim) parseToken(r *message.Request) error {
	token, here := only(r, "x-amz-security-token")
	inQuery, elsewhere := c.query.only("X-Amz-Security-Token")
	if c.presigned() {
		token, here, elsewhere = inQuery, elsewhere, here
	}
	if here > 1 || elsewhere > 0 || here == 1 && token == "" || len(token) > session.TokenMax {
		return unrecognized()
	}
	c.token = token
	return nil
}

// presigned reports whether the claim is of the query form.
func (c *claim) presigned() bool { return c.expires > 0 }

// only returns the first value of a header field and how many there are.
func only(r *message.Request, name string) (value string, n int) {
	for i := range r.Header {
		if r.Header[i].Name == name {
			if n == 0 {
				value = trim(r.Header[i].Value)
			}
			n++
		}
	}
	return value, n
}

// trim removes the white space that may surround a header's value, RFC 9110 section 5.5.
func trim(value string) string { return strings.Trim(value, " \t") }

// parseHeaderForm reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
// The parts may stand in any order, with or without spaces between them.
func (c *claim) parseHeaderForm(r *message.Request, header string) error {
	if len(header) > authorizationMax || !visible(header) {
		return incomplete("The Authorization header is too long, or has characters that it can't have.")
	}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok && strings.HasPrefix(header, "AWS4-") {
		return malformed("Unsupported AWS 'algorithm': this service takes "+algorithm+".", header)
	}
	if !ok {
		rest = ""
	}
	var credential string
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		name, value, ok := strings.Cut(strings.Trim(part, " "), "=")
		if !ok {
			return malformed("A part is not a valid key=value pair (missing equal-sign) in Authorization header.", header)
		}
		var to *string
		switch name {
		case "Credential":
			to = &credential
		case "SignedHeaders":
			to = &c.signed
		case "Signature":
			to = &c.signature
		}
		if to == nil || *to != "" || value == "" {
			return malformed("A parameter is unknown, empty or repeated in Authorization header.", header)
		}
		*to = value
	}
	date, dated := requestDate(r)
	if credential == "" || c.signature == "" || c.signed == "" || !dated {
		text := lacking("Authorization header requires '?' parameter.",
			[2]string{"Credential", credential}, [2]string{"Signature", c.signature}, [2]string{"SignedHeaders", c.signed})
		if !dated {
			text = strings.TrimLeft(text+" Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.", " ")
		}
		return malformed(text, header)
	}
	return c.complete(credential, date)
}

// requestDate returns X-Amz-Date, and Date where there is no other.
func requestDate(r *message.Request) (string, bool) {
	if date, n := only(r, "x-amz-date"); n > 0 {
		return date, n == 1
	}
	date, n := only(r, "date")
	return date, n == 1
}

// parseQueryForm reads the X-Amz-… parameters of a presigned request.
func (c *claim) parseQueryForm() error {
	values := make(map[string]string)
	for i := range c.query {
		p := &c.query[i]
		if strings.HasPrefix(p.name, "X-Amz-") {
			if _, twice := values[p.name]; twice {
				return incomplete("AWS query-string parameters must not be repeated. Re-examine the query-string parameters.")
			}
			values[p.name] = p.value
		}
	}
	names := []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"}
	parts := make([][2]string, len(names))
	for i, name := range names {
		parts[i] = [2]string{name, values[name]}
	}
	if text := lacking("AWS query-string parameters must include '?'.", parts...); text != "" {
		return incomplete(text + " Re-examine the query-string parameters.")
	}
	if values["X-Amz-Algorithm"] != algorithm {
		return incomplete("X-Amz-Algorithm only supports \"" + algorithm + "\".")
	}
	var ok bool
	if c.expires, ok = parseExpires(values["X-Amz-Expires"]); !ok {
		return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.")
	}
	c.signature, c.signed = values["X-Amz-Signature"], values["X-Amz-SignedHeaders"]
	return c.complete(values["X-Amz-Credential"], values["X-Amz-Date"])
}

func parseExpires(s string) (time.Duration, bool) {
	if !composed(s, 6, isDigit) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	d := time.Duration(n) * time.Second
	return d, err == nil && 0 < d && d <= expiresMax
}

// complete reads what both forms write alike.
func (c *claim) complete(credential, date string) error {
	var err error
	if c.scope, err = parseScope(credential); err != nil {
		return err
	}
	if c.time, err = parseDate(date); err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	c.stamp = date
	if len(date) != len(stampLayout) {
		c.stamp = basic(c.time)
	}
	return nil
}

// parseDate reads the basic form of ISO 8601 and the form of HTTP's Date header.
func parseDate(s string) (time.Time, error) {
	if len(s) == len(stampLayout) {
		return parseStamp(s)
	}
	return time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", s)
}

// parseStamp is time.Parse(stampLayout, s) for the sixteen bytes that have no
// fraction of a second. It is written out because each request is read twice,
// by Peek and by Verify.
func parseStamp(s string) (time.Time, error) {
	year, month, day := number(s[:4]), number(s[4:6]), number(s[6:8])
	hour, minute, second := number(s[9:11]), number(s[11:13]), number(s[13:15])
	if s[8] != 'T' || s[15] != 'Z' || min(year, month, day, hour, minute, second) < 0 ||
		hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, errStamp
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Month() != time.Month(month) || t.Day() != day {
		return time.Time{}, errStamp // the day is of another month, such as 30 February
	}
	return t, nil
}

var errStamp = errors.New("sigv4: not a time of the form yyyymmddThhmmssZ")

// number is the value of a few digits, -1 where one isn't.
func number(s string) int {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return -1
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// visible reports whether s is printable ASCII, space included.
func visible(s string) bool {
	for i := range len(s) {
		if !isVisible(s[i]) {
			return false
		}
	}
	return true
}

func isVisible(c byte) bool { return 0x20 <= c && c < 0x7f }
