package sealed

import (
	"bytes"
	"crypto/fips140"
	"encoding/hex"
	"testing"

	"claviger/internal/ground/sealed/pkcs8"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHashedEdwards is the example of RFC 8032 §7.3. What the caller gives for a
// digest is the message there: the service hashes it (once more).
func TestHashedEdwards(t *testing.T) {
	t.Parallel()
	seed := unhex(t, "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
	k, err := takeEdwards(pkcs8.Marshal(edwardsAlgorithm, append([]byte{4, 32}, seed...)))
	if err != nil {
		t.Fatal(err)
	}
	want := unhex(t, "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406")
	got, err := k.(signer).sign(t.Context(), "ED25519_PH_SHA_512", Digest, []byte("abc"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
}

// TestStandardSM2 has the examples of GB/T 32918.5 annexes A and C.
func TestStandardSM2(t *testing.T) {
	t.Parallel()
	if fips140.Enabled() {
		t.Skip("not in FIPS 140-3 mode")
	}
	scalar := unhex(t, "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
	public := unhex(t, "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13")
	k, err := takeSM2(pkcs8.MarshalEC(sm2Curve, scalar, public))
	if err != nil {
		t.Fatal(err)
	}
	signature := unhex(t, "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")
	if !k.(signer).verify("SM2DSA", Raw, []byte("message digest"), signature) {
		t.Error("the signature does not verify")
	}
	ciphertext := unhex(t, "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"+
		"042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766041321886ca989ca9c7d58087307ca93092d651efa")
	got, err := k.(opener).open(t.Context(), "SM2PKE", ciphertext)
	if err != nil || string(got) != "encryption standard" {
		t.Errorf("%q, %v", got, err)
	}
}
