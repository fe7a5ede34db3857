package appliance

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"chatets/appliance/backup"
	"chatets/appliance/config"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// leaving ends a run whose place restored data takes.
type leaving struct{ ready *backup.Ready }

// Error implements error.
func (l leaving) Error() string { return "restored data takes the place" }

// leave ends the run; Serve goes on.
func (a *Appliance) leave(ready *backup.Ready) { a.next <- ready }

func (a *Appliance) awaitLeave(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case ready := <-a.next:
		return leaving{ready}
	}
}

// prepareRestore restores beside the data directory while it is in use. Its keys
// are the ones in force here: they open every point of this installation.
func (a *Appliance) prepareRestore(ctx context.Context, from backup.Source, told backup.Told) (*backup.Ready, error) {
	stage, err := backup.Stage(a.cfg.Data, true, a.now())
	if err != nil {
		return nil, err
	}
	ready := &backup.Ready{Staging: stage}
	var keys *secret.Keyring
	ready.Restored, keys, err = from.Fill(ctx, stage.New, a.unlockBeside, told)
	if err == nil {
		told(backup.StepFinish, 0, 1)
		ready.Erased, err = finishRestore(ctx, finishing{dir: stage.New, keys: keys, from: from, of: ready.Restored, version: a.version, log: a.log, now: time.Now})
	}
	if err != nil {
		return nil, errors.Join(err, stage.Drop())
	}
	return ready, nil
}

func (a *Appliance) unlockBeside(ctx context.Context, dir string) (*secret.Keyring, error) {
	if err := copyKeys(a.cfg.Data, dir); err != nil {
		return nil, err
	}
	s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: a.cfg.Key, Gate: a.gate, Now: time.Now, Known: a.store})
	if err != nil {
		return nil, err
	}
	return s.Ring(), nil
}

// copyKeys gives a directory the keys of another.
func copyKeys(from, to string) error {
	text, err := os.ReadFile(filepath.Join(from, secret.DocumentName))
	if err != nil {
		return err
	}
	part := filepath.Join(to, secret.DocumentName+".part")
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(to, secret.DocumentName))
}

// Serve runs the appliance until ctx ends. Where its data is restored meanwhile it
// goes on with what was restored; where that does not start, with what was there.
// ready is called each time it serves.
func Serve(ctx context.Context, cfg config.Config, assets Assets, log *slog.Logger, version string, ready func(*Appliance)) error {
	a, err := New(ctx, cfg, assets, log, version)
	for {
		if err != nil {
			return err
		}
		served := make(chan struct{})
		go func() {
			defer close(served)
			select {
			case <-a.Ready():
				ready(a)
			case <-ctx.Done():
			}
		}()
		err = a.Run(ctx)
		var next leaving
		if !errors.As(err, &next) {
			err = errors.Join(err, a.Close())
			if ctx.Err() != nil {
				<-served
			}
			return err
		}
		<-served
		known := a.store
		if err := a.Close(); err != nil {
			log.Error("the data that is replaced was not closed in order", "error", err)
		}
		a, err = replace(ctx, cfg, assets, log, version, known, next.ready)
	}
}

// replace puts restored data in the place and starts with it.
func replace(ctx context.Context, cfg config.Config, assets Assets, log *slog.Logger, version string, known *secret.Store, ready *backup.Ready) (*Appliance, error) {
	before := func() (*Appliance, error) { return newAt(ctx, cfg, assets, log, version, time.Now, known) }
	lock, err := sqlite.Claim(cfg.Data)
	if err != nil {
		return nil, errors.Join(err, ready.Drop())
	}
	var aside string
	// The keys may have been changed since the restore began.
	if err = copyKeys(cfg.Data, ready.New); err == nil {
		aside, err = ready.Switch(time.Now())
	}
	if err = errors.Join(err, lock.Close()); err != nil && aside == "" {
		log.Error("restored data could not take the place; the service goes on with what was there", "error", err)
		if err := ready.Drop(); err != nil {
			log.Error("what was restored could not be removed", "error", err)
		}
		return before()
	}
	log.Info("the data is restored; what was there before is put aside", "point", ready.Restored.Point, "aside", aside)
	a, err := before()
	if err == nil {
		return a, nil
	}
	log.Error("the restored data does not start; the service goes on with what was there", "error", err)
	if undone := backup.Undo(cfg.Data, aside); undone != nil {
		return nil, errors.Join(err, undone)
	}
	return before()
}
