package iam

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"claviger/internal/words/fault"
)

const (
	samlMetadataMin = 1000
	samlMetadataMax = 10_000_000 // characters; the door lets a mebibyte in
)

const samlNamespace = "urn:oasis:names:tc:SAML:2.0:metadata"

// metadataDepthMax bounds how deeply elements of metadata may be nested.
const metadataDepthMax = 64

var errMetadata = errors.New("iam: not the metadata of an identity provider")

// metadataEnd reads the metadata of a SAML identity provider (saml-metadata-2.0-os)
// and returns when it stops being valid, zero where it does not say so. The document
// describes one entity, which has the role of an identity provider with at least
// one key. Declarations of types and entities are refused, so that nothing can be
// expanded, and processing instructions other than the first line.
func metadataEnd(document string) (end time.Time, err error) {
	d := xml.NewDecoder(strings.NewReader(document))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errMetadata } // UTF-8 alone
	var open []xml.Name
	roots, roles, keys := 0, 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return end, errMetadata
		}
		switch t := token.(type) {
		case xml.Directive:
			return end, errMetadata
		case xml.ProcInst:
			if t.Target != "xml" || len(open) > 0 || roots > 0 {
				return end, errMetadata
			}
		case xml.CharData:
			if len(open) == 0 && strings.TrimLeft(string(t), " \t\r\n\ufeff") != "" {
				return end, errMetadata
			}
		case xml.StartElement:
			switch {
			case len(open) == metadataDepthMax:
				return end, errMetadata
			case len(open) == 0:
				if roots++; roots > 1 || t.Name != (xml.Name{Space: samlNamespace, Local: "EntityDescriptor"}) {
					return end, errMetadata
				}
			case t.Name.Space == samlNamespace && t.Name.Local == "IDPSSODescriptor" && len(open) == 1:
				roles++
			case t.Name.Local == "X509Certificate" && inKey(open):
				keys++
			}
			if len(open) < 2 && t.Name.Space == samlNamespace {
				if end, err = earlier(end, t.Attr); err != nil {
					return end, err
				}
			}
			open = append(open, t.Name)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
	if roots != 1 || roles == 0 || keys == 0 {
		return end, errMetadata
	}
	return end, nil
}

// inKey reports whether an element within open is of a key of an identity provider.
func inKey(open []xml.Name) bool {
	return len(open) > 2 && open[1].Local == "IDPSSODescriptor" && open[2] == xml.Name{Space: samlNamespace, Local: "KeyDescriptor"}
}

// earlier returns the earlier of end and the validUntil of an element.
func earlier(end time.Time, attributes []xml.Attr) (time.Time, error) {
	for _, a := range attributes {
		if a.Name != (xml.Name{Local: "validUntil"}) {
			continue
		}
		until, err := time.Parse(time.RFC3339, a.Value)
		if err != nil || until.Unix() <= 0 {
			return end, errMetadata
		}
		if end.IsZero() || until.Before(end) {
			end = until
		}
	}
	return end, nil
}

// samlValidYears is for how long metadata is valid that does not say so.
const samlValidYears = 100

// newMetadata checks metadata and returns when it stops being valid, in seconds since 1970.
func newMetadata(document string, now time.Time) (until int64, err error) {
	end, err := metadataEnd(document)
	switch {
	case err != nil:
		return 0, fault.New(InvalidInput, "Could not parse metadata")
	case end.IsZero():
		return now.AddDate(samlValidYears, 0, 0).Unix(), nil
	case !end.After(now):
		return 0, fault.New(InvalidInput, "The metadata is no longer valid since %s", end.UTC().Format(time.RFC3339))
	}
	return end.Unix(), nil
}
