package vfs

import (
	"bytes"
	"path/filepath"
	"sync"
)

// Op is something that was done to a file, with what was written.
type Op struct {
	Write, Truncate, Sync, Delete bool
	Name                          string
	Off                           int64
	Data                          []byte
}

// Recorder keeps what SQLite does to the files of a directory.
type Recorder struct {
	mu  sync.Mutex
	ops []Op
}

// Record listens to a directory that is entered after this call.
func Record(dir string) (*Recorder, error) {
	h, err := house()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	r := &Recorder{}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watch == nil {
		h.watch = map[string]func(op){}
	}
	h.watch[dir] = func(o op) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ops = append(r.ops, Op{o.what == opWrite, o.what == opTruncate, o.what == opSync, o.what == opDelete, filepath.Base(o.name), o.off, bytes.Clone(o.data)})
	}
	return r, nil
}

// Len is how much happened by now.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

// Ops is all that happened.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ops
}
