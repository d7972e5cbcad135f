// Package record writes the record of a call in CloudTrail's form.
//
// What a record may show of a request is an allow-list: the members that carry
// an audit tag beside their declaration. A member without a tag is never
// written, and a tag on a confidential member stops the program at start.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
package record

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/principal"
)

// version of the record format that is written.
const version = "1.11"

// maxParameters is where requestParameters and responseElements are cut, as
// AWS cuts them: in whole, leaving a mark.
const maxParameters = 100 << 10

// frameBytes is about what a record takes beside what the client sent.
const frameBytes = 1280

// maxText bounds errorMessage and userAgent.
const maxText = 1 << 10

// A Frame is everything a record says.
type Frame struct {
	Source   string // event source, such as kms.amazonaws.com
	Name     string // operation
	ReadOnly bool
	Call     *operation.Call
	Caller   *authz.Caller
	Facts    *authz.Facts
	TLS      *TLS

	// Cryptographic says that the call used key material. The record of what a
	// service did with a key has a shared event id, even where there is one copy.
	Cryptographic bool

	Request  []byte // JSON object or null
	Response []byte // JSON object or null

	Fault *fault.Fault // nil where the call was answered
	Code  string       // the fault's code as the record shows it
}

// TLS describes the connection of a call.
type TLS struct {
	Version string
	Cipher  string
	Host    string
}

// Entries renders the record of a call: one for the caller's account, and where
// it succeeded one more for each other account that owns a resource of it, all
// with one shared event id. A service has no account: what it does to the
// resources of others stands in their accounts alone.
func (f *Frame) Entries() []audit.Entry {
	p := &f.Caller.Principal
	own := p.Account
	var others []string
	if f.Fault == nil {
		for _, r := range f.Call.Record.Resources {
			if r.Account != own && r.Account != "" && !slices.Contains(others, r.Account) {
				others = append(others, r.Account)
			}
		}
	}
	service := p.Kind == principal.Service && len(others) > 0
	shared := ""
	if len(others) > 1 || len(others) == 1 && (!service || f.Cryptographic) {
		shared = ident.UUID()
	}
	entries := make([]audit.Entry, 0, 1+len(others))
	if !service {
		entries = append(entries, f.entry(own, shared))
	}
	for _, account := range others {
		entries = append(entries, f.entry(account, shared))
	}
	return entries
}

// entry is the copy for one account. Who observes the trail gets a Brief of it
// where a key was used, and of the caller's own copy: a key to sign with was used.
func (f *Frame) entry(recipient, shared string) audit.Entry {
	id := ident.UUID()
	e := audit.Entry{Account: recipient, Time: f.Call.Time, Record: f.render(recipient, id, shared)}
	if f.Cryptographic && f.Fault == nil || recipient != "" && recipient == f.Caller.Principal.Account {
		e.Note = f.brief(recipient, id)
	}
	return e
}

// render writes the copy for one account, members in the order of the public
// table of fields.
func (f *Frame) render(recipient, id, shared string) []byte {
	p := &f.Caller.Principal
	own := recipient == p.Account
	w := writer{b: make([]byte, 0, frameBytes+len(f.Request)+len(f.Response)+len(f.Facts.UserAgent))}
	w.open()
	w.text("eventVersion", version)
	w.key("userIdentity")
	if own || p.Kind == principal.Service {
		identity(&w, p)
	} else {
		foreignIdentity(&w, p)
	}
	w.time("eventTime", f.Call.Time)
	w.text("eventSource", f.Source)
	w.text("eventName", f.Name)
	w.text("awsRegion", f.Call.Region)
	address, agent := f.from()
	w.text("sourceIPAddress", address)
	if agent != "" {
		w.text("userAgent", cut(agent))
	}
	if f.Fault != nil {
		w.text("errorCode", f.Code)
		if f.Fault.Message != "" {
			w.text("errorMessage", cut(f.Fault.Message))
		}
	}
	w.raw("requestParameters", bounded(f.Request))
	w.raw("responseElements", bounded(f.Response))
	if extra := f.Call.Record.Additional; len(extra) > 0 {
		w.key("additionalEventData")
		w.open()
		for _, m := range extra {
			w.member(m)
		}
		w.close()
	}
	w.text("requestID", f.Call.RequestID)
	w.text("eventID", id)
	w.bool("readOnly", f.ReadOnly)
	resources(&w, f.Call.Record.Resources, recipient, own)
	w.text("eventType", "AwsApiCall")
	w.bool("managementEvent", true)
	w.text("recipientAccountId", recipient)
	if shared != "" {
		w.text("sharedEventID", shared)
	}
	w.text("eventCategory", "Management")
	if f.TLS != nil && own && p.Kind != principal.Service && p.InvokedBy == "" {
		w.key("tlsDetails")
		w.open()
		w.text("tlsVersion", f.TLS.Version)
		w.text("cipherSuite", f.TLS.Cipher)
		w.text("clientProvidedHostHeader", f.TLS.Host)
		w.close()
	}
	w.close()
	return w.b
}

// from tells from where and with what the call came. What a service does in its
// own name comes from its name; what it does for a user, from the user as far as
// the service told, and else from its name too.
func (f *Frame) from() (address, agent string) {
	p, via := &f.Caller.Principal, f.Caller.Via
	switch {
	case p.Kind == principal.Service:
		return p.Name, p.Name
	case p.InvokedBy != "" && via != nil:
		return place(via.Address, p.InvokedBy), cmp.Or(via.UserAgent, p.InvokedBy)
	}
	return place(f.Facts.Source, "AWS Internal"), f.Facts.UserAgent
}

// place writes an address, and otherwise where it is none.
func place(a netip.Addr, otherwise string) string {
	if !a.IsValid() {
		return otherwise
	}
	return a.Unmap().String()
}

// identity writes the caller as its own account sees it.
func identity(w *writer, p *principal.Principal) {
	w.open()
	switch p.Kind {
	case principal.Root:
		w.text("type", "Root")
		w.text("principalId", p.Account)
	case principal.User:
		w.text("type", "IAMUser")
		w.text("principalId", p.ID)
	case principal.RoleSession:
		w.text("type", "AssumedRole")
		w.text("principalId", p.ID)
	case principal.FederatedUser:
		w.text("type", "FederatedUser")
		w.text("principalId", p.ID)
	case principal.Service:
		w.text("type", "AWSService")
		w.text("invokedBy", p.Name)
		w.close()
		return
	case principal.KeyStore: // who is behind the credential is not known, but what it says
		w.text("type", "Unknown")
		w.text("principalId", p.ID)
		w.text("accessKeyId", p.AccessKeyID)
		w.close()
		return
	default: // the operator of this server, who has no account
		w.text("type", "Unknown")
		w.text("principalId", p.ID)
		w.close()
		return
	}
	w.text("arn", p.ARN)
	w.text("accountId", p.Account)
	if p.AccessKeyID != "" {
		w.text("accessKeyId", p.AccessKeyID)
	}
	if p.Kind == principal.User {
		w.text("userName", p.Name)
	}
	if p.Temporary() {
		w.key("sessionContext")
		sessionContext(w, p)
	}
	if p.InvokedBy != "" {
		w.text("invokedBy", p.InvokedBy)
	}
	w.close()
}

// sessionContext writes what the temporary credentials of p came from.
func sessionContext(w *writer, p *principal.Principal) {
	w.open()
	if p.Kind == principal.RoleSession || p.Kind == principal.FederatedUser {
		w.key("sessionIssuer")
		w.open()
		w.text("type", issuerType(p))
		w.text("principalId", p.IssuerID)
		w.text("arn", p.IssuerARN)
		w.text("accountId", p.Account)
		if p.IssuerName != "" {
			w.text("userName", p.IssuerName)
		}
		w.close()
		w.key("webIdFederationData")
		w.open()
		w.close()
	}
	w.key("attributes")
	w.open()
	w.time("creationDate", p.Since)
	w.text("mfaAuthenticated", strconv.FormatBool(p.MFA))
	w.close()
	if p.SourceIdentity != "" {
		w.text("sourceIdentity", p.SourceIdentity)
	}
	if p.AssumedRoot {
		w.text("assumedRoot", "true")
	}
	w.close()
}

func issuerType(p *principal.Principal) string {
	switch {
	case p.Kind == principal.RoleSession:
		return "Role"
	case p.IssuerName == "":
		return "Root"
	}
	return "IAMUser"
}

// foreignIdentity writes the caller as the owner of a resource sees it: who, but not by which name.
func foreignIdentity(w *writer, p *principal.Principal) {
	w.open()
	w.text("type", "AWSAccount")
	w.text("principalId", p.ID)
	w.text("accountId", p.Account)
	if p.InvokedBy != "" {
		w.text("invokedBy", p.InvokedBy)
	}
	w.close()
}

// resources lists what the recipient may see: everything for the caller, its
// own resources for another owner.
func resources(w *writer, list []operation.Resource, recipient string, own bool) {
	first := true
	for _, r := range list {
		if !own && r.Account != recipient {
			continue
		}
		if first {
			w.key("resources")
			w.b = append(w.b, '[')
			first = false
		} else {
			w.b = append(w.b, ',')
		}
		w.open()
		w.text("accountId", r.Account)
		w.text("type", r.Type)
		w.text("ARN", r.ARN)
		w.close()
	}
	if !first {
		w.b = append(w.b, ']')
	}
}

func bounded(object []byte) []byte {
	switch {
	case len(object) == 0:
		return []byte("null")
	case len(object) > maxParameters:
		return []byte(`{"omitted":true}`)
	}
	return object
}

func cut(s string) string {
	if len(s) > maxText {
		return s[:maxText]
	}
	return s
}

// longTime is how records write times inside parameters.
func longTime(t time.Time) string { return t.UTC().Format("Jan 2, 2006, 3:04:05 PM") }
