package sqlite

import (
	"math/rand/v2"
	"sort"
	"testing"
	"time"
)

// TestRetentionOfMonths runs forty days of a busy and a quiet house through the
// rules and asks for every point that was promised: any second of a day, any
// minute of a week, any hour of a month.
func TestRetentionOfMonths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		away  bool  // the target is away for half a day now and then
		heavy int64 // seconds of each hour in which something is written every second
	}{{"quiet", false, 0}, {"busy", false, 120}, {"away at times", true, 30}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			start := time.Date(2026, 1, 5, 7, 31, 17, 0, time.UTC)
			var h history
			var truth []span // every change
			var queue []span // what waits for the target
			tx := uint64(0)
			change := func(now int64) {
				tx++
				s := span{line: 1, level: levelSecond, min: tx, max: tx, time: now, size: 8 << 10}
				truth, queue = append(truth, s), append(queue, s)
			}
			most := 0
			for second := int64(0); second < 40*24*3600; second++ {
				now := start.Add(time.Duration(second) * time.Second)
				ms := now.UnixMilli()
				if second%3600 < tt.heavy || second%300 == 0 || random.IntN(600) == 0 {
					change(ms + random.Int64N(900))
				}
				if tt.away && second/43200%6 == 5 {
					continue
				}
				for _, s := range queue {
					if len(h.bases) == 0 {
						s.level, s.size = levelBase, 100<<20
					}
					h.add(s)
				}
				queue = queue[:0]
				if second%60 != 0 {
					continue
				}
				age(t, &h, ms)
				if second%3600 == 0 {
					for _, s := range h.expired(Retention{}, now) {
						h.remove(s)
					}
				}
				if _, files := h.size(); files > most {
					most = files
				}
			}
			end := start.Add(40 * 24 * time.Hour)
			holds(t, &h, truth, end)
			bytes, files := h.size()
			t.Logf("%s: %d changes, %d files (at most %d), %.1f MB beside %d whole copies", tt.name, len(truth), files, most, float64(bytes-int64(len(h.bases))*100<<20)/1e6, len(h.bases))
			if len(h.bases) > 8 {
				t.Errorf("%d whole copies", len(h.bases))
			}
		})
	}
}

// age merges and copies as a link does.
func age(t *testing.T, h *history, now int64) {
	t.Helper()
	for _, level := range []int{levelMinute, levelHour} {
		for {
			group := h.due(level, now, true)
			if len(group) == 0 {
				break
			}
			s := span{line: 1, level: level, min: group[0].min, max: group[len(group)-1].max, time: group[len(group)-1].time}
			for i, g := range group {
				s.size += g.size / 2
				if i > 0 && g.min != group[i-1].max+1 {
					t.Fatalf("a merge over a gap: %v", group)
				}
			}
			h.add(s)
		}
	}
	if h.baseDue(now) && len(h.bases) > 0 {
		last, at := h.last()
		if last > h.bases[len(h.bases)-1].max {
			h.add(span{line: 1, level: levelBase, min: last, max: last, time: max(at, now), size: 100 << 20})
		}
	}
}

// holds asks for every promised point.
func holds(t *testing.T, h *history, truth []span, end time.Time) {
	t.Helper()
	want := func(at int64) uint64 {
		i := sort.Search(len(truth), func(i int) bool { return truth[i].time > at })
		if i == 0 {
			return 0
		}
		return truth[i-1].max
	}
	longest := 0
	for _, kept := range []struct {
		name  string
		age   time.Duration
		every time.Duration
	}{{"second", 24 * time.Hour, time.Second}, {"minute", 7 * 24 * time.Hour, time.Minute}, {"hour", 30 * 24 * time.Hour, time.Hour}} {
		missing := 0
		for at := end.Add(-kept.age).Truncate(kept.every).Add(kept.every); !at.After(end); at = at.Add(kept.every) {
			chain := h.plan(at.UnixMilli() - 1)
			longest = max(longest, len(chain))
			if len(chain) == 0 || chain[len(chain)-1].max != want(at.UnixMilli()-1) {
				missing++
				if missing == 1 {
					t.Errorf("the %s before %v cannot be restored: wanted %d, chain %+v", kept.name, at, want(at.UnixMilli()-1), chain)
				}
			}
		}
		if missing > 0 {
			t.Errorf("%d points of kind %s are missing", missing, kept.name)
		}
	}
	t.Logf("longest chain: %d files", longest)
}

func FuzzSpanOf(f *testing.F) {
	f.Add("db/00000001/0/0000000000000001-0000000000000001-1795600343395")
	f.Add("db/1/0/1-1-1")
	f.Fuzz(func(t *testing.T, name string) {
		if s, ok := spanOf(name, 1); ok && s.name() != name {
			t.Errorf("%q is read as %q", name, s.name())
		}
	})
}
