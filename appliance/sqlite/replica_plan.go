package sqlite

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Retention says for how long points of the past can be restored.
type Retention struct {
	EachSecond time.Duration // every second, 0 = 24 hours
	EachMinute time.Duration // every minute, 0 = 7 days
	EachHour   time.Duration // every hour, 0 = 30 days
}

func (r Retention) filled() Retention {
	return Retention{cmp.Or(r.EachSecond, 24*time.Hour), cmp.Or(r.EachMinute, 7*24*time.Hour), cmp.Or(r.EachHour, 30*24*time.Hour)}
}

const (
	baseEvery = 24 * time.Hour     // a whole copy of the database
	baseYoung = 48 * time.Hour     // all whole copies are kept
	baseApart = 7 * 24 * time.Hour // between the older ones that are kept
)

// bucketOf is the length of time whose changes a level puts into one file.
func bucketOf(level int) int64 {
	if level == levelHour {
		return time.Hour.Milliseconds()
	}
	return time.Minute.Milliseconds()
}

// bucketEnd is when the bucket of a time ends.
func bucketEnd(level int, at int64) int64 { b := bucketOf(level); return (at/b + 1) * b }

// history is what a target holds of one line: for each level the files in the
// order of their transactions, which do not overlap within a level.
type history struct {
	levels [3][]span
	bases  []span // min = max = the transaction whose state they hold
}

// add takes a file in, in its place.
func (h *history) add(s span) {
	list := h.list(s.level)
	if list == nil {
		return
	}
	i, found := slices.BinarySearchFunc(*list, s, func(a, b span) int { return cmp.Or(cmp.Compare(a.max, b.max), cmp.Compare(a.time, b.time)) })
	if !found {
		*list = slices.Insert(*list, i, s)
	}
}

// remove takes a file out.
func (h *history) remove(s span) {
	list := h.list(s.level)
	if list == nil {
		return
	}
	i, _ := slices.BinarySearchFunc(*list, s, func(a, b span) int { return cmp.Or(cmp.Compare(a.max, b.max), cmp.Compare(a.time, b.time)) })
	if i < len(*list) && (*list)[i] == s {
		*list = slices.Delete(*list, i, i+1)
	}
}

func (h *history) list(level int) *[]span {
	switch {
	case level == levelBase:
		return &h.bases
	case level >= 0 && level < len(h.levels):
		return &h.levels[level]
	}
	return nil
}

// last is the newest transaction that can be reached.
func (h *history) last() (max uint64, at int64) {
	for _, list := range [][]span{h.levels[0], h.levels[1], h.levels[2], h.bases} {
		if n := len(list); n > 0 && list[n-1].max > max {
			max, at = list[n-1].max, list[n-1].time
		}
	}
	return max, at
}

// size is how many bytes and files the line has in the target.
func (h *history) size() (bytes int64, files int) {
	for _, list := range [][]span{h.levels[0], h.levels[1], h.levels[2], h.bases} {
		files += len(list)
		for _, s := range list {
			bytes += s.size
		}
	}
	return bytes, files
}

// plan is the files that give the state at a time, in the order they are
// applied: a whole copy, then from each place the file that leads furthest. It
// is empty when nothing is kept of that time.
func (h *history) plan(at int64) []span {
	for i := len(h.bases) - 1; i >= 0; i-- {
		if h.bases[i].time <= at {
			return h.from(h.bases[i], at)
		}
	}
	return nil
}

// from is the chain behind a base.
func (h *history) from(base span, at int64) []span {
	chain := []span{base}
	for reached := base.max; ; {
		var best span
		for level := range h.levels {
			if s, found := h.step(level, reached+1, at); found && s.max > best.max {
				best = s
			}
		}
		if best.max == 0 {
			return chain
		}
		chain = append(chain, best)
		reached = best.max
	}
}

// step is the file of a level that holds a transaction and is not too new.
func (h *history) step(level int, transaction uint64, at int64) (span, bool) {
	list := h.levels[level]
	i := sort.Search(len(list), func(i int) bool { return list[i].max >= transaction })
	if i == len(list) || list[i].min > transaction || list[i].time > at {
		return span{}, false
	}
	return list[i], true
}

// due is the files of the level below that become one file of the level: those
// of the oldest bucket that is over and not merged yet. Files are merged only
// where each follows the other without a gap. all says that nothing older than
// now is still to come.
func (h *history) due(level int, now int64, all bool) []span {
	below := h.levels[level-1]
	var done uint64
	if n := len(h.levels[level]); n > 0 {
		done = h.levels[level][n-1].max
	}
	first := sort.Search(len(below), func(i int) bool { return below[i].max > done })
	if first == len(below) {
		return nil
	}
	end := bucketEnd(level, below[first].time)
	group := below[first : first+1]
	later := false // something of a later bucket is there
	for i := first + 1; i < len(below); i++ {
		if below[i].time >= end {
			later = true
			break
		}
		if below[i].min != below[i-1].max+1 {
			return group // a gap: what is before it is complete
		}
		group = below[first : i+1]
	}
	if end > now || !later && !all {
		return nil
	}
	if level == levelHour && h.unmerged(end) {
		return nil
	}
	return slices.Clone(group)
}

// unmerged reports whether changes before a time are in no file of minutes yet.
func (h *history) unmerged(before int64) bool {
	var done uint64
	if n := len(h.levels[levelMinute]); n > 0 {
		done = h.levels[levelMinute][n-1].max
	}
	i := sort.Search(len(h.levels[levelSecond]), func(i int) bool { return h.levels[levelSecond][i].max > done })
	return i < len(h.levels[levelSecond]) && h.levels[levelSecond][i].time < before
}

// baseDue reports whether it is time for another whole copy.
func (h *history) baseDue(now int64) bool {
	n := len(h.bases)
	return n == 0 || h.bases[n-1].time+baseEvery.Milliseconds() <= now
}

// expired is the files that no point of the retention needs.
//
//  1. A file goes when its bucket of the level above is out of this level's time
//     and a file of that level holds all of it.
//  2. Whole copies: the newest one before all kept points stays, those of the
//     last two days stay, and of the others one a week. One that bridges a gap
//     stays whatever its age.
//  3. What lies before the oldest whole copy goes.
func (h *history) expired(keep Retention, now time.Time) []span {
	keep = keep.filled()
	var gone []span
	for level, age := range map[int]time.Duration{levelSecond: keep.EachSecond, levelMinute: keep.EachMinute} {
		limit := now.Add(-age).UnixMilli()
		for _, s := range h.levels[level] {
			if bucketEnd(level+1, s.time) > limit {
				break
			}
			if above, found := h.step(level+1, s.min, s.time+bucketOf(levelHour)); found && above.max >= s.max {
				gone = append(gone, s)
			}
		}
	}
	oldest := 0
	for i, b := range h.bases {
		if b.time <= now.Add(-keep.EachHour).UnixMilli() {
			oldest = i
		}
	}
	if len(h.bases) == 0 {
		return gone
	}
	gone = append(gone, h.bases[:oldest]...)
	for level := range h.levels {
		for _, s := range h.levels[level] {
			if s.max > h.bases[oldest].max {
				break
			}
			gone = append(gone, s)
		}
	}
	kept := h.bases[oldest]
	for i := oldest + 1; i < len(h.bases); i++ {
		b := h.bases[i]
		old := b.time < now.Add(-baseYoung).UnixMilli() && b.time-kept.time < baseApart.Milliseconds() && i < len(h.bases)-1
		if old && h.bridged(kept, b) {
			gone = append(gone, b)
			continue
		}
		kept = b
	}
	slices.SortFunc(gone, func(a, b span) int { return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.max, b.max)) })
	return slices.Compact(gone)
}

// bridged reports whether the files lead from one base past another.
func (h *history) bridged(from, over span) bool {
	chain := h.from(from, over.time+bucketOf(levelHour))
	return chain[len(chain)-1].max >= over.max
}
