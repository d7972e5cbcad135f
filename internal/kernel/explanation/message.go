package explanation

import (
	"encoding/json"
	"errors"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/sealed"
	"claviger/internal/words/arn"
	"claviger/internal/words/principal"
)

const (
	// MessageLasts is how long an authorization message can be decoded.
	MessageLasts = 24 * time.Hour

	// messageMax bounds what a message says, in bytes, so that it has room among
	// the header fields of an answer wherever that passes through.
	messageMax = 2 << 10
)

// ErrMessage is the one answer to everything that is no authorization message of
// the account, or no longer.
var ErrMessage = errors.New("explanation: not an authorization message of this account")

// Messages makes and reads authorization messages: explanations of refusals that
// the caller takes away sealed, for whoever in its account may decode them. They
// are kept nowhere. It is safe for concurrent use.
type Messages struct{ secret *sealed.Secret }

// NewMessages returns the messages of an installation.
func NewMessages(k *sealed.Keyring) *Messages {
	return &Messages{k.Secret("authorization-message")}
}

// message is what a message says.
type message struct {
	At   int64           `json:"at"` // seconds since 1970
	ID   string          `json:"id"`
	Name string          `json:"name,omitempty"`
	ARN  string          `json:"arn"`
	Why  json.RawMessage `json:"why"`
}

// Encode makes the message of a refusal, for the caller's account. It is not
// compressed: its length would tell how much a request has in common with the
// policies that refused it.
func (m *Messages) Encode(caller *principal.Principal, at time.Time, e *Explanation) string {
	said := message{At: at.Unix(), ID: caller.ID, ARN: caller.ARN, Why: e.encode(messageMax)}
	if caller.Kind == principal.User {
		said.Name = caller.Name
	}
	return m.secret.Seal([]byte(caller.Account), mustMarshal(&said))
}

// Decode opens a message and returns it in the form of DecodeAuthorizationMessage.
// Every failure is ErrMessage.
func (m *Messages) Decode(account, text string, now time.Time) (string, error) {
	plain, err := m.secret.Open([]byte(account), text)
	if err != nil {
		return "", ErrMessage
	}
	var said message
	if err := json.Unmarshal(plain, &said); err != nil {
		return "", ErrMessage
	}
	if now.Sub(time.Unix(said.At, 0)) >= MessageLasts {
		return "", ErrMessage
	}
	e, err := decode(said.Why, versionRefusal)
	if err != nil {
		return "", ErrMessage
	}
	return string(mustMarshal(decoded(&said, e))), nil
}

// The shapes of a decoded message, as AWS answers them.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
type (
	items[T any] struct {
		Items []T `json:"items"`
	}
	text struct {
		Value string `json:"value"`
	}
	keyed struct {
		Key    string      `json:"key"`
		Values items[text] `json:"values"`
	}
	matched struct {
		StatementID     string       `json:"statementId"`
		Effect          string       `json:"effect"`
		Principals      items[text]  `json:"principals"`
		PrincipalGroups items[text]  `json:"principalGroups"`
		Actions         items[text]  `json:"actions"`
		Resources       items[text]  `json:"resources"`
		Conditions      items[keyed] `json:"conditions"`
	}
	author struct {
		ID   string `json:"id"`
		Name string `json:"name,omitempty"`
		ARN  string `json:"arn"`
	}
	circumstances struct {
		Principal  author       `json:"principal"`
		Action     string       `json:"action"`
		Resource   string       `json:"resource"`
		Conditions items[keyed] `json:"conditions"`
	}
	decodedMessage struct {
		Allowed      bool           `json:"allowed"`
		ExplicitDeny bool           `json:"explicitDeny"`
		Matched      items[matched] `json:"matchedStatements"`
		Failures     items[text]    `json:"failures"`
		Context      circumstances  `json:"context"`
	}
)

// decoded puts a message into AWS's form. The statements that matched are those
// that deny.
func decoded(said *message, e *Explanation) *decodedMessage {
	d := &decodedMessage{
		ExplicitDeny: e.Verdict.Explicit,
		Matched:      items[matched]{[]matched{}},
		Failures:     texts(nil),
		Context: circumstances{
			Principal:  author{said.ID, said.Name, said.ARN},
			Action:     e.Action,
			Resource:   e.Resource,
			Conditions: items[keyed]{ofResource(e.Resource)},
		},
	}
	seen := make(map[string]bool)
	for i := range e.Premises {
		p := &e.Premises[i]
		for _, c := range p.Compared {
			if key := policy.Fold(c.Key); !seen[key] && len(c.Got) > 0 {
				seen[key] = true
				d.Context.Conditions.Items = append(d.Context.Conditions.Items, keyed{c.Key, texts(c.Got)})
			}
		}
		if p.Statement < 0 || !p.Matched || p.Effect != "Deny" {
			continue
		}
		s := matched{
			StatementID: p.Sid, Effect: "DENY", Principals: texts([]string{said.ID}), PrincipalGroups: texts(nil),
			Actions: texts(p.Actions), Resources: texts(p.Resources), Conditions: items[keyed]{[]keyed{}},
		}
		for _, c := range p.Compared {
			s.Conditions.Items = append(s.Conditions.Items, keyed{c.Key, texts(c.Wanted)})
		}
		d.Matched.Items = append(d.Matched.Items, s)
	}
	return d
}

func texts(list []string) items[text] {
	out := items[text]{make([]text, len(list))}
	for i, s := range list {
		out.Items[i].Value = s
	}
	return out
}

// ofResource lists the parts of the resource's ARN as AWS does, among the
// condition keys.
func ofResource(resource string) []keyed {
	list := []keyed{}
	a, ok := arn.Parse(resource)
	if !ok {
		return list
	}
	kind, id := cutKind(a.Resource)
	for _, k := range [...]struct{ key, value string }{
		{"aws:Resource", a.Resource}, {"aws:Account", a.Account}, {"aws:Region", a.Region}, {"aws:ID", id},
		{"aws:Service", a.Service}, {"aws:Type", kind}, {"aws:ARN", resource},
	} {
		if k.value != "" {
			list = append(list, keyed{k.key, texts([]string{k.value})})
		}
	}
	return list
}

// cutKind divides the last part of an ARN into type and id.
func cutKind(resource string) (kind, id string) {
	for i := range len(resource) {
		if resource[i] == '/' || resource[i] == ':' {
			return resource[:i], resource[i+1:]
		}
	}
	return "", resource
}
