package operation

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"claviger/internal/words/pairs"
)

// ErrNotAgain means that a change took something away that is back, or may be, and
// can't be made again without more harm, or not from its record alone: somebody has
// to do it.
var ErrNotAgain = errors.New("it has to be done again by hand")

// A Lost change is what the trail says of a change, to be held against a store
// that may be older: one that was put back, or in which rows were.
type Lost struct {
	Sequence  uint64    // of the record
	Time      time.Time // of the call
	Source    string    // event source
	Name      string    // operation or event
	Region    string
	Account   string // whose trail has the record
	EventID   string
	User      string // name of the user of Account who called; empty where it was none
	Resources []Resource

	// Members are the plain values of the record's parameters, as text, by the path of
	// their names, in which elements of lists are numbered from 0: what was asked for
	// goes before what was answered.
	Members map[string]string

	// Newer are the ids of what was created later under the same name: the change
	// was not about any of those.
	Newer []string
	// IDs are the ids of what the change was about, by the members that have the names,
	// as far as they are known: it was about nothing else of that name.
	IDs map[string]string
}

// List returns the values of a member that is a list of plain values.
func (l *Lost) List(name string) []string {
	var list []string
	for {
		v, ok := l.Members[name+"."+strconv.Itoa(len(list))]
		if !ok {
			return list
		}
		list = append(list, v)
	}
}

// Pairs returns the members of a member that is an object of plain values, or a list
// of them; nil where there are none.
func (l *Lost) Pairs(name string) pairs.Map {
	var list []pairs.Pair
	for path, value := range l.Members {
		if key, ok := strings.CutPrefix(path, name+"."); ok {
			list = append(list, pairs.Pair{Key: key, Value: value})
		}
	}
	m, _ := pairs.New(list) // no path stands twice
	return m
}

// About reports whether the change can have been about what has the name of a
// member, and an id.
func (l *Lost) About(member, id string) bool {
	of := l.IDs[member]
	return (of == "" || of == id) && !slices.Contains(l.Newer, id)
}

// Again is the event of making l again at a time, with those of the named members
// that its record has, each once.
func (l *Lost) Again(now time.Time, names ...string) *Event {
	e := &Event{Name: l.Name, Time: now, Region: l.Region, Account: l.Account, Resources: l.Resources}
	for i, name := range names {
		if v := l.Members[name]; v != "" && !slices.Contains(names[:i], name) {
			e.Details = append(e.Details, Member{Name: name, Value: v})
		}
	}
	return e
}

// A Trace says what of a store a change was about.
type Trace struct {
	// Subject names what is as the last change to it left it: of changes with one
	// subject only the last counts. It is empty for a change that a service does not
	// make again.
	Subject string
	// Gives says that the change took nothing away. It only ends what changes to
	// its subject before it did.
	Gives bool
	// Final says that nothing ends what the change did.
	Final bool
	// Partial says that the change has left as it was what its record says nothing of:
	// a change before it to its subject counts for that.
	Partial bool
	// Another is the subject of what changes before were about that have nothing to do
	// with this one: the change has made another thing of the same name.
	Another string
	// Unseen says that a store does not show whether the change was made.
	Unseen bool
	// Names are the members that name what the change was about by names that can
	// be given again, or changed.
	Names []string
	// Created is the id of what the change has created under the first of Names.
	Created string
	// Renamed is the name that the change has given to what had the first of Names.
	Renamed string
}
