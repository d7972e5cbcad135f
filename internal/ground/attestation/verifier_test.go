package attestation_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/attestation"
	"claviger/internal/ground/attestation/attestationtest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func verifier(t testing.TB, a *attestationtest.Authority) *attestation.Verifier {
	t.Helper()
	v, err := attestation.New(a.RootFile())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// believed verifies a document that is to be believed.
func believed(t *testing.T, v *attestation.Verifier, document []byte, at time.Time) *attestation.Document {
	t.Helper()
	d, err := v.Verify(document, at)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return d
}

// invalid verifies a document that is not to be believed, for a reason.
func invalid(t *testing.T, v *attestation.Verifier, document []byte, at time.Time, reason string) {
	t.Helper()
	_, err := v.Verify(document, at)
	var why attestation.Invalid
	if !errors.As(err, &why) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want %q", err, reason)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a := attestationtest.New(now, nil)
	v := verifier(t, a)
	p := a.Payload(now, []byte("a key"))
	enclave := a.Sign(p.Encode())
	for name, document := range map[string][]byte{
		"plain":            enclave,
		"tagged":           append([]byte{0xd2}, enclave...),
		"open map":         a.Sign(p.EncodeOpen()),
		"open inner maps":  a.Sign(p.With("cabundle", opened(p, "cabundle", 0x9f)).With("pcrs", opened(p, "pcrs", 0xbf)).Encode()),
		"other order":      a.Sign(reversed(p).Encode()),
		"members left out": a.Sign(p.Without("user_data").Without("nonce").Encode()),
		"members empty":    a.Sign(p.With("user_data", []byte{0x40}).With("nonce", []byte{0x40}).Encode()),
		"members longest":  a.Sign(p.With("user_data", attestationtest.Bytes(make([]byte, 1024))).With("nonce", attestationtest.Bytes(make([]byte, 1024))).Encode()),
	} {
		d, err := v.Verify(document, now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.Module != attestationtest.Module || d.TPM || !d.Time.Equal(now) || string(d.PublicKey) != "a key" || len(d.PCRs) != 6 ||
			!bytes.Equal(d.PCRs[8], attestationtest.PCR(8)) {
			t.Errorf("%s says %+v", name, d)
		}
	}
	tpm := believed(t, v, a.Sign(p.Renamed("pcrs", "nitrotpm_pcrs").Encode()), now)
	if !tpm.TPM || !bytes.Equal(tpm.PCRs[4], attestationtest.PCR(4)) {
		t.Errorf("a NitroTPM's says %+v", tpm)
	}
	for _, none := range []attestationtest.Payload{p.Without("public_key"), p.With("public_key", []byte{0xf6})} {
		if d := believed(t, v, a.Sign(none.Encode()), now); d.PublicKey != nil {
			t.Errorf("a document without a key has the key %x", d.PublicKey)
		}
	}
	longest := attestationtest.Bytes(make([]byte, 1024))
	if d := believed(t, v, a.Sign(p.With("public_key", longest).Encode()), now); len(d.PublicKey) != 1024 {
		t.Errorf("the longest key has %d bytes", len(d.PublicKey))
	}
	for _, size := range []int{32, 48, 64} {
		registers := slices.Concat([]byte{0xa1, 0x18, 31}, attestationtest.Bytes(make([]byte, size)))
		if d := believed(t, v, a.Sign(p.With("pcrs", registers).Encode()), now); len(d.PCRs[31]) != size {
			t.Errorf("a register of %d bytes has %d", size, len(d.PCRs[31]))
		}
	}
}

// opened is an array or a map of p as one that ends with a mark.
func opened(p attestationtest.Payload, name string, head byte) []byte {
	i := slices.IndexFunc(p, func(m attestationtest.Member) bool { return m.Name == name })
	return append(append([]byte{head}, p[i].Value[1:]...), 0xff)
}

func reversed(p attestationtest.Payload) attestationtest.Payload {
	p = slices.Clone(p)
	slices.Reverse(p)
	return p
}

// TestTime: a document may be five minutes old, and five minutes early.
func TestTime(t *testing.T) {
	t.Parallel()
	a := attestationtest.New(now, nil)
	v := verifier(t, a)
	document := a.Document(now, []byte("a key"))
	for _, shift := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
		believed(t, v, document, now.Add(shift))
	}
	invalid(t, v, document, now.Add(5*time.Minute+time.Millisecond), "older than five minutes")
	invalid(t, v, document, now.Add(-5*time.Minute-time.Millisecond), "in the future")
	p := a.Payload(now, []byte("a key"))
	for _, ms := range []uint64{0, 1 << 63, 1<<64 - 1} {
		invalid(t, v, a.Sign(p.With("timestamp", attestationtest.Uint(ms)).Encode()), now, "not a time")
	}
	invalid(t, v, a.Sign(p.With("timestamp", attestationtest.Uint(1)).Encode()), now, "older")
	invalid(t, v, a.Sign(p.With("timestamp", attestationtest.Uint(1<<63-1)).Encode()), now, "future")
}

// TestTampering: no byte of a document can be changed, taken away or added.
func TestTampering(t *testing.T) {
	t.Parallel()
	a := attestationtest.New(now, nil)
	v := verifier(t, a)
	document := a.Document(now, []byte("a key"))
	believed(t, v, document, now)
	step := 7 // coprime to the lengths within
	for i := 0; i < len(document); i += step {
		changed := slices.Clone(document)
		changed[i] ^= 1
		invalid(t, v, changed, now, "")
		invalid(t, v, document[:i], now, "")
	}
	invalid(t, v, append(slices.Clone(document), 0), now, "not one COSE_Sign1 message")
	invalid(t, v, nil, now, "not one COSE_Sign1 message")
	invalid(t, v, append([]byte{0xd3}, document...), now, "not one COSE_Sign1 message")

	payload := a.Payload(now, []byte("a key")).Encode()
	signature := document[len(document)-96:]
	message := func(head, header, unprotected, payload, signature []byte) []byte {
		return slices.Concat(head, header, unprotected, payload, signature)
	}
	head, header, none, signed, by := []byte{0x84}, []byte{0x44, 0xa1, 0x01, 0x38, 0x22}, []byte{0xa0}, attestationtest.Bytes(payload), attestationtest.Bytes(signature)
	for reason, m := range map[string][]byte{
		"not ES384":               message(head, []byte{0x43, 0xa1, 0x01, 0x26}, none, signed, by),
		"algorithm":               message(head, []byte{0x40}, none, signed, by),
		"not one":                 message(head, header, []byte{0xa1, 0x01, 0x38, 0x22}, signed, by),
		"COSE_Sign1":              message([]byte{0x9f}, header, none, signed, append(by, 0xff)),
		"1 to 16384 bytes":        message(head, header, none, []byte{0x40}, by),
		"has not 96 bytes":        message(head, header, none, signed, attestationtest.Bytes(signature[:95])),
		"not 1 to 16384":          message(head, header, none, attestationtest.Bytes(make([]byte, 16385)), by),
		"96 bytes":                message(head, header, none, signed, attestationtest.Bytes(append([]byte{0}, signature...))),
		"payload is not one map":  a.Sign([]byte{0xa0, 0xa0}),
		"it has no":               a.Sign(slices.Concat([]byte{0xa1}, attestationtest.Text("pcrs"), []byte{0xa1, 0}, attestationtest.Bytes(make([]byte, 48)))),
		"signature does not":      message(head, header, none, signed, attestationtest.Bytes(make([]byte, 96))),
		"does not verify":         attestationtest.New(now, nil).Sign(payload),
		"either pcrs or nitrotpm": a.Sign([]byte{0xa0}),
	} {
		invalid(t, v, m, now, reason)
	}
}

// TestMembers: each rule of the format for what a document says.
func TestMembers(t *testing.T) {
	t.Parallel()
	a := attestationtest.New(now, nil)
	v := verifier(t, a)
	p := a.Payload(now, []byte("a key"))
	text, bin := attestationtest.Text, attestationtest.Bytes
	cert := bin(make([]byte, 1025))
	register := func(index, size int) []byte {
		return slices.Concat([]byte{0xa1}, attestationtest.Uint(uint64(index)), bin(make([]byte, size)))
	}
	const shape = "not one map of the members"
	for name, c := range map[string]struct {
		payload attestationtest.Payload
		reason  string
	}{
		"no module":             {p.Without("module_id"), "has no module_id"},
		"empty module":          {p.With("module_id", text("")), "module_id is empty"},
		"binary module":         {p.With("module_id", bin([]byte("i-1"))), shape},
		"module of no text":     {p.With("module_id", []byte{0x61, 0xff}), shape},
		"null module":           {p.With("module_id", []byte{0xf6}), shape},
		"no digest":             {p.Without("digest"), "has no digest"},
		"another digest":        {p.With("digest", text("SHA512")), "digest is not SHA384"},
		"digest in lower case":  {p.With("digest", text("sha384")), "digest is not SHA384"},
		"no time":               {p.Without("timestamp"), "has no timestamp"},
		"negative time":         {p.With("timestamp", []byte{0x20}), shape},
		"time as text":          {p.With("timestamp", text("1")), shape},
		"no registers":          {p.Without("pcrs"), "either pcrs or nitrotpm_pcrs"},
		"registers of both":     {p.With("nitrotpm_pcrs", register(0, 48)), "either pcrs or nitrotpm_pcrs"},
		"registers empty":       {p.With("pcrs", []byte{0xa0}), "registers are not"},
		"register 32":           {p.With("pcrs", register(32, 48)), "registers are not"},
		"register of 31 bytes":  {p.With("pcrs", register(0, 31)), "registers are not"},
		"register of 33 bytes":  {p.With("pcrs", register(0, 33)), "registers are not"},
		"register of 47 bytes":  {p.With("pcrs", register(0, 47)), "registers are not"},
		"register of 49 bytes":  {p.With("pcrs", register(0, 49)), "registers are not"},
		"register of 65 bytes":  {p.With("pcrs", register(0, 65)), "registers are not"},
		"register empty":        {p.With("pcrs", register(0, 0)), "registers are not"},
		"register twice":        {p.With("pcrs", slices.Concat([]byte{0xa2, 0}, bin(make([]byte, 48)), []byte{0}, bin(make([]byte, 48)))), "registers are not"},
		"register by name":      {p.With("pcrs", slices.Concat([]byte{0xa1}, text("0"), bin(make([]byte, 48)))), shape},
		"registers as a list":   {p.With("pcrs", slices.Concat([]byte{0x81}, bin(make([]byte, 48)))), shape},
		"no certificate":        {p.Without("certificate"), "has no certificate"},
		"empty certificate":     {p.With("certificate", []byte{0x40}), "certificate has not 1 to 1024"},
		"long certificate":      {p.With("certificate", cert), "certificate has not 1 to 1024"},
		"no certificate at all": {p.With("certificate", bin([]byte("x"))), "its certificate can't be parsed"},
		"no bundle":             {p.Without("cabundle"), "has no cabundle"},
		"empty bundle":          {p.With("cabundle", []byte{0x80}), "cabundle is empty"},
		"long in bundle":        {p.With("cabundle", append([]byte{0x81}, cert...)), "cabundle is empty or"},
		"empty in bundle":       {p.With("cabundle", []byte{0x81, 0x40}), "cabundle is empty or"},
		"no such bundle":        {p.With("cabundle", []byte{0x81, 0x41, 0x30}), "of its cabundle can't be parsed"},
		"text in bundle":        {p.With("cabundle", append([]byte{0x81}, text("x")...)), shape},
		"list in bundle":        {p.With("cabundle", []byte{0x81, 0x81, 0x81, 0x81}), shape},
		"bundle without end":    {p.With("cabundle", []byte{0x9f}), shape},
		"bundle longer":         {p.With("cabundle", []byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), shape},
		"empty key":             {p.With("public_key", []byte{0x40}), "public_key has not 1 to 1024"},
		"long key":              {p.With("public_key", cert), "public_key has not 1 to 1024"},
		"key in pieces":         {p.With("public_key", []byte{0x5f, 0x41, 0x00, 0xff}), shape},
		"long user data":        {p.With("user_data", bin(make([]byte, 1025))), "user_data has more than 1024"},
		"long nonce":            {p.With("nonce", bin(make([]byte, 1025))), "nonce has more than 1024"},
		"another member":        {p.With("debug", []byte{0xf5}), shape},
		"a member twice":        {append(slices.Clip(p), p[0]), shape},
	} {
		t.Run(name, func(t *testing.T) { invalid(t, v, a.Sign(c.payload.Encode()), now, c.reason) })
	}
}

// TestChain: every certificate must be valid at the time of the call, and be
// what its place asks for.
func TestChain(t *testing.T) {
	t.Parallel()
	const chain = "no chain of valid certificates"
	type edit = func(place int, template *x509.Certificate) *ecdsa.PrivateKey
	at := func(at int, change func(*x509.Certificate)) edit {
		return func(place int, template *x509.Certificate) *ecdsa.PrivateKey {
			if place == at {
				change(template)
			}
			return nil
		}
	}
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Second) }
	early := func(c *x509.Certificate) { c.NotBefore = now.Add(time.Second) }
	cases := map[string]struct {
		edit   edit
		reason string
	}{
		"root is no signer":       {at(attestationtest.Root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), chain},
		"regional is no signer":   {at(attestationtest.Regional, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), chain},
		"zonal is no authority":   {at(attestationtest.Zonal, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }), chain},
		"chain is too long":       {at(attestationtest.Regional, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }), chain},
		"leaf is an authority":    {at(attestationtest.Leaf, func(c *x509.Certificate) { c.IsCA = true }), "not one to sign documents"},
		"leaf signs certificates": {at(attestationtest.Leaf, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), "not one to sign documents"},
		"leaf of P-256": {func(place int, _ *x509.Certificate) *ecdsa.PrivateKey {
			if place != attestationtest.Leaf {
				return nil
			}
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return key
		}, "not one of a P-384 key"},
	}
	for place, name := range map[int]string{
		attestationtest.Root: "root", attestationtest.Regional: "regional", attestationtest.Zonal: "zonal", attestationtest.Leaf: "leaf",
	} {
		cases[name+" expired"] = struct {
			edit   edit
			reason string
		}{at(place, expired), chain}
		cases[name+" not valid yet"] = struct {
			edit   edit
			reason string
		}{at(place, early), chain}
	}
	if len(cases) != 15 {
		t.Fatalf("%d cases", len(cases))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := attestationtest.New(now, c.edit)
			invalid(t, verifier(t, a), a.Document(now, []byte("a key")), now, c.reason)
		})
	}
	t.Run("another root", func(t *testing.T) {
		t.Parallel()
		invalid(t, verifier(t, attestationtest.New(now, nil)), attestationtest.New(now, nil).Document(now, []byte("a key")), now, chain)
	})
	t.Run("a link left out", func(t *testing.T) {
		t.Parallel()
		a := attestationtest.New(now, nil)
		p := a.Payload(now, []byte("a key"))
		whole := p[slices.IndexFunc(p, func(m attestationtest.Member) bool { return m.Name == "cabundle" })].Value
		root := whole[1 : 1+3+int(whole[2])<<8+int(whole[3])]
		if whole[1] != 0x59 { // a length of one byte
			root = whole[1 : 1+2+int(whole[2])]
		}
		invalid(t, verifier(t, a), a.Sign(p.With("cabundle", append([]byte{0x81}, root...)).Encode()), now, chain)
	})
}

// TestRoots: what is configured must be certificates of authorities.
func TestRoots(t *testing.T) {
	t.Parallel()
	a, b := attestationtest.New(now, nil), attestationtest.New(now, nil)
	both, err := attestation.New(slices.Concat(a.RootFile(), []byte("\n"), b.RootFile()))
	if err != nil {
		t.Fatal(err)
	}
	believed(t, both, a.Document(now, []byte("a key")), now)
	believed(t, both, b.Document(now, []byte("a key")), now)
	leaf := attestationtest.New(now, func(_ int, c *x509.Certificate) *ecdsa.PrivateKey {
		c.IsCA = false
		return nil
	})
	for name, file := range map[string]string{
		"no certificate":    "",
		"no certificate in": "a text",
		"a PRIVATE KEY":     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"parsing a root":    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"not one of a cert": string(leaf.RootFile()),
		"among":             string(a.RootFile()) + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
	} {
		if _, err := attestation.New([]byte(file)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

// Whatever the bytes are, they are refused in words, and nothing of them is
// believed that the authority did not sign.
func FuzzVerify(f *testing.F) {
	a := attestationtest.New(now, nil)
	v := verifier(f, a)
	document := a.Document(now, []byte("a key"))
	p := a.Payload(now, []byte("a key"))
	f.Add(document)
	f.Add(a.Sign(p.EncodeOpen()))
	f.Add(append([]byte{0xd2}, document...))
	f.Add([]byte{0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, document := range [][]byte{b, a.Sign(b)} {
			d, err := v.Verify(document, now)
			var why attestation.Invalid
			switch {
			case err != nil && !errors.As(err, &why):
				t.Errorf("%x: %v", b, err)
			case err != nil:
			case len(d.PCRs) == 0 || len(d.PCRs) > 32 || d.Module == "":
				t.Errorf("%x says %+v", b, d)
			}
		}
	})
}
