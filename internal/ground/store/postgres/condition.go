package postgres

import (
	"context"
	"fmt"
	"time"
)

// A Condition is what an operator wants to know of a server beyond what is
// demanded of one.
type Condition struct {
	Version     string        // such as "15.14 (Debian 15.14-0+deb12u1)"
	Checksums   bool          // damaged pages are noticed
	Connections int           // that it takes altogether
	Standbys    int           // connected now
	Synchronous string        // synchronous_standby_names
	ClockOff    time.Duration // its clock ahead of now, less half of the time that asking took
}

const selectCondition = "SELECT current_setting('server_version'), current_setting('data_checksums') = 'on', " +
	"current_setting('max_connections')::int, (SELECT count(*)::int FROM pg_stat_replication), " +
	"current_setting('synchronous_standby_names'), clock_timestamp()"

// Examine connects to a server, which is refused as it is by Open, and asks how it
// is. It takes no lease and changes nothing, so that a store may be open meanwhile.
func Examine(ctx context.Context, url string, now func() time.Time) (Condition, error) {
	config, err := configure(url)
	if err != nil {
		return Condition{}, fmt.Errorf("postgres: %w", err)
	}
	c, err := connect(ctx, config)
	if err != nil {
		return Condition{}, fmt.Errorf("postgres: %w", err)
	}
	defer c.close()
	var found Condition
	var its time.Time
	asked := now()
	err = c.first(selectCondition, nil, &found.Version, &found.Checksums, &found.Connections, &found.Standbys, &found.Synchronous, &its)
	if err != nil {
		return Condition{}, fmt.Errorf("postgres: asking how the server is: %w", err)
	}
	answered := now()
	found.ClockOff = its.Sub(asked.Add(answered.Sub(asked) / 2))
	return found, nil
}
