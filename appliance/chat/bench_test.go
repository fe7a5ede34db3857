package chat

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkAsk is a whole question through HTTP, with database, audit record
// and answer; cpu-us/op is the processor time of the process, client included.
func BenchmarkAsk(b *testing.B) {
	r := open(b, wardShelf(), nil)
	cpu := processor(b)
	for b.Loop() {
		r.ask("ada", "Who answers when the cold store alarm goes off?")
	}
	b.ReportMetric(float64((processor(b)-cpu).Microseconds())/float64(b.N), "cpu-us/op")
}

// BenchmarkEvents is a run of a thousand pieces, saved and read through HTTP by
// some readers; the question and the end of the run are in it.
func BenchmarkEvents(b *testing.B) {
	const pieces = 1000
	for _, readers := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("%d readers", readers), func(b *testing.B) {
			p := make(pen)
			r := open(b, wardShelf(), func(c *Chat) { c.Writer = pages{p} })
			cpu := processor(b)
			for b.Loop() {
				a := r.begin("ada", "visiting hours")
				var following sync.WaitGroup
				for range readers {
					rd := r.follow("ada", a.Run.ID, 0)
					following.Go(func() { rd.rest() })
				}
				for range pieces {
					p <- "a token "
				}
				p <- ""
				following.Wait()
			}
			b.ReportMetric(float64((processor(b)-cpu).Nanoseconds())/float64(b.N)/pieces, "cpu-ns/event")
		})
	}
}

// pages is a pen for many runs: an empty piece ends one.
type pages struct{ pen }

func (p pages) Write(_ context.Context, _ Brief, out Out) (string, error) {
	for text := range p.pen {
		if text == "" {
			break
		}
		if err := out.Say(text); err != nil {
			return KindExtractive, err
		}
	}
	return KindExtractive, nil
}

// BenchmarkQuotes is the choice of sentences from twelve passages of a usual
// length.
func BenchmarkQuotes(b *testing.B) {
	var brief Brief
	brief.Question = "Which valve of the boiler must be opened before the pump is started?"
	for i := range 12 {
		brief.Passages = append(brief.Passages, passage(i, fmt.Sprint(i), "Manual", "Manual\nStart", strings.Repeat("The boiler has four valves and a pump. Open the valve before the start. ", 14)))
	}
	for b.Loop() {
		choose(brief)
	}
}

func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
