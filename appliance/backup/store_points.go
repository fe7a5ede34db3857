package backup

import (
	"context"
	"errors"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

// What can be restored, as a target tells it.
type (
	Point      = sqlite.Point
	PointQuery = sqlite.PointQuery
	Range      = sqlite.Range
)

// Points lists what one of the targets can give back, the newest first.
func (b *Backups) Points(ctx context.Context, id string, q PointQuery) (list []Point, more bool, ranges []Range, err error) {
	if _, err := administers(ctx); err != nil {
		return nil, false, nil, err
	}
	_, opened, err := b.opened(ctx, id)
	if err != nil {
		return nil, false, nil, err
	}
	return pointsOf(ctx, opened, q)
}

// opened is a target that is copied to; without an id the only one.
func (b *Backups) opened(ctx context.Context, id string) (Target, target.Target, error) {
	list, err := b.store.targets(ctx)
	if err != nil {
		return Target{}, nil, err
	}
	if id == "" {
		switch len(list) {
		case 0:
			return Target{}, nil, fault.New(fault.NotFound, "There is no backup target.").Cure("Add one first.")
		case 1:
			id = list[0].ID
		default:
			return Target{}, nil, fault.New(fault.Invalid, "There are several backup targets, and none is named.").Cure("Name one of them.")
		}
	}
	t, err := b.store.target(ctx, id)
	if err != nil {
		return t, nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if opened := b.open[id]; opened != nil {
		return t, opened, nil
	}
	return t, nil, errors.Join(b.failed[id], fault.New(fault.Unavailable, "The backup target %s is not open.", t.Name).Cure("Test it."))
}

func pointsOf(ctx context.Context, t target.Target, q PointQuery) (list []Point, more bool, ranges []Range, err error) {
	if ranges, err = sqlite.Ranges(ctx, t); err != nil {
		return nil, false, nil, err
	}
	list, more, err = sqlite.Points(ctx, t, q)
	return list, more, ranges, err
}

// PointsAt lists what can be restored from a target that no service copies to. It
// needs no key: the names of the files say it.
func PointsAt(ctx context.Context, a Access, gate *egress.Gate, q PointQuery) (list []Point, more bool, err error) {
	from, err := a.Open(gate)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if _, err := sqlite.ReadManifest(ctx, from); err != nil {
		return nil, false, err
	}
	list, more, _, err = pointsOf(ctx, from, q)
	return list, more, err
}

// Steps are how far apart points can be asked for.
func stepOf(word string) time.Duration {
	switch word {
	case "second":
		return time.Second
	case "minute":
		return time.Minute
	case "day":
		return 24 * time.Hour
	}
	return time.Hour
}

// ParseStep reads second, minute, hour or day.
func ParseStep(word string) (time.Duration, error) {
	if word != "second" && word != "minute" && word != "hour" && word != "day" {
		return 0, fault.New(fault.Invalid, "%q is no step.", word).Cure("It is second, minute, hour or day.")
	}
	return stepOf(word), nil
}
