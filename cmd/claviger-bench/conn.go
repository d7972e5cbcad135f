package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// A conn is one keep-alive connection of a client that knows just enough of
// HTTP/1.1 to be faster than any server.
type conn struct {
	net.Conn
	buf []byte // of the answer
}

// answerMax is the size of the largest answer that is understood.
const answerMax = 64 << 10

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, buf: make([]byte, answerMax)}, nil
}

// do sends a request and reads its answer. The body is valid until the next call.
func (c *conn) do(request []byte) (status int, body []byte, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	for n := 0; ; {
		k, err := c.Read(c.buf[n:])
		n += k
		if err != nil {
			return 0, nil, fmt.Errorf("reading an answer: %w", err)
		}
		h, err := parseHead(c.buf[:n])
		switch {
		case err != nil:
			return 0, nil, err
		case h.size > 0 && h.size+h.length <= n:
			return h.status, c.buf[h.size : h.size+h.length], nil
		case n == len(c.buf):
			return 0, nil, errors.New("answer too large")
		}
	}
}

// A head is what counts of an answer's first part. size is 0 while it is not complete.
type head struct {
	status int
	size   int
	length int // of the body
}

// parseHead reads the head at the beginning of b.
func parseHead(b []byte) (head, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return head{}, nil
	}
	line, rest, _ := bytes.Cut(b[:end], []byte("\r\n"))
	const version = "HTTP/1.1 "
	if !bytes.HasPrefix(line, []byte(version)) || len(line) < len(version)+3 {
		return head{}, fmt.Errorf("%.40q does not begin an answer", line)
	}
	status, err := strconv.Atoi(string(line[len(version) : len(version)+3]))
	if err != nil || status < 100 {
		return head{}, fmt.Errorf("%.40q has no status", line)
	}
	h := head{status: status, size: end + 4, length: -1}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		if h.length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || h.length < 0 || h.length > answerMax {
			return head{}, fmt.Errorf("%.40q is no length of a body", value)
		}
	}
	if h.length < 0 {
		return head{}, errors.New("answer without a Content-Length")
	}
	return h, nil
}
