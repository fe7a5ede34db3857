package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

// restoredMark is the file that tells the next start of a directory that it was
// restored: it may take its targets over.
const restoredMark = "restored.json"

// Unlock opens the keys of a directory once its keys.json is there.
type Unlock func(ctx context.Context, dir string) (*secret.Keyring, error)

// Told is told how far a restore is.
type Told func(step string, done, total int64)

// Source is what a data directory is restored from.
type Source interface {
	// Fill makes in dir, which is empty, keys.json, the database, the files or a
	// note of where they are fetched from later, and calls unlock in between. What
	// it wrote is verified when it returns.
	Fill(ctx context.Context, dir string, unlock Unlock, told Told) (Restored, *secret.Keyring, error)
	// Erased lists what was erased, and who was locked out, after a time.
	Erased(ctx context.Context, keys *secret.Keyring, after time.Time) ([]Erasure, error)
}

// Order is a data directory to be restored.
type Order struct {
	From   target.Target
	At     time.Time // zero = the newest state
	Dir    string    // made; what lies there may only be empty
	Unlock Unlock
	Told   Told             // nil = nobody
	Now    func() time.Time // nil = time.Now
}

// Restored is what a restore gave back.
type Restored struct {
	Installation string        `json:"installation"`
	Line         uint64        `json:"line"`
	Transaction  uint64        `json:"transaction"`
	Point        time.Time     `json:"point"`  // of the last change that was restored
	Newest       time.Time     `json:"newest"` // of the newest change that could be
	At           time.Time     `json:"at"`     // when it was restored
	Took         time.Duration `json:"took"`
	Files        int           `json:"files"`
	Damaged      []blob.Damage `json:"damaged,omitempty"` // files that the target did not give back whole

	// Where files are fetched from while the service runs, sealed; nil = all are
	// there.
	Rest []byte `json:"rest,omitempty"`
}

// The steps of a restore, as Told names them.
const (
	StepKeys     = "keys"
	StepDatabase = "database"
	StepCheck    = "check"
	StepFiles    = "files"
	StepFinish   = "finish"
	StepSwitch   = "switch"
)

// Restore makes a data directory of what a target holds: RestoreDatabase, then
// RestoreFiles. A failure leaves nothing.
func Restore(ctx context.Context, o Order) (Restored, error) {
	r, keys, err := RestoreDatabase(ctx, o)
	if err != nil {
		return r, err
	}
	if err := RestoreFiles(ctx, o, keys, &r); err != nil {
		return r, errors.Join(err, emptied(o.Dir))
	}
	return r, nil
}

// RestoreDatabase makes a data directory with which the service can start; its
// files are missing.
//
//  1. The target must be one, the directory empty.
//  2. Its newest keys are fetched and opened.
//  3. The database is written, opened and read to its end.
//  4. A mark lets the next start take the targets over.
func RestoreDatabase(ctx context.Context, o Order) (r Restored, keys *secret.Keyring, err error) {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	told := o.Told
	if told == nil {
		told = func(string, int64, int64) {}
	}
	begun := now()
	m, err := sqlite.ReadManifest(ctx, o.From)
	if err != nil {
		return r, nil, err
	}
	if err := emptyDir(o.Dir); err != nil {
		return r, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, emptied(o.Dir))
		}
	}()
	told(StepKeys, 0, 1)
	text, err := ReadKeys(ctx, o.From)
	if err == nil {
		err = os.WriteFile(filepath.Join(o.Dir, secret.DocumentName), text, 0o600)
	}
	if err != nil {
		return r, nil, err
	}
	if keys, err = o.Unlock(ctx, o.Dir); err != nil {
		return r, nil, err
	}
	told(StepKeys, 1, 1)
	p, err := sqlite.RestoreDatabase(ctx, o.From, keys, o.At, o.Dir, func(done, total int64) { told(StepDatabase, done, total) })
	if err != nil {
		return r, nil, err
	}
	told(StepCheck, 0, 1)
	if err = check(ctx, o.Dir, keys); err != nil {
		return r, nil, err
	}
	told(StepCheck, 1, 1)
	r = Restored{Installation: m.Installation, Line: p.Line, Transaction: p.Transaction, Point: p.Time, At: now().UTC()}
	r.Took = r.At.Sub(begun)
	if r.Newest, err = newest(ctx, o.From); err != nil {
		return r, nil, err
	}
	return r, keys, r.write(o.Dir)
}

// newest is the time of the newest change that a target has.
func newest(ctx context.Context, t target.Target) (at time.Time, err error) {
	list, err := sqlite.Ranges(ctx, t)
	for _, r := range list {
		if r.Last.Time.After(at) {
			at = r.Last.Time
		}
	}
	return at, err
}

// write notes in a directory that it was restored.
func (r Restored) write(dir string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	part := filepath.Join(dir, restoredMark+".part")
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return errors.Join(os.Rename(part, filepath.Join(dir, restoredMark)), syncPath(dir))
}

// Mark reads what a restore noted in a directory; false where it was not restored.
func Mark(dir string) (r Restored, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, restoredMark))
	if errors.Is(err, os.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err == nil, err
}

// check opens what was restored as a start would, and reads all of it.
func check(ctx context.Context, dir string, keys *secret.Keyring) error {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: keys.Pages(), Reserve: -1})
	if err != nil {
		return err
	}
	return errors.Join(db.Check(ctx), db.Close())
}

// RestoreFiles fetches the files that were there at the restored point. Each is
// checked on arrival; damaged ones are named in r and the rest goes on. It may be
// called again: what is there is not fetched twice.
func RestoreFiles(ctx context.Context, o Order, keys *secret.Keyring, r *Restored) error {
	list, err := blob.Held(ctx, o.From, r.Point)
	if err != nil {
		return err
	}
	var told func(done, total int64)
	if o.Told != nil {
		told = func(done, total int64) { o.Told(StepFiles, done, total) }
	}
	begun := time.Now()
	r.Damaged, err = blob.RestoreAll(ctx, o.From, keys, list, filepath.Join(o.Dir, "blobs"), told)
	r.Files = len(list) - len(r.Damaged)
	r.Took += time.Since(begun)
	return err
}

// emptyDir makes a directory, or takes one that is empty.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.New(fault.Unavailable, "The directory to restore to cannot be made.").Cure("Name one that may be made.").Because(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look at the directory to restore to: %w", err)
	}
	for _, e := range entries {
		if e.Name() == unfinishedMark || e.Name() == lockName {
			continue // of a Staging
		}
		return fault.New(fault.Conflict, "The directory to restore to is not empty.").Code("restore-not-empty").
			Cure("Name an empty directory, or move what is there away.")
	}
	return nil
}

// emptied takes away what a failed restore left.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() == unfinishedMark || e.Name() == lockName {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
