package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"chatets/appliance/actor"
)

// page opens the notice connection of a page.
func (r *rig) page(headers ...string) (*websocket.Conn, int) {
	r.t.Helper()
	h := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+r.Addr()+"/api/notices", h)
	if err != nil {
		if res == nil {
			r.t.Fatal(err)
		}
		return nil, res.StatusCode
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	return conn, res.StatusCode
}

func (r *rig) listening(n int) {
	r.t.Helper()
	until(r.t, fmt.Sprintf("%d pages listen", n), func() bool { return r.Stats().Notices == n })
}

func heard(t *testing.T, c *websocket.Conn) news {
	t.Helper()
	_, data, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	var n news
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNotices(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	own := "Origin: " + r.base
	bob, _ := r.page("Cookie: chatets=bob", own)
	ada, _ := r.page(asAda)
	eve, _ := r.page("Cookie: chatets=eve", own) // of another workspace
	r.listening(3)
	r.Hub.Publish(Notice{Workspace: "w1", Noun: "document", ID: "d1"})
	r.Hub.Publish(Notice{Workspace: "w1", Person: "p-ada", Noun: "conversation", ID: "c1"})
	r.Hub.Publish(Notice{Workspace: "w2", Noun: "document", ID: "d2"})
	r.Hub.Publish(Notice{Workspace: "w1", Person: "p-bob", Noun: "run", ID: "r1"})
	r.Hub.Publish(Notice{Noun: "nowhere", ID: "x"})
	for _, tt := range []struct {
		name string
		c    *websocket.Conn
		want []news
	}{
		{"bob", bob, []news{{"document", "d1"}, {"run", "r1"}}},
		{"ada", ada, []news{{"document", "d1"}, {"conversation", "c1"}}},
		{"eve", eve, []news{{"document", "d2"}}},
	} {
		var got []news
		for range tt.want {
			got = append(got, heard(t, tt.c))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	_ = bob.Close()
	r.listening(2)
}

func TestNoticesAreGuarded(t *testing.T) {
	t.Parallel()
	r := start(t, guarded)
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"nobody", nil, 401},
		{"stale", []string{"Cookie: chatets=gone", "Origin: " + r.base}, 401},
		{"cookie without an origin", []string{"Cookie: chatets=bob"}, 403},
		{"other origin", []string{"Cookie: chatets=bob", "Origin: http://evil.example"}, 403},
		{"other port", []string{"Cookie: chatets=bob", "Origin: http://127.0.0.1:1"}, 403},
		{"null origin", []string{"Cookie: chatets=bob", "Origin: null"}, 403},
		{"bearer of another origin", []string{asBob, "Origin: http://evil.example"}, 403},
		{"other host", []string{asBob, "Host: evil.example"}, 403},
		{"bearer", []string{asBob}, 101},
		{"cookie and own origin", []string{"Cookie: chatets=bob", "Origin: " + r.base}, 101},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, status := r.page(tt.headers...); status != tt.status {
				t.Errorf("got %d, want %d", status, tt.status)
			}
		})
	}
	t.Run("no WebSocket", func(t *testing.T) {
		if a := r.call("GET", "/api/notices", "", asBob); a.StatusCode != 426 || a.problem(t).Code != "upgrade-required" {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
		if a := r.call("GET", "/api/notices", "", asBob, "Connection: Upgrade", "Upgrade: websocket"); a.StatusCode != 426 {
			t.Errorf("half an upgrade: %d %s", a.StatusCode, a.text)
		}
	})
	t.Run("too many pages of one person", func(t *testing.T) {
		r.listening(2)
		for range noticesPerPerson - 2 {
			if _, status := r.page(asBob); status != 101 {
				t.Fatalf("got %d", status)
			}
		}
		r.listening(noticesPerPerson)
		if _, status := r.page(asBob); status != 429 {
			t.Errorf("one more gets %d", status)
		}
		if _, status := r.page(asAda); status != 101 {
			t.Errorf("another person gets %d", status)
		}
	})
}

func TestNoticesEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(r *rig)
		code int
	}{
		{"revoked", func(r *rig) { r.Revoked("s-bob") }, websocket.ClosePolicyViolation},
		{"found out", func(r *rig) { r.sessions.drop("bob") }, websocket.ClosePolicyViolation},
		{"expired", func(r *rig) {
			r.sessions.mu.Lock()
			defer r.sessions.mu.Unlock()
			r.sessions.by["bob"] = Identity{Actor: actor.Actor{Kind: actor.Person, ID: "p-bob", Session: "s-bob"}, Expires: time.Now().Add(-time.Second)}
		}, websocket.ClosePolicyViolation},
		{"stop", func(r *rig) { r.stop() }, websocket.CloseServiceRestart},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(s *Server) { s.timing.recheck = 30 * time.Millisecond; guarded(s) })
			c, _ := r.page(asBob)
			r.listening(1)
			tt.end(r)
			_, _, err := c.ReadMessage()
			var ce *websocket.CloseError
			if !errors.As(err, &ce) || ce.Code != tt.code {
				t.Errorf("got %v", err)
			}
			r.listening(0)
		})
	}
	t.Run("a page that never answers pings", func(t *testing.T) {
		t.Parallel()
		r := start(t, func(s *Server) { s.timing.recheck = 20 * time.Millisecond; guarded(s) })
		c, _ := r.page(asBob)
		c.SetPingHandler(func(string) error { return nil })
		go func() { _, _, _ = c.ReadMessage() }() // ends with the connection
		r.listening(1)
		r.listening(0)
	})
	t.Run("a page that talks too much", func(t *testing.T) {
		t.Parallel()
		r := start(t, guarded)
		for _, text := range []string{strings.Repeat("x", noticeFrame+1), "x"} {
			c, _ := r.page(asBob)
			until(t, "it is closed", func() bool { return c.WriteMessage(websocket.TextMessage, []byte(text)) != nil })
		}
		r.listening(0)
	})
}

func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	l := &listening{wake: make(chan struct{}, 1)}
	for range 3 {
		l.push(news{"document", "d1"})
	}
	if list, _, _ := l.take(); !slices.Equal(list, []news{{"document", "d1"}}) {
		t.Errorf("the same notice is kept as %v", list)
	}
	for i := range 10_000 {
		l.push(news{"document", fmt.Sprint(i)})
	}
	if list, _, _ := l.take(); !slices.Equal(list, []news{{Noun: "all"}}) {
		t.Errorf("too many notices are %d", len(list))
	}
}
