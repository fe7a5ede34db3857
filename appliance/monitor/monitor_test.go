package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/web"
)

// tokens is an Authenticator over two people.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token, _ string) (web.Identity, error) {
	switch token {
	case "root":
		return web.Identity{Actor: actor.Actor{Kind: actor.Person, ID: "root", Workspace: "w1", Role: actor.Admin}}, nil
	case "ada":
		return web.Identity{Actor: actor.Actor{Kind: actor.Person, ID: "ada", Workspace: "w1", WorkspaceRole: actor.Member}}, nil
	}
	return web.Identity{}, fault.New(fault.Unauthenticated, "Your session has ended.")
}

// rig is a monitor behind real HTTP.
type rig struct {
	t    *testing.T
	db   *sqlite.DB
	jobs *job.Queue
	base string
	unix string
}

func open(t *testing.T, set func(m *Monitor)) *rig {
	t.Helper()
	r := &rig{t: t, db: sqlitetest.Open(t, audit.Migrations, job.Migrations), unix: filepath.Join(t.TempDir(), "s")}
	keys, _, err := secret.Open(filepath.Join(t.TempDir(), "key"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	record, err := audit.New(r.db, keys, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	silent := slog.New(slog.DiscardHandler)
	r.jobs = &job.Queue{DB: r.db, Log: silent}
	r.jobs.Handle("library.ingest", job.Options{}, func(context.Context, *job.Running) error { return nil })
	m := &Monitor{Version: "1.2.3", Jobs: r.jobs, Audit: record}
	if set != nil {
		set(m)
	}
	s := web.New(web.Config{Listen: "127.0.0.1:0", Socket: r.unix, Log: silent})
	s.UseAuthenticator(tokens{})
	s.UseOperator(func(context.Context, int, string) (actor.Actor, error) {
		return actor.Actor{Kind: actor.Operator, ID: "root", Workspace: "w1"}, nil
	})
	s.UseObserver(m.Observe)
	m.Routes(s.API)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	r.base = "http://" + s.Addr()
	return r
}

// do asks over TCP, or over the socket with the token "socket".
func (r *rig) do(token, method, path string, headers ...string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	switch token {
	case "":
	case "socket":
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", r.unix)
		}
	default:
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	broken := errors.New("open /var/lib/chatets/chatets.db: input/output error")
	for _, tt := range []struct {
		name          string
		reporters     []Reporter
		status        int
		must, mustNot []string
	}{
		{"nothing to check", nil, 200, []string{`"ready":true`, `"checks":[]`}, nil},
		{"all well", []Reporter{Report{"database", func(context.Context) error { return nil }}}, 200, []string{`"ready":true`, `"name":"database"`, `"ok":true`}, []string{"detail"}},
		{"a fault", []Reporter{Report{"key", func(context.Context) error { return fault.New(fault.Unavailable, "The key is missing.") }}, Report{"database", func(context.Context) error { return nil }}},
			503, []string{`"ready":false`, "The key is missing."}, nil},
		{"a bug", []Reporter{Report{"database", func(context.Context) error { return broken }}}, 503, []string{`"ready":false`, "the log says why"}, []string{"/var/lib", "input/output"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := open(t, func(m *Monitor) { m.Reporters = tt.reporters })
			status, body := r.do("", "GET", "/ready")
			if status != tt.status {
				t.Errorf("got %d, want %d: %s", status, tt.status, body)
			}
			for _, want := range tt.must {
				if !strings.Contains(body, want) {
					t.Errorf("lacks %q: %s", want, body)
				}
			}
			for _, not := range tt.mustNot {
				if strings.Contains(body, not) {
					t.Errorf("holds %q: %s", not, body)
				}
			}
			// The process answers all the same.
			if status, body := r.do("", "GET", "/health"); status != 200 || strings.TrimSpace(body) != `{"status":"ok","version":"1.2.3","generation":"none"}` {
				t.Errorf("health: got %d %s", status, body)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := open(t, func(m *Monitor) {
		m.Gauges = []Gauge{
			One("documents", "Documents.", func(context.Context) (float64, error) { return 42, nil }),
			One("broken", "Fails.", func(context.Context) (float64, error) { return 0, errors.New("no") }),
			{Name: "sessions", Help: "Sessions.", Label: "kind", Read: func(context.Context) (map[string]float64, error) {
				return map[string]float64{"cookie": 3, "bearer": 1}, nil
			}},
		}
		m.Measure("searching", "", 3*time.Millisecond)
		m.Measure("run", "done", 8*time.Millisecond)
	})
	r.enqueue("library.ingest")
	r.do("", "GET", "/health")
	r.do("", "GET", "/no/such/page/with/a/name/nobody/knows")
	for _, tt := range []struct {
		name, token string
		headers     []string
		status      int
	}{
		{"a scraper on this machine", "", nil, 200},
		{"somebody through a proxy on this machine", "", []string{"X-Forwarded-For", "203.0.113.9"}, 403},
		{"somebody through another proxy", "", []string{"Forwarded", "for=203.0.113.9"}, 403},
		{"an administrator through a proxy", "root", []string{"X-Forwarded-For", "203.0.113.9"}, 200},
		{"a member through a proxy", "ada", []string{"X-Forwarded-For", "203.0.113.9"}, 403},
		{"the socket", "socket", nil, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := r.do(tt.token, "GET", "/metrics", tt.headers...)
			if status != tt.status || (status == 200) != strings.Contains(body, "chatets_documents 42") {
				t.Fatalf("got %d, want %d: %.300s", status, tt.status, body)
			}
			if status != 200 {
				return
			}
			for _, want := range []string{
				`chatets_info{version="1.2.3"} 1`, `chatets_sessions{kind="cookie"} 3`, `chatets_runs_total{outcome="done"} 1`,
				`chatets_run_phase_duration_seconds_count{phase="searching"} 1`, `chatets_jobs{state="waiting"} 1`,
				`chatets_http_request_duration_seconds_count{method="GET",route="/health",status="2xx"}`, "go_goroutines", "process_cpu_seconds_total",
			} {
				if !strings.Contains(body, want) {
					t.Errorf("lacks %q", want)
				}
			}
			for _, not := range []string{"nobody/knows", "chatets_broken"} {
				if strings.Contains(body, not) {
					t.Errorf("holds %q", not)
				}
			}
		})
	}
}

func TestTheLabelsOfMetricsAreBounded(t *testing.T) {
	t.Parallel()
	var m Monitor
	for _, method := range []string{"GET", "BREW", "MOO", "<script>"} {
		m.Observe("other", method, 404, time.Millisecond)
	}
	families, err := m.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "chatets_http_request_duration_seconds" && len(f.GetMetric()) != 2 {
			t.Errorf("got %d series, want GET and other", len(f.GetMetric()))
		}
	}
}

// enqueue puts a job into the queue that nobody works on.
func (r *rig) enqueue(kind string) (id string) {
	r.t.Helper()
	err := r.db.Update(r.t.Context(), func(ctx context.Context, tx *sqlite.Tx) (err error) {
		id, err = r.jobs.Enqueue(ctx, tx, job.New{Kind: kind, Workspace: "w1", Owner: "ada"})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func TestJobs(t *testing.T) {
	t.Parallel()
	r := open(t, nil)
	var ids []string
	for range 3 {
		ids = append(ids, r.enqueue("library.ingest"))
	}
	for _, route := range []string{"GET /api/jobs", "POST /api/jobs/" + ids[0] + "/cancel", "POST /api/jobs/" + ids[0] + "/retry"} {
		method, path, _ := strings.Cut(route, " ")
		if status, body := r.do("ada", method, path); status != 403 || strings.Contains(body, "ingest") {
			t.Errorf("a member: %s got %d %s", route, status, body)
		}
		if status, _ := r.do("", method, path); status != 401 {
			t.Errorf("nobody: %s got %d", route, status)
		}
	}
	var page struct {
		Items []Job
		Next  string
	}
	list := func(query string) {
		t.Helper()
		status, body := r.do("root", "GET", "/api/jobs"+query)
		page.Items, page.Next = nil, ""
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 || page.Items == nil {
			t.Fatalf("got %d %v %s", status, err, body)
		}
	}
	list("?limit=2")
	if len(page.Items) != 2 || page.Items[0].ID != ids[2] || page.Items[0].State != "waiting" || page.Items[0].Kind != "library.ingest" {
		t.Errorf("got %+v", page)
	}
	list("?limit=2&cursor=" + page.Next)
	if len(page.Items) != 1 || page.Items[0].ID != ids[0] || page.Next != "" {
		t.Errorf("got %+v", page)
	}
	for _, tt := range []struct {
		name, path string
		status     int
		state      string
	}{
		{"cancel", ids[1] + "/cancel", 200, "cancelled"},
		{"cancel again", ids[1] + "/cancel", 409, ""},
		{"retry", ids[1] + "/retry", 200, "waiting"},
		{"retry one that waits", ids[0] + "/retry", 409, ""},
		{"an unknown one", "nope/cancel", 404, ""},
	} {
		status, body := r.do("root", "POST", "/api/jobs/"+tt.path)
		if status != tt.status || tt.state != "" && !strings.Contains(body, `"state":"`+tt.state+`"`) {
			t.Errorf("%s: got %d, want %d %s: %s", tt.name, status, tt.status, tt.state, body)
		}
	}
	list("?state=cancelled")
	if len(page.Items) != 0 {
		t.Errorf("got %+v", page)
	}
	rows, err := r.db.Read().QueryContext(t.Context(), `SELECT act || ' ' || outcome || ' ' || actor FROM audit ORDER BY row`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var acts []string
	for rows.Next() {
		var act string
		if err := rows.Scan(&act); err != nil {
			t.Fatal(err)
		}
		acts = append(acts, act)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(acts, ", "), "job.cancel ok root, job.cancel refused root, job.retry ok root, job.retry refused root"; got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
}

func TestLoggerKeepsSecretsOut(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{false, true} {
		var b bytes.Buffer
		log := NewLogger(&b, terminal, "info")
		log.Debug("not at this level")
		log.With("token", "s3cret-1").Info("signed in", "password", "s3cret-2", slog.Group("request", "Authorization", "Bearer s3cret-3", "path", "/api"),
			"csrfToken", "s3cret-4", "error", errors.New("visible"), "person", "p-1")
		got := b.String()
		for _, want := range []string{"signed in", "/api", "visible", "p-1", redacted} {
			if !strings.Contains(got, want) {
				t.Errorf("lacks %q: %s", want, got)
			}
		}
		for _, not := range []string{"s3cret", "not at this level"} {
			if strings.Contains(got, not) {
				t.Errorf("holds %q: %s", not, got)
			}
		}
		if json.Valid(b.Bytes()) == terminal {
			t.Errorf("terminal %v: got %s", terminal, got)
		}
	}
	var b bytes.Buffer
	NewLogger(&b, false, "no such level").Info("is info")
	NewLogger(&b, false, "error").Warn("too quiet")
	if got := b.String(); !strings.Contains(got, "is info") || strings.Contains(got, "too quiet") {
		t.Errorf("got %s", got)
	}
}
