package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"claviger/internal/ground/store/driver"
)

// connectPatience is how long one host may take to accept a connection, unless
// the URL says connect_timeout.
const connectPatience = 5 * time.Second

// parameters of every session. Each of them may be set by any role.
var parameters = map[string]string{
	// Nothing waits for long, neither the lease nor a row that somebody has locked by hand.
	"lock_timeout":                        "2s",
	"idle_in_transaction_session_timeout": "60s",
	"statement_timeout":                   "0",
	// A server that lost sight of us ends the session, and the lease with it.
	"tcp_keepalives_idle":     "5",
	"tcp_keepalives_interval": "1",
	"tcp_keepalives_count":    "5",
	"tcp_user_timeout":        "10s",
	// Each statement has an index that serves it. So the planner may rely on
	// that, whatever it knows of a table that was empty a moment ago.
	"enable_seqscan":                  "off",
	"enable_bitmapscan":               "off",
	"enable_sort":                     "off",
	"enable_incremental_sort":         "off",
	"plan_cache_mode":                 "force_generic_plan",
	"jit":                             "off",
	"max_parallel_workers_per_gather": "0",
	// A row that a policy hides must be an error, not a row that is not there.
	"row_security": "off",
}

// errAddress says nothing of the URL, which may hold a password: what is wrong
// with it may be that the password was taken for something else.
var errAddress = errors.New("the address of the database is not of the form postgres://USER@HOST/DATABASE?sslmode=verify-full")

// CheckAddress returns what is wrong with a URL, as far as that can be told
// without connecting.
func CheckAddress(url string) error {
	_, err := configure(url)
	return err
}

// configure reads a URL, and the files that it names.
func configure(url string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, errAddress)
	}
	config, err := pgx.ParseConfig(url)
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return nil, fmt.Errorf("%w: a file that the address of the database names: %w", driver.ErrUnavailable, file)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, errAddress)
	}
	if err := verifyWay(&config.Config); err != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectPatience
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "claviger"
	}
	maps.Copy(config.RuntimeParams, parameters)
	return config, nil
}

// verifyWay refuses a connection that leaves the machine, unless it is
// encrypted and the server proves its name.
func verifyWay(config *pgconn.Config) error {
	ways := []*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}
	for _, way := range append(ways, config.Fallbacks...) {
		if local(way) || way.TLSConfig != nil && !way.TLSConfig.InsecureSkipVerify {
			continue
		}
		return fmt.Errorf("the connection to %s leaves the machine: it needs sslmode=verify-full", way.Host)
	}
	return nil
}

func local(way *pgconn.FallbackConfig) bool {
	if network, _ := pgconn.NetworkAddress(way.Host, way.Port); network == "unix" {
		return true
	}
	address, err := netip.ParseAddr(way.Host)
	return way.Host == "localhost" || err == nil && address.IsLoopback()
}
