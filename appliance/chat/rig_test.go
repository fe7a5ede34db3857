package chat

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/library"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

// tokens is an Authenticator over a map that tests fill.
type tokens map[string]actor.Actor

func (t tokens) Authenticate(_ context.Context, token, address string) (web.Identity, error) {
	a, known := t[token]
	if !known {
		return web.Identity{}, fault.New(fault.Unauthenticated, "Your session has ended.")
	}
	a.Address = address
	return web.Identity{Actor: a}, nil
}

func people() tokens {
	p := func(id, workspace string, role actor.Role) actor.Actor {
		return actor.Actor{Kind: actor.Person, ID: id, Workspace: workspace, Role: role, WorkspaceRole: actor.Member, Session: "s-" + id}
	}
	return tokens{"ada": p("ada", "w1", actor.None), "ben": p("ben", "w1", actor.None), "eve": p("eve", "w2", actor.None), "root": p("root", "w1", actor.Owner)}
}

// shelf is a library of passages that are given, for tests of what surrounds the
// search. Who may read what is said per knowledge base.
type shelf struct {
	mu       sync.Mutex
	passages []library.Passage
	closed   map[string]bool
	asked    []library.Question
	strict   bool // a search that names a closed base is refused, as the library does
	fail     error
	notes    []library.Note
}

func (s *shelf) Find(_ context.Context, _ library.Reach, q library.Question) (library.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q)
	for _, id := range q.Knowledge {
		if s.strict && s.closed[id] {
			return library.Result{}, fault.New(fault.NotFound, "There is no knowledge base %s.", id)
		}
	}
	if s.fail != nil {
		return library.Result{}, s.fail
	}
	var found []library.Passage
	wanted := lexical.Content(q.Text)
	for _, p := range s.passages {
		held := 0
		for _, t := range wanted {
			if strings.Contains(" "+strings.Join(lexical.Terms(p.Text+" "+p.Heading), " ")+" ", " "+t+" ") {
				held++
			}
		}
		if held > 0 && !s.closed[p.Knowledge] && (len(q.Knowledge) == 0 || slices.Contains(q.Knowledge, p.Knowledge)) {
			p.Coverage = float64(held) / float64(len(wanted))
			p.Score = p.Coverage * 10
			found = append(found, p)
		}
	}
	return library.Result{Passages: found, Notes: s.notes}, nil
}

func (s *shelf) ReadableDocuments(_ context.Context, _ library.Reach, ids []string) (map[string]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	may := map[string]bool{}
	for _, p := range s.passages {
		may[p.Document] = slices.Contains(ids, p.Document) && !s.closed[p.Knowledge]
	}
	return may, nil
}

func (s *shelf) Readable(_ context.Context, _ library.Reach, ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		known := false
		for _, p := range s.passages {
			known = known || p.Knowledge == id
		}
		if !known || s.closed[id] {
			return fault.New(fault.NotFound, "There is no knowledge base %s.", id)
		}
	}
	return nil
}

func (s *shelf) close(knowledge string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed[knowledge] = true
}

const ward = "Ward rules\nVisiting hours are from 14:00 to 18:00 every day. Children need an adult with them.\n" +
	"The cold store alarm is answered by Dr. Brandt, pager 4471. He comes within ten minutes."

func wardShelf() *shelf {
	return &shelf{closed: map[string]bool{}, passages: []library.Passage{{Chunk: 1, Document: "d-ward", DocumentTitle: "Ward rules", Knowledge: "k-ward",
		Version: 1, Heading: "Ward rules", Start: 0, End: len([]rune(ward)), Text: ward}}}
}

// rig is a chat behind real HTTP and a real database.
type rig struct {
	t     testing.TB
	dir   string
	db    *sqlite.DB
	audit *audit.Log
	chat  *Chat
	web   *web.Server
	base  string
	unix  string
	stop  context.CancelFunc
	ended chan struct{}
	told  notices
}

type notices struct {
	mu   sync.Mutex
	list []string
}

func (n *notices) add(workspace, person, noun, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, workspace+" "+person+" "+noun+" "+id)
}

func migrations() []fs.FS { return []fs.FS{audit.Migrations, Migrations} }

// open builds a rig whose chat set changes before it serves.
func open(t testing.TB, books Searcher, set func(c *Chat)) *rig {
	t.Helper()
	return openOn(t, sqlitetest.Open(t, migrations()...), books, set)
}

func openOn(t testing.TB, db *sqlite.DB, books Searcher, set func(c *Chat)) *rig {
	t.Helper()
	dir := t.TempDir()
	keys, _, err := secret.Open(filepath.Join(dir, "key"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(db, keys, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, db: db, audit: log, ended: make(chan struct{})}
	r.unix = filepath.Join(dir, "s")
	r.chat = &Chat{Store: Store{DB: db, Audit: log}, Library: books, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now, Notify: r.told.add}
	if set != nil {
		set(r.chat)
	}
	csrf := make([]byte, 32)
	if _, err := rand.Read(csrf); err != nil {
		t.Fatal(err)
	}
	r.web = web.New(web.Config{Listen: "127.0.0.1:0", Socket: r.unix, Version: "test", CSRFKey: csrf, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	r.web.UseAuthenticator(people())
	r.web.UseOperator(func(_ context.Context, uid int, _ string) (actor.Actor, error) {
		return actor.Actor{Kind: actor.Operator, ID: "root", Workspace: "w1", UID: uid}, nil
	})
	r.chat.Routes(r.web.API)
	if err := r.chat.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	var works sync.WaitGroup
	works.Go(func() {
		if err := r.chat.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	works.Go(func() {
		if err := r.web.Run(ctx); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	go func() {
		works.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		stop()
		<-r.ended
	})
	select {
	case <-r.web.Ready():
	case <-r.ended:
		t.Fatal("the server does not start")
	}
	r.base = "http://" + r.web.Addr()
	return r
}

// reply is an HTTP answer that was read to its end.
type reply struct {
	status int
	body   string
	header http.Header
}

func (r *rig) request(token, method, path, body string, headers ...string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if token == "" {
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", r.unix)
		}
	}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) do(token, method, path, body string, headers ...string) reply {
	r.t.Helper()
	res := r.request(token, method, path, body, headers...)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply{res.StatusCode, string(text), res.Header}
}

// must makes a request and reads its answer into a T.
func must[T any](r *rig, token, method, path, body string, status int, headers ...string) T {
	r.t.Helper()
	got := r.do(token, method, path, body, headers...)
	if got.status != status {
		r.t.Fatalf("%s %s: got %d, want %d: %s", method, path, got.status, status, got.body)
	}
	var out T
	if len(got.body) > 0 {
		if err := json.Unmarshal([]byte(got.body), &out); err != nil {
			r.t.Fatalf("%s %s: %v: %s", method, path, err, got.body)
		}
	}
	return out
}

func (r *rig) ask(token, question string) Exchange {
	r.t.Helper()
	return must[Exchange](r, token, "POST", "/api/conversations", string(encode(map[string]any{"message": question})), 200)
}

func (r *rig) begin(token, question string) Accepted {
	r.t.Helper()
	return must[Accepted](r, token, "POST", "/api/conversations", string(encode(map[string]any{"message": question})), 202, "Prefer", "respond-async")
}

func (r *rig) transcript(token, conversation string) Transcript {
	r.t.Helper()
	return must[Transcript](r, token, "GET", "/api/conversations/"+conversation, "", 200)
}

// reader reads an event stream event by event.
type reader struct {
	t     testing.TB
	res   *http.Response
	lines *bufio.Reader
}

func (r *rig) follow(token, run string, after int64) *reader {
	r.t.Helper()
	return r.stream(token, "GET", "/api/runs/"+run+"/events", "", "Last-Event-ID", strconv.FormatInt(after, 10))
}

func (r *rig) stream(token, method, path, body string, headers ...string) *reader {
	r.t.Helper()
	res := r.request(token, method, path, body, append([]string{"Accept", "text/event-stream"}, headers...)...)
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		text, _ := io.ReadAll(res.Body)
		r.t.Fatalf("%s %s: got %d %s: %s", method, path, res.StatusCode, res.Header.Get("Content-Type"), text)
	}
	rd := &reader{t: r.t, res: res, lines: bufio.NewReader(res.Body)}
	r.t.Cleanup(rd.leave)
	return rd
}

func (rd *reader) leave() { _ = rd.res.Body.Close() }

// next is the next event; false at the end of the stream.
func (rd *reader) next() (Event, bool) {
	rd.t.Helper()
	var e Event
	for {
		line, err := rd.lines.ReadBytes('\n')
		if err != nil {
			return e, false
		}
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		switch string(name) {
		case "id":
			if e.ID, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				rd.t.Fatal(err)
			}
		case "event":
			e.Name = string(value)
		case "data":
			e.Data = append(e.Data, value...)
		case "":
			if e.Name != "" && len(line) <= 2 {
				return e, true
			}
		}
	}
}

// until reads events up to and including the first that is good.
func (rd *reader) until(good func(Event) bool) []Event {
	rd.t.Helper()
	var all []Event
	for {
		e, ok := rd.next()
		if !ok {
			rd.t.Fatalf("the stream ended after %v", all)
		}
		if all = append(all, e); good(e) {
			return all
		}
	}
}

func (rd *reader) rest() []Event {
	rd.t.Helper()
	var all []Event
	for {
		e, ok := rd.next()
		if !ok {
			return all
		}
		all = append(all, e)
	}
}

func called(name string) func(Event) bool { return func(e Event) bool { return e.Name == name } }

// textOf is what a page shows of events: the deltas, or what done says.
func textOf(t testing.TB, events []Event) string {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		if e.Name == EventDelta {
			var d struct{ Text string }
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatal(err)
			}
			b.WriteString(d.Text)
		}
	}
	return b.String()
}

func phasesOf(t testing.TB, events []Event) []string {
	t.Helper()
	var all []string
	for _, e := range events {
		if e.Name == EventPhase {
			var p phase
			if err := json.Unmarshal(e.Data, &p); err != nil {
				t.Fatal(err)
			}
			all = append(all, p.Phase)
		}
	}
	return all
}

// eventually polls until good says yes.
func eventually(t testing.TB, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !good(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// pen is a Writer that a test drives: it says what comes over the channel and
// waits for more, until the channel is closed.
type pen chan string

func (p pen) Write(ctx context.Context, _ Brief, out Out) (string, error) {
	for {
		select {
		case text, more := <-p:
			if !more {
				return KindExtractive, nil
			}
			if err := out.Say(text); err != nil {
				return KindExtractive, err
			}
		case <-ctx.Done():
			return KindExtractive, ctx.Err()
		}
	}
}

// acts counts the rows of the audit record by act and outcome.
func (r *rig) acts() map[string]int {
	r.t.Helper()
	rows, err := r.db.Read().QueryContext(r.t.Context(), `SELECT act || ' ' || outcome, count(*) FROM audit GROUP BY 1`)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var act string
		var n int
		if err := rows.Scan(&act, &n); err != nil {
			r.t.Fatal(err)
		}
		counts[act] = n
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return counts
}
