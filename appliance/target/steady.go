package target

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// enduring is a target whose operations are repeated when that can help, slowed
// to a rate, and ended when nothing moves.
type enduring struct {
	Target
	tries int
	pause time.Duration
	stall time.Duration
	up    *pace
	down  *pace
	log   *slog.Logger
}

func steady(t Target, c Config) Target {
	e := &enduring{Target: t, tries: c.Tries, pause: c.Pause, stall: c.Stall, log: c.Log, up: newPace(c.Rate, c.Now), down: newPace(c.Rate, c.Now)}
	if e.tries <= 0 {
		e.tries = 5
	}
	if e.pause <= 0 {
		e.pause = 200 * time.Millisecond
	}
	if e.stall <= 0 {
		e.stall = 30 * time.Second
	}
	return e
}

// Preparer is a target that must be made before its first use.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Prepare makes the target's place where that is needed.
func (e *enduring) Prepare(ctx context.Context) error {
	if p, must := e.Target.(Preparer); must {
		return p.Prepare(ctx)
	}
	return nil
}

// passing is a failure that another attempt may mend.
func passing(err error) bool {
	switch {
	case errors.Is(err, ErrExists), errors.Is(err, ErrNotFound), errors.Is(err, ErrNoDelete), errors.Is(err, context.Canceled):
		return false
	}
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.TooMany:
		return true
	}
	return false
}

// try repeats one operation. What stands still is ended by its watch.
func (e *enduring) try(ctx context.Context, do func(context.Context, *watch) error) error {
	pause := e.pause
	for attempt := 1; ; attempt++ {
		w := newWatch(ctx, e.stall)
		err := do(w.ctx, w)
		err = w.end(err, e.String())
		if err == nil || attempt == e.tries || !passing(err) || ctx.Err() != nil {
			return err
		}
		e.log.Debug("an operation of a backup target is repeated", "target", e.String(), "attempt", attempt, "error", err)
		if !sleep(ctx, pause/2+rand.N(pause)) {
			return errors.Join(ctx.Err(), err)
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// Put repeats from the place where r stood, if it can.
func (e *enduring) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	again, can := r.(io.Seeker)
	var start int64
	if can {
		var err error
		if start, err = again.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
	}
	used := false
	var last error
	return e.try(ctx, func(ctx context.Context, w *watch) error {
		if used {
			if !can {
				return errors.Join(context.Canceled, last) // half of r is gone: no attempt can mend that
			}
			if _, err := again.Seek(start, io.SeekStart); err != nil {
				return err
			}
		}
		used = true
		last = e.Target.Put(ctx, name, rewinding(&metered{r: r, w: w, pace: e.up, ctx: ctx}, again), size)
		return last
	})
}

// PutIfAbsent is repeated too: an attempt whose answer was lost has left our own
// data under the name.
func (e *enduring) PutIfAbsent(ctx context.Context, name string, data []byte) error {
	lost := false
	return e.try(ctx, func(ctx context.Context, _ *watch) error {
		err := e.Target.PutIfAbsent(ctx, name, data)
		if errors.Is(err, ErrExists) && lost {
			there, get := e.Target.Get(ctx, name, 0, -1)
			if get != nil {
				return get
			}
			defer there.Close()
			got, get := io.ReadAll(io.LimitReader(there, int64(len(data))+1))
			if get != nil {
				return get
			}
			if string(got) == string(data) {
				return nil
			}
		}
		lost = lost || err != nil
		return err
	})
}

// Get gives a body that goes on by itself where it broke off.
func (e *enduring) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	g := &going{e: e, ctx: ctx, name: name, offset: offset, length: length}
	if err := g.open(); err != nil {
		return nil, err
	}
	return g, nil
}

// List goes on behind the last name that was given.
func (e *enduring) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		stopped := false
		err := e.try(ctx, func(ctx context.Context, w *watch) error {
			for o, err := range e.Target.List(ctx, prefix, after) {
				if err != nil {
					return err
				}
				w.moved()
				after = o.Name
				if !yield(o, nil) {
					stopped = true
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(Object{}, err)
		}
	}
}

// Delete is repeated.
func (e *enduring) Delete(ctx context.Context, name string) error {
	return e.try(ctx, func(ctx context.Context, _ *watch) error { return e.Target.Delete(ctx, name) })
}

// going is a body that survives broken transfers.
type going struct {
	e              *enduring
	ctx            context.Context
	name           string
	offset, length int64
	body           io.ReadCloser
	w              *watch
	broken         int // attempts since something came
}

func (g *going) open() error {
	return g.e.try(g.ctx, func(context.Context, *watch) error {
		w := newWatch(g.ctx, g.e.stall)
		b, err := g.e.Target.Get(w.ctx, g.name, g.offset, g.length)
		if err != nil {
			return w.end(err, g.e.String())
		}
		g.body, g.w = b, w
		return nil
	})
}

// Read reads on, after a break from a new body.
func (g *going) Read(p []byte) (int, error) {
	for {
		g.w.moved()
		n, err := g.body.Read(p[:min(int64(len(p)), g.e.down.portion())])
		g.offset += int64(n)
		if g.length >= 0 {
			g.length -= int64(n)
		}
		if n > 0 {
			g.broken = 0
			g.w.moved()
			if !g.e.down.wait(g.ctx, n) {
				return n, g.ctx.Err()
			}
			return n, nil
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		}
		err = g.w.cause(err, g.e.String())
		if g.broken++; g.broken >= g.e.tries || !passing(err) || g.ctx.Err() != nil {
			return 0, err
		}
		_ = g.Close()
		if !sleep(g.ctx, g.e.pause) {
			return 0, g.ctx.Err()
		}
		if err := g.open(); err != nil {
			return 0, err
		}
	}
}

// Close ends the transfer.
func (g *going) Close() error {
	err := g.body.Close()
	_ = g.w.end(nil, "")
	return err
}

// watch ends what stands still.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

var errStall = errors.New("nothing moved")

func newWatch(ctx context.Context, stall time.Duration) *watch {
	w := &watch{stall: stall}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(stall, func() { w.cancel(errStall) })
	return w
}

func (w *watch) moved() { w.timer.Reset(w.stall) }

// end stops the watch and says what it ended.
func (w *watch) end(err error, where string) error {
	w.timer.Stop()
	err = w.cause(err, where)
	w.cancel(nil)
	return err
}

func (w *watch) cause(err error, where string) error {
	if err != nil && errors.Is(context.Cause(w.ctx), errStall) {
		return away(where, errors.Join(errStall, errors.New(err.Error())))
	}
	return err
}

// metered is a source that feeds the watch and keeps the pace.
type metered struct {
	r    io.Reader
	w    *watch
	pace *pace
	ctx  context.Context
}

func (m *metered) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), m.pace.portion())]
	n, err := m.r.Read(p)
	m.w.moved()
	if n > 0 && !m.pace.wait(m.ctx, n) && err == nil {
		err = m.ctx.Err()
	}
	return n, err
}

// seekable lets a target read its source twice.
type seekable struct {
	*metered
	io.Seeker
}

func rewinding(m *metered, s io.Seeker) io.Reader {
	if s == nil {
		return m
	}
	return seekable{m, s}
}

// pace lets so many bytes a second pass, with bursts of a second.
type pace struct {
	rate int64
	now  func() time.Time

	mu   sync.Mutex
	free time.Time // when what has passed is paid for
}

func newPace(rate int64, now func() time.Time) *pace {
	if now == nil {
		now = time.Now
	}
	return &pace{rate: rate, now: now}
}

// portion is how much is moved at once: what waits a second at most, so that no
// watch takes a slow transfer for one that stands still.
func (p *pace) portion() int64 {
	if p.rate > 0 {
		return min(64<<10, p.rate)
	}
	return 64 << 10
}

// wait is false when ctx ended first.
func (p *pace) wait(ctx context.Context, n int) bool {
	if p.rate <= 0 {
		return ctx.Err() == nil
	}
	p.mu.Lock()
	now := p.now()
	if earliest := now.Add(-time.Second); p.free.Before(earliest) {
		p.free = earliest
	}
	p.free = p.free.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	due := p.free.Sub(now)
	p.mu.Unlock()
	if due <= 0 {
		return ctx.Err() == nil
	}
	return sleep(ctx, due)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
