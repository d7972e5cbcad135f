package app

import (
	"os"
	"runtime"
	"slices"
	"strconv"

	"claviger/internal/app/metrics"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/ground/tally"
)

// families are the metrics of the server. docs/operating/monitoring.md is printed from them.
func (s *server) families() []metrics.Family {
	return slices.Concat(s.calls.Families(), s.cacheFamilies(), s.storeFamilies(), s.trailFamilies(), s.workFamilies(), s.serverFamilies())
}

// number is a family of one number without labels.
func number(kind metrics.Kind, name, help string, read func() float64) metrics.Family {
	return metrics.Family{Name: name, Help: help, Kind: kind, Numbers: func(show func(float64, ...string)) { show(read()) }}
}

// times is a family of one histogram without labels.
func times(name, help string, h *tally.Histogram) metrics.Family {
	return metrics.Family{Name: name, Help: help, Kind: metrics.Histogram, Readings: func(show func(tally.Reading, ...string)) { show(h.Read()) }}
}

func (s *server) cacheFamilies() []metrics.Family {
	caches := s.keys.Caches()
	caches["credentials"] = s.iam.Looks()
	return []metrics.Family{{
		Name: "claviger_cache_lookups_total", Kind: metrics.Counter, Labels: []string{"cache", "result"},
		Help: "Looks into memory for what the store has, by hit and miss: credentials, keys with their policies, aliases, and what grants are found by. Keys are looked for again when one is dropped.",
		Numbers: func(show func(float64, ...string)) {
			for name, c := range caches {
				hits, misses := c.Looks()
				show(float64(hits), name, "hit")
				show(float64(misses), name, "miss")
			}
		},
	}}
}

func (s *server) storeFamilies() []metrics.Family {
	w := s.store.Work()
	list := []metrics.Family{
		{
			Name: "claviger_store_commits_total", Kind: metrics.Counter, Labels: []string{"outcome"},
			Help: "Transactions that were handed to the database: applied, failed (nothing was changed), or unknown until the database can be asked.",
			Numbers: func(show func(float64, ...string)) {
				show(float64(w.Commits.Load()), "applied")
				show(float64(w.Failed.Load()), "failed")
				show(float64(w.Unknown.Load()), "unknown")
			},
		},
		number(metrics.Counter, "claviger_store_conflicts_total", "Tries of a transaction that another one came before, and that were made again.",
			func() float64 { return float64(w.Overtaken.Load()) }),
		times("claviger_store_commit_duration_seconds", "Time from handing a transaction to the database to its being durable.", w.Took),
	}
	if s.dir != "" && s.lost == nil {
		list = append(list, metrics.Family{
			Name: "claviger_store_size_bytes", Kind: metrics.Gauge, Labels: []string{"file"},
			Help: "Size of the files of the embedded store: the database and its log. A database of PostgreSQL tells its own size.",
			Numbers: func(show func(float64, ...string)) {
				for name, suffix := range map[string]string{"database": "", "log": "-wal"} {
					if info, err := os.Stat(sqlite.Path(s.dir) + suffix); err == nil {
						show(float64(info.Size()), name)
					}
				}
			},
		})
	}
	return list
}

// trailFamilies show the trail on disk. One in memory has nothing to show.
func (s *server) trailFamilies() []metrics.Family {
	list := []metrics.Family{
		number(metrics.Gauge, "claviger_trail_behind", "1 while a committed change has no record yet, so that no call is answered.",
			func() float64 { return truth(s.pipeline.Lagging()) }),
		number(metrics.Gauge, "claviger_trail_outbox", "Changes on their way from the store's outbox to the trail.",
			func() float64 { return float64(s.pipeline.Unrecorded()) }),
	}
	log, ok := s.trail.(*audit.Log)
	if !ok {
		return list
	}
	w := log.Work()
	return append(list,
		number(metrics.Counter, "claviger_trail_records_total", "Records that became durable.", func() float64 { return float64(w.Records.Load()) }),
		number(metrics.Counter, "claviger_trail_written_bytes_total", "Bytes that were appended to the trail.", func() float64 { return float64(w.Bytes.Load()) }),
		number(metrics.Counter, "claviger_trail_failures_total", "How often the trail stopped taking records.", func() float64 { return float64(w.Failures.Load()) }),
		number(metrics.Gauge, "claviger_trail_pending_records", "Records that wait to become durable.", func() float64 { return float64(log.Pending()) }),
		times("claviger_trail_batch_records", "Records that became durable together.", w.Batch),
		times("claviger_trail_sync_duration_seconds", "Time that a batch of records took to become durable.", w.Sync),
	)
}

func (s *server) workFamilies() []metrics.Family {
	return []metrics.Family{
		{
			Name: "claviger_background_runs_total", Kind: metrics.Counter, Labels: []string{"task", "outcome"},
			Help: "Runs of what the server does by itself, by outcome: done or failed. What fails is tried again.",
			Numbers: func(show func(float64, ...string)) {
				for name, t := range s.tasks {
					show(float64(t.done.Load()), name, "done")
					show(float64(t.failed.Load()), name, "failed")
				}
			},
		},
		{
			Name: "claviger_background_last_done_timestamp_seconds", Kind: metrics.Gauge, Labels: []string{"task"},
			Help: "When a task of the server's own was last done, in seconds since 1970.",
			Numbers: func(show func(float64, ...string)) {
				for name, t := range s.tasks {
					if at := t.at.Load(); at != 0 {
						show(float64(at), name)
					}
				}
			},
		},
		{
			Name: "claviger_key_pairs_waiting", Kind: metrics.Gauge, Labels: []string{"spec"},
			Help: "RSA key pairs that were drawn ahead of need.",
			Numbers: func(show func(float64, ...string)) {
				for bits, n := range sealed.Waiting() {
					show(float64(n), "RSA_"+strconv.Itoa(bits))
				}
			},
		},
	}
}

func (s *server) serverFamilies() []metrics.Family {
	list := []metrics.Family{
		{
			Name: "claviger_build_info", Kind: metrics.Gauge, Labels: []string{"version", "revision", "goversion"},
			Help:    "1, with what was built.",
			Numbers: func(show func(float64, ...string)) { show(1, Version, revision(), runtime.Version()) },
		},
		{
			Name: "claviger_ready", Kind: metrics.Gauge, Labels: []string{"part"},
			Help: "1 while a part that calls need does what it should, else 0.",
			Numbers: func(show func(float64, ...string)) {
				s.health.mu.Lock()
				defer s.health.mu.Unlock()
				for _, part := range []string{partStore, partTrail, partDisk} {
					show(truth(s.health.wrong[part] == nil), part)
				}
			},
		},
		number(metrics.Gauge, "claviger_key_memory_locked", "1 while all memory that holds keys is locked, so that the system never writes it to swap.",
			func() float64 { return truth(sealed.Locked()) }),
		number(metrics.Gauge, "claviger_request_quotas", "How many quotas of requests are in force, for each account and Region.",
			func() float64 { return float64(s.requestQuotas) }),
	}
	return append(list, metrics.Family{
		Name: "claviger_tls_certificate_expiry_timestamp_seconds", Kind: metrics.Gauge,
		Help: "When the certificate that is served expires, in seconds since 1970. Not there without TLS.",
		Numbers: func(show func(float64, ...string)) {
			if t := s.tls.Load(); t != nil {
				show(float64(t.Certificate().NotAfter.Unix()))
			}
		},
	})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
