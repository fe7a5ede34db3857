package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ingest measures what reading documents costs those who do something else: the
// API without models, and the first word of an answer, with nothing to read and
// with four people who add documents without a pause, in turns.
func ingest(ctx context.Context, o options) error {
	scratch, err := os.MkdirTemp("", "ingest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	model := fmt.Sprintf("fake:rate=%d,tokens=20,ctx=8192", o.rate)
	server, h, err := o.start(ctx, scratch, model, 8)
	if err != nil {
		return err
	}
	defer server.stop()
	defer h.process.stop()
	var base struct {
		ID string `json:"id"`
	}
	if err := h.call(ctx, h.admin, http.MethodPost, "/api/knowledge", map[string]any{"name": "Ingest"}, &base); err != nil {
		return err
	}
	idleMemory := h.memory()
	var api, first [2][]float64 // p99 and median of each round: idle, with ingest
	added := 0
	for range o.rounds {
		for busy := range 2 {
			stop := func() int { return 0 }
			if busy == 1 {
				stop = h.adding(ctx, base.ID)
				if err := wait(ctx, time.Second); err != nil {
					return err
				}
			}
			calls, words, err := h.visit(ctx, o)
			added += stop()
			if err != nil {
				return err
			}
			api[busy], first[busy] = append(api[busy], at(calls, 99)), append(first[busy], at(words, 50))
			if o.verbose {
				fmt.Fprintf(os.Stderr, "ingest %d: API p50 %.1f ms, p99 %.1f ms (%d calls); first word p50 %.1f ms, p99 %.1f ms\n",
					busy, at(calls, 50), at(calls, 99), len(calls), at(words, 50), at(words, 99))
			}
		}
		if err := h.read(ctx, base.ID); err != nil {
			return err
		}
	}
	var apiRatio, firstMore []float64
	for i := range api[0] {
		apiRatio, firstMore = append(apiRatio, api[1][i]/api[0][i]), append(firstMore, first[1][i]-first[0][i])
	}
	row := func(name, format string, args ...any) { fmt.Printf("%-44s %s\n", name, fmt.Sprintf(format, args...)) }
	row("API p99, idle and under ingest", "%.1f ms and %.1f ms, %.2fx (%.2f to %.2f)", at(api[0], 50), at(api[1], 50), at(apiRatio, 50), slices.Min(apiRatio), slices.Max(apiRatio))
	row("first word, idle and under ingest", "%.1f ms and %.1f ms, %.1f ms more", at(first[0], 50), at(first[1], 50), at(firstMore, 50))
	row("documents of 100 KB added meanwhile", "%d", added)
	row("memory of the service, before and after", "%d MB, %d MB", idleMemory, h.memory())
	return h.giants(ctx, base.ID, row)
}

func at(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// visit calls the API forty times a second and asks a question a second, and
// gives the milliseconds that took.
func (h *house) visit(ctx context.Context, o options) (calls, words []float64, err error) {
	var mu sync.Mutex
	var works sync.WaitGroup
	note := func(into *[]float64, took time.Duration, e error) {
		mu.Lock()
		defer mu.Unlock()
		if e != nil {
			err = e
			return
		}
		*into = append(*into, took.Seconds()*1000)
	}
	through := &load{process: h.process, base: h.base, path: "/api/conversations", token: h.tokens, body: h.ask, read: houseText}
	m := &meter{load: through}
	paths := []string{"/api/session", "/api/knowledge", "/api/conversations"}
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for i, until := 0, time.Now().Add(o.window); time.Now().Before(until) && ctx.Err() == nil; i++ {
		works.Go(func() {
			began := time.Now()
			e := h.call(ctx, h.tokens[i%len(h.tokens)], http.MethodGet, paths[i%len(paths)], nil, nil)
			note(&calls, time.Since(began), e)
		})
		if i%40 == 0 {
			works.Go(func() {
				began := time.Now()
				first, _, e := m.read(ctx, h.client, i/40%len(h.tokens))
				note(&words, first.Sub(began), e)
			})
		}
		<-tick.C
	}
	works.Wait()
	return calls, words, err
}

// adding lets four people add documents until what it returns is called, which
// tells how many they added.
func (h *house) adding(ctx context.Context, base string) func() int {
	ctx, cancel := context.WithCancel(ctx)
	var works sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for worker := range 4 {
		works.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), uint64(time.Now().UnixNano())))
			for i := 0; ctx.Err() == nil; i++ {
				if h.add(ctx, base, fmt.Sprintf("page-%d-%d.txt", worker, i), prose(random, 100_000)) == nil {
					mu.Lock()
					added++
					mu.Unlock()
				}
				_ = wait(ctx, 100*time.Millisecond)
			}
		})
	}
	return func() int {
		cancel()
		works.Wait()
		return added
	}
}

// prose is text of made-up words with English glue between them.
func prose(random *rand.Rand, size int) []byte {
	glue := strings.Fields("the of and is for with are must this by")
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		switch {
		case i%3 == 1:
			b.WriteString(glue[random.IntN(len(glue))])
		default:
			fmt.Fprintf(&b, "w%s", strconv.FormatInt(int64(random.IntN(20_000)), 26))
		}
		b.WriteByte(" ."[i%14/13])
		if i%14 == 13 {
			b.WriteByte("\n "[min(i%70, 1)])
		}
	}
	return b.Bytes()
}

func (h *house) add(ctx context.Context, base, name string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+"/api/documents?knowledge="+base+"&name="+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.admin)
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(res.Body)
	if res.StatusCode >= 300 {
		return fmt.Errorf("add %s: %s: %s", name, res.Status, said)
	}
	return nil
}

// read waits until nothing is left to read.
func (h *house) read(ctx context.Context, base string) error {
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); {
		states, err := h.states(ctx, base)
		if err != nil {
			return err
		}
		if states["waiting"]+states["extracting"]+states["embedding"] == 0 {
			return nil
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the documents are not read")
}

func (h *house) states(ctx context.Context, base string) (map[string]int, error) {
	var list struct {
		Items []struct {
			State string `json:"state"`
		} `json:"items"`
	}
	states := map[string]int{}
	err := h.call(ctx, h.admin, http.MethodGet, "/api/documents?limit=200&knowledge="+base, nil, &list)
	for _, d := range list.Items {
		states[d.State]++
	}
	return states, err
}

// giants adds files that are large or grow when they are opened, one after the
// other, and tells how much memory the service and its reading process took.
func (h *house) giants(ctx context.Context, base string, row func(name, format string, args ...any)) error {
	random := rand.New(rand.NewPCG(1, 2))
	text := prose(random, 1<<20)
	page := append([]byte("<html><body>"), bytes.Repeat([]byte("<p>"+string(text[:1000])+"</p>\n"), 32<<10)...)
	var mail bytes.Buffer
	mail.WriteString("From: a@house.test\r\nTo: b@house.test\r\nSubject: Giant\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n")
	for i := range 40 {
		fmt.Fprintf(&mail, "--x\r\nContent-Type: text/plain; name=part%d.txt\r\nContent-Disposition: attachment; filename=part%d.txt\r\nContent-Transfer-Encoding: base64\r\n\r\n", i, i)
		code := base64.StdEncoding.EncodeToString(text)
		for ; len(code) > 76; code = code[76:] {
			mail.WriteString(code[:76] + "\r\n")
		}
		mail.WriteString(code + "\r\n")
	}
	mail.WriteString("--x--\r\n")
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	entry, err := z.Create("entry.txt")
	if err != nil {
		return err
	}
	for range 128 {
		if _, err := entry.Write(text); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	for _, f := range []struct {
		name, what string
		body       []byte
	}{{"giant.eml", "a mail", mail.Bytes()}, {"giant.html", "a page", page}, {"giant.zip", "a ZIP with an entry of 128 MB", packed.Bytes()}} {
		before := h.memory()
		watch := h.watch()
		if err := h.add(ctx, base, f.name, f.body); err != nil {
			row(f.what, "refused: %v", err)
			watch()
			continue
		}
		err := h.read(ctx, base)
		service, child := watch()
		if err != nil {
			return err
		}
		row(fmt.Sprintf("%s, %d MB", f.what, len(f.body)>>20), "service %d MB, at most %d MB meanwhile; reading process at most %d MB", before, service, child)
	}
	return nil
}

// memory is what the service has resident, in megabytes.
func (h *house) memory() int { return resident(h.process.cmd.Process.Pid) }

func resident(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(raw))[1])
	return pages * os.Getpagesize() >> 20
}

// watch looks at the service and its children until what it returns is called,
// which gives the most that each had.
func (h *house) watch() func() (service, child int) {
	pid := h.process.cmd.Process.Pid
	stop, ended := make(chan struct{}), make(chan struct{})
	most, mostChild := 0, 0
	go func() {
		defer close(ended)
		for {
			most = max(most, resident(pid))
			lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
			for _, list := range lists {
				raw, _ := os.ReadFile(list)
				for id := range strings.FieldsSeq(string(raw)) {
					n, _ := strconv.Atoi(id)
					mostChild = max(mostChild, resident(n))
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() (int, int) {
		close(stop)
		<-ended
		return most, mostChild
	}
}
