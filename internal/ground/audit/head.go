package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A head is a statement of where the trail ended at some time. Signed, it is a
// checkpoint in a segment and, as text, what Verify takes to detect truncation.
type head struct {
	origin   string
	sequence uint64
	chain    digest
	outbox   uint64
	time     time.Time // to the microsecond
}

const (
	headTitle     = "claviger trail head v1"
	headTime      = "2006-01-02T15:04:05.000000Z"
	headBytesMax  = 2048
	headKeyID     = 4
	signaturePart = "— "
)

// ErrHead means that Verify was given a head that it can't look for.
var ErrHead = errors.New("audit: unusable head")

var errHead = fmt.Errorf("%w: it is malformed", ErrHead)

// head returns the statement that t is the tip at the time now.
func (t tip) head(origin string, now time.Time) head {
	return head{origin, t.last, t.chain, t.outbox, now.UTC().Truncate(time.Microsecond)}
}

// text is what is signed.
func (h *head) text() []byte {
	var b bytes.Buffer
	b.WriteString(headTitle + "\n")
	b.WriteString(h.origin + "\n")
	b.WriteString("sequence " + strconv.FormatUint(h.sequence, 10) + "\n")
	b.WriteString("chain " + base64.StdEncoding.EncodeToString(h.chain[:]) + "\n")
	b.WriteString("outbox " + strconv.FormatUint(h.outbox, 10) + "\n")
	b.WriteString("time " + h.time.Format(headTime) + "\n")
	return b.Bytes()
}

// note is the signed text: a signed note of one Ed25519 signature whose key
// name is the origin (https://c2sp.org/signed-note).
func (h *head) note(s Signer) []byte {
	text := h.text()
	signature := append(noteKeyID(h.origin, s.Public()), s.Sign(text)...)
	text = append(text, '\n')
	text = append(text, signaturePart...)
	text = append(text, h.origin...)
	text = append(text, ' ')
	text = base64.StdEncoding.AppendEncode(text, signature)
	return append(text, '\n')
}

// noteKeyID tells the keys of one name apart; it proves nothing.
func noteKeyID(name string, public []byte) []byte {
	const ed25519Type = 0x01
	sum := sha256.Sum256(append([]byte(name+"\n"+string(byte(ed25519Type))), public...))
	return sum[:headKeyID:headKeyID]
}

// parseNote reads what note wrote, byte for byte, and checks its signature.
func parseNote(b []byte, public []byte) (*head, error) {
	if len(b) > headBytesMax {
		return nil, errHead
	}
	text, signed, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return nil, errHead
	}
	h, err := parseHead(text + "\n")
	if err != nil {
		return nil, err
	}
	encoded, ok := strings.CutPrefix(signed, signaturePart+h.origin+" ")
	if !ok {
		return nil, errHead
	}
	encoded, ok = strings.CutSuffix(encoded, "\n")
	if !ok {
		return nil, errHead
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(signature) != headKeyID+ed25519.SignatureSize || strings.ContainsAny(encoded, "\r\n") {
		return nil, errHead
	}
	if !bytes.Equal(signature[:headKeyID], noteKeyID(h.origin, public)) || !ed25519.Verify(public, []byte(text+"\n"), signature[headKeyID:]) {
		return nil, fmt.Errorf("%w: it is not signed by this installation's key", ErrHead)
	}
	return h, nil
}

// parseHead reads what text wrote. A text that would be written otherwise is refused.
func parseHead(text string) (*head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 7 || lines[0] != headTitle || !validOrigin(lines[1]) {
		return nil, errHead
	}
	h := &head{origin: lines[1]}
	var values [4]string
	for i, name := range []string{"sequence ", "chain ", "outbox ", "time "} {
		value, ok := strings.CutPrefix(lines[2+i], name)
		if !ok {
			return nil, errHead
		}
		values[i] = value
	}
	var err [4]error
	var chain []byte
	h.sequence, err[0] = strconv.ParseUint(values[0], 10, 64)
	chain, err[1] = base64.StdEncoding.Strict().DecodeString(values[1])
	h.outbox, err[2] = strconv.ParseUint(values[2], 10, 64)
	h.time, err[3] = time.Parse(headTime, values[3])
	if errors.Join(err[:]...) != nil || copy(h.chain[:], chain) != len(chain) || len(chain) != sha256.Size || string(h.text()) != text {
		return nil, errHead
	}
	return h, nil
}

// A checkpoint is a signed head in a segment.
const (
	checkpointBytes      = 8 + sha256.Size + 8 + 8 + ed25519.SignatureSize
	checkpointFrameBytes = frameHeadBytes + checkpointBytes // a multiple of frameAlign
)

// checkpointFrame signs h. The origin is that of the segment.
func (h *head) checkpointFrame(s Signer) []byte {
	b := beginFrame(make([]byte, 0, checkpointFrameBytes))
	b = binary.BigEndian.AppendUint64(b, h.sequence)
	b = append(b, h.chain[:]...)
	b = binary.BigEndian.AppendUint64(b, h.outbox)
	b = binary.BigEndian.AppendUint64(b, uint64(h.time.UnixMicro()))
	b = append(b, s.Sign(h.text())...)
	return endFrame(b, kindCheckpoint)
}

// parseCheckpoint reads the body of a checkpoint frame and checks its signature.
func parseCheckpoint(b []byte, origin string, public []byte) (*head, error) {
	if len(b) != checkpointBytes {
		return nil, errors.New("malformed checkpoint")
	}
	h := &head{
		origin:   origin,
		sequence: binary.BigEndian.Uint64(b),
		chain:    digest(b[8:40]),
		outbox:   binary.BigEndian.Uint64(b[40:]),
		time:     time.UnixMicro(int64(binary.BigEndian.Uint64(b[48:]))).UTC(),
	}
	if !ed25519.Verify(public, h.text(), b[56:]) {
		return nil, errors.New("signature of a checkpoint does not verify")
	}
	return h, nil
}
