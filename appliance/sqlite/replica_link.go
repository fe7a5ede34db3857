package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/target"
)

const (
	guardEvery = 10 * time.Second // the newest generation of the target is looked at
	pruneEvery = 15 * time.Minute
	pauseMost  = 30 * time.Second // between two attempts at a target that is away
)

// link is one target of a replica. Its goroutine alone works on the target.
type link struct {
	id       string
	replica  *Replica
	target   target.Target
	takeOver bool

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	// Of the goroutine alone.
	open    bool
	guarded time.Time
	pruned  time.Time

	mu   sync.Mutex
	cond *sync.Cond // told when something of the below changes
	gen  Generation
	held history
	at   uint64    // last transaction the target has
	time int64     // of it, milliseconds
	seen time.Time // when the target last answered
	// since is when the oldest change was made that the target has not; zero
	// while it has all.
	since  time.Time
	err    error
	keeps  bool
	ended  bool
	failed int
}

func (l *link) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *link) stop() {
	l.cancel()
	<-l.done
}

// claims is the file that remembers which generation is this directory's own.
func (l *link) claims() string { return filepath.Join(l.replica.dir, "claims-"+l.id+".json") }

func (l *link) shipped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at
}

// run works until the link is stopped. A target that fails is tried again with
// growing pauses; one that was taken over is left alone.
func (l *link) run() {
	defer func() {
		l.mu.Lock()
		l.ended = true
		l.cond.Broadcast()
		l.mu.Unlock()
		close(l.done)
	}()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.wake:
		}
		err := l.step(l.ctx)
		if l.ctx.Err() != nil {
			return
		}
		pause := l.note(err)
		if fault.Of(err).Code == fault.Superseded {
			l.replica.fence(l.id, err)
			<-l.ctx.Done()
			return
		}
		if pause > 0 {
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(pause):
				l.nudge()
			}
		}
	}
}

// note remembers how a step went and returns how long to wait.
func (l *link) note(err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.cond.Broadcast()
	if err == nil {
		if l.err != nil {
			l.replica.cfg.Log.Info("the backup target has all changes again", "target", l.id)
		}
		l.err, l.failed = nil, 0
		return 0
	}
	if l.err == nil || fault.Of(l.err).Code != fault.Of(err).Code {
		l.replica.cfg.Log.Warn("the backup target does not get all changes; ChatETS goes on and tries again", "target", l.id, "error", err)
	}
	l.err = err
	l.failed++
	return min(time.Duration(l.failed)*time.Second, pauseMost)
}

// wait returns when the target has a transaction, or why it has not.
func (l *link) wait(ctx context.Context, transaction uint64) error {
	defer context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cond.Broadcast()
	})()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.at < transaction {
		switch {
		case l.ended:
			return errors.Join(context.Canceled, l.err)
		case l.err != nil:
			return l.err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		l.cond.Wait()
	}
	return nil
}

func (l *link) status(position uint64) LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LinkStatus{ID: l.id, Generation: l.gen.Number, Line: l.gen.Line, Shipped: l.at, Position: position, Contact: l.seen, Keeps: l.keeps, Err: l.err}
	s.Bytes, s.Files = l.held.size()
	if l.time > 0 {
		s.Time = time.UnixMilli(l.time).UTC()
	}
	if len(l.held.bases) > 0 {
		s.Oldest = l.held.bases[0].at().UTC()
	}
	if !l.since.IsZero() && l.at < position {
		s.Behind = max(l.replica.cfg.Now().Sub(l.since), time.Millisecond)
	}
	return s
}

// step brings the target up to date.
func (l *link) step(ctx context.Context) error {
	if !l.open {
		if err := l.begin(ctx); err != nil {
			l.lagging()
			return err
		}
	}
	if err := l.ship(ctx); err != nil {
		return err
	}
	now := l.replica.cfg.Now()
	if now.Sub(l.guarded) >= guardEvery || now.Before(l.guarded) {
		if err := l.guard(ctx); err != nil {
			return err
		}
		l.guarded = now
	}
	if err := l.tend(ctx, now); err != nil {
		return err
	}
	if now.Sub(l.pruned) >= pruneEvery || now.Before(l.pruned) {
		if err := l.prune(ctx, now); err != nil {
			return err
		}
		l.pruned = now
	}
	return nil
}

// lagging begins to count the time that the target is behind.
func (l *link) lagging() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		l.since = l.replica.cfg.Now()
	}
}

// begin becomes the target's writer and learns what it holds.
func (l *link) begin(ctx context.Context) error {
	r := l.replica
	err := Hold(ctx, l.target, Manifest{Installation: r.cfg.Installation, Version: r.cfg.Version, Made: r.cfg.Now().UTC()})
	if err != nil {
		return err
	}
	_, err = os.Stat(l.claims())
	first := errors.Is(err, os.ErrNotExist)
	position, err := r.src.position()
	if err != nil {
		return err
	}
	r.mu.Lock()
	lineage := r.lineage
	r.mu.Unlock()
	g, err := claim(ctx, l.target, l.claims(), lineage, r.cfg.Version, l.takeOver && first, r.cfg.Now())
	if err != nil {
		return err
	}
	held, err := readHistory(ctx, l.target, g.Line)
	if err != nil {
		return err
	}
	last, at := held.last()
	if last > position {
		// This directory is older than what it has written: it was set back.
		lineage += "-" + drawn()[:8]
		r.mu.Lock()
		r.lineage = lineage
		r.mu.Unlock()
		if err := replaceFile(filepath.Join(r.dir, "lineage"), []byte(lineage+"\n")); err != nil {
			return err
		}
		return fault.New(fault.Unavailable, "The data directory was set back to an earlier state; the backup target begins a new line.").Code("set-back")
	}
	l.mu.Lock()
	l.gen, l.held, l.at, l.time, l.seen = g, held, last, at, r.cfg.Now()
	l.mu.Unlock()
	l.open, l.guarded, l.pruned = true, r.cfg.Now(), r.cfg.Now().Add(time.Minute-pruneEvery)
	return nil
}

// guard stops the link when another master has begun.
func (l *link) guard(ctx context.Context) error {
	newest, err := NewestGeneration(ctx, l.target, l.gen.Number)
	if err != nil {
		return err
	}
	if newest.Number != l.gen.Number || newest.Token != l.gen.Token {
		return superseded(l.target.String(), newest)
	}
	for o, err := range l.target.List(ctx, fmt.Sprintf("%s%08d/%d/", replicaFolder, l.gen.Line, levelSecond), fmt.Sprintf("%s%08d/%d/%016x-~", replicaFolder, l.gen.Line, levelSecond, l.at)) {
		if err != nil {
			return err
		}
		if s, ok := spanOf(o.Name, o.Size); ok && s.min > l.at {
			return superseded(l.target.String(), newest) // a copy of this machine writes too
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = l.replica.cfg.Now()
	return nil
}

// ship sends the numbered files the target lacks, in order. Where one is not
// there any more a whole copy takes its place.
func (l *link) ship(ctx context.Context) error {
	src := l.replica.src
	for {
		position, err := src.position()
		if err != nil || l.at >= position {
			if err == nil {
				l.mu.Lock()
				l.since = time.Time{}
				l.mu.Unlock()
			}
			return err
		}
		if err := l.replica.cfg.Before(ctx, l.id, l.target); err != nil {
			return err
		}
		next := l.at + 1
		info, err := os.Stat(src.path(next))
		switch {
		case l.at == 0 && (err != nil || next > 1), errors.Is(err, os.ErrNotExist):
			l.lagging()
			err = l.base(ctx)
		case err == nil:
			l.mu.Lock()
			l.since = info.ModTime()
			l.mu.Unlock()
			err = l.send(ctx, next)
		}
		if err != nil {
			return err
		}
	}
}

// tend merges what is due and makes the daily whole copy.
func (l *link) tend(ctx context.Context, now time.Time) error {
	for _, level := range []int{levelMinute, levelHour} {
		for {
			group := l.held.due(level, now.UnixMilli(), true)
			if len(group) == 0 {
				break
			}
			if err := l.merge(ctx, level, group); err != nil {
				return err
			}
		}
	}
	if l.at > 0 && l.held.baseDue(now.UnixMilli()) && len(l.held.bases) > 0 && l.held.bases[len(l.held.bases)-1].max < l.at {
		return l.base(ctx)
	}
	return nil
}

// prune deletes what no kept point needs. A target that refuses is left to its
// own rule.
func (l *link) prune(ctx context.Context, now time.Time) error {
	for _, s := range l.held.expired(l.replica.cfg.Keep(), now) {
		err := l.target.Delete(ctx, s.name())
		l.mu.Lock()
		l.keeps = errors.Is(err, target.ErrNoDelete)
		if err == nil {
			l.held.remove(s)
		}
		l.mu.Unlock()
		if errors.Is(err, target.ErrNoDelete) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return l.pruneOld(ctx, now)
}

// pruneOld deletes the lines before this one when they are out of time as a whole.
func (l *link) pruneOld(ctx context.Context, now time.Time) error {
	for line, h := range lines(ctx, l.target) {
		if h.err != nil {
			return h.err
		}
		if line == l.gen.Line {
			continue
		}
		gone := h.expired(l.replica.cfg.Keep(), now)
		if _, at := h.last(); time.UnixMilli(at).Before(now.Add(-l.replica.cfg.Keep().filled().EachHour)) {
			gone = h.all()
		}
		for _, s := range gone {
			if err := l.target.Delete(ctx, s.name()); err != nil {
				if errors.Is(err, target.ErrNoDelete) {
					return nil
				}
				return err
			}
		}
	}
	return nil
}
