// Package message is a request and a response without an HTTP library.
package message

import "net/netip"

// A Request as it arrived. All strings are the bytes of the wire: nothing is
// decoded or cleaned.
type Request struct {
	Method string
	Path   string // raw, still escaped, without the query
	Query  string // raw, without "?"
	Host   string
	Header []Field
	Body   []byte
	Remote netip.Addr // the caller's address, which a trusted proxy may have told
	Secure bool       // the caller's connection is TLS
	TLS    *TLS       // nil over plain HTTP, and where TLS ends at a proxy
}

// A Field of a header. Name is in lower case.
type Field struct {
	Name  string
	Value string
}

// Get returns the first value of a header field, "" where there is none. name is in lower case.
func (r *Request) Get(name string) string {
	for i := range r.Header {
		if r.Header[i].Name == name {
			return r.Header[i].Value
		}
	}
	return ""
}

// TLS describes the connection of a request.
type TLS struct {
	Version string // such as "TLSv1.3"
	Cipher  string // such as "TLS_AES_128_GCM_SHA256", or "ECDHE-RSA-AES128-GCM-SHA256" of TLSv1.2
}

// A Response to be written.
type Response struct {
	Status      int
	ContentType string
	RequestID   string
	ErrorType   string // x-amzn-ErrorType, "" on success
	// Explanation is the sealed message about a refusal by policies, for
	// DecodeAuthorizationMessage; "" where there is none.
	Explanation string

	Allow string // methods, where the request's was not one of them
	Body  []byte
}
