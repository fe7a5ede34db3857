package blob

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

const (
	copyFolder = "blobs/" // of a target
	markFolder = "gone/"
	// patience is how long uploads wait for a target that must have them before
	// they are acknowledged without.
	patience = 30 * time.Second
	// sweepEvery is how often the files are held against the table.
	sweepEvery = time.Hour
	atOnce     = 4 // copies to one target at the same time
)

// errOnItsWay is a file that is to be copied and is itself just being restored.
var errOnItsWay = errors.New("the file is being restored")

// CopyConfig is what copying is started with.
type CopyConfig struct {
	DB   *sqlite.DB
	Skip func(workspace string) bool // what can be made anew is not copied; nil copies all
	// Before is called before each copy and may refuse it; nil does nothing.
	Before func(ctx context.Context, id string, t target.Target) error
	Keep   func() time.Duration // how long a copy outlives its file, nil = 31 days
	Log    *slog.Logger         // nil discards
	Now    func() time.Time     // nil = time.Now
}

// Copies keeps the blobs of a store in targets too, sealed as they are.
type Copies struct {
	store *Store
	cfg   CopyConfig
	table copyTable

	mu   sync.Mutex
	ends map[string]*end
}

// end is one target of the copies.
type end struct {
	id     string
	target target.Target
	wait   bool
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	away  time.Time // since when it fails; zero while it does not
	err   error
	late  int64 // files acknowledged without it since the start, although it should have them
	keeps bool
}

// Replicate begins to note what is kept from now on for the targets that are
// attached.
func (s *Store) Replicate(c CopyConfig) *Copies {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Skip == nil {
		c.Skip = func(string) bool { return false }
	}
	if c.Before == nil {
		c.Before = func(context.Context, string, target.Target) error { return nil }
	}
	if c.Keep == nil {
		c.Keep = func() time.Duration { return 31 * 24 * time.Hour }
	}
	copies := &Copies{store: s, cfg: c, table: copyTable{c.DB}, ends: map[string]*end{}}
	s.copies.Store(copies)
	return copies
}

// Attach adds a target. With wait a file counts as kept once the target has it.
func (c *Copies) Attach(id string, t target.Target, wait bool) {
	e := &end{id: id, target: t, wait: wait, wake: make(chan struct{}, 1), done: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	c.mu.Lock()
	old := c.ends[id]
	c.ends[id] = e
	c.mu.Unlock()
	if old != nil {
		old.stop()
	}
	go c.serve(e)
}

// Detach forgets a target; what it holds stays there.
func (c *Copies) Detach(ctx context.Context, id string) error {
	c.mu.Lock()
	e := c.ends[id]
	delete(c.ends, id)
	c.mu.Unlock()
	if e != nil {
		e.stop()
	}
	return c.table.forget(ctx, id)
}

// Close ends all copying; what waits is copied after the next start.
func (c *Copies) Close() {
	c.mu.Lock()
	ends := c.ends
	c.ends = map[string]*end{}
	c.mu.Unlock()
	for _, e := range ends {
		e.stop()
	}
}

func (c *Copies) list() []*end {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*end, 0, len(c.ends))
	for _, e := range c.ends {
		list = append(list, e)
	}
	return list
}

func (e *end) stop() {
	e.cancel()
	<-e.done
}

func (e *end) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// kept is told of a file that was just kept. It returns once every target that
// must have it has it, or has been away too long, or the caller has left.
func (c *Copies) kept(ctx context.Context, workspace, name string) error {
	if c.cfg.Skip(workspace) {
		return nil
	}
	ends := c.list()
	if len(ends) == 0 {
		return nil
	}
	ids := make([]string, len(ends))
	for i, e := range ends {
		ids[i] = e.id
	}
	if err := c.table.wait(ctx, ids, workspace, name); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, e := range ends {
		if e.wait {
			all.Go(func() { c.await(ctx, e, workspace, name) })
		} else {
			e.nudge()
		}
	}
	all.Wait()
	return nil
}

// await copies one file before it is acknowledged.
func (c *Copies) await(ctx context.Context, e *end, workspace, name string) {
	defer e.nudge()
	for {
		err := c.copyOne(ctx, e, workspace, name)
		if err == nil {
			return
		}
		e.mu.Lock()
		over := !e.away.IsZero() && c.cfg.Now().Sub(e.away) >= patience
		if over {
			e.late++
		}
		e.mu.Unlock()
		if over || ctx.Err() != nil || e.ctx.Err() != nil {
			c.cfg.Log.Error("a file was kept without its copy in the backup target, which is away; it is copied later", "target", e.id, "error", err)
			return
		}
		select {
		case <-ctx.Done():
		case <-e.ctx.Done():
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// resealed is told of a file whose seal is new: the copy's key may go.
func (c *Copies) resealed(ctx context.Context, workspace, name string) error {
	if c.cfg.Skip(workspace) {
		return nil
	}
	for _, e := range c.list() {
		if err := c.table.again(ctx, e.id, workspace, name); err != nil {
			return err
		}
		e.nudge()
	}
	return nil
}

// nameIn is a sealed file's name in a target. Its sum makes the names of two
// seals of one content differ: a target may let nothing be replaced.
func nameIn(workspace, name, sum string) string {
	return copyFolder + workspace + "/" + name[:2] + "/" + name + "-" + sum[:16]
}

// parseName reads what nameIn wrote.
func parseName(in string) (workspace, name, sum string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(in, copyFolder), "/")
	if len(parts) != 3 {
		return "", "", "", false
	}
	name, sum, ok = strings.Cut(parts[2], "-")
	return parts[0], name, sum, ok && valid(parts[0], name) && len(sum) == 16 && strings.HasPrefix(name, parts[1]) && len(parts[1]) == 2
}

// copyOne copies a sealed file and notes it. A file that is gone is no failure.
func (c *Copies) copyOne(ctx context.Context, e *end, workspace, name string) error {
	row, found, err := c.table.row(ctx, e.id, workspace, name)
	if err != nil || found && row.state == "there" {
		return err
	}
	file, err := os.Open(c.store.path(workspace, name))
	if errors.Is(err, fs.ErrNotExist) {
		if f := c.store.refill.Load(); f != nil && !f.forgotten(workspace, name) {
			return errOnItsWay
		}
		return c.gone(ctx, e, workspace, name)
	}
	if err != nil {
		return classify(err)
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return classify(fmt.Errorf("copy a blob: %w", err))
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	// That nothing had to go before says nothing of the target: only what was
	// written there tells that it is back.
	if err := c.cfg.Before(ctx, e.id, e.target); err != nil {
		return e.note(err, c.cfg.Now())
	}
	err = e.note(e.target.Put(ctx, nameIn(workspace, name, sum), file, size), c.cfg.Now())
	if err != nil {
		return err
	}
	if row.state == "back" {
		err = e.note(e.target.PutIfAbsent(ctx, markName(workspace, name, c.cfg.Now(), false), []byte("back\n")), c.cfg.Now())
		if err != nil && !errors.Is(err, target.ErrExists) {
			return err
		}
	}
	if err := c.table.there(ctx, e.id, workspace, name, sum, size); err != nil {
		return err
	}
	if row.sum != "" && row.sum != sum { // the same content under an older key
		if err := e.target.Delete(ctx, nameIn(workspace, name, row.sum)); err != nil && !errors.Is(err, target.ErrNoDelete) {
			c.cfg.Log.Warn("an older copy of a file stays in the backup target", "target", e.id, "error", err)
		}
	}
	return nil
}

// note remembers how the target is.
func (e *end) note(err error, now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil:
		e.away, e.err = time.Time{}, nil
	case errors.Is(err, context.Canceled), errors.Is(err, target.ErrExists):
	default:
		if e.away.IsZero() {
			e.away = now
		}
		e.err = err
	}
	return err
}

// markName is the name of a mark that says a file went, or came back.
func markName(workspace, name string, at time.Time, gone bool) string {
	word := "back"
	if gone {
		word = "gone"
	}
	return fmt.Sprintf("%s%s/%s-%013d-%s", markFolder, workspace, name, at.UnixMilli(), word)
}

// gone writes that a file went: its copy is needed by points before this one.
func (c *Copies) gone(ctx context.Context, e *end, workspace, name string) error {
	row, found, err := c.table.row(ctx, e.id, workspace, name)
	if err != nil || !found || row.state == "gone" {
		return err
	}
	if row.sum == "" { // it never was there
		return c.table.drop(ctx, e.id, workspace, name)
	}
	err = e.note(e.target.PutIfAbsent(ctx, markName(workspace, name, c.cfg.Now(), true), []byte("gone\n")), c.cfg.Now())
	if err != nil && !errors.Is(err, target.ErrExists) {
		return err
	}
	return c.table.gone(ctx, e.id, workspace, name)
}

// CopyStatus is how far the copies of one target are.
type CopyStatus struct {
	ID      string
	Waiting int64 // files it lacks
	There   int64 // files it has
	Bytes   int64 // of them
	Oldest  time.Time
	Late    int64 // files acknowledged without it since the start
	Keeps   bool  // it refuses to delete
	Err     error // why it lacks them
}

// Status reports all targets by id.
func (c *Copies) Status(ctx context.Context) (map[string]CopyStatus, error) {
	counts, err := c.table.counts(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]CopyStatus{}
	for _, e := range c.list() {
		s := counts[e.id]
		e.mu.Lock()
		s.ID, s.Late, s.Keeps, s.Err = e.id, e.late, e.keeps, e.err
		e.mu.Unlock()
		all[e.id] = s
	}
	return all, nil
}

// Idle waits until no target lacks a file, or one fails.
func (c *Copies) Idle(ctx context.Context) error {
	for {
		all, err := c.Status(ctx)
		if err != nil {
			return err
		}
		waiting := int64(0)
		for _, s := range all {
			if s.Err != nil {
				return s.Err
			}
			waiting += s.Waiting
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "%d files are not in all backup targets yet.", waiting).Because(ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
