package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"chatets/appliance/target"
)

// serve brings one target up to date until it is stopped.
func (c *Copies) serve(e *end) {
	defer close(e.done)
	var swept time.Time
	pause := time.Duration(0)
	for e.ctx.Err() == nil {
		err := func() error {
			if now := c.cfg.Now(); swept.IsZero() || now.Sub(swept) >= sweepEvery || now.Before(swept) {
				if err := c.sweep(e.ctx, e); err != nil {
					return err
				}
				swept = now
			}
			return c.drain(e.ctx, e)
		}()
		if err == nil {
			pause = 0
		} else if e.ctx.Err() == nil {
			if pause == 0 {
				c.cfg.Log.Warn("the backup target does not get all files; ChatETS goes on and tries again", "target", e.id, "error", err)
			}
			pause = min(pause+time.Second, 30*time.Second)
		}
		wait := pause
		if wait == 0 {
			wait = time.Minute
		}
		t := time.NewTimer(wait)
		select {
		case <-e.ctx.Done():
		case <-t.C:
		case <-e.wakes(pause):
		}
		t.Stop()
	}
}

// wakes is told of new files, but not while the target fails.
func (e *end) wakes(pause time.Duration) <-chan struct{} {
	if pause > 0 {
		return nil
	}
	return e.wake
}

// drain copies what waits, the oldest first.
func (c *Copies) drain(ctx context.Context, e *end) error {
	for {
		waiting, err := c.table.waiting(ctx, e.id, 256)
		if err != nil || len(waiting) == 0 {
			return err
		}
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(atOnce)
		var later atomic.Int64
		for _, w := range waiting {
			work.Go(func() error {
				err := c.copyOne(ctx, e, w.workspace, w.name)
				if errors.Is(err, errOnItsWay) {
					later.Add(1)
					return nil
				}
				return err
			})
		}
		if err := work.Wait(); err != nil || later.Load() == int64(len(waiting)) {
			return err
		}
	}
}

// sweep holds the files against the table: what was kept while the process died
// or before the target was added is noted, what is gone is marked, and copies
// that no kept point needs are deleted.
func (c *Copies) sweep(ctx context.Context, e *end) error {
	workspaces, err := c.store.Workspaces()
	if err != nil {
		return err
	}
	for _, w := range workspaces {
		if c.cfg.Skip(w) {
			continue
		}
		names, err := c.store.List(ctx, w)
		if err != nil {
			return err
		}
		for len(names) > 0 {
			n := min(len(names), 500)
			if err := c.table.note(ctx, e.id, w, names[:n]); err != nil {
				return err
			}
			names = names[n:]
		}
	}
	if c.store.refill.Load() != nil {
		return nil // what is missing is on its way, and is not gone
	}
	after := waitingRow{}
	for {
		rows, err := c.table.present(ctx, e.id, after, 500)
		if err != nil {
			return err
		}
		for _, r := range rows {
			_, err := os.Stat(c.store.path(r.workspace, r.name))
			if errors.Is(err, fs.ErrNotExist) {
				err = c.gone(ctx, e, r.workspace, r.name)
			}
			if err != nil {
				return err
			}
			after = r
		}
		if len(rows) == 0 {
			break
		}
	}
	return c.prune(ctx, e)
}

// prune deletes the copies of files that went longer ago than any point is kept.
func (c *Copies) prune(ctx context.Context, e *end) error {
	for {
		rows, err := c.table.expired(ctx, e.id, c.cfg.Now().Add(-c.cfg.Keep()), 100)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			// Marks go last: a copy without one would stay for ever.
			for _, prefix := range []string{copyFolder + r.workspace + "/" + r.name[:2] + "/" + r.name + "-", markFolder + r.workspace + "/" + r.name + "-"} {
				for o, err := range e.target.List(ctx, prefix, "") {
					if err == nil {
						err = e.target.Delete(ctx, o.Name)
					}
					if errors.Is(err, target.ErrNoDelete) {
						e.mu.Lock()
						e.keeps = true
						e.mu.Unlock()
						return nil
					}
					if err != nil {
						return e.note(err, c.cfg.Now())
					}
				}
			}
			if err := c.table.drop(ctx, e.id, r.workspace, r.name); err != nil {
				return err
			}
		}
	}
}
