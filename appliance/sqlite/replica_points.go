package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"chatets/appliance/target"
)

// PointQuery says which points are wanted.
type PointQuery struct {
	From, To time.Time     // zero = without an end
	Step     time.Duration // of each stretch of that length the newest point alone
	Limit    int
}

// Points lists what a target can give back, the newest first. Their rule is that
// of RestoreDatabase: asked for the time of a point it gives back that point. more
// says that older ones were left out for the limit.
func Points(ctx context.Context, t target.Target, q PointQuery) (list []Point, more bool, err error) {
	type line struct {
		number uint64
		history
		until int64 // when a later line begins, which then is the one that is asked
	}
	var all []line
	for number, h := range lines(ctx, t) {
		if h.err != nil {
			return nil, false, h.err
		}
		if len(h.bases) > 0 {
			all = append(all, line{number: number, history: h.history, until: int64(1) << 62})
		}
	}
	for i := len(all) - 2; i >= 0; i-- {
		all[i].until = min(all[i+1].until, all[i+1].bases[0].time)
	}
	from, to := int64(0), int64(1)<<62
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	if !q.To.IsZero() {
		to = q.To.UnixMilli()
	}
	step := max(q.Step.Milliseconds(), 1)
	last := int64(-1) // stretch of the last point that was taken
	for i := len(all) - 1; i >= 0; i-- {
		for _, s := range all[i].newestFirst() {
			if s.time > to || s.time >= all[i].until || s.time/step == last {
				continue
			}
			if s.time < from {
				break
			}
			if !all[i].gives(s) {
				continue
			}
			if len(list) == q.Limit {
				return list, true, nil
			}
			list, last = append(list, pointOf(s)), s.time/step
		}
	}
	return list, false, nil
}

// newestFirst is every state that a file of the line ends in.
func (h *history) newestFirst() []span {
	list := h.all()
	slices.SortFunc(list, func(a, b span) int { return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.max, a.max)) })
	return list
}

// gives reports whether a restore to the time of a file ends in its state.
func (h *history) gives(s span) bool {
	chain := h.plan(s.time)
	if len(chain) == 0 {
		return false
	}
	end := chain[len(chain)-1]
	return end.time == s.time && h.missing(end.max, s.time) == nil
}
