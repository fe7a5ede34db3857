// Command stream measures what ChatETS adds to a model server while many people
// read answers: the time to the first token and the processor time of a token.
// The same load goes to the bare server and through ChatETS in turns, several
// times, since a machine is never twice the same.
//
// What a newcomer gets wrong: the model server is a fake of ours in a process of
// its own, so its processor time is a small number and the ratio a hard one. The
// bare server is sent the very request that ChatETS makes, and everybody asks
// anew as soon as an answer ended, so the streams are not in step.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

const question = "How are answers and citations made?"

type options struct {
	bin, fake     string
	streams       int
	rate, tokens  int
	rounds        int
	window        time.Duration
	keep, verbose bool
	during        string
	ingest        bool
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/chatets", "the program that is measured")
	flag.StringVar(&o.fake, "fake", "", "the fake model server, built; it is built anew without it")
	flag.IntVar(&o.streams, "streams", 100, "answers that are read at the same time")
	flag.IntVar(&o.rate, "rate", 50, "tokens a second of each")
	flag.IntVar(&o.tokens, "tokens", 200, "tokens of an answer")
	flag.IntVar(&o.rounds, "rounds", 5, "times both are measured, in turns")
	flag.DurationVar(&o.window, "window", 8*time.Second, "time that is measured in a round")
	flag.BoolVar(&o.keep, "keep", false, "keep the data and the log")
	flag.BoolVar(&o.verbose, "v", false, "print every round")
	flag.StringVar(&o.during, "during", "", "a command of the shell that runs while ChatETS is measured, as a profiler does; $PID is its process")
	flag.BoolVar(&o.ingest, "ingest", false, "measure what reading documents costs others instead")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := os.Setenv("CHATETS_CONFIG", os.DevNull); err != nil { // what is set up on this machine is not measured
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
	what := run
	if o.ingest {
		what = ingest
	}
	if err := what(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	scratch, err := os.MkdirTemp("", "stream")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(os.Stderr, "stream: the data is in", scratch)
	} else {
		defer os.RemoveAll(scratch)
	}
	model := fmt.Sprintf("fake:rate=%d,tokens=%d,ctx=8192", o.rate, o.tokens)
	server, h, err := o.start(ctx, scratch, model, o.streams)
	if err != nil {
		return err
	}
	defer server.stop()
	defer h.process.stop()
	request := h.request
	bare := &load{process: server.process, base: server.base, path: "/api/chat", body: func(int) []byte { return request }, read: bareText}
	through := &load{process: h.process, base: h.base, path: "/api/conversations", token: h.tokens, body: h.ask, read: houseText}

	var all []pair
	for i := range o.rounds {
		var p pair
		for _, one := range []struct {
			load *load
			into *round
		}{{bare, &p.bare}, {through, &p.through}} {
			if *one.into, err = one.load.measure(ctx, o); err != nil {
				return fmt.Errorf("round %d: %w", i+1, err)
			}
		}
		if o.verbose {
			fmt.Fprintf(os.Stderr, "round %d: bare %s; through ChatETS %s\n", i+1, p.bare, p.through)
		}
		all = append(all, p)
	}
	table(o, all)
	return nil
}

// start brings up the fake model server and ChatETS with so many people.
func (o options) start(ctx context.Context, scratch, model string, people int) (fake, *house, error) {
	if o.fake == "" {
		o.fake = filepath.Join(scratch, "fakemodel")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.fake, "./scripts/fakemodel").CombinedOutput(); err != nil {
			return fake{}, nil, fmt.Errorf("build the fake model server: %w\n%s", err, out)
		}
	}
	server, err := startFake(ctx, o.fake, model)
	if err != nil {
		return fake{}, nil, err
	}
	h, err := openHouse(ctx, o.bin, scratch, people)
	if err == nil {
		h.request, err = h.connect(ctx, server.base, model, people+28)
	}
	if err != nil {
		server.stop()
		if h != nil {
			h.process.stop()
		}
		return fake{}, nil, err
	}
	return server, h, nil
}

// A pair is one round of each.
type pair struct{ bare, through round }

func table(o options, all []pair) {
	row := func(name, format string, args ...any) { fmt.Printf("%-44s %s\n", name, fmt.Sprintf(format, args...)) }
	of := func(what func(pair) float64) (median, least, most float64) {
		values := make([]float64, len(all))
		for i, p := range all {
			values[i] = what(p)
		}
		slices.Sort(values)
		return values[len(values)/2], values[0], values[len(values)-1]
	}
	answers, cut := 0, 0
	for _, p := range all {
		answers += len(p.through.first)
		cut += p.through.odd
	}
	row("streams through ChatETS", "%d x %d tokens/s, %d tokens each, %d rounds, %d answers", o.streams, o.rate, o.tokens, len(all), answers)
	for _, at := range []struct {
		name string
		part float64
	}{{"p50", 0.50}, {"p99", 0.99}} {
		m, least, most := of(func(p pair) float64 { return p.through.at(at.part) - p.bare.at(at.part) })
		row("added time to first token, "+at.name, "%.1f ms (%.1f to %.1f)", m, least, most)
	}
	m, least, most := of(func(p pair) float64 { return p.through.perToken() / p.bare.perToken() })
	row("CPU a token, over the bare server's", "%.2fx (%.2f to %.2f)", m, least, most)
	b, _, _ := of(func(p pair) float64 { return p.bare.perToken() })
	t, _, _ := of(func(p pair) float64 { return p.through.perToken() })
	row("CPU a token, bare and ChatETS", "%.1f us and %.1f us", b, t)
	rate, _, _ := of(func(p pair) float64 { return p.through.rate() })
	row("tokens/s read through ChatETS", "%.0f of %d", rate, o.streams*o.rate)
	row("answers that were not whole or not the same", "%d", cut)
}
