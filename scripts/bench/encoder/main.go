// Command encoder compares the built-in encoder with the original's wasm in
// one run: turn by turn the same passage, processor time and not the clock.
// It fails when the median ratio is under the promised 3.5.
//
// What a newcomer gets wrong: it needs `npm ci` in scripts/weights with the
// development packages, because the original's runtime is one of them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chatets/appliance/encoder"
	"chatets/embed"
)

const (
	rounds   = 7
	passages = 20
	promised = 3.5
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench encoder:", err)
		os.Exit(1)
	}
}

func run() error {
	weights, _ := embed.Weights()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	e, err := encoder.New(weights)
	if err != nil {
		return err
	}
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	row("encoder: start, memory on the heap", fmt.Sprintf("%.1f ms, %.2f MB", took.Seconds()*1000, float64(after.HeapAlloc-before.HeapAlloc)/1e6))

	// One window, so that both read every piece once: 100 to 110 of them.
	words := strings.Fields("the cold chain is broken record highest temperature and call pharmacist on duty")
	text := "When"
	for word := 0; e.Tokens(text) < 105; word++ {
		text += " " + words[word%len(words)]
	}
	original := exec.Command("node", "scripts/bench/encoder/original.mjs")
	original.Stderr = os.Stderr
	in, err := original.StdinPipe()
	if err != nil {
		return err
	}
	out, err := original.StdoutPipe()
	if err != nil {
		return err
	}
	if err := original.Start(); err != nil {
		return err
	}
	answers := bufio.NewScanner(out)
	answers.Scan() // ready
	ratios, ours, theirs, err := compare(e, text, in, answers)
	closed := in.Close()
	if waited := original.Wait(); err == nil {
		err = waited
	}
	if err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	slices.Sort(ratios)
	slices.Sort(ours)
	slices.Sort(theirs)
	row(fmt.Sprintf("encoder: passages of %d pieces a second a core", e.Tokens(text)), fmt.Sprintf("%.1f, the original's wasm %.1f", ours[rounds/2], theirs[rounds/2]))
	row("encoder: times the original's wasm", fmt.Sprintf("%.2f (%.2f to %.2f), promised %.1f", ratios[rounds/2], ratios[0], ratios[rounds-1], promised))
	if ratios[rounds/2] < promised {
		return fmt.Errorf("the encoder is %.2f times as fast as the original, promised are %.1f", ratios[rounds/2], promised)
	}
	return nil
}

// compare lets both embed the text, in turns, and gives passages per second of processor time.
func compare(e *encoder.Encoder, text string, in io.Writer, answers *bufio.Scanner) (ratios, ours, theirs []float64, err error) {
	for range rounds {
		before := cpu()
		for range passages {
			if _, err := e.Embed(context.Background(), []string{text}); err != nil {
				return nil, nil, nil, err
			}
		}
		own := (cpu() - before).Seconds()
		if err := json.NewEncoder(in).Encode(map[string]any{"text": text, "count": passages}); err != nil {
			return nil, nil, nil, err
		}
		if !answers.Scan() {
			return nil, nil, nil, fmt.Errorf("the original ended early (npm ci in scripts/weights): %w", answers.Err())
		}
		other, err := strconv.ParseFloat(answers.Text(), 64)
		if err != nil {
			return nil, nil, nil, err
		}
		ratios, ours, theirs = append(ratios, other/own), append(ours, passages/own), append(theirs, passages/other)
	}
	return ratios, ours, theirs, nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func row(what, value string) { fmt.Printf("%-50s %s\n", what, value) }
