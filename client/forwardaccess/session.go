package forwardaccess

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// A Session is a user for whom the service may act. It is immutable, and an
// aws.CredentialsProvider.
type Session struct {
	user        string
	account     string
	credentials aws.Credentials
}

// User is the ARN of the user, role session or root user who signed the evidence.
func (s *Session) User() string { return s.user }

// Account is the id of the user's account.
func (s *Session) Account() string { return s.account }

// Expires is when the session ends at the latest. It ends at once with the
// user's access key, with the user, and with the service's registration.
func (s *Session) Expires() time.Time { return s.credentials.Expires }

// String names the user, without the credentials.
func (s *Session) String() string { return "session of " + s.user }

// Retrieve returns the credentials, and an error after they have expired: the
// user must ask the service anew.
func (s *Session) Retrieve(context.Context) (aws.Credentials, error) {
	if s.credentials.Expired() {
		return aws.Credentials{}, fmt.Errorf("forwardaccess: the session of %s has ended", s.user)
	}
	return s.credentials, nil
}

// An Error is a refusal by Claviger. It is a smithy.APIError, as the errors of
// the SDK's clients are.
type Error struct {
	Code      string // such as "AccessDenied"
	Message   string // for people
	RequestID string // under which Claviger's trail and log know it
	Status    int    // of HTTP
}

func (e *Error) Error() string {
	return fmt.Sprintf("trading evidence for a session: %s: %s (status %d, request %s)", e.Code, e.Message, e.Status, e.RequestID)
}

// ErrorCode returns the code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage returns the message.
func (e *Error) ErrorMessage() string { return e.Message }

// ErrorFault says on whose side the fault is.
func (e *Error) ErrorFault() smithy.ErrorFault {
	if e.Status >= http.StatusInternalServerError {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// parse reads an answer. What is neither a session nor an error of the protocol
// is an error that repeats nothing of it: it may hold a secret.
func parse(status int, body []byte) (*Session, error) {
	if status != http.StatusOK {
		return nil, parseError(status, body)
	}
	var answer struct {
		XMLName xml.Name `xml:"CreateForwardAccessSessionResponse"`
		Result  struct {
			Credentials struct {
				AccessKeyID     string    `xml:"AccessKeyId"`
				SecretAccessKey string    `xml:"SecretAccessKey"`
				SessionToken    string    `xml:"SessionToken"`
				Expiration      time.Time `xml:"Expiration"`
			} `xml:"Credentials"`
			UserARN string `xml:"UserArn"`
		} `xml:"CreateForwardAccessSessionResult"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("forwardaccess: the answer is not one of CreateForwardAccessSession")
	}
	c, user := &answer.Result.Credentials, answer.Result.UserARN
	account, ok := accountOf(user)
	if c.AccessKeyID == "" || c.SecretAccessKey == "" || c.SessionToken == "" || c.Expiration.IsZero() || !ok {
		return nil, errors.New("forwardaccess: the answer lacks a part of the session")
	}
	return &Session{
		user:    user,
		account: account,
		credentials: aws.Credentials{
			AccessKeyID:     c.AccessKeyID,
			SecretAccessKey: c.SecretAccessKey,
			SessionToken:    c.SessionToken,
			Source:          "ClavigerForwardAccess",
			CanExpire:       true,
			Expires:         c.Expiration,
			AccountID:       account,
		},
	}, nil
}

// accountOf returns the account of a principal's ARN, arn:PARTITION:SERVICE::ACCOUNT:NAME.
func accountOf(arn string) (string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || len(parts[4]) != 12 || strings.Trim(parts[4], "0123456789") != "" {
		return "", false
	}
	return parts[4], true
}

func parseError(status int, body []byte) *Error {
	var answer struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || answer.Code == "" {
		// Not Claviger, but something between: a proxy, a balancer.
		return &Error{Code: "UnknownError", Message: http.StatusText(status), Status: status}
	}
	return &Error{Code: answer.Code, Message: answer.Message, RequestID: answer.RequestID, Status: status}
}
