// Package egress is the only way out: the one dialer and HTTP transport. Whoever
// wants to reach another machine asks for a client of its purpose and gets as
// far as the rules of that purpose let it.
//
// What a newcomer gets wrong: a rule is not about a name but about a purpose, a
// host and a port together, and the name is no proof of anything. It is resolved
// for each connection, the address found is checked, and that address is the one
// that is dialled.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chatets/appliance/fault"
)

// Config is what a Gate is made of.
type Config struct {
	Rules  []Rule
	CAs    []byte // PEM certificates trusted beside the system's
	Log    *slog.Logger
	Now    func() time.Time                                             // nil = time.Now
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil = the system's resolver
}

// Gate lets connections out or refuses them, and remembers both.
type Gate struct {
	log    *slog.Logger
	now    func() time.Time
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	own    []byte // certificates of Config, PEM
	roots  *x509.CertPool
	record *record

	mu    sync.Mutex
	owned map[string][]Rule
	rules []Rule // of all owners
	trust map[string]*x509.CertPool
	doors map[string]*door
}

// New returns a gate with the rules of c; without any it lets nothing out.
func New(c Config) (*Gate, error) {
	g := &Gate{log: c.Log, now: c.Now, lookup: c.Lookup, own: c.CAs, owned: map[string][]Rule{}, trust: map[string]*x509.CertPool{}, doors: map[string]*door{}, record: newRecord()}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.lookup == nil {
		g.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if len(c.CAs) > 0 {
		roots, err := poolWith(c.CAs)
		if err != nil {
			return nil, err
		}
		g.roots = roots
	}
	if err := g.SetRules(c.Rules); err != nil {
		return nil, err
	}
	return g, nil
}

// poolWith is the system's certificates and those of pem.
func poolWith(pem []byte) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without any: then only ours are trusted
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "The trusted certificates hold none that can be read.").Cure("Give them as PEM.").Code("certificate-unreadable")
	}
	return roots, nil
}

// SetRules replaces the rules the gate was made with.
func (g *Gate) SetRules(rules []Rule) error { return g.Allow("", rules) }

// Allow replaces the rules of one owner, such as the room that holds the model
// servers, and leaves those of all others. Connections that wait in a pool are
// not used again: the rule they were made under may be gone.
func (g *Gate) Allow(owner string, rules []Rule) error {
	checked := make([]Rule, len(rules))
	for i, r := range rules {
		var err error
		if checked[i], err = r.check(); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owned[owner] = checked
	all := make([]Rule, 0, len(g.rules))
	for _, owner := range slices.Sorted(maps.Keys(g.owned)) {
		all = append(all, g.owned[owner]...)
	}
	g.rules = all
	for _, d := range g.doors {
		d.renew()
	}
	return nil
}

// Trust sets the certificates, as PEM, that a purpose trusts beside the
// system's and the gate's own; nil takes them away.
func (g *Gate) Trust(purpose string, pem []byte) error {
	var roots *x509.CertPool
	if len(pem) > 0 {
		var err error
		if roots, err = poolWith(pem); err != nil {
			return err
		}
		roots.AppendCertsFromPEM(g.own)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.trust, purpose)
	if roots != nil {
		g.trust[purpose] = roots
	}
	if d := g.doors[purpose]; d != nil {
		d.renew()
	}
	return nil
}

// Rules are the rules in force.
func (g *Gate) Rules() []Rule {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Rule(nil), g.rules...)
}

// Client is the HTTP client of a purpose. It has no deadline of its own, since
// answers may stream for minutes: whoever uses it gives each request one with
// its context. It takes no proxy from the environment, follows no redirect to
// another host, and keeps its connections apart from those of other purposes.
func (g *Gate) Client(purpose string) *http.Client {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.doors[purpose]
	if d == nil {
		d = &door{gate: g, purpose: purpose}
		d.renew()
		g.doors[purpose] = d
	}
	return &http.Client{Transport: d, CheckRedirect: stayHome}
}

// door is the transport of a purpose.
type door struct {
	gate    *Gate
	purpose string
	inner   atomic.Pointer[http.Transport]
}

// renew puts a transport without connections in place. The gate's lock is held.
func (d *door) renew() {
	roots := d.gate.roots
	if own := d.gate.trust[d.purpose]; own != nil {
		roots = own
	}
	old := d.inner.Swap(&http.Transport{
		Proxy: nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return d.gate.Dial(ctx, d.purpose, network, address)
		},
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
		ForceAttemptHTTP2:     true,
	})
	if old != nil {
		old.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		if req.Body != nil {
			_ = req.Body.Close() // what a RoundTripper must do; nothing was sent
		}
		return nil, fault.New(fault.Invalid, "ChatETS connects by http and https only.")
	}
	return d.inner.Load().RoundTrip(req)
}

// CloseIdleConnections lets http.Client close what waits in the pool.
func (d *door) CloseIdleConnections() { d.inner.Load().CloseIdleConnections() }

// stayHome follows redirects on the same origin only: a rule allows one host,
// and what is sent to it, a token perhaps, is meant for no other.
func stayHome(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		return fault.New(fault.Unavailable, "%s sends on to another address, which is not followed.", first.Host).
			Cure("Enter the address it sends on to, if that is the right one.").Code("redirected")
	}
	if len(via) >= 5 {
		return errors.New("more than 5 redirects")
	}
	return nil
}
