package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"

	"chatets/appliance/target"
)

// small is up to what size a file is made in memory before it is sent.
const small = 4 << 20

// staged is a file that is being made for a target.
type staged struct {
	memory *bytes.Buffer
	file   *os.File
}

// stage begins a file of about that many bytes.
func (r *Replica) stage(about int64) (*staged, error) {
	if about <= small {
		return &staged{memory: &bytes.Buffer{}}, nil
	}
	dir := filepath.Join(r.dir, "staged")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, classify(r.db.cfg.Dir, err)
	}
	file, err := os.CreateTemp(dir, "file-*")
	if err != nil {
		return nil, classify(r.db.cfg.Dir, err)
	}
	return &staged{file: file}, nil
}

// Write adds sealed bytes.
func (s *staged) Write(p []byte) (int, error) {
	if s.memory != nil {
		return s.memory.Write(p)
	}
	return s.file.Write(p)
}

func (s *staged) drop() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// put sends the finished file.
func (s *staged) put(ctx context.Context, t target.Target, name string) (int64, error) {
	if s.memory != nil {
		n := int64(s.memory.Len())
		return n, t.Put(ctx, name, bytes.NewReader(s.memory.Bytes()), n)
	}
	n, err := s.file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, err
	}
	return n, t.Put(ctx, name, s.file, n)
}

// pageSource gives pages in the order of their numbers, then io.EOF.
type pageSource interface {
	next(data []byte) (uint32, error)
}

// opening opens the sealed pages of this machine: what is sealed again as a
// whole is compressed first.
type opening struct {
	pageSource
	db *DB
}

func (o opening) next(data []byte) (uint32, error) {
	number, err := o.pageSource.next(data)
	if err != nil {
		return number, err
	}
	return number, o.db.openPage(number, data)
}

// write makes a file of pages and sends it.
func (l *link) write(ctx context.Context, s span, pageSize, commit uint32, about int64, from pageSource) (span, error) {
	out, err := l.replica.stage(about)
	if err != nil {
		return s, err
	}
	defer out.drop()
	w, err := writePages(l.replica.cfg.Keys, out, s, pageSize, commit)
	if err != nil {
		return s, err
	}
	data := make([]byte, pageSize)
	for {
		number, err := from.next(data)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.page(number, data)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return s, errors.Join(err, w.close())
		}
	}
	if err := w.close(); err != nil {
		return s, classify(l.replica.db.cfg.Dir, err)
	}
	s.size, err = out.put(ctx, l.target, s.name())
	return s, err
}

// send copies one numbered file. One that holds the whole database is kept as a
// base: whatever comes before it does not lead on to it.
func (l *link) send(ctx context.Context, transaction uint64) error {
	path := l.replica.src.path(transaction)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	pages, err := decodePages(file)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	s := span{line: l.gen.Line, level: levelSecond, min: transaction, max: transaction, time: max(pages.head.Timestamp, l.time)}
	whole, err := l.replica.whole(path, pages.head.Commit)
	if err != nil {
		return err
	}
	if whole {
		s.level = levelBase
	}
	s, err = l.write(ctx, s, pages.head.PageSize, pages.head.Commit, info.Size(), opening{pages, l.replica.db})
	if err != nil {
		return err
	}
	l.have(s)
	return nil
}

// whole reports whether a numbered file holds every page of the database.
func (r *Replica) whole(path string, commit uint32) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.Size() < int64(commit) { // not a byte for each page: it need not be read
		return false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	pages, err := decodePages(file)
	if err != nil {
		return false, err
	}
	data := make([]byte, pages.head.PageSize)
	count := uint32(0)
	for {
		_, err := pages.next(data)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
		count++
	}
	if lock := uint32(0x40000000/pages.head.PageSize) + 1; commit >= lock {
		commit-- // the page of SQLite's locks is never written
	}
	return count == commit, nil
}

// base copies the whole database as it is now.
func (l *link) base(ctx context.Context) error {
	at, from, err := l.replica.src.snapshot(ctx)
	if err != nil {
		if busyLog(err) {
			return nil
		}
		return err
	}
	defer from.Close()
	pages, err := decodePages(from)
	if err != nil {
		return err
	}
	s := span{line: l.gen.Line, level: levelBase, min: at, max: at, time: max(l.replica.cfg.Now().UnixMilli(), l.time)}
	s, err = l.write(ctx, s, pages.head.PageSize, pages.head.Commit, math.MaxInt64, opening{pages, l.replica.db})
	if err != nil {
		return err
	}
	l.have(s)
	return nil
}

// have notes what the target has got.
func (l *link) have(s span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held.add(s)
	if s.max > l.at {
		l.at, l.time = s.max, s.time
	}
	l.time = max(l.time, s.time)
	l.seen = l.replica.cfg.Now()
	l.cond.Broadcast()
}

// merge makes one file of several that follow each other.
func (l *link) merge(ctx context.Context, level int, group []span) error {
	last := group[len(group)-1]
	s := span{line: l.gen.Line, level: level, min: group[0].min, max: last.max, time: last.time}
	var about int64
	m := &merging{}
	defer m.close()
	for _, part := range group {
		about += part.size
		r, err := l.read(ctx, part)
		if err != nil {
			return err
		}
		if err := m.add(r); err != nil {
			return err
		}
	}
	if m.commit == 0 {
		return errors.New("a merge of nothing")
	}
	s, err := l.write(ctx, s, m.pageSize, m.commit, about, m)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.held.add(s)
	l.mu.Unlock()
	return nil
}

// read opens a file of the target, or the numbered file it was made of while
// that is still here.
func (l *link) read(ctx context.Context, s span) (*mergeInput, error) {
	if s.level == levelSecond && s.min == s.max {
		if file, err := os.Open(l.replica.src.path(s.max)); err == nil {
			pages, err := decodePages(file)
			if err == nil {
				return &mergeInput{from: opening{pages, l.replica.db}, commit: pages.head.Commit, size: pages.head.PageSize, close: file.Close}, nil
			}
			_ = file.Close()
		}
	}
	from, err := l.target.Get(ctx, s.name(), 0, -1)
	if err != nil {
		return nil, err
	}
	r, err := readPages(l.replica.cfg.Keys, from, s)
	if err != nil {
		return nil, err
	}
	return &mergeInput{from: r, commit: r.commit, size: r.pageSize, close: r.close}, nil
}

// readHistory lists what a target holds of a line.
func readHistory(ctx context.Context, t target.Target, line uint64) (h history, err error) {
	for o, err := range t.List(ctx, fmt.Sprintf("%s%08d/", replicaFolder, line), "") {
		if err != nil {
			return h, err
		}
		if s, ok := spanOf(o.Name, o.Size); ok {
			h.add(s)
		}
	}
	return h, nil
}

// all is every file of a line.
func (h *history) all() []span {
	list := append([]span(nil), h.bases...)
	for _, level := range h.levels {
		list = append(list, level...)
	}
	return list
}

// listed is a line's history, or why it could not be listed.
type listed struct {
	history
	err error
}

// lines are the histories of all lines of a target, the oldest first.
func lines(ctx context.Context, t target.Target) iter.Seq2[uint64, *listed] {
	return func(yield func(uint64, *listed) bool) {
		var line uint64
		now := &listed{}
		for o, err := range t.List(ctx, replicaFolder, "") {
			if err != nil {
				yield(line, &listed{err: err})
				return
			}
			s, ok := spanOf(o.Name, o.Size)
			if !ok {
				continue
			}
			if s.line != line {
				if line > 0 && !yield(line, now) {
					return
				}
				line, now = s.line, &listed{}
			}
			now.add(s)
		}
		if line > 0 {
			yield(line, now)
		}
	}
}
