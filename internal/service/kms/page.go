package kms

import (
	"regexp"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// checkPage checks the Limit of a listing.
func checkPage(c *check.Checks, limit optional.Of[int], max int) {
	c.Range("limit", limit, 1, max)
}

const markerMax = 1024

var markerPattern = regexp.MustCompile(`^[\x{20}-\x{FF}]*$`)

// checkMarker checks the shape of a Marker. Whether it is one of ours is seen
// where it is opened.
func checkMarker(c *check.Checks, marker optional.Of[string]) {
	c.Length("marker", marker, 1, markerMax)
	c.Pattern("marker", marker, markerPattern, `[\u0020-\u00FF]*`)
}

// A listing is what a marker is bound to: it opens for no other.
type listing struct {
	operation string
	filter    string // ARN of the key that is asked about, or empty
}

func (l listing) associated(c *operation.Call) []byte {
	return []byte(l.operation + "\n" + c.Account() + "\n" + c.Region + "\n" + l.filter)
}

// mark makes the marker of a page that ends with the item named last.
func (s *Service) mark(c *operation.Call, l listing, last string) optional.Of[string] {
	return optional.Some(s.markers.Seal(l.associated(c), []byte(last)))
}

// after opens a marker: the name of the last item of the page before, and
// whether there was one.
func (s *Service) after(c *operation.Call, l listing, marker optional.Of[string]) (last string, more bool, err error) {
	if !marker.Set {
		return "", false, nil
	}
	if b, err := s.markers.Open(l.associated(c), marker.V); err == nil {
		return string(b), true, nil
	}
	return "", false, fault.New(InvalidMarker, "Invalid marker")
}
