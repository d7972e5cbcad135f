package audit

import (
	"errors"
	"fmt"
	"io"
)

// A damage says where stored bytes are not what was written.
type damage struct {
	segment  uint64
	offset   int64
	sequence uint64 // of the entry at fault or of the next one due; 0 where it isn't known
	what     string
}

func (d *damage) Error() string {
	at := fmt.Sprintf("segment %d, offset %d", d.segment, d.offset)
	if d.sequence > 0 {
		at += fmt.Sprintf(", sequence %d", d.sequence)
	}
	return at + ": " + d.what
}

func (d *damage) Unwrap() error { return ErrDamaged }

// A checker follows the chain through frames that were read.
type checker struct {
	o      *Options
	tip    tip
	newest int64 // offset of the frame checked last
	leaves []digest
	plain  []byte
}

// frames checks the frames of s up to limit, or to where no valid frame is, and
// returns that offset.
func (c *checker) frames(s *stored, limit int64) (end int64, err error) {
	r := s.frames(0, limit)
	for {
		fr, err := r.next()
		switch err {
		case nil:
		case io.EOF, errNoFrame:
			return r.offset, nil
		default:
			return 0, fmt.Errorf("reading segment %d: %w", s.header.number, err)
		}
		if err := c.frame(s, fr); err != nil {
			return 0, err
		}
	}
}

// frame checks a frame of s against the tip and moves the tip behind it.
func (c *checker) frame(s *stored, fr frame) error {
	c.newest = fr.offset
	var at uint64
	var err error
	switch fr.kind {
	case kindBatch:
		at, err = c.batch(s.cipher, fr.body)
	case kindCheckpoint:
		at, err = c.tip.last, c.checkpoint(fr.body)
	}
	if err != nil {
		return &damage{s.header.number, fr.offset, at, err.Error()}
	}
	return nil
}

// batch also returns the sequence number that an error belongs to.
func (c *checker) batch(cipher Cipher, body []byte) (uint64, error) {
	h, err := parseBatchHead(body)
	if err != nil {
		return c.tip.last + 1, err
	}
	if h.first != c.tip.last+1 {
		return h.first, fmt.Errorf("batch begins at %d where %d is due", h.first, c.tip.last+1)
	}
	if h.outbox < c.tip.outbox {
		return h.first, fmt.Errorf("outbox position falls from %d to %d", c.tip.outbox, h.outbox)
	}
	c.leaves = c.leaves[:0]
	err = openBatch(cipher, h, body, &c.plain, func(_ uint64, e Entry) error {
		c.leaves = append(c.leaves, leaf(&e))
		return nil
	})
	if err != nil {
		return h.first + uint64(len(c.leaves)), err
	}
	if merkleRoot(c.leaves) != h.root {
		return h.first, errors.New("root of the batch does not match its entries")
	}
	c.tip = c.tip.after(h)
	return 0, nil
}

// openBatch calls fn for the entries of a batch. They lie in *plain, which is
// used again for each; if plain is nil each has memory of its own.
func openBatch(cipher Cipher, h batchHead, body []byte, plain *[]byte, fn func(sequence uint64, e Entry) error) error {
	associated, rest := body[:batchHeadBytes:batchHeadBytes], body[batchHeadBytes:]
	for i := range uint64(h.count) {
		sealed, next, err := nextSealed(rest)
		if err != nil {
			return err
		}
		var dst []byte
		if plain != nil {
			dst = (*plain)[:0]
		}
		opened, err := cipher.Open(dst, h.first+i, associated, sealed)
		if err != nil {
			return errors.New("seal of an entry does not open")
		}
		if plain != nil {
			*plain = opened
		}
		e, more, err := decodeEntry(opened)
		if err != nil || len(more) > 0 {
			return errors.New("malformed entry")
		}
		if err := fn(h.first+i, e); err != nil {
			return err
		}
		rest = next
	}
	if len(rest) > 0 {
		return errBatch
	}
	return nil
}

func (c *checker) checkpoint(body []byte) error {
	h, err := parseCheckpoint(body, c.o.Origin, c.o.Signer.Public())
	if err != nil {
		return err
	}
	if h.sequence != c.tip.last || h.chain != c.tip.chain {
		return fmt.Errorf("checkpoint at %d does not match the chain at %d", h.sequence, c.tip.last)
	}
	if h.outbox < c.tip.outbox {
		return fmt.Errorf("outbox position falls from %d to %d", c.tip.outbox, h.outbox)
	}
	c.tip.outbox = h.outbox
	return nil
}
