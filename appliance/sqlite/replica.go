package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// ReplicaConfig is what replication is started with.
type ReplicaConfig struct {
	Keys         *secret.Keyring
	Installation string
	Version      string
	Interval     time.Duration    // between two looks at the log, 0 = 1 s
	Keep         func() Retention // nil = the defaults
	// Before is called before changes are copied and may refuse it; nil does nothing.
	Before func(ctx context.Context, id string, t target.Target) error
	// Fenced is told why when the first target was taken over by another master,
	// and nil when no such target is left; nil does nothing.
	Fenced   func(err error)
	TakeOver bool             // this directory was restored: it may follow any master
	Log      *slog.Logger     // nil discards
	Now      func() time.Time // nil = time.Now
}

const (
	// lead is how long numbered files stay here after all targets have them, so
	// that they are merged without being fetched.
	lead = 3 * time.Minute
	// most is how many bytes of numbered files wait here for a target that is
	// away; beyond it a whole copy brings the target up to date when it is back.
	most = 2 << 30
)

// Replica copies a database to targets while it is used.
type Replica struct {
	db  *DB
	cfg ReplicaConfig
	dir string
	src *source

	mu      sync.Mutex
	lineage string
	links   map[string]*link
	fenced  map[string]error // targets that another master has taken over, and how
	copied  time.Time        // when the log was last looked at with success
	trouble error            // why it was not
}

// Replicate begins to keep the changes of the database for targets. From then on
// SQLite moves its log into the database no longer by itself.
func (db *DB) Replicate(ctx context.Context, cfg ReplicaConfig) (*Replica, error) {
	if cfg.Interval <= 0 {
		cfg.Interval = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	keys, err := replicaKeys(cfg.Keys)
	if err != nil {
		return nil, err
	}
	cfg.Keys = keys
	if cfg.Before == nil {
		cfg.Before = func(context.Context, string, target.Target) error { return nil }
	}
	if cfg.Fenced == nil {
		cfg.Fenced = func(error) {}
	}
	if cfg.Keep == nil {
		cfg.Keep = func() Retention { return Retention{} }
	}
	r := &Replica{db: db, cfg: cfg, dir: replicaDir(db.cfg.Dir), links: map[string]*link{}, fenced: map[string]error{}}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, classify(db.cfg.Dir, fmt.Errorf("replicate: %w", err))
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "staged")); err != nil {
		return nil, classify(db.cfg.Dir, fmt.Errorf("replicate: %w", err))
	}
	if err := db.autocheckpoint(ctx, 0); err != nil {
		return nil, err
	}
	if r.src, err = openSource(db, filepath.Join(r.dir, "log")); err != nil {
		return nil, err
	}
	local, err := r.src.files()
	if err == nil && len(local) == 0 {
		err = r.renew()
	}
	if err == nil {
		r.lineage, err = lineageOf(r.dir)
	}
	if err == nil {
		err = r.src.sync(ctx)
	}
	if err != nil {
		return nil, errors.Join(classify(db.cfg.Dir, err), r.src.close())
	}
	r.copied = cfg.Now()
	db.replica.Store(r)
	return r, nil
}

// replicaKeys seals what goes to targets. It never changes: a data key that was
// taken out of use would else take the points of the past with it.
func replicaKeys(keys *secret.Keyring) (*secret.Keyring, error) {
	return secret.New(keys.Sub(replicaPurpose))
}

// replicaDir is where a data directory keeps what replication needs.
func replicaDir(dir string) string { return filepath.Join(dir, "replica") }

// renew begins another count of transactions: the old one cannot be continued.
func (r *Replica) renew() error {
	err := os.Remove(filepath.Join(r.dir, "lineage"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Attach adds a target and copies to it from the next look at the log on. The id
// is the caller's name for it. takeOver lets it follow another master.
func (r *Replica) Attach(id string, t target.Target, takeOver bool) {
	l := &link{id: id, replica: r, target: t, takeOver: takeOver || r.cfg.TakeOver, wake: make(chan struct{}, 1), done: make(chan struct{})}
	l.cond = sync.NewCond(&l.mu)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	r.mu.Lock()
	old := r.links[id]
	r.links[id] = l
	r.mu.Unlock()
	if old != nil {
		old.stop()
	}
	go l.run()
	l.nudge()
}

// Detach stops copying to a target; what it holds stays there.
func (r *Replica) Detach(id string) {
	r.mu.Lock()
	l := r.links[id]
	delete(r.links, id)
	r.mu.Unlock()
	if l != nil {
		l.stop()
		_ = os.Remove(l.claims())
		r.fence(id, nil)
	}
}

// fence notes that a target was taken over, or with nil that it is none of ours
// any more.
func (r *Replica) fence(id string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock() // two that tell at once must tell in order
	before := len(r.fenced)
	if err == nil {
		delete(r.fenced, id)
	} else {
		r.fenced[id] = err
	}
	switch {
	case before == 0 && err != nil:
		r.cfg.Fenced(err)
	case before > 0 && len(r.fenced) == 0:
		r.cfg.Fenced(nil)
	}
}

// Run looks at the log at every interval until ctx ends.
func (r *Replica) Run(ctx context.Context) error {
	tick := time.NewTicker(r.cfg.Interval)
	defer tick.Stop()
	told := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := r.look(ctx); err != nil && ctx.Err() == nil && r.cfg.Now().Sub(told) > time.Minute {
			told = r.cfg.Now()
			r.cfg.Log.Error("the log of the database cannot be copied for the backup targets; it is tried again", "error", err)
		}
	}
}

// look copies what is new in the log and wakes the targets.
func (r *Replica) look(ctx context.Context) error {
	err := r.src.sync(ctx)
	r.mu.Lock()
	if r.trouble = err; err == nil {
		r.copied = r.cfg.Now()
	}
	links := make([]*link, 0, len(r.links))
	for _, l := range r.links {
		links = append(links, l)
	}
	r.mu.Unlock()
	at, _ := r.src.position() // where it is not known, Status says so
	for _, l := range links {
		l.mark(at, r.cfg.Now())
		l.nudge()
	}
	if err != nil {
		return classify(r.db.cfg.Dir, err)
	}
	return r.clean(links)
}

// Sync copies now and waits until every target has what was committed before.
func (r *Replica) Sync(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	at, err := r.src.position()
	if err != nil {
		return err
	}
	r.mu.Lock()
	links := make([]*link, 0, len(r.links))
	for _, l := range r.links {
		links = append(links, l)
	}
	r.mu.Unlock()
	var errs []error
	for _, l := range links {
		errs = append(errs, l.wait(ctx, at))
	}
	return errors.Join(errs...)
}

// clean removes the numbered files nobody waits for; the newest one stays,
// because the next one begins where it ends.
func (r *Replica) clean(links []*link) error {
	files, err := r.src.files()
	if err != nil || len(files) < 2 {
		return err
	}
	done := files[len(files)-1].transaction
	for _, l := range links {
		done = min(done, l.shipped())
	}
	var total int64
	for _, f := range files {
		total += f.size
	}
	old := r.cfg.Now().Add(-lead)
	for _, f := range files[:len(files)-1] {
		if total <= most {
			info, err := os.Stat(f.path)
			if f.transaction > done || err != nil || info.ModTime().After(old) {
				continue
			}
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		total -= f.size
	}
	return nil
}

// LinkStatus is how far one target is.
type LinkStatus struct {
	ID         string
	Generation uint64
	Line       uint64
	Shipped    uint64        // last transaction the target has
	Position   uint64        // last transaction there is
	Time       time.Time     // of the last transaction the target has
	Behind     time.Duration // since the oldest transaction it has not; 0 = it has all
	Contact    time.Time     // when it last answered
	Bytes      int64         // of the database's files in it, of this line
	Files      int
	Oldest     time.Time // oldest point that can be restored, of this line
	Keeps      bool      // it refuses to delete; it must prune by itself
	Err        error     // why it is behind; nil while all is well
}

// Status reports all targets, sorted by id.
func (r *Replica) Status() []LinkStatus {
	r.mu.Lock()
	links := make([]*link, 0, len(r.links))
	for _, l := range r.links {
		links = append(links, l)
	}
	trouble, copied := r.trouble, r.copied
	r.mu.Unlock()
	at, err := r.src.position()
	if err != nil && trouble == nil {
		trouble = err
	}
	if trouble == nil {
		trouble = r.asleep(copied)
	}
	list := make([]LinkStatus, 0, len(links))
	for _, l := range links {
		s := l.status(at)
		if trouble != nil && s.Err == nil {
			s.Err = trouble
			s.Behind = max(s.Behind, r.cfg.Now().Sub(copied))
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b LinkStatus) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list
}

// finish copies what the closed writer left and gives the targets a moment to
// take it.
func (r *Replica) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Sync(ctx); err != nil {
		r.cfg.Log.Warn("not all backup targets have the last changes; they get them after the next start", "error", err)
	}
	r.mu.Lock()
	links := r.links
	r.links = map[string]*link{}
	r.mu.Unlock()
	for _, l := range links {
		l.stop()
	}
}

// Stop ends replication for good: nothing of it is left in the directory, and
// SQLite looks after its log by itself again.
func (r *Replica) Stop(ctx context.Context) error {
	r.finish()
	r.db.replica.CompareAndSwap(r, nil)
	return errors.Join(r.src.close(), os.RemoveAll(r.dir), r.db.autocheckpoint(ctx, 1000))
}

// autocheckpoint is after how many pages SQLite moves its log into the database;
// 0 leaves it to replication.
func (db *DB) autocheckpoint(ctx context.Context, pages int) error {
	return db.writer.between(ctx, fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", pages))
}

// checkpoints is the pragma for connections that write: in a directory that is
// replicated SQLite must not empty its log before the start of replication.
func (db *DB) checkpoints() string {
	if _, err := os.Stat(replicaDir(db.cfg.Dir)); err == nil {
		return "wal_autocheckpoint(0)"
	}
	return "wal_autocheckpoint(1000)"
}

// Unreplicate ends what an earlier replication left; a database without targets
// looks after its log by itself.
func (db *DB) Unreplicate(ctx context.Context) error {
	if _, err := os.Stat(replicaDir(db.cfg.Dir)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(os.RemoveAll(replicaDir(db.cfg.Dir)), db.autocheckpoint(ctx, 1000))
}

// busyLog reports whether an error means that SQLite was busy, which passes.
func busyLog(err error) bool {
	var unready *litestream.DBNotReadyError
	return errors.As(err, &unready) || fault.Is(err, fault.TooMany)
}
