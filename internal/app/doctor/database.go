package doctor

import (
	"time"

	"claviger/internal/ground/store/postgres"
)

// connectionsWanted is how many connections the server may take, with one more at
// its start.
const connectionsWanted = 34

// Database judges a PostgreSQL server that meets what is demanded of one, by what
// may be meant so.
func Database(c postgres.Condition) []Finding {
	const check = "database"
	var found []Finding
	if !c.Checksums {
		found = append(found, warning(check, "stop it and run pg_checksums --enable", "it keeps no checksums, and so does not notice damaged pages"))
	}
	if c.Standbys > 0 && c.Synchronous == "" {
		found = append(found, warning(check, "name one of them in synchronous_standby_names",
			"it has %d standbys and waits for none: a failover loses what they had not yet received", c.Standbys))
	}
	if c.Connections < connectionsWanted {
		found = append(found, problem(check, "raise max_connections", "it takes %d connections, and the server wants up to %d", c.Connections, connectionsWanted))
	}
	if off := c.ClockOff.Abs(); off > clockOff {
		found = append(found, warning(check, "run a time service on both machines", "its clock and this one are %s apart", off.Round(time.Second)))
	}
	if len(found) == 0 {
		found = append(found, ok(check, "PostgreSQL %s with checksums", c.Version))
	}
	return found
}
