// Package attestation verifies the documents by which an isolated environment
// proves what it runs: those of AWS Nitro Enclaves and of NitroTPM.
//
// A document is a COSE_Sign1 message (RFC 9052 §4.2) signed with ES384 over a
// map in CBOR (RFC 8949), with the certificates that lead to a root. Which root
// is to be believed is for the operator to say: none is built in. The package
// has no clock and does no I/O.
//
// https://github.com/aws/aws-nitro-enclaves-nsm-api/blob/main/docs/attestation_process.md
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/nitrotpm-attestation-document-validate.html
package attestation

import (
	"bytes"
	"time"
)

// A Document is what a verified document says.
type Document struct {
	Module string // id of the hypervisor module that issued it
	Time   time.Time
	TPM    bool // of a NitroTPM; otherwise of an enclave

	// PCRs are the platform configuration registers, by their index from 0 to 31.
	PCRs map[int][]byte

	// PublicKey is a key of the environment in DER, nil where it gave none. It is
	// as the environment wrote it: signed, and not looked into.
	PublicKey []byte

	certificate []byte
	bundle      [][]byte
}

// An Invalid document, and why: a text for whoever sent it, with nothing of the
// document in it.
type Invalid string

func (i Invalid) Error() string { return string(i) }

// Limits of the published format, in bytes. Its text has 512 for user data and
// nonce, its grammar 1024, and hypervisors write as many.
const (
	maxPayload     = 16384
	maxCertificate = 1024
	maxUserData    = 1024 // also of the public key and of the nonce
)

const (
	pcrCount      = 32
	signatureSize = 96 // r || s of P-384
	digestName    = "SHA384"
)

// protected is the protected header of every document, {1: -35}: the algorithm ES384.
var protected = []byte{0xa1, 0x01, 0x38, 0x22}

// A message is a COSE_Sign1 message with a payload that nobody has looked into.
type message struct{ payload, signature []byte }

// parseMessage reads the outer form of a document, tagged or not.
func parseMessage(b []byte) (*message, error) {
	c := &cursor{rest: b}
	c.skip(cborSign1)
	if n, indefinite := c.head(majorArray); n != 4 || indefinite {
		c.fail()
	}
	header := c.bytes()
	if n, indefinite := c.head(majorMap); n != 0 || indefinite {
		c.fail() // nothing may stand where nothing is signed
	}
	m := &message{payload: c.bytes(), signature: c.bytes()}
	switch {
	case c.bad || len(c.rest) > 0:
		return nil, Invalid("it is not one COSE_Sign1 message")
	case !bytes.Equal(header, protected):
		return nil, Invalid("its signature algorithm is not ES384")
	case len(m.payload) == 0 || len(m.payload) > maxPayload:
		return nil, Invalid("its payload has not 1 to 16384 bytes")
	case len(m.signature) != signatureSize:
		return nil, Invalid("its signature has not 96 bytes")
	}
	return m, nil
}

// Members of a document.
const (
	memberModule      = "module_id"
	memberDigest      = "digest"
	memberTimestamp   = "timestamp"
	memberPCRs        = "pcrs"
	memberTPM         = "nitrotpm_pcrs"
	memberCertificate = "certificate"
	memberBundle      = "cabundle"
	memberPublicKey   = "public_key"
	memberUserData    = "user_data"
	memberNonce       = "nonce"
)

// parseDocument reads a payload and holds it to the rules of the published
// format. A member that the format does not have may mean anything, so that a
// document with one is refused.
func parseDocument(payload []byte) (*Document, error) {
	d := &Document{}
	c := &cursor{rest: payload}
	seen := make(map[string]bool)
	var why Invalid
	c.each(majorMap, func() {
		name := c.text()
		if seen[name] {
			c.fail()
			return
		}
		seen[name] = true
		if wrong := d.member(c, name); why == "" {
			why = wrong
		}
	})
	switch {
	case c.bad || len(c.rest) > 0:
		return nil, Invalid("its payload is not one map of the members of an attestation document")
	case why != "":
		return nil, why
	case seen[memberPCRs] == seen[memberTPM]:
		return nil, Invalid("it has not either pcrs or nitrotpm_pcrs")
	}
	for _, name := range []string{memberModule, memberDigest, memberTimestamp, memberCertificate, memberBundle} {
		if !seen[name] {
			return nil, Invalid("it has no " + name)
		}
	}
	return d, nil
}

// member reads the value of a member and says what is wrong with it.
func (d *Document) member(c *cursor, name string) Invalid {
	switch name {
	case memberModule:
		d.Module = c.text()
		return unless(d.Module != "", "its module_id is empty")
	case memberDigest:
		return unless(c.text() == digestName, "its digest is not SHA384")
	case memberTimestamp:
		ms := c.uint()
		d.Time = time.UnixMilli(int64(ms & (1<<63 - 1)))
		return unless(ms > 0 && ms < 1<<63, "its timestamp is not a time")
	case memberPCRs, memberTPM:
		d.TPM = name == memberTPM
		return d.registers(c)
	case memberCertificate:
		d.certificate = c.bytes()
		return unless(isCertificate(d.certificate), "its certificate has not 1 to 1024 bytes")
	case memberBundle:
		good := true
		c.each(majorArray, func() {
			certificate := c.bytes()
			good = good && isCertificate(certificate)
			d.bundle = append(d.bundle, certificate)
		})
		return unless(good && len(d.bundle) > 0, "its cabundle is empty or has a certificate of not 1 to 1024 bytes")
	case memberPublicKey:
		absent := bytes.HasPrefix(c.rest, []byte{cborNull})
		d.PublicKey = c.optional()
		return unless(absent || len(d.PublicKey) > 0 && len(d.PublicKey) <= maxUserData, "its public_key has not 1 to 1024 bytes")
	case memberUserData:
		return unless(len(c.optional()) <= maxUserData, "its user_data has more than 1024 bytes")
	case memberNonce:
		return unless(len(c.optional()) <= maxUserData, "its nonce has more than 1024 bytes")
	}
	c.fail()
	return ""
}

func isCertificate(der []byte) bool { return len(der) > 0 && len(der) <= maxCertificate }

// registers reads the map of registers.
func (d *Document) registers(c *cursor) Invalid {
	d.PCRs = make(map[int][]byte)
	good := true
	c.each(majorMap, func() {
		index, value := c.uint(), c.bytes()
		switch n := len(value); {
		case c.bad:
		case index >= pcrCount || d.PCRs[int(index)] != nil || n != 32 && n != 48 && n != 64:
			good = false
		default:
			d.PCRs[int(index)] = value
		}
	})
	return unless(good && len(d.PCRs) > 0, "its registers are not 1 to 32 of 32, 48 or 64 bytes, with indexes from 0 to 31")
}

func unless(good bool, why Invalid) Invalid {
	if good {
		return ""
	}
	return why
}
