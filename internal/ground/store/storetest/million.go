package storetest

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"claviger/internal/ground/store/driver"
)

// growing are the tables that can have a million rows and more than one index, so that
// a wrong one could be chosen.
var growing = []string{"kms_key", "kms_alias", "kms_grant", "iam_user"}

// few are columns that have few values, and how many.
var few = map[string]int{"account": 50, "organization": 50, "parent": 200, "region": 2, "listed": 100, "retirable": 1000, "task": 3, "type": 4}

// Fill returns a statement that fills a table of a service: with a million rows where
// it can have as many and long runs are wanted, else with a thousand. bytes and numbers
// are the engine's own words for a text as bytes and for a table numbers of the
// numbers n up to a limit, in which %s and %d stand for them.
func Fill(s *driver.Schema, bytes, numbers string) string {
	rows := 1000
	if slices.Contains(growing, s.Name) && os.Getenv("CLAVIGER_LONG") != "" {
		rows = 1_000_000
	}
	var names, values []string
	for i, c := range slices.Concat(s.PrimaryKey, s.Indexed) {
		value := "n"
		switch modulus, ok := few[c.Name]; {
		case i == len(s.PrimaryKey)-1: // makes the row unlike all others
		case ok:
			value = fmt.Sprintf("n %% %d", modulus)
		case i < len(s.PrimaryKey): // what lies under a key, in thousands
			value = "n % 1000"
		}
		if !c.Int {
			value = fmt.Sprintf(bytes, "'"+c.Name+"-' || ("+value+")")
		}
		names, values = append(names, `"`+c.Name+`"`), append(values, value)
	}
	return fmt.Sprintf(`INSERT INTO "%s" (%s, rev, sv, body) SELECT %s, n, 1, %s FROM %s`,
		s.Name, strings.Join(names, ", "), strings.Join(values, ", "), fmt.Sprintf(bytes, "'body-' || n"), fmt.Sprintf(numbers, rows))
}
