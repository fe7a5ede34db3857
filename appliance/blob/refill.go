package blob

import (
	"context"
	"errors"
	"sync"
	"time"

	"chatets/appliance/target"
)

// Refill fetches the files of a restored directory while it is in use: what is
// asked for at once, and everything else in turn.
type Refill struct {
	store *Store
	from  target.Target
	at    time.Time

	mu          sync.Mutex
	gone        map[string]bool // deleted since; they are not fetched
	done, total int64           // bytes
	files       int             // that are there
	bad         []Damage
}

// RefillStatus is how far a Refill is.
type RefillStatus struct {
	Done, Total int64 // bytes; Total 0 = it has not been counted
	Files       int   // that were looked for and are there
	Damaged     []Damage
}

// Refill begins: from now on a file that is missing is fetched when it is asked
// for. No copy of a file is taken for deleted until End.
func (s *Store) Refill(from target.Target, at time.Time) *Refill {
	f := &Refill{store: s, from: from, at: at, gone: map[string]bool{}}
	s.refill.Store(f)
	return f
}

// Run fetches all files there were at the time. It may be called again after a
// failure: what is there is not fetched twice. skip says what is made anew.
func (f *Refill) Run(ctx context.Context, skip func(workspace string) bool) error {
	all, err := Held(ctx, f.from, f.at)
	if err != nil {
		return err
	}
	list := all[:0]
	var total int64
	for _, c := range all {
		if skip == nil || !skip(c.Workspace) {
			list = append(list, c)
			total += c.Size
		}
	}
	f.mu.Lock()
	f.done, f.total, f.files, f.bad = 0, total, 0, nil
	f.mu.Unlock()
	return f.store.fetchAll(ctx, f.from, list, func(c Copy, damage error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.done += c.Size
		if damage != nil {
			f.bad = append(f.bad, Damage{c.Workspace, c.Name, damage})
			return
		}
		f.files++
	})
}

// End says that nothing is fetched any more.
func (f *Refill) End() { f.store.refill.CompareAndSwap(f, nil) }

// Status is how far it is.
func (f *Refill) Status() RefillStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return RefillStatus{Done: f.done, Total: f.total, Files: f.files, Damaged: append([]Damage(nil), f.bad...)}
}

// one fetches a file that is asked for.
func (f *Refill) one(ctx context.Context, workspace, name string) error {
	if f.forgotten(workspace, name) {
		return missing
	}
	c := Copy{Workspace: workspace, Name: name}
	prefix := copyFolder + workspace + "/" + name[:2] + "/" + name + "-"
	for o, err := range f.from.List(ctx, prefix, "") {
		if err != nil {
			return err
		}
		if w, n, _, ok := parseName(o.Name); ok && w == workspace && n == name {
			c.names = append(c.names, o.Name)
		}
	}
	if len(c.names) == 0 {
		return missing.Because(errors.New("the target it is restored from does not hold it"))
	}
	return f.store.Fetch(ctx, f.from, c)
}

func (f *Refill) forget(workspace, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone[workspace+"/"+name] = true
}

func (f *Refill) forgotten(workspace, name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone[workspace+"/"+name]
}

func (f *Refill) remember(workspace, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.gone, workspace+"/"+name)
}
