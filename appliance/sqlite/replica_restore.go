package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite/vfs"
	"chatets/appliance/target"
)

// Point is a state of the database that a target can give back.
type Point struct {
	Line        uint64
	Transaction uint64
	Time        time.Time // of its last transaction
}

// Range is what a target can give back of one line.
type Range struct {
	Line        uint64
	First, Last Point
	Bytes       int64
	Files       int
	Interrupted bool // files in between are missing; points behind the gap need a later whole copy
}

// Ranges lists what a target can give back, the oldest line first.
func Ranges(ctx context.Context, t target.Target) (list []Range, err error) {
	for line, h := range lines(ctx, t) {
		if h.err != nil {
			return nil, h.err
		}
		if len(h.bases) == 0 {
			continue
		}
		r := Range{Line: line, First: pointOf(h.bases[0])}
		last, at := h.last()
		r.Last = Point{Line: line, Transaction: last, Time: time.UnixMilli(at).UTC()}
		r.Bytes, r.Files = h.size()
		chain := h.plan(at)
		r.Interrupted = len(chain) == 0 || chain[len(chain)-1].max < last
		list = append(list, r)
	}
	return list, nil
}

func pointOf(s span) Point {
	return Point{Line: s.line, Transaction: s.max, Time: s.at().UTC()}
}

// Progress is told how far a restore is.
type Progress func(done, total int64)

// RestoreDatabase writes the database as it was at a time to the data directory
// dir, which must hold none; the zero time means the newest state. Every page is
// checked on arrival. A damaged file is gone round where others hold the same
// changes.
//
//  1. The newest line that had begun at that time is taken, and in it the chain
//     of files that leads to the time.
//  2. The files are applied in turn to a file of another name.
//  3. It is synced and named. Nothing is left of a restore that fails.
func RestoreDatabase(ctx context.Context, t target.Target, keys *secret.Keyring, at time.Time, dir string, told Progress) (p Point, err error) {
	limit := int64(1) << 62
	if !at.IsZero() {
		limit = at.UnixMilli()
	}
	h, err := lineAt(ctx, t, limit)
	if err != nil {
		return p, err
	}
	final := filepath.Join(dir, "chatets.db")
	if _, err := os.Lstat(final); err == nil {
		return p, fault.New(fault.Conflict, "The directory to restore to holds a database already.").Code("restore-not-empty").
			Cure("Name an empty directory, or move what is there away.")
	}
	temporary := final + ".restoring"
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
		}
	}()
	chain, err := restoreChain(ctx, t, keys, h, limit, temporary, told)
	if err != nil {
		return p, classify(dir, err)
	}
	if err := os.Rename(temporary, final); err != nil {
		return p, classify(dir, fmt.Errorf("restore: %w", err))
	}
	return pointOf(chain[len(chain)-1]), classify(dir, syncFolder(dir))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lineAt is the newest line that had begun at a time.
func lineAt(ctx context.Context, t target.Target, limit int64) (*history, error) {
	var found *history
	var first time.Time
	for _, h := range lines(ctx, t) {
		if h.err != nil {
			return nil, h.err
		}
		if len(h.bases) == 0 {
			continue
		}
		if first.IsZero() {
			first = h.bases[0].at()
		}
		if h.bases[0].time <= limit {
			found = &h.history
		}
	}
	switch {
	case first.IsZero():
		return nil, fault.New(fault.NotFound, "The backup target %s holds no database yet.", t.String()).Code("target-empty").
			Cure("Check its address, or wait until the first copy is complete.")
	case found == nil:
		return nil, fault.New(fault.NotFound, "Nothing is kept of that time; the oldest point is %s.", first.UTC().Format("2006-01-02 15:04:05 UTC")).Code("restore-too-old").
			Cure("Name a later time.")
	}
	return found, nil
}

// restoreChain writes the file and says by which chain.
func restoreChain(ctx context.Context, t target.Target, keys *secret.Keyring, h *history, limit int64, file string, told Progress) ([]span, error) {
	want := uint64(0)
	var first error
	for {
		chain := h.plan(limit)
		if len(chain) == 0 || chain[len(chain)-1].max < want {
			return nil, first
		}
		want = max(want, chain[len(chain)-1].max)
		if gap := h.missing(chain[len(chain)-1].max, limit); gap != nil && first == nil {
			return nil, fault.New(fault.Conflict, "Files of the backup target are missing behind %s.", chain[len(chain)-1].at().UTC().Format("2006-01-02 15:04:05 UTC")).Code("replica-incomplete").
				Cure("Restore to that time, or from another target.")
		}
		bad, err := applyChain(ctx, t, keys, chain, file, told)
		if err == nil {
			return chain, nil
		}
		if bad == nil || ctx.Err() != nil || !fault.Is(err, fault.Conflict) && !errors.Is(err, target.ErrNotFound) {
			return nil, err
		}
		if errors.Is(err, target.ErrNotFound) {
			err = damagedFile(bad.name(), err)
		}
		if first == nil {
			first = err
		}
		h.remove(*bad)
	}
}

// missing is a file behind a transaction that no chain leads to.
func (h *history) missing(after uint64, limit int64) *span {
	for _, list := range append([][]span{h.bases}, h.levels[:]...) {
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].time <= limit {
				if list[i].max > after {
					return &list[i]
				}
				break
			}
		}
	}
	return nil
}

// applyChain writes the pages of all files; bad is the one that failed.
func applyChain(ctx context.Context, t target.Target, keys *secret.Keyring, chain []span, file string, told Progress) (bad *span, err error) {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	seal, err := vfs.NewSealer(keys.Pages())
	if err != nil {
		return nil, err
	}
	sealed, err := replicaKeys(keys)
	if err != nil {
		return nil, err
	}
	var total, done int64
	for _, s := range chain {
		total += s.size
	}
	for _, s := range chain {
		if told != nil {
			told(done, total)
		}
		if err := applyFile(ctx, t, sealed, s, out, seal); err != nil {
			return &s, err
		}
		done += s.size
	}
	if told != nil {
		told(total, total)
	}
	return nil, out.Sync()
}

func applyFile(ctx context.Context, t target.Target, keys *secret.Keyring, s span, out *os.File, seal *vfs.Sealer) error {
	from, err := t.Get(ctx, s.name(), 0, -1)
	if err != nil {
		return err
	}
	r, err := readPages(keys, from, s)
	if err != nil {
		return err
	}
	defer r.close()
	data := make([]byte, r.pageSize)
	for {
		number, err := r.next(data)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		page, err := seal.Page(number, data)
		if err != nil {
			return err
		}
		if _, err := out.WriteAt(page, int64(number-1)*int64(r.pageSize)); err != nil {
			return err
		}
	}
	return out.Truncate(int64(r.commit) * int64(r.pageSize))
}
