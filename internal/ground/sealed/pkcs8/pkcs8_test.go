package pkcs8_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"claviger/internal/ground/sealed/pkcs8"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDER has each thing that BER allows and DER does not.
func TestDER(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ what, ber, der string }{
		{"DER itself", "30 03 02 01 05", "30 03 02 01 05"},
		{"a long length", "30 81 03 02 01 05", "30 03 02 01 05"},
		{"a longer length", "30 84 00 00 00 03 02 01 05", "30 03 02 01 05"},
		{"an indefinite length", "30 80 02 01 05 00 00", "30 03 02 01 05"},
		{"one in another", "30 80 30 80 02 01 05 00 00 00 00", "30 05 30 03 02 01 05"},
		{"a string in pieces", "24 08 04 01 61 04 03 62 63 64", "04 04 61 62 63 64"},
		{"pieces in pieces", "24 80 24 80 04 01 61 00 00 04 01 62 00 00", "04 02 61 62"},
		{"no pieces", "24 80 00 00", "04 00"},
		{"bits in pieces", "23 08 03 02 00 aa 03 02 00 bb", "03 03 00 aa bb"},
		{"a set", "31 80 02 01 05 00 00", "31 03 02 01 05"},
		{"nothing in it", "30 80 00 00", "30 00"},
	} {
		got, err := pkcs8.DER(unhex(t, v.ber))
		if err != nil || !bytes.Equal(got, unhex(t, v.der)) {
			t.Errorf("%s: %x, %v", v.what, got, err)
		}
	}
}

func TestDERRefuses(t *testing.T) {
	t.Parallel()
	for what, ber := range map[string]string{
		"nothing":                              "",
		"a tag alone":                          "30",
		"something after it":                   "30 00 00",
		"an end too many":                      "30 80 00 00 00 00",
		"a missing end":                        "30 80 02 01 05",
		"half an end":                          "30 80 02 01 05 00",
		"a length beyond the end":              "30 04 02 01 05",
		"an inner length beyond the end":       "30 03 02 02 05",
		"a length without digits":              "30 82 01",
		"a huge length":                        "30 88 ff ff ff ff ff ff ff ff 00",
		"an indefinite length of a primitive":  "04 80 61 00 00",
		"a tag of several bytes":               "3f 81 01 00",
		"a piece of another type":              "24 03 02 01 05",
		"a piece of bits without their count":  "23 02 03 00",
		"a piece of bits with bits left":       "23 04 03 02 04 a0",
		"more depth than a key can have":       strings.Repeat("30 80", 40) + strings.Repeat("00 00", 40),
		"more depth of pieces than one has":    strings.Repeat("24 80", 40) + strings.Repeat("00 00", 40),
		"an end where a definite length rules": "30 02 00",
	} {
		if got, err := pkcs8.DER(unhex(t, ber)); !errors.Is(err, pkcs8.ErrEncoding) {
			t.Errorf("%s: %x, %v", what, got, err)
		}
	}
}

var p256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}

func TestSamePoint(t *testing.T) {
	t.Parallel()
	even, odd := unhex(t, "04 0102 0304"), unhex(t, "04 0102 0305")
	for _, v := range []struct {
		point string
		even  bool
		odd   bool
	}{
		{"04 0102 0304", true, false},
		{"04 0102 0305", false, true},
		{"02 0102", true, false},
		{"03 0102", false, true},
		{"02 0103", false, false},
		{"06 0102 0304", true, false},
		{"07 0102 0304", false, false},
		{"07 0102 0305", false, true},
		{"05 0102 0304", false, false},
		{"04 0102", false, false},
		{"02 0102 0304", false, false},
		{"00", false, false},
		{"", false, false},
	} {
		if got := pkcs8.SamePoint(unhex(t, v.point), even); got != v.even {
			t.Errorf("%s and the even point: %t", v.point, got)
		}
		if got := pkcs8.SamePoint(unhex(t, v.point), odd); got != v.odd {
			t.Errorf("%s and the odd point: %t", v.point, got)
		}
	}
}

func TestParseEC(t *testing.T) {
	t.Parallel()
	scalar, point := bytes.Repeat([]byte{7}, 32), append([]byte{4}, make([]byte, 64)...)
	der := pkcs8.MarshalEC(p256, scalar, point)
	gotScalar, gotPoint, err := pkcs8.ParseEC(der, p256, 32)
	if err != nil || !bytes.Equal(gotScalar, scalar) || !bytes.Equal(gotPoint, point) {
		t.Errorf("%x and %x came back, %v", gotScalar, gotPoint, err)
	}
	if _, _, err := pkcs8.ParseEC(der, asn1.ObjectIdentifier{1, 3, 132, 0, 34}, 32); !errors.Is(err, pkcs8.ErrEncoding) {
		t.Errorf("a key on another curve: %v", err)
	}
	if _, _, err := pkcs8.ParseEC(der, p256, 31); !errors.Is(err, pkcs8.ErrEncoding) {
		t.Errorf("a scalar that is too long: %v", err)
	}
	for n := range der {
		if _, _, err := pkcs8.ParseEC(der[:n], p256, 32); !errors.Is(err, pkcs8.ErrEncoding) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	// What the scalar may look like: RFC 5915 wants 32 bytes.
	for _, v := range []struct {
		inner string
		good  bool
	}{
		{"30 06 020101 0401 07", true},
		{"30 08 020101 0403 000007", true},
		{"30 05 020101 0400", true}, // zero: refused by whoever knows the curve
		{"30 10 020101 0401 07 a0 08 0606 2a8648ce3d03", false},
		{"30 12 020101 0401 07 a00a 0608 2a8648ce3d030107", true},
		{"30 06 020100 0401 07", false},
		{"30 0b 020101 0401 07 a103 030100 ", false},
		{"30 0c 020101 0401 07 a104 030200 02", true},
		{"30 0c 020101 0401 07 a104 030201 02", false},
		{"30 07 020101 0401 07 00", false},
	} {
		_, _, err := pkcs8.ParseEC(pkcs8.Marshal(pkcs8.EC(p256), unhex(t, v.inner)), p256, 32)
		if (err == nil) != v.good {
			t.Errorf("%s: %v", v.inner, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		what, ber string
		good      bool
	}{
		{"version 0", "30 0c 020100 3005 06032b6570 0400", true},
		{"version 1 with attributes and a public key", "30 12 020101 3005 06032b6570 0400 a000 810200aa", true},
		{"attributes alone", "30 0e 020100 3005 06032b6570 0400 a000", true},
		{"version 2", "30 0c 020102 3005 06032b6570 0400", false},
		{"NULL for parameters", "30 0e 020100 3007 06032b6570 0500 0400", true},
		{"a NULL that is not one", "30 0f 020100 3008 06032b6570 050100 0400", false},
		{"a sequence for parameters", "30 0e 020100 3007 06032b6570 3000 0400", false},
		{"a public key without its bit count", "30 0e 020101 3005 06032b6570 0400 8100", false},
		{"a public key with bits left", "30 10 020101 3005 06032b6570 0400 810201a0", false},
		{"something after it", "30 0e 020100 3005 06032b6570 0400 0500", false},
		{"no key", "30 0a 020100 3005 06032b6570", false},
	} {
		if _, err := pkcs8.Parse(unhex(t, v.ber)); (err == nil) != v.good || err != nil && !errors.Is(err, pkcs8.ErrEncoding) {
			t.Errorf("%s: %v", v.what, err)
		}
	}
}

// FuzzParse holds that what is read can be written and read again as the same.
func FuzzParse(f *testing.F) {
	f.Add(pkcs8.MarshalEC(p256, make([]byte, 32), []byte{4, 1, 1}))
	f.Add(pkcs8.MarshalSeed(pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 112}}, make([]byte, 32)))
	f.Add([]byte("\x30\x80\x02\x01\x00\x30\x80\x06\x03\x2b\x65\x70\x00\x00\x24\x80\x04\x01a\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, ber []byte) {
		if der, err := pkcs8.DER(ber); err == nil {
			again, err := pkcs8.DER(der)
			if err != nil || !bytes.Equal(again, der) {
				t.Errorf("%x became %x and then %x, %v", ber, der, again, err)
			}
		}
		if p, err := pkcs8.Parse(ber); err == nil {
			again, err := pkcs8.Parse(pkcs8.Marshal(p.Algorithm, p.Key))
			if err != nil || !again.Algorithm.Equal(p.Algorithm) || !bytes.Equal(again.Key, p.Key) {
				t.Errorf("%x was read as %v and then as %v, %v", ber, p, again, err)
			}
		}
		if scalar, point, err := pkcs8.ParseEC(ber, p256, 32); err == nil && point != nil {
			again, _, err := pkcs8.ParseEC(pkcs8.MarshalEC(p256, scalar, point), p256, 32)
			if err != nil || !bytes.Equal(again, scalar) {
				t.Errorf("%x: %x and then %x, %v", ber, scalar, again, err)
			}
		}
	})
}

func FuzzParsePublic(f *testing.F) {
	f.Add(pkcs8.MarshalPublic(pkcs8.EC(p256), []byte{4, 1, 1}))
	f.Fuzz(func(t *testing.T, spki []byte) {
		a, key, err := pkcs8.ParsePublic(spki)
		if err != nil {
			return
		}
		b, again, err := pkcs8.ParsePublic(pkcs8.MarshalPublic(a, key))
		if err != nil || !a.Equal(b) || !bytes.Equal(key, again) {
			t.Errorf("%x was read as %v %x and then as %v %x, %v", spki, a, key, b, again, err)
		}
	})
}
