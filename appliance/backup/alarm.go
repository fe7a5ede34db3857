package backup

import (
	"context"
	"time"

	"chatets/appliance/fault"
)

// behindLong is how long a target may be behind before somebody should look.
const behindLong = 5 * time.Minute

// Alarm is something about backups that somebody should do something about.
type Alarm struct {
	Name, Target string
	Grave        bool
	Err          error
}

// Alarms finds them: a target that is behind for long or fails, documents that
// have only one place although they should have two, restores that do not work.
func (b *Backups) Alarms(ctx context.Context) ([]Alarm, error) {
	list, err := b.store.targets(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	last, passed, err := b.store.lastDrills(ctx)
	if err != nil {
		return nil, err
	}
	states := b.states(ctx)
	var all []Alarm
	for _, t := range list {
		s, known := states[t.ID]
		if known {
			all = append(all, b.lagging(t, s)...)
		}
		d, drilled := last[t.ID]
		if drilled && d.State == DrillFailed && d.Why != fault.Of(errDrillStopped).Sentence {
			all = append(all, Alarm{"backup-drill", t.Name, true, fault.New(fault.Conflict, "The restore that was tried from the backup target %s failed: %s", t.Name, d.Why).Cure("%s", d.Cure)})
		}
		since := t.Created
		if p, ever := passed[t.ID]; ever {
			since = p.Ended
		}
		if b.keep.drillHour.Get(ctx) >= 0 && b.cfg.Now().Sub(since) > drillStale {
			all = append(all, Alarm{"backup-drill-missing", t.Name, false, fault.New(fault.Conflict, "No restore from the backup target %s has succeeded for %d days.", t.Name, int(b.cfg.Now().Sub(since).Hours()/24)).
				Cure("Try one: chatets backup drill")})
		}
	}
	return all, nil
}

// lagging are the alarms of what a target lacks.
func (b *Backups) lagging(t Target, s State) (all []Alarm) {
	if s.Failed != nil || s.err() != nil && fault.Of(s.err()).Code == fault.Superseded {
		r := fault.Of(s.err())
		return []Alarm{{"backup-failing", t.Name, true, fault.New(fault.Unavailable, "Nothing is copied to the backup target %s: %s", t.Name, r.Sentence).Cure("%s", r.Cure).Because(s.err())}}
	}
	if behind := s.behind(); behind > behindLong {
		e := fault.New(fault.Unavailable, "The backup target %s lacks the changes of the last %s.", t.Name, behind.Round(time.Minute)).Cure("Look at the target and the way to it; what waits is copied as soon as it is back.")
		if err := s.err(); err != nil {
			r := fault.Of(err)
			e = fault.New(fault.Unavailable, "The backup target %s lacks the changes of the last %s: %s", t.Name, behind.Round(time.Minute), r.Sentence).Cure("%s", r.Cure).Because(err)
		}
		all = append(all, Alarm{"backup-behind", t.Name, true, e})
	}
	if s.Files.Late > 0 && s.Files.Waiting > 0 {
		all = append(all, Alarm{"backup-unreplicated", t.Name, true, fault.New(fault.Unavailable, "%d files were accepted while the backup target %s was away, and %d of all files are not in it yet.", s.Files.Late, t.Name, s.Files.Waiting).
			Cure("Bring the target back; they are copied then by themselves.")})
	}
	return all
}
