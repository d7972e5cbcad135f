package policy

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// An instant is a point in time, over the range of years that AWS knows.
type instant struct {
	seconds     int64 // since 1970-01-01T00:00:00Z
	nanoseconds int
}

func (a instant) compare(b instant) int {
	return cmp.Or(cmp.Compare(a.seconds, b.seconds), cmp.Compare(a.nanoseconds, b.nanoseconds))
}

// steps is what it may take to compare a.
func (instant) steps() int { return 1 }

// The years that AWS accepts.
const (
	minYear = -292275054
	maxYear = 292278993
)

// parseInstant reads a date of the W3C profile of ISO 8601, or seconds since
// 1970 (0 to 2^63-1). Without a zone, UTC is meant.
// https://www.w3.org/TR/NOTE-datetime
func parseInstant(s string) (instant, bool) {
	if strings.ContainsAny(s, "-Tt") {
		return parseISO(s)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits, rest, ok := cutDigits(whole)
	if !ok || rest != "" {
		return instant{}, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	nanoseconds, ok := parseFraction(fraction)
	ok = ok || whole == s
	return instant{n, nanoseconds}, ok && err == nil
}

// parseWrittenInstant is parseInstant for policies, in which seconds since 1970
// have no fraction.
func parseWrittenInstant(s string) (instant, bool) {
	t, ok := parseInstant(s)
	return t, ok && (strings.ContainsAny(s, "-Tt") || !strings.Contains(s, "."))
}

// parseISO reads [-]year[-month[-day]][T[hour[:minute[:second[.fraction]]]][zone]].
func parseISO(s string) (instant, bool) {
	f := fields{rest: s, ok: true}
	before := f.skip("-")
	year := f.number(1, 9)
	if before {
		year = -year
	}
	month, day := 1, 1
	if f.skip("-") {
		month = f.number(1, 2)
		if f.skip("-") {
			day = f.number(1, 2)
		}
	}
	var hour, minute, second, nanosecond, zone int
	if f.skip("Tt") && f.rest != "" {
		hour = f.number(1, 2)
		if f.skip(":") {
			minute = f.number(1, 2)
			if f.skip(":") {
				second = f.number(1, 2)
				nanosecond = f.fraction()
			}
		}
		zone = f.zone()
	}
	if !f.ok || f.rest != "" || year < minYear || year > maxYear || month < 1 || month > 12 ||
		hour > 23 || minute > 59 || second > 59 {
		return instant{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day {
		return instant{}, false
	}
	return instant{t.Unix() - int64(zone), nanosecond}, true
}

// fields cuts a date into its parts. It goes on after a mistake, and remembers it.
type fields struct {
	rest string
	ok   bool
}

// skip skips one of the characters in any, and reports whether it stood there.
func (f *fields) skip(any string) bool {
	if f.rest != "" && strings.IndexByte(any, f.rest[0]) >= 0 {
		f.rest = f.rest[1:]
		return true
	}
	return false
}

// number cuts a number of low to high digits.
func (f *fields) number(low, high int) int {
	digits, rest, _ := cutDigits(f.rest)
	if len(digits) < low || len(digits) > high {
		f.ok = false
		return 0
	}
	f.rest = rest
	return atoi(digits)
}

// fraction cuts a point and up to nine digits, where there are any, as nanoseconds.
func (f *fields) fraction() int {
	if !f.skip(".") {
		return 0
	}
	digits, rest, _ := cutDigits(f.rest)
	f.rest = rest
	n, ok := parseFraction(digits)
	f.ok = f.ok && ok
	return n
}

// zone cuts Z or an offset such as +05:30, in seconds east of UTC.
func (f *fields) zone() int {
	if f.skip("Zz") {
		return 0
	}
	sign := 1
	if f.rest != "" && f.rest[0] == '-' {
		sign = -1
	}
	if !f.skip("+-") {
		return 0
	}
	hours, minutes := f.number(2, 2), 0
	if f.skip(":") {
		minutes = f.number(2, 2)
	}
	if hours > 23 || minutes > 59 {
		f.ok = false
	}
	return sign * (hours*3600 + minutes*60)
}

// parseFraction reads the digits after a point, at most nine, as nanoseconds.
func parseFraction(digits string) (int, bool) {
	if cut, rest, ok := cutDigits(digits); !ok || rest != "" || len(cut) > 9 {
		return 0, false
	}
	n := atoi(digits)
	for range 9 - len(digits) {
		n *= 10
	}
	return n, true
}
