package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"claviger/internal/words/fault"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	denied := fault.New(fault.AccessDenied, "User: %s is not authorized", "arn:%s")
	if denied.Message != "User: arn:%s is not authorized" {
		t.Errorf("message %q", denied.Message)
	}
	for what, err := range map[string]error{
		"itself":  denied,
		"wrapped": fmt.Errorf("reading: %w", denied),
		"joined":  errors.Join(errors.New("disk full"), fmt.Errorf("reading: %w", denied)),
	} {
		if got := fault.From(err); got != denied {
			t.Errorf("%s: got %v", what, got)
		}
		if !fault.Is(err, fault.AccessDenied) || fault.Is(err, fault.Validation) {
			t.Errorf("%s: the wrong code", what)
		}
	}
	if got := fault.From(nil); got != nil {
		t.Errorf("no error became %v", got)
	}
	if fault.Is(nil, fault.AccessDenied) || fault.Is(errors.New("x"), fault.InternalFailure) {
		t.Error("what is no fault has a code")
	}
}

func TestFromHides(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("canary: password"),
		fmt.Errorf("reading: %w", errors.New("canary")),
		errors.Join(errors.New("canary"), errors.New("canary")),
	} {
		got := fault.From(err)
		if got.Code != fault.InternalFailure || got.Message == "" || strings.Contains(got.Error(), "canary") {
			t.Errorf("got %v", got)
		}
		if errors.Is(got, err) {
			t.Error("the cause can be reached")
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	if got := (&fault.Fault{Code: fault.Throttling, Message: "Rate exceeded"}).Error(); got != "Throttling: Rate exceeded" {
		t.Error(got)
	}
	if got := (&fault.Fault{Code: fault.Throttling}).Error(); got != "Throttling" {
		t.Error(got)
	}
}
