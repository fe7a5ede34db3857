package backup

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

// replica copies the database; databaseState is how far one of its targets is.
type (
	replica       = sqlite.Replica
	databaseState = sqlite.LinkStatus
)

func (k keeping) retention() sqlite.Retention {
	ctx := context.Background()
	r := sqlite.Retention{
		EachSecond: time.Duration(k.seconds.Get(ctx)) * time.Hour,
		EachMinute: time.Duration(k.minutes.Get(ctx)) * 24 * time.Hour,
		EachHour:   time.Duration(k.hours.Get(ctx)) * 24 * time.Hour,
	}
	r.EachMinute = max(r.EachMinute, r.EachSecond)
	r.EachHour = max(r.EachHour, r.EachMinute)
	return r
}

// running is the replica, started with the first target.
func (b *Backups) running(ctx context.Context) (*sqlite.Replica, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.replica != nil {
		return b.replica, nil
	}
	_, err := os.Stat(filepath.Join(b.cfg.Data, restoredMark))
	r, err := b.cfg.DB.Replicate(ctx, sqlite.ReplicaConfig{Keys: b.cfg.Keys, Installation: b.cfg.Installation, Version: b.cfg.Version,
		Interval: time.Duration(b.keep.interval.Get(ctx)) * time.Second, Keep: b.keep.retention, Before: b.keysFirst, TakeOver: err == nil, Fenced: b.fenced, Log: b.cfg.Log, Now: b.cfg.Now})
	if err != nil {
		return nil, err
	}
	var loop context.Context
	loop, b.halt = context.WithCancel(b.ctx)
	b.replica = r
	b.work.Go(func() { _ = r.Run(loop) }) // returns nil always
	return r, nil
}

// ours refuses a target of another installation, and with unused one that holds
// anything.
func (b *Backups) ours(ctx context.Context, t target.Target, unused bool) error {
	there, err := sqlite.ReadManifest(ctx, t)
	switch {
	case fault.Of(err).Code == "target-empty":
		return nil
	case err != nil:
		return err
	case there.Installation != b.cfg.Installation:
		return sqlite.Foreign(t.String(), there.Installation)
	case unused:
		return fault.New(fault.Conflict, "The backup target holds backups of this installation already.").Code("target-used").
			Cure("If no other machine runs as its master, add it with --take-over; what it holds stays, and copying goes on.")
	}
	return nil
}

// despite lets an update be made also while another machine is the master.
func despite(ctx context.Context) context.Context { return sqlite.Despite(ctx) }

// halt refuses all other updates; nil lets them be made again.
func halt(db *sqlite.DB, why error) { db.Halt(why) }
