package sqlite

import (
	"time"

	"chatets/appliance/fault"
)

// mark begins to count the time that the target is behind where its own goroutine
// does not: one that hangs at the target must not look as if it had everything.
func (l *link) mark(position uint64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at < position && l.since.IsZero() {
		l.since = now
	}
}

// asleep is an error when the log has not been looked at for long although that
// is due at every interval: a loop that hangs says nothing by itself.
func (r *Replica) asleep(copied time.Time) error {
	if ago := r.cfg.Now().Sub(copied); ago > time.Minute+3*r.cfg.Interval {
		return fault.New(fault.Unavailable, "Changes have not been copied for the backup targets since %s.", copied.UTC().Format("2006-01-02 15:04 UTC")).Code("replica-asleep").
			Cure("Restart the service, and report what the log says of that time.")
	}
	return nil
}
