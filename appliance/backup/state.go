package backup

import (
	"context"
	"time"

	"chatets/appliance/blob"
)

// State is how far a target is.
type State struct {
	Database databaseState
	Files    blob.CopyStatus
	Failed   error // it could not be opened at all

	now time.Time
}

// behind is since when something waits for the target.
func (s State) behind() time.Duration {
	behind := s.Database.Behind
	if s.Files.Waiting > 0 && !s.Files.Oldest.IsZero() {
		behind = max(behind, s.now.Sub(s.Files.Oldest))
	}
	return max(behind, 0)
}

func (s State) err() error {
	switch {
	case s.Failed != nil:
		return s.Failed
	case s.Database.Err != nil:
		return s.Database.Err
	}
	return s.Files.Err
}

// states reports all targets that are copied to, by id.
func (b *Backups) states(ctx context.Context) map[string]State {
	all := map[string]State{}
	now := b.cfg.Now()
	b.mu.Lock()
	r := b.replica
	for id, err := range b.failed {
		all[id] = State{Failed: err, now: now}
	}
	b.mu.Unlock()
	if r == nil {
		return all
	}
	files, err := b.copies.Status(ctx)
	if err != nil {
		b.cfg.Log.Error("the copies of files cannot be counted", "error", err)
	}
	for _, link := range r.Status() {
		all[link.ID] = State{Database: link, Files: files[link.ID], now: now}
	}
	return all
}

// Lags is by how many seconds each target is behind, by its name, for the figures
// of the service.
func (b *Backups) Lags(ctx context.Context) (map[string]float64, error) {
	return b.figures(ctx, func(s State) float64 { return s.behind().Seconds() })
}

// Waiting is how many files each target lacks, by its name.
func (b *Backups) Waiting(ctx context.Context) (map[string]float64, error) {
	return b.figures(ctx, func(s State) float64 { return float64(s.Files.Waiting) })
}

// Sizes is how many bytes each target holds of us, by its name.
func (b *Backups) Sizes(ctx context.Context) (map[string]float64, error) {
	return b.figures(ctx, func(s State) float64 { return float64(s.Database.Bytes + s.Files.Bytes) })
}

// Trouble is 1 for each target that fails and 0 for the others, by its name.
func (b *Backups) Trouble(ctx context.Context) (map[string]float64, error) {
	return b.figures(ctx, func(s State) float64 {
		if s.err() != nil {
			return 1
		}
		return 0
	})
}

func (b *Backups) figures(ctx context.Context, of func(State) float64) (map[string]float64, error) {
	list, err := b.store.targets(ctx)
	if err != nil {
		return nil, err
	}
	states := b.states(ctx)
	figures := map[string]float64{}
	for _, t := range list {
		if s, known := states[t.ID]; known {
			figures[t.Name] = of(s)
		}
	}
	return figures, nil
}

// Sync copies what is committed and kept now to all targets and waits for it.
func (b *Backups) Sync(ctx context.Context) error {
	b.mu.Lock()
	r := b.replica
	b.mu.Unlock()
	if r == nil {
		return nil
	}
	if err := b.copies.Idle(ctx); err != nil {
		return err
	}
	return r.Sync(ctx)
}
