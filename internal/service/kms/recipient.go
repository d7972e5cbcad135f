package kms

import (
	"encoding/hex"
	"strconv"

	"claviger/internal/ground/attestation"
	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// Recipient asks for the answer to be encrypted for an attested environment.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RecipientInfo.html
type Recipient struct {
	KeyEncryptionAlgorithm optional.Of[string] `aws:"KeyEncryptionAlgorithm"`
	AttestationDocument    []byte              `aws:"AttestationDocument"`
}

const attestationMax = 262144

func checkRecipient(c *check.Checks, r *Recipient) {
	if r == nil {
		return
	}
	c.Enum("recipient.keyEncryptionAlgorithm", r.KeyEncryptionAlgorithm, "RSAES_OAEP_SHA_256")
	c.Bytes("recipient.attestationDocument", r.AttestationDocument != nil, len(r.AttestationDocument), 1, attestationMax)
}

// A recipient is the attested environment that a call is answered to, and what
// its document has measured. nil is the caller itself.
type recipient struct {
	key *sealed.Recipient // nil where no document can be verified

	module       string
	tpm          bool
	measurements map[string]string // by the last part of the condition key: hex digits in lower case
}

// attested finds the subject of a call that may be answered to an attested
// environment. The document is verified first of all, because policies ask about
// it, and because a refusal of it must not tell what else is wrong.
func (s *Service) attested(c *operation.Call, r *Recipient, find func() (*target, error)) (*target, error) {
	verified, err := s.attest(c, r)
	if err != nil {
		return nil, err
	}
	t, err := find()
	if err != nil {
		return nil, err
	}
	t.recipient = verified
	return t, nil
}

// attest verifies the document of r, which may be nil. The record shows whose it is.
func (s *Service) attest(c *operation.Call, r *Recipient) (*recipient, error) {
	if r == nil {
		return nil, nil
	}
	if s.documents == nil {
		return &recipient{}, nil
	}
	d, err := s.documents.Verify(r.AttestationDocument, c.Time)
	if err != nil {
		return nil, validation("The attestation document is not valid: %s.", err)
	}
	if d.PublicKey == nil {
		return nil, validation("The attestation document is not valid: it has no public_key.")
	}
	key, err := sealed.NewRecipient(d.PublicKey)
	if err != nil {
		return nil, validation("The attestation document is not valid: its public_key is not one of RSA, of 2048 to 4096 bits.")
	}
	verified := &recipient{key: key, module: d.Module, tpm: d.TPM, measurements: measurements(d)}
	c.ShowAdditionalPairs("recipient", verified.shown())
	return verified, nil
}

// measurements names the registers of d as condition keys do.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-attestation.html
func measurements(d *attestation.Document) map[string]string {
	m := make(map[string]string, len(d.PCRs)+1)
	name := "pcr"
	if d.TPM {
		name = "nitrotpmpcr"
	}
	for i, value := range d.PCRs {
		m[name+strconv.Itoa(i)] = hex.EncodeToString(value)
	}
	if image, ok := m["pcr0"]; ok {
		m["imagesha384"] = image
	}
	return m
}

// Registers that records show, beside that of the image.
// https://docs.aws.amazon.com/kms/latest/developerguide/ct-attestation.html
var (
	shownOfEnclave = []int{1, 2, 3, 4, 8}
	shownOfTPM     = []int{4, 7, 8, 9, 16, 23}
)

// shown is what the record says of r.
func (r *recipient) shown() pairs.Map {
	members := map[string]string{"attestationDocumentModuleId": r.module}
	show := func(member, measurement string) {
		if value, ok := r.measurements[measurement]; ok {
			members[member] = value
		}
	}
	if r.tpm {
		for _, i := range shownOfTPM {
			n := strconv.Itoa(i)
			show("attestationDocumentNitroTPMPCR"+n, "nitrotpmpcr"+n)
		}
		return pairs.Of(members)
	}
	show("attestationDocumentEnclaveImageDigest", "pcr0")
	for _, i := range shownOfEnclave {
		n := strconv.Itoa(i)
		show("attestationDocumentEnclavePCR"+n, "pcr"+n)
	}
	return pairs.Of(members)
}

// measured answers for a condition key by its last part, in lower case. Without a
// verified document every such key is absent.
func (r *recipient) measured(name string) policy.Values {
	if r == nil {
		return policy.Values{}
	}
	return policy.Text(r.measurements[name])
}

// supported refuses to answer an attested environment where there is no root of
// trust by which its document could be verified.
func (r *recipient) supported() error {
	if r != nil && r.key == nil {
		return fault.New(fault.UnsupportedOperation, "Recipient is not supported.")
	}
	return nil
}

// deliver returns an answer's secret for whom it is: in clear for the caller, or
// encrypted for the attested environment.
func (r *recipient) deliver(plaintext confidential.Bytes) (clear confidential.Bytes, forRecipient []byte, err error) {
	if r == nil {
		return plaintext, nil, nil
	}
	forRecipient, err = r.key.Envelop(plaintext)
	return confidential.Bytes{}, forRecipient, err
}

// told returns the id of the key material that was used, for an answer to the
// caller: one to an attested environment leaves it out.
func (r *recipient) told(material optional.Of[string]) optional.Of[string] {
	if r != nil {
		return optional.Of[string]{}
	}
	return material
}
