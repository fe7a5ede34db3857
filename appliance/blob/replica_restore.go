package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/target"
)

// Copy is a file that a target holds.
type Copy struct {
	Workspace, Name string
	Size            int64    // of the sealed file
	names           []string // in the target; more than one where it was sealed anew
}

// Held lists the files a target holds that were not gone at a time; the zero
// time means now.
func Held(ctx context.Context, t target.Target, at time.Time) ([]Copy, error) {
	gone, err := goneAt(ctx, t, at)
	if err != nil {
		return nil, err
	}
	var list []Copy
	for o, err := range t.List(ctx, copyFolder, "") {
		if err != nil {
			return nil, err
		}
		workspace, name, _, ok := parseName(o.Name)
		if !ok || gone[workspace+"/"+name] {
			continue
		}
		if n := len(list); n > 0 && list[n-1].Workspace == workspace && list[n-1].Name == name {
			list[n-1].names = append(list[n-1].names, o.Name)
			continue
		}
		list = append(list, Copy{Workspace: workspace, Name: name, Size: o.Size, names: []string{o.Name}})
	}
	return list, nil
}

// goneAt reads the marks: of a file that went and came back the last one counts.
func goneAt(ctx context.Context, t target.Target, at time.Time) (map[string]bool, error) {
	gone := map[string]bool{}
	for o, err := range t.List(ctx, markFolder, "") {
		if err != nil {
			return nil, err
		}
		rest, word, _ := cutLast(strings.TrimPrefix(o.Name, markFolder), "-")
		file, digits, ok := cutLast(rest, "-")
		ms, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || !at.IsZero() && time.UnixMilli(ms).After(at) {
			continue
		}
		gone[file] = word == "gone" // the marks of a file come in the order of their times
	}
	return gone, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Damage is a file that a target did not give back whole.
type Damage struct {
	Workspace string `json:"workspace"`
	Name      string `json:"name"`
	Err       error  `json:"-"`
}

// RestoreAll fetches files into the store of a data directory. Every file is read
// to its end and held against its name before it is kept. Damaged ones are named
// and the rest goes on; a target that cannot be reached ends it, and what was
// fetched stays and is not fetched again.
func RestoreAll(ctx context.Context, t target.Target, keys *secret.Keyring, list []Copy, dir string, told func(done, total int64)) ([]Damage, error) {
	s, err := Open(dir, keys)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var bad []Damage
	var done, total int64
	for _, c := range list {
		total += c.Size
	}
	err = s.fetchAll(ctx, t, list, func(c Copy, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			bad = append(bad, Damage{c.Workspace, c.Name, err})
		}
		if done += c.Size; told != nil {
			told(done, total)
		}
	})
	return bad, err
}

// fetchAll fetches files, several at a time. Of each it tells that it is there, or
// that it is damaged; any other failure ends it.
func (s *Store) fetchAll(ctx context.Context, t target.Target, list []Copy, told func(c Copy, damage error)) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, c := range list {
		work.Go(func() error {
			err := s.Fetch(ctx, t, c)
			if err != nil && fault.Of(err).Code != fault.Of(damaged).Code {
				return err
			}
			if err != nil && s.keys.CurrentFor(c.Workspace) == 0 {
				err = nil // it was shredded: no key opens it any more, as it should be
			}
			told(c, err)
			return nil
		})
	}
	return work.Wait()
}

// Fetch gets one file, unless it is there already.
func (s *Store) Fetch(ctx context.Context, t target.Target, c Copy) error {
	if has, err := s.Has(c.Workspace, c.Name); err != nil || has {
		return err
	}
	if !valid(c.Workspace, c.Name) {
		return damaged
	}
	var last error = damaged.Because(errors.New("the target does not hold it"))
	for _, name := range c.names {
		err := s.fetch(ctx, t, c, name)
		if err == nil {
			return nil
		}
		if fault.Of(err).Code != fault.Of(damaged).Code && !errors.Is(err, target.ErrNotFound) {
			return err
		}
		last = fault.New(fault.Internal, "The file %s of the backup target is damaged.", name).Code("file-damaged").
			Cure("Fetch it from another target, or add the document again.").Because(err)
	}
	return last
}

func (s *Store) fetch(ctx context.Context, t target.Target, c Copy, name string) error {
	from, err := t.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer from.Close()
	part, err := os.CreateTemp(filepath.Join(s.dir, temporary), "fetch-*")
	if err != nil {
		return classify(fmt.Errorf("fetch a blob: %w", err))
	}
	kept := false
	defer func() {
		_ = part.Close()
		if !kept {
			_ = os.Remove(part.Name())
		}
	}()
	if _, err := io.Copy(part, from); err != nil {
		return classify(err)
	}
	if err := part.Sync(); err != nil {
		return classify(err)
	}
	plain, err := s.openFile(ctx, part.Name(), c.Workspace, c.Name)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, plain)
	if err = errors.Join(err, plain.Close()); err != nil {
		return err
	}
	s.moving.Lock()
	defer s.moving.Unlock()
	if f := s.refill.Load(); f != nil && f.forgotten(c.Workspace, c.Name) {
		return nil // whoever deleted it meanwhile does not want it back
	}
	kept = true
	return classify(s.keep(part, s.path(c.Workspace, c.Name)))
}
