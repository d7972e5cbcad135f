package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// serveNull is the yardstick: a web server of the standard library that reads
// the whole request and answers size bytes. It runs until it is killed.
func serveNull(size int, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "{\"msg\":\"ready\",\"listen\":%q}\n", l.Addr()); err != nil {
		return err
	}
	return http.Serve(l, nullHandler(size))
}

// nullHandler answers with the header fields of a real answer and a constant body.
func nullHandler(size int) http.Handler {
	answer := bytes.Repeat([]byte{'x'}, size)
	length := strconv.Itoa(size)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h := w.Header()
		h.Set("Content-Type", "application/x-amz-json-1.1")
		h.Set("Content-Length", length)
		h.Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
		_, _ = w.Write(answer)
	})
}
