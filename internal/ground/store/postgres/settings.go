package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// versionMin is PostgreSQL 15, as server_version_num has it.
const versionMin = 150000

// A setting of the server that decides whether a commit stays.
type setting struct {
	name    string
	allowed []string
	reason  string
	remedy  string // "" is to set it to the first of what is allowed
}

var settings = []setting{
	{"in_hot_standby", []string{"off"}, "it is a standby", "connect to its primary"},
	{"default_transaction_read_only", []string{"off"}, "the database is for reading only", ""},
	{"fsync", []string{"on"}, "a crash would damage the database", ""},
	{"full_page_writes", []string{"on"}, "a crash would damage the database", ""},
	{"synchronous_commit", []string{"on", "remote_apply"}, "a crash would undo what was acknowledged", ""},
	{"zero_damaged_pages", []string{"off"}, "damage would read as if nothing had been there", ""},
	{"ignore_checksum_failure", []string{"off"}, "damage would be read as it is", ""},
	{"server_encoding", []string{"UTF8"}, "the database has another encoding than this program", "create one with ENCODING 'UTF8'"},
}

// An unfitness is why a server is refused.
type unfitness struct{ reason string }

func (u *unfitness) Error() string { return u.reason }

// examine refuses a server that may lose commits, or is none to write to. It
// looks at every new connection: behind one address there may be another server
// by now, or one with other settings.
func examine(ctx context.Context, c *pgconn.PgConn) error {
	names := make([]string, len(settings))
	for i, s := range settings {
		// A setting that the server does not know is NULL, and not allowed.
		names[i] = "current_setting('" + s.name + "', true)"
	}
	text := "SELECT current_setting('server_version_num'), " + strings.Join(names, ", ")
	results, err := c.Exec(ctx, text).ReadAll()
	if err != nil {
		return err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return &unfitness{"the server does not answer as PostgreSQL does"}
	}
	values := make([]string, 0, len(settings)+1)
	for _, v := range results[0].Rows[0] {
		values = append(values, string(v))
	}
	return judge(values[0], values[1:])
}

func judge(version string, values []string) error {
	if n, err := strconv.Atoi(version); err != nil || n < versionMin {
		return &unfitness{fmt.Sprintf("the server has version %s; it takes PostgreSQL 15 or newer", version)}
	}
	for i, s := range settings {
		if !slices.Contains(s.allowed, values[i]) {
			remedy := s.remedy
			if remedy == "" {
				remedy = "set it to " + s.allowed[0]
			}
			return &unfitness{fmt.Sprintf("the server has %s = %s: %s; %s", s.name, values[i], s.reason, remedy)}
		}
	}
	return nil
}
