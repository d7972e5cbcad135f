package storetest

import (
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/store/driver"
)

// few are columns that have few values, and how many.
var few = map[string]int{"account": 50, "organization": 50, "parent": 200, "region": 2, "listed": 100, "retirable": 1000, "task": 3, "type": 4}

// Fill returns a statement that fills a table of a service with rows, for the planner of
// an engine to look at; bodies do not open. bytes and numbers are the engine's own words for
// a number as bytes that compare as it does, and for a table numbers of the numbers n
// up to a limit, in which %s and %d stand for them.
//
// Values are as uneven as can be. Of what lies under something else, such as grants under
// keys, half lies under one thing, and the other half alone under one each; columns with
// few values have few rows with most of them. Rows come in the order of the primary key;
// other columns know nothing of it.
func Fill(s *driver.Schema, rows int, bytes, numbers string) string {
	var names, values []string
	for i, c := range slices.Concat(s.PrimaryKey, s.Indexed) {
		of := "n"
		if i >= len(s.PrimaryKey) {
			of = fmt.Sprintf("n * 777767777 %% %d", rows) // each number once
		}
		value := of
		switch k, ok := few[c.Name]; {
		case i == len(s.PrimaryKey)-1: // makes the row unlike all others
		case ok: // the lesser a value, the more rows have it
			value = fmt.Sprintf("(%s) * (%[1]s) / %d", of, rows*(rows/k))
		case i < len(s.PrimaryKey):
			value = fmt.Sprintf("CASE WHEN n > %d THEN n - %[1]d ELSE 0 END", rows/2)
		}
		if !c.Int {
			value = fmt.Sprintf(bytes, value)
		}
		names, values = append(names, `"`+c.Name+`"`), append(values, value)
	}
	return fmt.Sprintf(`INSERT INTO "%s" (%s, rev, sv, body) SELECT %s, n, 1, %s FROM %s`,
		s.Name, strings.Join(names, ", "), strings.Join(values, ", "), fmt.Sprintf(bytes, "n"), fmt.Sprintf(numbers, rows))
}
