package model

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/inference"
)

// link is a server in use: its client and what is known of its health. Models.mu
// guards all of it.
type link struct {
	id     string // never changes, so it is read without the lock
	server Server
	client inference.Client
	health Health
	slots  int // of the queue

	failed     int // looks in a row that went wrong
	looking    bool
	probeAt    time.Time // zero = at once
	discoverAt time.Time
	breaker    breaker
	unlisted   Problem // why its models could not be listed; zero = they could
}

// Health is how a server is.
type Health struct {
	State   string // ok, down, busy or unknown
	Problem        // of down and busy
	Latency time.Duration
	Since   time.Time // zero while unknown
}

// Problem is what is wrong with a server, for people.
type Problem struct{ Why, Cure string }

// Owners of rules at the gate.
const (
	egressOwner = "model"
	testOwner   = "model-test"
	detectOwner = "model-detect"
)

func purposeOf(server string) string { return "model:" + server }

// Open loads the servers and lets them out of the gate. Call it once, before Run.
func (m *Models) Open(ctx context.Context) error {
	m.change.Lock()
	defer m.change.Unlock()
	if err := m.sweep(); err != nil {
		m.log.Warn("what an upload left in the folder of models cannot be removed", "error", err)
	}
	return m.connect(ctx)
}

// connect makes clients and rules of what the table says; m.change is held.
// Clients of servers that did not change stay as they are. A server that cannot
// be used does not keep the others from it: it is down and says why.
func (m *Models) connect(ctx context.Context) error {
	servers, err := m.store.servers(ctx)
	if err != nil {
		return err
	}
	told, err := m.store.slots(ctx)
	if err != nil {
		return err
	}
	old := m.snapshot()
	next := map[string]*link{}
	var rules []egress.Rule
	for _, s := range servers {
		if !s.Enabled {
			continue
		}
		if was := old[s.ID]; was != nil && was.server.same(s) {
			next[s.ID] = was
		} else {
			next[s.ID] = m.linkTo(s)
		}
		rule, err := ruleOf(purposeOf(s.ID), s.URL)
		if err != nil {
			return fmt.Errorf("server %s: %w", s.ID, err)
		}
		rules = append(rules, rule)
	}
	if err := m.admit(rules, old, next); err != nil {
		return err
	}
	m.mu.Lock()
	for _, s := range servers {
		if l := next[s.ID]; l != nil {
			l.server = s
		}
	}
	m.links = next
	m.mu.Unlock()
	for id := range old {
		if next[id] == nil {
			m.queue.Remove(id)
		}
	}
	for id := range next {
		m.serve(id, told[id])
	}
	m.nudge("")
	return nil
}

// linkTo is a link to a server nobody has looked at yet.
func (m *Models) linkTo(s Server) *link {
	l := &link{id: s.ID, server: s, health: Health{State: stateUnknown}}
	client, err := m.newClient(s, purposeOf(s.ID))
	if err != nil {
		m.log.Error("a model server cannot be used", "server", s.ID, "error", err)
		l.health = Health{State: stateDown, Problem: Problem{Why: "Its token cannot be opened with the key of this installation.", Cure: "Enter the token again."}, Since: m.now().UTC().Truncate(time.Millisecond)}
		return l
	}
	l.client = client
	return l
}

// admit puts certificates and rules in force: the certificates first, so that no
// connection is made under a rule that still trusts another's.
func (m *Models) admit(rules []egress.Rule, old, next map[string]*link) error {
	for id := range old {
		if next[id] == nil {
			if err := m.gate.Trust(purposeOf(id), nil); err != nil {
				return err
			}
		}
	}
	for id, l := range next {
		if old[id] == l {
			continue
		}
		if err := m.gate.Trust(purposeOf(id), []byte(l.server.CA)); err != nil {
			return err
		}
	}
	return m.gate.Allow(egressOwner, rules)
}

func (m *Models) snapshot() map[string]*link {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := make(map[string]*link, len(m.links))
	for id, l := range m.links {
		old[id] = l
	}
	return old
}

// serve tells the queue how many answers a server writes at a time.
func (m *Models) serve(id string, told int) {
	m.mu.Lock()
	l := m.links[id]
	changed := false
	slots := 0
	if l != nil {
		slots = slotsOf(l.server, told)
		changed = l.slots != slots
		l.slots = slots
	}
	m.mu.Unlock()
	if changed {
		m.queue.Serve(id, slots)
	}
}

// defaultSlots is how many answers a server writes at a time where neither it nor
// an administrator says.
const defaultSlots = 4

// slotsOf is how many answers a server writes at a time: what somebody set, else
// what it says, else the usual number.
func slotsOf(s Server, told int) int {
	switch {
	case s.Slots > 0:
		return s.Slots
	case told > 0:
		return min(told, maxSlots)
	}
	return defaultSlots
}

// newClient is a client of a server that goes through the gate for a purpose.
func (m *Models) newClient(s Server, purpose string) (inference.Client, error) {
	token, err := m.openToken(s)
	if err != nil {
		return nil, err
	}
	return inference.New(inference.Server{ID: s.ID, Kind: s.Kind, URL: s.URL, Token: token, HTTP: m.gate.Client(purpose), Instance: m.instance})
}

// ruleOf lets a purpose reach the host and port of an address.
func ruleOf(purpose, address string) (egress.Rule, error) {
	u, err := url.Parse(address)
	if err != nil {
		return egress.Rule{}, err
	}
	port, err := portOf(u)
	return egress.Rule{Purpose: purpose, Host: u.Hostname(), Port: port}, err
}

func portOf(u *url.URL) (int, error) {
	if text := u.Port(); text != "" {
		return strconv.Atoi(text)
	}
	if u.Scheme == "https" {
		return 443, nil
	}
	return 80, nil
}

// onLoopback reports whether an address is this machine itself.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	return loopbackHost(u.Hostname())
}

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// client is the client of a server in use, nil where there is none.
func (m *Models) client(server string) inference.Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.links[server]; l != nil {
		return l.client
	}
	return nil
}

// state is how a server is; one that is not in use is down.
func (m *Models) state(server string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.links[server]; l != nil {
		return l.health.State
	}
	return stateDown
}

// name is what people call a server in use.
func (m *Models) name(server string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.links[server]; l != nil {
		return l.server.Name
	}
	return ""
}

// nudge has a server looked at now, and its models too where it was away; ""
// only wakes whoever looks.
func (m *Models) nudge(server string) {
	m.mu.Lock()
	if l := m.links[server]; l != nil {
		l.probeAt = time.Time{}
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// ours reports whether ChatETS itself listens on a port of this machine.
func (m *Models) ours(port int) bool {
	for _, address := range m.own() {
		host, text, err := net.SplitHostPort(address)
		if err != nil || text != strconv.Itoa(port) {
			continue
		}
		addr, err := netip.ParseAddr(host)
		if host == "" || loopbackHost(host) || err == nil && addr.IsUnspecified() {
			return true
		}
	}
	return false
}
