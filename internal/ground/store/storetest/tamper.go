package storetest

import (
	"errors"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A Tampered is a database that somebody changes past its driver, while no
// driver has it open.
type Tampered struct {
	Open    func(t *testing.T) driver.Driver
	Execute func(t *testing.T, statements string)
	Bytes   func(s string) string // how statements write bytes
	// Blind executes a statement of which an index learns nothing.
	Blind func(t *testing.T, index, statement string)
	// Damage spoils a page of the table.
	Damage func(t *testing.T, table string)
}

// Tamper tests that Verify names what was changed in a database, and that
// reading it fails. database returns an empty one for each change.
func Tamper(t *testing.T, database func(t *testing.T) Tampered) {
	one, two := "owner = OWNER AND id = ONE", "owner = OWNER AND id = TWO"
	for _, c := range []struct {
		name   string
		change string   // statements; OWNER, ONE and TWO are bytes
		blind  string   // index that learns nothing of change
		damage string   // table of which a page is spoiled
		want   []string // in the problems, each in one of them
		read   bool     // whether reading the row fails too
	}{
		{"nothing", "", "", "", nil, false},
		{"edited column", "UPDATE test_thing SET size = size + 1 WHERE " + one, "", "",
			[]string{`test_thing ("owner", "one"): row of test_thing does not open`}, true},
		{"edited unique column", "UPDATE test_thing SET name = ONE WHERE " + one, "", "",
			[]string{`test_thing ("owner", "one"): row of test_thing does not open`}, true},
		{"edited revision", "UPDATE test_thing SET rev = rev + 1 WHERE " + one, "", "",
			[]string{`test_thing ("owner", "one"): row of test_thing does not open`}, true},
		{"edited version", "UPDATE test_thing SET sv = 2 WHERE " + one, "", "",
			[]string{`test_thing ("owner", "one"): row of test_thing does not open`}, true},
		{"edited body", "UPDATE test_thing SET body = ONE WHERE " + one, "", "",
			[]string{`test_thing ("owner", "one"): row of test_thing does not open`}, true},
		{"swapped rows", "UPDATE test_thing SET id = CASE id WHEN ONE THEN X WHEN TWO THEN Y END WHERE owner = OWNER;" +
			"UPDATE test_thing SET id = CASE id WHEN X THEN TWO WHEN Y THEN ONE END WHERE owner = OWNER", "", "",
			[]string{`("owner", "one"): row of test_thing does not open`, `("owner", "two"): row of test_thing does not open`}, true},
		{"body of another row", "UPDATE test_thing SET body = (SELECT body FROM test_thing WHERE " + two + ") WHERE " + one, "", "",
			[]string{`("owner", "one"): row of test_thing does not open`}, true},
		{"moved row", "UPDATE test_thing SET id = X WHERE " + two, "", "",
			[]string{`("owner", "x"): row of test_thing does not open`}, false},
		{"row of another account's table", "UPDATE test_thing SET owner = X WHERE " + one, "", "",
			[]string{`("x", "one"): row of test_thing does not open`}, false},
		{"event at another place", "UPDATE store_outbox SET position = position + 1 WHERE position = (SELECT max(position) FROM store_outbox);" +
			"UPDATE store_head SET position = position + 1", "", "",
			[]string{`store_outbox (`, `does not open`}, false},
		{"change beyond the head", "UPDATE store_head SET position = position - 1", "", "",
			[]string{`store_change (`, `is beyond that of the store`, `store_op (`, `store_outbox (`}, false},
		{"index lacks a row", "UPDATE test_thing SET size = size + 1 WHERE " + one, "by_size", "",
			[]string{`test_thing index by_size ("owner", "one"): the row is missing in the index`}, false},
		{"damaged page", "", "", "test_thing", []string{"test_thing"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			root, keyring, header := rooted(t)
			d := db.Open(t)
			s, _ := openStore(t, d, keyring)
			for i, id := range []string{"one", "two"} {
				_, err := s.Update(t.Context(), store.OpID{byte(i + 1)}, func(tx store.Txn) error {
					tx.Touch("entity")
					tx.Emit([]byte("event"))
					return things.Insert(t.Context(), tx, newThing("owner", id, int64(i)))
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if c.damage != "" {
				fillPages(t, s)
			}
			wantErr(t, d.Close(), nil)

			statements := c.change
			for name, value := range map[string]string{"OWNER": "owner", "ONE": "one", "TWO": "two", " X": "x", " Y": "y"} {
				space := ""
				if name[0] == ' ' {
					space = " "
				}
				statements = strings.ReplaceAll(statements, name, space+db.Bytes(value))
			}
			switch {
			case c.damage != "":
				db.Damage(t, c.damage)
			case c.blind != "":
				db.Blind(t, c.blind, statements)
			case statements != "":
				db.Execute(t, statements)
			}
			verifyTampered(t, db.Open(t), again(t, header, root), c.want, c.read)
		})
	}
}

// fillPages has test_thing take several pages.
func fillPages(t *testing.T, s *store.Store) {
	t.Helper()
	update(t, s, func(tx store.Txn) error {
		for i := range 100 {
			r := newThing("owner", strings.Repeat("z", i+10), 5)
			r.Note = strings.Repeat("note ", 100)
			if err := things.Insert(t.Context(), tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func verifyTampered(t *testing.T, d driver.Driver, keyring *sealed.Keyring, want []string, read bool) {
	t.Helper()
	s, _ := openStore(t, d, keyring)
	defer s.Close()
	v, err := s.Verify(t.Context(), tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, p := range v.Problems {
		said = append(said, p.String())
	}
	all := strings.Join(said, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("problems do not say %q:\n%s", w, all)
		}
	}
	if len(want) == 0 && (len(said) > 0 || v.Rows != 2 || v.Entries != 8 || v.Events != 2) {
		t.Errorf("%+v", v)
	}
	if !read {
		return
	}
	err = s.View(t.Context(), func(r store.Reader) error {
		_, _, err := things.Get(t.Context(), r, thingKey("owner", "one"))
		return err
	})
	if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "test_thing") {
		t.Errorf("reading it: %v", err)
	}
}
