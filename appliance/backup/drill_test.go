package backup

import (
	"strconv"
	"testing"
	"time"

	"chatets/appliance/fault"
)

// TestNightTime wants drills to begin in their hour, spread over installations,
// once a night, also over midnight and the change of clocks.
func TestNightTime(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	spread := map[time.Time]bool{}
	for i := range 40 {
		name := strconv.Itoa(i)
		at := nightTime(time.Date(2026, 11, 25, 12, 0, 0, 0, zone), 2, name)
		spread[at] = true
		if at.Hour() != 2 || at.Day() != 25 {
			t.Errorf("begins at %s", at)
		}
		// Before its time it is that of the night before; behind it, it stays.
		if before := nightTime(at.Add(-time.Second), 2, name); before.Day() != 24 {
			t.Errorf("a second before: %s", before)
		}
		if again := nightTime(at.Add(20*time.Hour), 2, name); !again.Equal(at) {
			t.Errorf("at night: %s, was %s", again, at)
		}
	}
	if len(spread) < 30 {
		t.Errorf("40 installations begin at %d times", len(spread))
	}
	for day := range 300 { // both changes of the clocks
		now := time.Date(2026, 1, 1+day, 12, 0, 0, 0, zone)
		if ago := now.Sub(nightTime(now, 2, "a")); ago <= 0 || ago > 12*time.Hour {
			t.Errorf("%s: %s ago", now, ago)
		}
	}
}

// TestEveryFileIsRead wants each file in one of the parts, and no part to be much
// larger than others.
func TestEveryFileIsRead(t *testing.T) {
	t.Parallel()
	var counts [parts]int
	for i := range 30_000 {
		counts[partOf("workspace", strconv.Itoa(i))]++
	}
	for part, n := range counts {
		if n < 800 || n > 1200 {
			t.Errorf("part %d has %d of 30,000 files", part, n)
		}
	}
}

// TestDrillRoom wants a drill that has no room to say so, with numbers.
func TestDrillRoom(t *testing.T) {
	t.Parallel()
	if err := roomFor(t.TempDir(), 1<<55); !fault.Is(err, fault.Full) || fault.Of(err).Code != "drill-room" {
		t.Errorf("got %v", err)
	}
	if err := roomFor(t.TempDir(), 1); err != nil {
		t.Errorf("one byte: %v", err)
	}
}
