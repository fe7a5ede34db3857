package library

import (
	"context"
	"runtime"
	"time"
)

// Where people wait for answers, work that nobody waits for does one piece at a
// time and rests between them, but never stops for good: a house where somebody
// always asks would have no new vectors otherwise.
const (
	rest     = 2 * time.Second
	restLook = 50 * time.Millisecond
)

// pause rests while a person waits for an answer or gets one.
func (l *Library) pause(ctx context.Context) {
	if l.models == nil {
		return
	}
	for waited := time.Duration(0); waited < rest && !l.models.Idle(); waited += restLook {
		select {
		case <-time.After(restLook):
		case <-ctx.Done():
			return
		}
	}
}

// quiet runs the built-in encoder on a thread that gives way to all others.
type quiet struct{ asked chan quietly }

type quietly struct {
	ctx     context.Context
	encoder Encoder
	texts   []string
	answer  chan quietAnswer
}

type quietAnswer struct {
	vectors [][]float32
	err     error
}

func newQuiet() quiet { return quiet{asked: make(chan quietly)} }

// run answers until ctx ends. Its thread ends with it, since it never gets its
// priority back.
func (q quiet) run(ctx context.Context) {
	runtime.LockOSThread()
	giveWay()
	for {
		select {
		case a := <-q.asked:
			vectors, err := a.encoder.Embed(a.ctx, a.texts)
			a.answer <- quietAnswer{vectors, err}
		case <-ctx.Done():
			return
		}
	}
}

func (q quiet) embed(ctx context.Context, e Encoder, texts []string) ([][]float32, error) {
	a := quietly{ctx: ctx, encoder: e, texts: texts, answer: make(chan quietAnswer, 1)}
	select {
	case q.asked <- a:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	got := <-a.answer
	return got.vectors, got.err
}
