package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "example.org:80", "8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "[::ffff:8.8.8.8]:0", "2130706433:0", "localhost.example.org:0"} {
		err := New(Config{Listen: address}).Run(t.Context())
		r := fault.Of(err)
		if err == nil || r.Kind != fault.Invalid || r.Cure == "" {
			t.Errorf("%s: got %v, cure %q", address, err, r.Cure)
		}
	}
	if err := New(Config{}).Run(t.Context()); !fault.Is(err, fault.Invalid) {
		t.Errorf("nothing to listen on: %v", err)
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.8.9.1:0"} {
		r := startWith(t, Config{Listen: address}, guarded)
		if !strings.HasPrefix(r.Addr(), "127.") {
			t.Errorf("%s listens on %s", address, r.Addr())
		}
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	err := New(Config{Listen: r.Addr()}).Run(t.Context())
	if f := fault.Of(err); f.Kind != fault.Conflict || !strings.Contains(f.Sentence, r.Addr()) || f.Cure == "" {
		t.Errorf("got %v", err)
	}
}

// socketClient speaks HTTP over a Unix socket.
func socketClient(t *testing.T, path string) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "chatets.sock")
	var owners sync.Map
	r := startWith(t, Config{Listen: "127.0.0.1:0", Socket: path}, func(s *Server) {
		guarded(s)
		s.UseOperator(func(_ context.Context, uid int, owner string) (actor.Actor, error) {
			owners.Store(owner, uid)
			if owner == "nobody@example.org" {
				return actor.Actor{}, fault.New(fault.NotFound, "There is no such person.")
			}
			return actor.Actor{ID: "p-ada", Workspace: "w1"}, nil
		})
	})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 || info.Mode().Type() != fs.ModeSocket {
		t.Fatalf("socket %v %v", info.Mode(), err)
	}
	client := socketClient(t, path)
	get := func(method, path string, headers ...string) answer {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://chatets"+path, nil)
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return answer{res, string(text)}
	}
	for _, tt := range []struct {
		method, path string
	}{{"GET", "/api/operator"}, {"GET", "/api/admin"}, {"GET", "/api/audit"}, {"POST", "/api/me"}, {"GET", "/api/public"}} {
		a := get(tt.method, tt.path)
		w := readJSON[who](t, a.text)
		if a.StatusCode != 200 || w.Kind != "operator" || w.ID != "p-ada" || w.UID != os.Geteuid() || w.Address != "" {
			t.Errorf("%s: got %d %s", tt.path, a.StatusCode, a.text)
		}
	}
	if a := get("GET", "/api/admin", "X-Chatets-Owner: bob@example.org"); a.StatusCode != 200 {
		t.Errorf("owner: %d", a.StatusCode)
	}
	if uid, ok := owners.Load("bob@example.org"); !ok || uid != os.Geteuid() {
		t.Error("the owner is not passed on")
	}
	if a := get("GET", "/api/admin", "X-Chatets-Owner: nobody@example.org"); a.StatusCode != 404 {
		t.Errorf("unknown owner: %d %s", a.StatusCode, a.text)
	}
	if a := get("GET", "/api/public", "X-Chatets-Owner: nobody@example.org"); a.StatusCode != 200 {
		t.Errorf("unknown owner on a public route: %d", a.StatusCode)
	}
	if a := r.call("GET", "/api/admin", "", "X-Chatets-Owner: bob@example.org"); a.StatusCode != 401 {
		t.Errorf("the header over TCP: %d", a.StatusCode)
	}
	r.stop()
	<-r.stopped
	r.stopped <- nil
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket file is left behind")
	}
}

func TestSocketOfAnotherUser(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	sc := &scope{server: r.Server, peer: &peer{uid: os.Geteuid() + 4711}}
	if _, err := r.asOperator(t.Context(), nil, sc); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v", err)
	}
}

func TestSocketFile(t *testing.T) {
	t.Parallel()
	t.Run("long path", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), strings.Repeat("long-folder-name/", 10))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "chatets.sock")
		startWith(t, Config{Socket: path}, guarded)
		home, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer home.Close()
		res, err := socketClient(t, fmt.Sprintf("/proc/self/fd/%d/chatets.sock", home.Fd())).Get("http://chatets/api/operator")
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("got %v %v", res, err)
		}
	})
	t.Run("name too long", func(t *testing.T) {
		t.Parallel()
		err := New(Config{Socket: filepath.Join(t.TempDir(), strings.Repeat("s", 120))}).Run(t.Context())
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stale", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s")
		ln, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
		if err != nil {
			t.Fatal(err)
		}
		ln.SetUnlinkOnClose(false)
		_ = ln.Close()
		startWith(t, Config{Socket: path}, guarded)
		if res, err := socketClient(t, path).Get("http://chatets/api/operator"); err != nil || res.StatusCode != 200 {
			t.Errorf("got %v %v", res, err)
		}
	})
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s")
		startWith(t, Config{Socket: path}, guarded)
		if err := New(Config{Socket: path}).Run(t.Context()); !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v", err)
		}
		if res, err := socketClient(t, path).Get("http://chatets/api/operator"); err != nil || res.StatusCode != 200 {
			t.Errorf("the first one: %v %v", res, err)
		}
	})
	t.Run("a file that is no socket", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := New(Config{Socket: path}).Run(t.Context()); !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v", err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "precious" {
			t.Errorf("the file is now %q %v", data, err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		if err := New(Config{Socket: filepath.Join(t.TempDir(), "none", "s")}).Run(t.Context()); !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("one listener fails, the other is given back", func(t *testing.T) {
		t.Parallel()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := ln.Addr().String()
		_ = ln.Close()
		if err := New(Config{Listen: address, Socket: filepath.Join(t.TempDir(), "none", "s")}).Run(t.Context()); err == nil {
			t.Fatal("no error")
		}
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("the address is still taken: %v", err)
		}
		_ = again.Close()
	})
}

func TestGracefulStop(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	r := start(t, func(s *Server) {
		guarded(s)
		Handle(s.API, Route{Method: "GET", Path: "/api/slow", ID: "slow", Summary: "Slow.", Access: Public},
			func(ctx context.Context, _ *empty) (*said[string], error) {
				close(begun)
				<-release
				ended.Store(true)
				return &said[string]{"whole"}, ctx.Err()
			})
	})
	idle := r.dial() // a connection that waits
	fmt.Fprint(idle, "GET /api/public HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Fatal(err)
	}
	fresh := r.dial() // a connection that has said nothing
	slow := r.dial()
	fmt.Fprint(slow, "GET /api/slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-begun
	r.stop()
	for name, c := range map[string]net.Conn{"waiting": idle, "fresh": fresh} {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s connection: %v", name, err)
		}
	}
	if c, err := net.Dial("tcp", r.Addr()); err == nil {
		_ = c.Close()
		t.Error("a new connection is taken")
	}
	close(release)
	res, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 200 || string(text) != "\"whole\"\n" || !ended.Load() {
		t.Errorf("the running request got %d %s", res.StatusCode, text)
	}
	if err := <-r.stopped; err != nil {
		t.Errorf("run: %v", err)
	}
	r.stopped <- nil
}

func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	r := start(t, func(s *Server) {
		s.timing.grace = 50 * time.Millisecond
		Handle(s.API, Route{Method: "GET", Path: "/api/endless", ID: "endless", Summary: "Endless.", Access: Public},
			func(ctx context.Context, _ *empty) (*empty, error) {
				close(begun)
				<-ctx.Done() // only the end of the grace ends it
				return nil, ctx.Err()
			})
	})
	c := r.dial()
	fmt.Fprint(c, "GET /api/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-begun
	r.stop()
	if err := <-r.stopped; err != nil {
		t.Errorf("run: %v", err)
	}
	r.stopped <- nil
}

func TestRunTwice(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	if err := r.Run(t.Context()); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a route registers after the start")
		}
	}()
	whoRoute(r.Server, "GET", "/api/late", "late", Public)
}

func TestObserver(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	r := start(t, func(s *Server) {
		guarded(s)
		Handle(s.API, Route{Method: "GET", Path: "/api/things/{id}", ID: "readThing", Summary: "One.", Access: SignedIn},
			func(context.Context, *struct {
				ID string `path:"id"`
			}) (*empty, error) {
				return nil, nil
			})
		s.UseObserver(func(route, method string, status int, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if took < 0 {
				t.Error("it took less than nothing")
			}
			seen = append(seen, fmt.Sprint(method, " ", route, " ", status))
		})
	})
	r.call("GET", "/api/things/7", "", asBob)
	r.call("GET", "/api/things/7", "")
	r.call("GET", "/api/none", "")
	r.call("GET", "/x.js", "")
	r.call("GET", "/", "")
	r.call("GET", "/favicon.svg", "")
	r.call("POST", "/api/admin", "")
	r.raw("nonsense\r\n\r\n")
	mu.Lock()
	defer mu.Unlock()
	want := []string{"GET /api/things/{id} 204", "GET /api/things/{id} 401", "GET other 404", "GET other 404", "GET page 200", "GET asset 200", "POST other 405", "other other 400"}
	if got := strings.Join(seen, ", "); got != strings.Join(want, ", ") {
		t.Errorf("got %s", got)
	}
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "LOCALHOST:80", "[::1]:80", "[::1", "a@b", "127.0.0.1:99999999", "x:y", "[fe80::1%25eth0]", "a..b", "\x00", "localhost."} {
		f.Add(seed)
	}
	s := New(Config{BaseURL: "https://chat.hospital.example"})
	f.Fuzz(func(t *testing.T, text string) {
		host := hostOf(text)
		if host != strings.ToLower(host) || strings.ContainsAny(host, "@/\\ \r\n\x00%[]") {
			t.Fatalf("%q gives %q", text, host)
		}
		if s.hosts[host] && !strings.Contains(strings.ToLower(text), host) && host != "::1" {
			t.Fatalf("%q passes as %q", text, host)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"1.2.3.4", "a, b, 1.2.3.4", "[::1]:80", ",,,", "1.2.3.4:x", "fe80::1%eth0", "\x00"} {
		f.Add(seed)
	}
	s := New(Config{TrustedProxies: []string{"127.0.0.0/8", "10.0.0.0/8"}})
	peerAddr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	f.Fuzz(func(t *testing.T, text string) {
		got := s.clientAddress(peerAddr, text)
		if ip := net.ParseIP(got); ip == nil {
			t.Fatalf("%q gives %q", text, got)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add("delta", []byte(`{"a":1}`))
	f.Add("a\nb", []byte("x\r\n\r\nevent: y"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		text := string(appendEvent(nil, Event{ID: 1, Name: name, Data: data}))
		if strings.Count(text, "\n\n") != 1 || !strings.HasSuffix(text, "\n\n") || strings.Contains(text, "\r") {
			t.Fatalf("%q", text)
		}
		for _, line := range strings.Split(strings.TrimSuffix(text, "\n\n"), "\n") {
			if !strings.HasPrefix(line, "id: ") && !strings.HasPrefix(line, "event: ") && !strings.HasPrefix(line, "data: ") {
				t.Fatalf("line %q in %q", line, text)
			}
		}
	})
}
