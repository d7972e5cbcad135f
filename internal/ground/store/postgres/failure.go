package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"claviger/internal/ground/store/driver"
)

// States of https://www.postgresql.org/docs/15/errcodes-appendix.html.
const (
	stateDataCorrupted  = "XX001"
	stateIndexCorrupted = "XX002"
	stateLockTimeout    = "55P03"
)

// explain puts an error of pgx into the closed set. What it was is kept as
// text alone: errors of pgx hold the configuration, and with it the password,
// and details of the server's errors hold values. Neither is in the text.
func explain(err error) error {
	var unfit *unfitness
	if errors.As(err, &unfit) {
		return fmt.Errorf("%w: %s", driver.ErrUnavailable, unfit.reason)
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		if e.Code == stateDataCorrupted || e.Code == stateIndexCorrupted {
			return fmt.Errorf("%w: the server says %q, restore it from a backup", driver.ErrDamaged, e.Message)
		}
		return fmt.Errorf("%w: the server says %q (SQLSTATE %s)", driver.ErrUnavailable, e.Message, e.Code)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: the server does not answer", driver.ErrUnavailable)
	}
	return fmt.Errorf("%w: %s", driver.ErrUnavailable, oneLine(err.Error()))
}

// oneLine joins the lines of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// state returns the SQLSTATE of an error of the server.
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
