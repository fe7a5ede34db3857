package directory

import (
	"context"
	"encoding/json"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/job"
)

// syncKind is the job that synchronises a directory.
const syncKind = "directory.sync"

type payload struct {
	Directory string `json:"directory"`
	DryRun    bool   `json:"dryRun,omitempty"`
	Full      bool   `json:"full,omitempty"`
}

// Sync begins a synchronisation and returns its job. A dry run writes nothing
// but what it found.
func (d *Directories) Sync(ctx context.Context, id string, dryRun, full bool) (string, error) {
	who, err := administers(ctx)
	if err != nil {
		return "", err
	}
	dir, err := d.store.one(ctx, id)
	if err != nil {
		return "", err
	}
	if !dir.Enabled {
		return "", fault.New(fault.Conflict, "The directory is switched off.").Cure("Switch it on first.")
	}
	return d.store.begin(ctx, payload{Directory: id, DryRun: dryRun, Full: full}, who.ID, dir.Workspace)
}

// work is one synchronisation. It is harmless to repeat: what is in step is left
// alone.
func (d *Directories) work(ctx context.Context, j *job.Running) error {
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(err)
	}
	dir, err := d.store.one(ctx, p.Directory)
	if fault.Is(err, fault.NotFound) {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	full := p.Full || dir.Complete.IsZero() || d.now().Sub(dir.Complete) >= completeEvery
	ctx = system(ctx, dir.Workspace)
	r, err := d.sync(ctx, dir, mode{dryRun: p.DryRun, full: full}, func(done, total int, note string) error {
		return j.Progress(ctx, int64(done), int64(max(done, total)), note)
	})
	if err != nil {
		told := fault.Of(err)
		r.Error, r.Cure = told.Sentence, told.Cure
	}
	if e := d.store.ended(context.WithoutCancel(ctx), dir.ID, r, full && err == nil); e != nil && err == nil {
		err = e
	}
	d.tell()
	if d.notify != nil && !p.DryRun {
		d.notify(dir.Workspace, "", "person", "")
		d.notify(dir.Workspace, "", "group", "")
	}
	return job.Permanent(err)
}

// Run begins the synchronisations that are due, until ctx ends.
func (d *Directories) Run(ctx context.Context) error {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		d.due(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// due enqueues what should have been synchronised by now. The job's key keeps
// it from being there twice.
func (d *Directories) due(ctx context.Context) {
	all, err := d.store.all(ctx)
	if err != nil {
		d.log.Error("the directories cannot be listed, so none is synchronised now", "error", err)
		return
	}
	for _, dir := range all {
		every := time.Duration(dir.Settings.EveryMinutes) * time.Minute
		if !dir.Enabled || every == 0 || dir.Synced.IsZero() || d.now().Sub(dir.Synced) < every {
			continue // the first one is begun by a person, who looks at it first
		}
		if _, err := d.store.begin(system(ctx, dir.Workspace), payload{Directory: dir.ID}, actor.SystemID, dir.Workspace); err != nil {
			d.log.Error("a directory is not synchronised", "directory", dir.Name, "error", err)
		}
	}
}
