package extract

import (
	"context"
	"slices"
	"sync"
)

// queue hands out workers: to persons who wait first, in the order they came,
// and to the background only while one more worker stays free.
type queue struct {
	mu         sync.Mutex
	free       int
	background int // workers that read in the background
	most       int // workers in all
	persons    []chan struct{}
	others     []chan struct{}
}

func newQueue(workers int) *queue { return &queue{free: workers, most: workers} }

func (q *queue) enter(ctx context.Context, waiting bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	turn := make(chan struct{})
	q.mu.Lock()
	line := q.line(waiting)
	*line = append(*line, turn)
	q.serve()
	q.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	line = q.line(waiting)
	at := slices.Index(*line, turn)
	if at >= 0 {
		*line = slices.Delete(*line, at, at+1)
	}
	q.mu.Unlock()
	if at < 0 { // the turn came at the same moment
		q.leave(waiting)
	}
	return ctx.Err()
}

func (q *queue) leave(waiting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	if !waiting {
		q.background--
	}
	q.serve()
}

func (q *queue) line(waiting bool) *[]chan struct{} {
	if waiting {
		return &q.persons
	}
	return &q.others
}

// serve gives free workers away. The lock is held.
func (q *queue) serve() {
	for q.free > 0 && len(q.persons) > 0 {
		close(q.persons[0])
		q.persons = q.persons[1:]
		q.free--
	}
	for q.free > 0 && q.background < q.most-1 && len(q.others) > 0 {
		close(q.others[0])
		q.others = q.others[1:]
		q.free--
		q.background++
	}
}
