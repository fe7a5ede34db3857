package web

import (
	"bytes"
	"context"
	"strconv"
	"sync"
)

// streams is the set of open event streams.
type streams struct {
	mu   sync.Mutex
	open map[*stream]struct{}
	stop bool
	gone chan struct{} // closed when stop is set and none is open
}

func newStreams() *streams { return &streams{open: map[*stream]struct{}{}, gone: make(chan struct{})} }

func (ss *streams) add(st *stream) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.stop {
		return false
	}
	ss.open[st] = struct{}{}
	return true
}

func (ss *streams) remove(st *stream) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.open, st)
	if ss.stop && len(ss.open) == 0 {
		close(ss.gone)
	}
}

func (ss *streams) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.open)
}

func (ss *streams) list(which func(*stream) bool) []*stream {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	var list []*stream
	for st := range ss.open {
		if which(st) {
			list = append(list, st)
		}
	}
	return list
}

// revoke ends the streams of a session.
func (ss *streams) revoke(session string) {
	for _, st := range ss.list(func(st *stream) bool { return st.session == session }) {
		st.leave(st.sessionEnded())
	}
}

// shutdown tells all readers that the server stops and lets no new one in.
func (ss *streams) shutdown() {
	ss.mu.Lock()
	if !ss.stop && len(ss.open) == 0 {
		close(ss.gone)
	}
	ss.stop = true
	ss.mu.Unlock()
	for _, st := range ss.list(func(*stream) bool { return true }) {
		st.leave(shutdownEvent())
	}
}

// wait returns when all streams are gone after a shutdown, or ctx ends.
func (ss *streams) wait(ctx context.Context) {
	select {
	case <-ss.gone:
	case <-ctx.Done():
	}
}

// appendEvent is the event as the wire has it. Line ends inside the data would
// end the field, so each line becomes one.
func appendEvent(b []byte, e Event) []byte {
	if e.ID > 0 {
		b = append(b, "id: "...)
		b = strconv.AppendInt(b, e.ID, 10)
		b = append(b, '\n')
	}
	if e.Name != "" {
		b = append(b, "event: "...)
		b = append(b, oneLine(e.Name)...)
		b = append(b, '\n')
	}
	data := e.Data
	for {
		i := bytes.IndexAny(data, "\r\n")
		line := data
		if i >= 0 {
			line = data[:i]
		}
		b = append(b, "data: "...)
		b = append(b, line...)
		b = append(b, '\n')
		if i < 0 {
			return append(b, '\n')
		}
		if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
		data = data[i+1:]
	}
}
