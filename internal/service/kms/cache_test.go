package kms

import (
	"strconv"
	"sync"
	"testing"
)

type page struct{ valid bool }

func (p *page) current() bool { return p.valid }

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache[int, *page](3)
	for i := range 10 {
		c.put(i, &page{valid: true})
		if _, held := c.get(i); !held {
			t.Errorf("the newest entry %d is not held", i)
		}
	}
	if len(c.entries) != 3 {
		t.Errorf("%d entries", len(c.entries))
	}
	for i := range c.entries {
		c.put(i, &page{valid: true})
	}
	if len(c.entries) != 3 {
		t.Errorf("%d entries after replacing them", len(c.entries))
	}
}

func TestCacheDropsWhatIsNotCurrent(t *testing.T) {
	t.Parallel()
	c := newCache[string, *page](3)
	old, fresh := &page{valid: true}, &page{valid: true}
	c.put("a", old)
	old.valid = false
	if got, held := c.get("a"); held || got != nil {
		t.Errorf("got %v", got)
	}
	if len(c.entries) != 0 {
		t.Error("the old entry is still held")
	}
	c.put("a", fresh)
	c.drop("a", old) // somebody replaced it meanwhile
	if got, held := c.get("a"); !held || got != fresh {
		t.Errorf("got %v", got)
	}
}

// Once a snapshot has ended and was asked for, nobody who was late brings it back.
func TestCacheKeepsNothingThatHasEnded(t *testing.T) {
	t.Parallel()
	c := newCache[string, *page](3)
	fresh := &page{valid: true}
	c.put("a", fresh)
	c.put("a", &page{})
	c.put("b", &page{})
	if got, held := c.get("a"); !held || got != fresh || len(c.entries) != 1 {
		t.Errorf("got %v, with %d entries", got, len(c.entries))
	}
}

func TestCacheTogether(t *testing.T) {
	t.Parallel()
	c := newCache[string, *page](8)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 500 {
				name := strconv.Itoa(i % 16)
				if got, held := c.get(name); held && !got.valid {
					t.Errorf("got an entry that is not current")
				}
				c.put(name, &page{valid: (i+worker)%3 > 0})
			}
		})
	}
	group.Wait()
}
