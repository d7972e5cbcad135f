// Package record writes the record of a call in CloudTrail's form.
//
// What a record may show of a request is an allow-list: the members that carry
// an audit tag beside their declaration. A member without a tag is never
// written, and a tag on a confidential member stops the program at start.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
package record

import (
	"slices"
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
	Source    string // event source, such as kms.amazonaws.com
	Name      string // operation
	ReadOnly  bool
	Call      *operation.Call
	Principal *principal.Principal
	Facts     *authz.Facts
	TLS       *TLS

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
// with one shared event id.
func (f *Frame) Entries() []audit.Entry {
	own := f.Principal.Account
	var others []string
	if f.Fault == nil {
		for _, r := range f.Call.Record.Resources {
			if r.Account != own && r.Account != "" && !slices.Contains(others, r.Account) {
				others = append(others, r.Account)
			}
		}
	}
	shared := ""
	if len(others) > 0 {
		shared = ident.UUID()
	}
	entries := make([]audit.Entry, 0, 1+len(others))
	entries = append(entries, audit.Entry{Account: own, Time: f.Call.Time, Record: f.render(own, shared)})
	for _, account := range others {
		entries = append(entries, audit.Entry{Account: account, Time: f.Call.Time, Record: f.render(account, shared)})
	}
	return entries
}

// render writes the copy for one account, members in the order of the public
// table of fields.
func (f *Frame) render(recipient, shared string) []byte {
	own := recipient == f.Principal.Account
	w := writer{b: make([]byte, 0, frameBytes+len(f.Request)+len(f.Response)+len(f.Facts.UserAgent))}
	w.open()
	w.text("eventVersion", version)
	w.key("userIdentity")
	if own {
		identity(&w, f.Principal)
	} else {
		foreignIdentity(&w, f.Principal)
	}
	w.time("eventTime", f.Call.Time)
	w.text("eventSource", f.Source)
	w.text("eventName", f.Name)
	w.text("awsRegion", f.Call.Region)
	if f.Facts.Source.IsValid() {
		w.text("sourceIPAddress", f.Facts.Source.Unmap().String())
	} else {
		w.text("sourceIPAddress", "AWS Internal")
	}
	if f.Facts.UserAgent != "" {
		w.text("userAgent", cut(f.Facts.UserAgent))
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
			w.text(m.Name, m.Value)
		}
		w.close()
	}
	w.text("requestID", f.Call.RequestID)
	w.text("eventID", ident.UUID())
	w.bool("readOnly", f.ReadOnly)
	resources(&w, f.Call.Record.Resources, recipient, own)
	w.text("eventType", "AwsApiCall")
	w.bool("managementEvent", true)
	w.text("recipientAccountId", recipient)
	if shared != "" {
		w.text("sharedEventID", shared)
	}
	w.text("eventCategory", "Management")
	if f.TLS != nil && own {
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
	w.close()
}

// foreignIdentity writes the caller as the owner of a resource sees it: who, but not by which name.
func foreignIdentity(w *writer, p *principal.Principal) {
	w.open()
	w.text("type", "AWSAccount")
	w.text("principalId", p.ID)
	w.text("accountId", p.Account)
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
