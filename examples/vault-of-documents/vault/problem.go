package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/smithy-go"

	"claviger/client/forwardaccess"
)

// A problem is an answer other than what was asked for.
type problem struct {
	status int
	Code   string `json:",omitempty"` // of Claviger, such as "DisabledException"
	Text   string `json:"Error"`
}

func (p *problem) Error() string { return p.Text }

func problemf(status int, format string, args ...any) *problem {
	return &problem{status: status, Text: fmt.Sprintf(format, args...)}
}

// refusedByKey translates a refusal of the key service. Whatever the customer
// does to the key, the answer is that the customer does not let the service in;
// the code says how.
func refusedByKey(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", "DisabledException", "KMSInvalidStateException", "NotFoundException":
		return &problem{http.StatusForbidden, api.ErrorCode(), "The owner of the key does not let this service use it. " + api.ErrorMessage()}
	}
	return err
}

// refused reports whether err is an answer of Claviger's, so that what was asked
// for has not happened.
func refused(err error) bool {
	var p *problem
	return errors.As(err, &p)
}

// refuse answers what went wrong. What is not the user's business goes to the log.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	var unproven *forwardaccess.Error
	switch {
	case errors.As(err, &p):
	case errors.Is(err, forwardaccess.ErrNotSigned):
		p = problemf(http.StatusForbidden, "The request must be signed with AWS Signature Version 4, in its Authorization header.")
	case errors.Is(err, forwardaccess.ErrBodyTooLarge):
		p = problemf(http.StatusRequestEntityTooLarge, "A document has at most %d bytes.", DocumentMax)
	case errors.As(err, &unproven) && unproven.ErrorFault() == smithy.FaultClient:
		p = &problem{http.StatusForbidden, unproven.Code, unproven.Message}
	default:
		s.o.Log.ErrorContext(r.Context(), "answering a request", "method", r.Method, "path", r.URL.Path, "cause", err)
		p = problemf(http.StatusBadGateway, "The service can't do its work now. Try again later.")
	}
	_ = answer(w, p.status, p)
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
	return nil
}
