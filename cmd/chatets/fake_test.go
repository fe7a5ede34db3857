package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A stand is a service that says what a test wants it to say, on a real socket,
// for what a real one does not do on demand.
func stand(t *testing.T, routes map[string]http.HandlerFunc) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "stand")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, handle)
	}
	if routes["GET /health"] == nil {
		mux.HandleFunc("GET /health", answers(`{"status":"ok","version":"dev"}`))
	}
	server := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return socket
}

func answers(json string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, json) }
}

func fails(status int, code, detail, cure string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":%d,"code":%q,"detail":%q,"cure":%q,"request":"r-7"}`, status, code, detail, cure)
	}
}

func streams(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		fmt.Fprint(w, ": ok\n\n")
		for i, e := range events {
			name, data, _ := strings.Cut(e, " ")
			fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", i+1, name, data)
		}
	}
}

// at runs one command line in this process against a socket.
func at(t *testing.T, ctx context.Context, socket string, args ...string) (code int, out, errs string) {
	t.Helper()
	return commanded(t, ctx, socket, "", args...)
}

// said is at with something on standard input.
func said(t *testing.T, socket, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	return commanded(t, t.Context(), socket, in, args...)
}

func commanded(t *testing.T, ctx context.Context, socket, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]*os.File{}
	for _, name := range []string{"in", "out", "err"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[name] = f
	}
	if _, err := files["in"].WriteAt([]byte(in), 0); err != nil {
		t.Fatal(err)
	}
	tty := &terminal{in: files["in"], out: files["out"], err: files["err"]}
	args = append(args, "--data", filepath.Join(dir, "data"), "--socket", socket, "--config", os.DevNull)
	code = execute(ctx, tty, args)
	read := func(name string) string {
		text, err := os.ReadFile(files[name].Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("the command made a data directory although a service answered")
	}
	return code, read("out"), read("err")
}

// obeyed is what no terminal may get to see but for line breaks.
var obeyed = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

const evil = `\u001b[31mred\u001b[0m \u009b2J\u202egpj.exe\u0007\r`

func TestAskTold(t *testing.T) {
	t.Parallel()
	const (
		start = `phase {"phase":"queued","run":"r"}`
		one   = `delta {"text":"Call the duty "}`
		two   = `delta {"text":"pharmacist. [1]\n"}`
		cites = `citations [{"number":1,"document":{"id":"d","title":"Cold store"},"heading":"Alarm","page":3,"text":"Call the duty pharmacist."}]`
		end   = `done {"id":"a","kind":"extractive"}`
	)
	for _, tt := range []struct {
		name   string
		handle http.HandlerFunc
		code   int
		out    string // exactly
		errs   string // a part
	}{
		{"streamed, then the sources", streams(start, one, two, cites, end), 0,
			"Call the duty pharmacist. [1]\n\nSources\n[1] Cold store, Alarm, page 3\n    Call the duty pharmacist.\n", ""},
		{"no line break at the end", streams(one, end), 0, "Call the duty \n", ""},
		{"nothing found", streams(`delta {"text":"Nothing was found."}`, `citations []`, end), 0, "Nothing was found.\n", ""},
		{"words nobody has taught us", streams(`fanfare {"x":1}`, one, end), 0, "Call the duty \n", ""},
		{"hostile", streams(`delta {"text":"`+evil+`"}`, strings.ReplaceAll(cites, "Alarm", evil), end), 0, "", ""},
		{"cut off", streams(start, one), 5, "Call the duty \n", "chatets: the answer was cut off before its end (ask again)"},
		{"stopped with the service", streams(one, `shutdown {}`), 5, "Call the duty \n", "the service was stopped before the answer ended"},
		{"failed on the way", streams(one, `error {"status":507,"code":"disk-full","detail":"The disk is full.","cure":"Free space.","request":"r-7"}`), 1,
			"Call the duty \n", "chatets: the disk is full (free space. Request: r-7)"},
		{"failed without a word", streams(`error {}`), 1, "", "the answer failed"},
		{"rubbish", streams(`delta [`), 1, "", "read a part of the answer"},
		{"refused", fails(422, "invalid", "The question is too long.", "Shorten it."), 4, "", "chatets: the question is too long (shorten it)"},
		{"an older service", fails(404, "no-route", "There is nothing at /api/operator/ask.", ""), 3, "", "there is nothing at"},
		{"busy", fails(503, "busy", "Too many questions.", "Try again."), 5, "", "too many questions"},
		{"broken", fails(500, "internal", "Something in ChatETS failed.", "Look into the log."), 1, "", "something in ChatETS failed (look into the log. Request: r-7)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			socket := stand(t, map[string]http.HandlerFunc{"POST /api/operator/ask": tt.handle})
			code, out, errs := at(t, t.Context(), socket, "ask", "Who is called?")
			if code != tt.code || tt.out != "" && out != tt.out || !strings.Contains(errs, tt.errs) {
				t.Errorf("got code %d, %q, %q; want %d, %q, %q", code, out, errs, tt.code, tt.out, tt.errs)
			}
			if found := obeyed.FindString(out + errs); found != "" {
				t.Errorf("the terminal would obey %q of %q%q", found, out, errs)
			}
		})
	}
}

// TestHostileLists gives every list and every failure text that steers a terminal.
func TestHostileLists(t *testing.T) {
	t.Parallel()
	socket := stand(t, map[string]http.HandlerFunc{
		"GET /api/people":    answers(`{"items":[{"id":"` + evil + `","email":"` + evil + `","name":"` + evil + `"}],"next":""}`),
		"GET /api/knowledge": answers(`{"items":[{"id":"1","name":"` + evil + `","ownerName":"` + evil + `"}],"next":""}`),
		"GET /api/documents": answers(`{"items":[{"id":"2","name":"` + evil + `","reason":"` + evil + `"}],"next":""}`),
		"POST /api/knowledge": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(409)
			fmt.Fprint(w, `{"status":409,"detail":"`+evil+`","cure":"`+evil+`","errors":[{"field":"body.`+evil+`","sentence":"`+evil+`"}]}`)
		},
		"POST /api/audit/verify": answers(`{"ok":false,"broken":{"row":2,"why":"` + evil + `"}}`),
	})
	for _, args := range [][]string{
		{"user", "list"}, {"knowledge", "list"}, {"document", "list"}, {"knowledge", "add", "x"}, {"audit", "verify"}, {"doctor"},
		{"user", "disable", "\x1b[31mred"}, {"document", "list", "--knowledge", "\x1b[31m\u009b"},
	} {
		for _, json := range []bool{false, true} {
			if json {
				args = append(args, "--json")
			}
			_, out, errs := at(t, t.Context(), socket, args...)
			if found := obeyed.FindString(out + errs); found != "" {
				t.Errorf("%q: the terminal would obey %q of %q", args, found, out+errs)
			}
			if out+errs == "" {
				t.Errorf("%q says nothing", args)
			}
		}
	}
}

// TestPagesAreFollowed reads a list to its end, with a cursor that needs quoting.
func TestPagesAreFollowed(t *testing.T) {
	t.Parallel()
	socket := stand(t, map[string]http.HandlerFunc{"GET /api/people": func(w http.ResponseWriter, r *http.Request) {
		next := map[string]string{"": "a&b=c+d/%", "a&b=c+d/%": "last", "last": ""}
		at := r.URL.Query().Get("cursor")
		to, known := next[at]
		if !known {
			w.WriteHeader(422)
			return
		}
		fmt.Fprintf(w, `{"items":[{"email":"page-%s"}],"next":%q}`, at, to)
	}})
	code, out, errs := at(t, t.Context(), socket, "user", "list")
	if code != 0 || strings.Count(out, "page-") != 3 {
		t.Errorf("got code %d, %q, %q", code, out, errs)
	}
}

// TestDoctorTold shows the doctor a service that is not well.
func TestDoctorTold(t *testing.T) {
	t.Parallel()
	well := map[string]http.HandlerFunc{
		"GET /ready":               answers(`{"ready":true,"checks":[{"name":"database","ok":true}]}`),
		"POST /api/operator/check": answers(`{"schema":8}`),
		"POST /api/audit/verify":   answers(`{"ok":true,"rows":12,"head":"ab"}`),
		"GET /api/scanner":         answers(`{"address":"","state":"off"}`),
		"GET /api/alerts":          answers(`{"items":[]}`),
	}
	for _, tt := range []struct {
		name    string
		changed map[string]http.HandlerFunc
		code    int
		want    string
	}{
		{"well", nil, 0, `ok +audit +the record is whole, 12 rows`},
		{"another version", map[string]http.HandlerFunc{"GET /health": answers(`{"version":"9.9"}`)}, 0, `warn +service +runs version 9.9, this command is dev`},
		{"not ready", map[string]http.HandlerFunc{"GET /ready": answers(`{"checks":[{"name":"database","ok":false,"detail":"It fails."}]}`)}, 1, `fail +readiness +database: It fails`},
		{"a damaged database", map[string]http.HandlerFunc{"POST /api/operator/check": fails(500, "database-damaged", "The database file is damaged.", "Restore it.")}, 6, `fail +database +The database file is damaged`},
		{"a broken record", map[string]http.HandlerFunc{"POST /api/audit/verify": answers(`{"ok":false,"broken":{"row":7,"why":"The row was changed."}}`)}, 6, `fail +audit +The audit record is broken at row 7`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			routes := map[string]http.HandlerFunc{}
			for _, from := range []map[string]http.HandlerFunc{well, tt.changed} {
				for pattern, handle := range from {
					routes[pattern] = handle
				}
			}
			code, out, errs := at(t, t.Context(), stand(t, routes), "doctor")
			if code != tt.code || !regexp.MustCompile(tt.want).MatchString(out) {
				t.Errorf("got code %d, %q, %q", code, out, errs)
			}
		})
	}
}

// TestStopped stops a command while it waits for a document.
func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	socket := stand(t, map[string]http.HandlerFunc{
		"GET /api/knowledge": answers(`{"items":[{"id":"k","name":"Notes","owner":"p"}],"next":""}`),
		"POST /api/documents": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(202)
			fmt.Fprint(w, `{"id":"d","name":"a.md"}`)
		},
		"GET /api/documents/{id}": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"id":"d","name":"a.md","state":"extracting","progress":{"done":1,"total":2,"note":""}}`)
			stop()
		},
	})
	file := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := at(t, ctx, socket, "document", "add", file)
	if code != exitFailed || !strings.Contains(errs, "stopped; 1 document was taken before and still to be worked on by the service") {
		t.Errorf("got code %d, %q, %q", code, out, errs)
	}
}

// TestOwnerIsSent sends --owner along with everything.
func TestOwnerIsSent(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	socket := stand(t, map[string]http.HandlerFunc{"POST /api/knowledge": func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("X-Chatets-Owner")
		fmt.Fprint(w, `{"id":"k","name":"Notes"}`)
	}})
	if code, _, errs := at(t, t.Context(), socket, "knowledge", "add", "Notes", "--owner", "ana@clinic.test"); code != 0 {
		t.Fatal(errs)
	}
	if owner := <-got; owner != "ana@clinic.test" {
		t.Errorf("got the owner %q", owner)
	}
}

// TestHelpIsComplete wants a sentence and the exit codes in every help.
func TestHelpIsComplete(t *testing.T) {
	t.Parallel()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		code, out, errs := at(t, t.Context(), "/nowhere", append(path, "--help")...)
		if code != 0 || !strings.Contains(out, exitCodes) || c.Short == "" {
			t.Errorf("%s --help: got code %d, %q, %q", c.CommandPath(), code, out, errs)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := newRoot(&options{terminal: &terminal{}, flags: map[string]*string{}})
	root.InitDefaultCompletionCmd()
	walk(root)
}
