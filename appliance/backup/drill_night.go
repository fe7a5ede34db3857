package backup

import (
	"context"
	"hash/fnv"
	"time"

	"chatets/appliance/fault"
)

const (
	// drillSpread is over what time installations spread their drills: many may
	// share a target.
	drillSpread = 50 * time.Minute
	// drillWindow is how long after its time a nightly drill may begin. One that is
	// missed by then, because the machine was off, waits for the next night: nobody
	// wants it in the morning.
	drillWindow = 3 * time.Hour
	// drillStale is after what time without a drill that passed somebody should look.
	drillStale = 8 * 24 * time.Hour
)

// nightTime is when the drills of the night begin whose hour is past or to come
// next before now: the newest such time that is not after now.
func nightTime(now time.Time, hour int, installation string) time.Time {
	h := fnv.New32a()
	_, _ = h.Write([]byte(installation)) // never fails
	late := time.Duration(h.Sum32()%uint32(drillSpread/time.Second)) * time.Second
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, now.Location()).Add(late)
	if at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at
}

// nightly begins the drills of the night when it is time.
func (b *Backups) nightly(ctx context.Context) {
	hour := b.keep.drillHour.Get(ctx)
	now := b.cfg.Now()
	if hour < 0 {
		return
	}
	at := nightTime(now, hour, b.cfg.Installation)
	if now.Sub(at) > drillWindow {
		return
	}
	last, err := b.store.lastNightly(ctx)
	if err != nil || !last.Before(at) {
		return // asked again in a moment
	}
	list, err := b.store.targets(ctx)
	if err != nil || len(list) == 0 {
		return
	}
	if _, err := b.startDrills(ctx, list, true); err != nil && fault.Of(err).Code != "drill-runs" {
		b.cfg.Log.Error("the drills of the night cannot be begun", "error", err)
	}
}

// DrillPassed is 1 for each target whose last drill passed and 0 for one whose
// failed, by its name.
func (b *Backups) DrillPassed(ctx context.Context) (map[string]float64, error) {
	return b.drillFigures(ctx, func(last, _ Drill) (float64, bool) {
		if last.State == DrillPassed {
			return 1, true
		}
		return 0, true
	})
}

// DrillAges is how many seconds ago each target passed its last drill, by its
// name; one that never did is left out.
func (b *Backups) DrillAges(ctx context.Context) (map[string]float64, error) {
	return b.drillFigures(ctx, func(_, passed Drill) (float64, bool) {
		return b.cfg.Now().Sub(passed.Ended).Seconds(), passed.ID != ""
	})
}

// DrillTimes is how many seconds each target took for the last drill it passed,
// by its name: about what a restore of the database would take.
func (b *Backups) DrillTimes(ctx context.Context) (map[string]float64, error) {
	return b.drillFigures(ctx, func(_, passed Drill) (float64, bool) {
		return passed.Ended.Sub(passed.Started).Seconds(), passed.ID != ""
	})
}

func (b *Backups) drillFigures(ctx context.Context, of func(last, passed Drill) (float64, bool)) (map[string]float64, error) {
	list, err := b.store.targets(ctx)
	if err != nil {
		return nil, err
	}
	last, passed, err := b.store.lastDrills(ctx)
	if err != nil {
		return nil, err
	}
	figures := map[string]float64{}
	for _, t := range list {
		if d, there := last[t.ID]; there {
			if n, known := of(d, passed[t.ID]); known {
				figures[t.Name] = n
			}
		}
	}
	return figures, nil
}
