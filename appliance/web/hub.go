package web

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

const (
	noticesPending   = 64     // per page; beyond them it is told to ask for everything
	noticesPerPerson = 32     // open pages
	noticesOpen      = 20_000 // open pages of all
	noticeFrame      = 1 << 10
)

// Notice says that something changed and that a page showing it should ask
// again. It carries no content, so it needs no permission check of its own.
type Notice struct {
	Workspace string
	Person    string // "" = everybody of the workspace
	Noun, ID  string
}

// news is a notice on the wire. Noun "all" says that notices were lost and that
// the page should ask for whatever it shows.
type news struct {
	Noun string `json:"noun"`
	ID   string `json:"id"`
}

// Hub carries notices to open pages, over one WebSocket each. It is lossy:
// what must not be lost reads the audit record instead.
type Hub struct {
	s *Server

	mu      sync.Mutex
	open    map[*listening]struct{}
	persons map[string]int
	stop    bool
	gone    chan struct{} // closed when stop is set and none is open
}

// listening is one open page.
type listening struct {
	hub     *Hub
	sc      *scope
	who     actor.Actor
	mu      sync.Mutex
	pending []news
	closing int    // WebSocket close code, 0 = stays
	why     string // text of the close
	wake    chan struct{}
}

func newHub(s *Server) *Hub {
	return &Hub{s: s, open: map[*listening]struct{}{}, persons: map[string]int{}, gone: make(chan struct{})}
}

// Publish hands n to the pages concerned and never waits for one.
func (h *Hub) Publish(n Notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.open {
		if l.who.Workspace == n.Workspace && (n.Person == "" || n.Person == l.who.ID) {
			l.push(news{n.Noun, n.ID})
		}
	}
}

// push queues a notice once; a page that is too far behind starts over.
func (l *listening) push(n news) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pending {
		if p == n || p.Noun == "all" {
			return
		}
	}
	if len(l.pending) >= noticesPending {
		l.pending = append(l.pending[:0], news{Noun: "all"})
	} else {
		l.pending = append(l.pending, n)
	}
	l.signal()
}

// leave ends the connection with a close code.
func (l *listening) leave(code int, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing == 0 {
		l.closing, l.why = code, why
	}
	l.signal()
}

func (l *listening) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take is what is to be written now.
func (l *listening) take() (list []news, code int, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, l.pending = l.pending, nil
	return list, l.closing, l.why
}

// route registers GET /api/notices. It is no line of the OpenAPI document,
// which has no words for WebSockets.
func (h *Hub) route(a *API) {
	upgrade := websocket.New(h.listen, websocket.Config{
		ReadBufferSize: noticeFrame, WriteBufferSize: noticeFrame,
		RecoverHandler: func(*websocket.Conn) {
			if r := recover(); r != nil {
				h.s.log.Error("panic in a notice connection", "cause", r)
			}
		},
	})
	r := a.add(Route{Method: "GET", Path: "/api/notices", ID: "notices", Summary: "Notices of changes.", Access: SignedIn})
	a.serve(r, func(ctx context.Context, c *fiber.Ctx, sc *scope) error {
		if !websocket.IsWebSocketUpgrade(c) {
			return fiber.ErrUpgradeRequired
		}
		// A page of another origin may open WebSockets to anybody, cookies
		// included: for a cookie the browser must name our own origin.
		origin := c.Get("Origin")
		if sc.cookie && origin == "" || origin != "" && !h.s.ownOrigin(origin, string(c.Context().Request.Header.Host())) {
			return crossSite()
		}
		l := &listening{hub: h, sc: sc, who: actor.From(ctx), wake: make(chan struct{}, 1)}
		h.mu.Lock()
		err := h.room(l)
		h.mu.Unlock()
		if err != nil {
			return err
		}
		c.Locals("listening", l)
		sc.taken = true
		if err := upgrade(c); err != nil || !c.Context().Hijacked() {
			return fiber.ErrUpgradeRequired
		}
		return nil
	})
}

// room reports why no further page may listen.
func (h *Hub) room(l *listening) error {
	switch {
	case h.stop:
		return fault.New(fault.Unavailable, "ChatETS is stopping.").RetryAfter(5)
	case len(h.open) >= noticesOpen, h.persons[l.who.ID] >= noticesPerPerson:
		return fault.New(fault.TooMany, "Too many pages are open.").Cure("Close some of them.").RetryAfter(60)
	}
	return nil
}

// add is called once the connection is ours: before that it may break without
// anybody being told.
func (h *Hub) add(l *listening) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.room(l); err != nil {
		return err
	}
	h.open[l] = struct{}{}
	h.persons[l.who.ID]++
	return nil
}

func (h *Hub) remove(l *listening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, l)
	if h.persons[l.who.ID]--; h.persons[l.who.ID] == 0 {
		delete(h.persons, l.who.ID)
	}
	if h.stop && len(h.open) == 0 {
		close(h.gone)
	}
}

func (h *Hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.open)
}

// listen is the life of one connection: this goroutine reads, a second writes.
func (h *Hub) listen(conn *websocket.Conn) {
	l, _ := conn.Locals("listening").(*listening)
	defer func() { _ = conn.Close() }()
	if l == nil || h.add(l) != nil {
		return
	}
	defer h.remove(l)
	conn.SetReadLimit(noticeFrame)
	patience := 3 * h.s.timing.recheck // two pongs may be lost
	alive := func(string) error { return conn.SetReadDeadline(time.Now().Add(patience)) }
	conn.SetPongHandler(alive)
	_ = alive("") // a broken connection shows at the first read

	read := make(chan struct{})
	written := make(chan struct{})
	go func() {
		defer close(written)
		l.write(conn, read)
		_ = conn.Close() // ends the reading below
	}()
	for range noticesPending {
		// Pages have nothing to say here; control frames are answered inside.
		if _, _, err := conn.ReadMessage(); err != nil {
			break
		}
	}
	close(read)
	<-written
}

// write sends what is pending, a ping in between, and asks whether the session
// is still good.
func (l *listening) write(conn *websocket.Conn, read <-chan struct{}) {
	tick := time.NewTicker(l.hub.s.timing.recheck)
	defer tick.Stop()
	for {
		select {
		case <-read:
			return
		case <-tick.C:
			if !l.hub.s.stillGood(l.sc) {
				l.leave(websocket.ClosePolicyViolation, "session ended")
			} else if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(l.hub.s.timing.write)) != nil {
				return
			}
		case <-l.wake:
		}
		list, code, why := l.take()
		for _, n := range list {
			data, err := json.Marshal(n)
			if err != nil || conn.WriteMessage(websocket.TextMessage, data) != nil {
				return
			}
		}
		if code != 0 {
			// The reader may be gone already; then there is nobody to tell.
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(l.hub.s.timing.write))
			return
		}
	}
}

func (h *Hub) each(which func(*listening) bool, do func(*listening)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.open {
		if which(l) {
			do(l)
		}
	}
}

// revoke closes the pages of a session.
func (h *Hub) revoke(session string) {
	h.each(func(l *listening) bool { return l.who.Session == session },
		func(l *listening) { l.leave(websocket.ClosePolicyViolation, "session ended") })
}

// shutdown asks all pages to come back later and lets no new one in.
func (h *Hub) shutdown() {
	h.mu.Lock()
	if !h.stop && len(h.open) == 0 {
		close(h.gone)
	}
	h.stop = true
	h.mu.Unlock()
	h.each(func(*listening) bool { return true },
		func(l *listening) { l.leave(websocket.CloseServiceRestart, "the server stops") })
}

// wait returns when all pages are gone after a shutdown, or ctx ends.
func (h *Hub) wait(ctx context.Context) {
	select {
	case <-h.gone:
	case <-ctx.Done():
	}
}
