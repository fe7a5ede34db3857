package chat

import (
	"context"
	"sync"
)

// A runLog keeps the events of a run in memory while the run lives. Readers
// pull from it by number, each at its own pace, so a slow one never holds up the
// run. Its size is bounded by maxAnswer.
//
// What was shown must survive a crash, so readers get an event only once it is
// on disk.
type runLog struct {
	mu     sync.Mutex
	events []Event // events[i].ID == i+1; written once, never changed
	saved  int     // how many of them are on disk
	kept   int     // how many of them are there in rows of the run, and not in the journal only
	shown  int     // how many of them readers may have
	name   string  // of the event that text is collected for, which is no event yet
	text   []byte  // what was collected
	loose  bool    // nothing of the run is stored, so everything is shown at once
	wake   chan struct{}
	ended  bool
}

// add appends an event under the next number. After the end nothing is added.
func (l *runLog) add(name string, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.seal()
	l.append(name, data)
}

// say adds a piece of text. Pieces that come between two savings are one event:
// nobody could be shown one without the other.
func (l *runLog) say(name, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if l.name != name {
		l.seal()
		l.name = name
	}
	l.text = append(l.text, text...)
	if l.loose {
		l.seal()
	}
}

// seal makes an event of the text that was collected.
func (l *runLog) seal() {
	if l.name == "" {
		return
	}
	name, data := l.name, textData(l.text)
	l.name, l.text = "", l.text[:0]
	l.append(name, data)
}

func (l *runLog) append(name string, data []byte) {
	l.events = append(l.events, Event{ID: int64(len(l.events) + 1), Name: name, Data: data})
	if l.loose {
		l.show(len(l.events))
	}
}

// loosen lets everything be shown at once.
func (l *runLog) loosen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loose = true
	l.seal()
	l.show(len(l.events))
}

// show lets the readers have the first n events.
func (l *runLog) show(n int) {
	if n > l.shown {
		l.shown = n
		l.wakeAll()
	}
}

// closing returns what end would add, numbered, so that it can be stored before
// anybody reads it.
func (l *runLog) closing(last ...Event) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal()
	for i := range last {
		last[i].ID = int64(len(l.events) + i + 1)
	}
	return last
}

// end appends the last events and lets the readers leave after them.
func (l *runLog) end(last []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.events = append(l.events, last...)
		l.shown = len(l.events)
		l.ended = true
	}
	l.wakeAll()
}

func (l *runLog) wakeAll() {
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
}

// after returns the events past number n that may be shown, and where there are
// none yet a channel that is closed when there are.
func (l *runLog) after(n int64) (events []Event, wake <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < int64(l.shown) {
		return l.events[max(n, 0):l.shown], nil, l.ended
	}
	if l.wake == nil && !l.ended {
		l.wake = make(chan struct{})
	}
	return nil, l.wake, l.ended
}

// unsaved returns the events that are not on disk yet.
func (l *runLog) unsaved() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal()
	return l.events[l.saved:]
}

// unkept returns the events that have no rows of their run yet.
func (l *runLog) unkept() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal()
	return l.events[l.kept:]
}

// journalled returns the events that are on disk in the journal only.
func (l *runLog) journalled() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[l.kept:l.saved]
}

// markKept says that the next n events have rows of their run.
func (l *runLog) markKept(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept += n
}

// markEnded says that every event has a row of its run.
func (l *runLog) markEnded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saved, l.kept = len(l.events), len(l.events)
}

// markSaved says that the next n events are on disk.
func (l *runLog) markSaved(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saved += n
	l.show(l.saved)
}

// markLost says that the next n events could not be brought to disk, which is
// full perhaps: they are shown all the same, and tried again.
func (l *runLog) markLost(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.show(l.saved + n)
}

// follow sends every event past number n until the run ends, the reader leaves
// or send fails.
func (l *runLog) follow(ctx context.Context, n int64, send func(Event) error) error {
	for {
		events, wake, ended := l.after(n)
		for _, e := range events {
			if err := send(e); err != nil {
				return err
			}
			n = e.ID
		}
		switch {
		case len(events) > 0:
			continue
		case ended:
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
