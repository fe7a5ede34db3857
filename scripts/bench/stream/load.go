package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A load is one way to the model server.
type load struct {
	process *process
	base    string
	path    string
	token   []string // of each stream; nil for none
	body    func(stream int) []byte
	read    func(line []byte, event *string) (text string, ended, failed bool)

	answer string // the first that came; all are to be the same
}

// A round is what one measurement saw.
type round struct {
	first []time.Duration // times to the first token, sorted
	size  int64           // bytes of text that came in the window
	one   float64         // bytes of a token
	took  time.Duration
	cpu   time.Duration
	odd   int // answers that were not whole, or not as the others
}

func (r round) at(part float64) float64 {
	if len(r.first) == 0 {
		return 0
	}
	return r.first[min(int(part*float64(len(r.first))), len(r.first)-1)].Seconds() * 1000
}

func (r round) tokens() float64   { return float64(r.size) / r.one }
func (r round) rate() float64     { return r.tokens() / r.took.Seconds() }
func (r round) perToken() float64 { return r.cpu.Seconds() * 1e6 / r.tokens() }

func (r round) String() string {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, %.0f tokens/s, %.1f us a token", r.at(0.5), r.at(0.99), r.rate(), r.perToken())
}

// measure keeps all streams reading, and counts once the last of them began and
// the first has asked again.
func (l *load) measure(ctx context.Context, o options) (round, error) {
	length := time.Duration(float64(o.tokens) / float64(o.rate) * float64(time.Second))
	m := &meter{load: l}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.streams, DisableCompression: true,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}}
	defer client.CloseIdleConnections()
	var readers sync.WaitGroup
	began := time.Now()
	for i := range o.streams {
		readers.Go(func() {
			timer := time.NewTimer(length * time.Duration(i) / time.Duration(o.streams))
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			for ctx.Err() == nil && !m.over.Load() {
				m.one(ctx, client, i)
			}
		})
	}
	pause := func(until time.Time) {
		select {
		case <-time.After(time.Until(until)):
		case <-ctx.Done():
		}
	}
	pause(began.Add(length + length/4))
	var r round
	before, err := l.process.cpu()
	if err != nil {
		m.over.Store(true)
		readers.Wait()
		return r, err
	}
	from := time.Now()
	m.size.Store(0)
	m.counts.Store(true)
	beside := l.beside(ctx, o.during)
	pause(from.Add(o.window))
	defer beside()
	m.counts.Store(false)
	r.size, r.took = m.size.Load(), time.Since(from)
	after, err := l.process.cpu()
	r.cpu = after - before
	m.over.Store(true)
	readers.Wait()
	if err := errors.Join(err, m.err, ctx.Err()); err != nil {
		return r, err
	}
	if m.whole == 0 || len(m.first) == 0 {
		return r, errors.New("no answer came to its end")
	}
	r.one = float64(len(l.answer)) / float64(o.tokens)
	r.first, r.odd = m.first, m.odd
	slices.Sort(r.first)
	return r, nil
}

// beside runs a command while ChatETS is measured, and returns what waits for it.
func (l *load) beside(ctx context.Context, command string) func() {
	if command == "" || l.token == nil {
		return func() {}
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", command)
	cmd.Env = append(os.Environ(), fmt.Sprintf("PID=%d", l.process.cmd.Process.Pid))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return func() {}
	}
	return func() { _ = cmd.Wait() }
}

// A meter collects what the readers see.
type meter struct {
	load   *load
	counts atomic.Bool
	over   atomic.Bool
	size   atomic.Int64

	mu    sync.Mutex
	first []time.Duration
	whole int
	odd   int
	err   error
}

// one asks once and reads to the end.
func (m *meter) one(ctx context.Context, client *http.Client, stream int) {
	counted := m.counts.Load()
	began := time.Now()
	first, text, err := m.read(ctx, client, stream)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.load.answer == "" && err == nil {
		m.load.answer = text
	}
	if counted && !first.IsZero() {
		m.first = append(m.first, first.Sub(began))
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		m.odd++
		m.over.Store(true)
		m.err = errors.Join(m.err, err)
	case text != m.load.answer:
		m.odd++
	default:
		m.whole++
	}
}

func (m *meter) read(ctx context.Context, client *http.Client, stream int) (first time.Time, text string, err error) {
	l := m.load
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+l.path, bytes.NewReader(l.body(stream)))
	if err != nil {
		return first, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	if l.token != nil {
		req.Header.Set("Authorization", "Bearer "+l.token[stream])
	}
	res, err := client.Do(req)
	if err != nil {
		return first, "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return first, "", fmt.Errorf("%s: %s", res.Status, said)
	}
	lines := bufio.NewReaderSize(res.Body, 4096)
	var said []byte
	event, ended := "", false
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			piece, end, failed := l.read(bytes.TrimRight(line, "\r\n"), &event)
			if failed {
				return first, "", fmt.Errorf("the answer failed: %s", line)
			}
			ended = ended || end
			if piece != "" {
				if first.IsZero() {
					first = time.Now()
				}
				said = append(said, piece...)
				if m.counts.Load() {
					m.size.Add(int64(len(piece)))
				}
			}
		}
		switch {
		case err == nil:
		case err == io.EOF && ended:
			return first, string(said), nil
		case err == io.EOF:
			return first, string(said), errors.New("an answer ended without its end")
		default:
			return first, string(said), err
		}
	}
}

// bareText reads a line of Ollama's.
func bareText(line []byte, _ *string) (text string, ended, failed bool) {
	var c struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Done  bool `json:"done"`
		Error any  `json:"error"`
	}
	if json.Unmarshal(line, &c) != nil || c.Error != nil {
		return "", false, true
	}
	return c.Message.Content, c.Done, false
}

// houseText reads a line of a run's events.
func houseText(line []byte, event *string) (text string, ended, failed bool) {
	if name, is := bytes.CutPrefix(line, []byte("event: ")); is {
		*event = string(name)
		return "", *event == "done", *event == "error"
	}
	data, is := bytes.CutPrefix(line, []byte("data: "))
	if !is || *event != "delta" {
		return "", false, false
	}
	var c struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(data, &c) != nil {
		return "", false, true
	}
	return c.Text, false, false
}
