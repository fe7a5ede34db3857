package chat

import (
	"strings"
	"testing"
)

// TestTheJournalHoldsWhatLives holds that rows of the journal go when nobody
// needs them, and that a run that goes on for long gets rows of its own.
func TestTheJournalHoldsWhatLives(t *testing.T) {
	t.Parallel()
	long := make(pen)
	r := open(t, wardShelf(), func(c *Chat) { c.Writer = long })
	journal := func() int { return r.count(`SELECT count(*) FROM run_journal`) }
	deltas := func(run string) int {
		return r.count(`SELECT count(*) FROM run_event WHERE name = 'delta' AND run = '` + run + `'`)
	}
	run := r.begin("ada", "visiting hours").Run.ID
	rd := r.follow("ada", run, 0)
	long <- "one "
	rd.until(called(EventDelta))
	if n := journal(); n == 0 || deltas(run) != 0 {
		t.Fatalf("%d rows of the journal, %d of the run", n, deltas(run))
	}
	// As if many others had written since.
	r.chat.journal.mu.Lock()
	r.chat.journal.last += 2 * journalMost
	r.chat.journal.mu.Unlock()
	long <- "two "
	eventually(t, "rows of the run", func() bool { return deltas(run) > 0 && journal() == 0 })
	long <- "three"
	rd.until(called(EventDelta))
	// A crash now leaves text in both places.
	next := openOn(t, r.db, wardShelf(), nil)
	if got := textOf(t, next.follow("ada", run, 0).rest()); !strings.HasPrefix("one two three", got) || !strings.HasPrefix(got, "one two ") {
		t.Errorf("after a crash: %q", got)
	}
	close(long)
	eventually(t, "an empty journal", func() bool { return journal() == 0 })
}
