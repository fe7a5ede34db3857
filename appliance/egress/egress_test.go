package egress_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// answering is a server that says who it is; it counts its connections.
func answering(t *testing.T, handler http.HandlerFunc) (*httptest.Server, int, *atomic.Int32) {
	t.Helper()
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "here") }
	}
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(handler)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	port, _ := strconv.Atoi(u.Port())
	return s, port, &connections
}

// names is a resolver over a map.
func names(m map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		list, ok := m[host]
		if !ok {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		var out []netip.Addr
		for _, a := range strings.Split(list, ",") {
			out = append(out, netip.MustParseAddr(a))
		}
		return out, nil
	}
}

func gate(t *testing.T, c egress.Config) *egress.Gate {
	t.Helper()
	g, err := egress.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func get(t *testing.T, c *http.Client, target string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func TestRules(t *testing.T) {
	t.Parallel()
	_, port, connections := answering(t, nil)
	lookup := names(map[string]string{
		"llm.hospital.example": "127.0.0.1", "localhost": "127.0.0.1", "a.b.localhost": "127.0.0.1", "meta.example": "169.254.169.254",
		"both.localhost": "169.254.169.254,127.0.0.1",
	})
	allow := func(purpose, host string, port int) egress.Rule {
		return egress.Rule{Purpose: purpose, Host: host, Port: port}
	}
	deny := func(purpose, host string, port int) egress.Rule {
		return egress.Rule{Purpose: purpose, Host: host, Port: port, Deny: true}
	}
	for _, tt := range []struct {
		name  string
		rules []egress.Rule
		host  string
		ok    bool
		why   string
	}{
		{"no rules", nil, "127.0.0.1", false, "no rule allows it"},
		{"allowed by address", []egress.Rule{allow("model", "127.0.0.1", port)}, "127.0.0.1", true, ""},
		{"allowed by network", []egress.Rule{allow("model", "127.0.0.0/8", port)}, "127.0.0.1", true, ""},
		{"allowed on every port", []egress.Rule{allow("model", "127.0.0.1", 0)}, "127.0.0.1", true, ""},
		{"allowed by name", []egress.Rule{allow("model", "localhost", port)}, "localhost", true, ""},
		{"allowed by name in capitals with a dot", []egress.Rule{allow("model", "LOCALHOST.", port)}, "LocalHost.", true, ""},
		{"allowed by wildcard", []egress.Rule{allow("model", "*.localhost", port)}, "a.b.localhost", true, ""},
		{"a wildcard is not the name itself", []egress.Rule{allow("model", "*.localhost", port)}, "localhost", false, "no rule allows it"},
		{"another purpose", []egress.Rule{allow("webhook", "127.0.0.1", port)}, "127.0.0.1", false, "no rule allows it"},
		{"another port", []egress.Rule{allow("model", "127.0.0.1", port+1)}, "127.0.0.1", false, "no rule allows it"},
		{"another host", []egress.Rule{allow("model", "127.0.0.2", port)}, "127.0.0.1", false, "no rule allows it"},
		{"a deny wins", []egress.Rule{allow("model", "127.0.0.1", port), deny("model", "127.0.0.1", 0)}, "127.0.0.1", false, "a rule denies it"},
		{"a deny wins wherever it stands", []egress.Rule{deny("", "127.0.0.0/8", 0), allow("model", "127.0.0.1", port)}, "127.0.0.1", false, "a rule denies it"},
		{"a deny of an address wins over a name", []egress.Rule{allow("model", "localhost", port), deny("", "127.0.0.1", 0)}, "localhost", false, "a rule denies it"},
		{"a deny of a name", []egress.Rule{allow("model", "*.localhost", port), deny("", "a.b.localhost", 0)}, "a.b.localhost", false, "a rule denies it"},
		{"a deny of another purpose", []egress.Rule{allow("model", "127.0.0.1", port), deny("webhook", "127.0.0.1", 0)}, "127.0.0.1", true, ""},
		{"a name that leads to this machine", []egress.Rule{allow("model", "llm.hospital.example", port)}, "llm.hospital.example", false, "leads to this machine itself"},
		{"unless the rules mean it", []egress.Rule{allow("model", "llm.hospital.example", port), allow("model", "127.0.0.1", port)}, "llm.hospital.example", true, ""},
		{"metadata by address", []egress.Rule{allow("model", "169.254.169.254", 0)}, "169.254.169.254", false, "never reached"},
		{"metadata by name", []egress.Rule{allow("model", "meta.example", 0)}, "meta.example", false, "never reached"},
		{"metadata in disguise", []egress.Rule{allow("model", "::/0", 0)}, "[::ffff:169.254.169.254]", false, "never reached"},
		{"metadata by NAT64", []egress.Rule{allow("model", "::/0", 0)}, "[64:ff9b::a9fe:a9fe]", false, "never reached"},
		{"metadata by 6to4", []egress.Rule{allow("model", "::/0", 0)}, "[2002:a9fe:a9fe::1]", false, "never reached"},
		{"this machine by NAT64", []egress.Rule{allow("model", "::/0", 0)}, "[64:ff9b::7f00:1]", false, "hides another"},
		{"link-local with a zone", []egress.Rule{allow("model", "fe80::/10", 0)}, "[fe80::1%25lo]", false, "never reached"},
		{"no address", []egress.Rule{allow("model", "0.0.0.0/0", 0)}, "0.0.0.0", false, "names no machine"},
		{"no address, IPv6", []egress.Rule{allow("model", "::/0", 0)}, "[::]", false, "names no machine"},
		{"multicast", []egress.Rule{allow("model", "224.0.0.0/4", 0)}, "224.0.0.1", false, "no single machine"},
		{"one address of two is allowed", []egress.Rule{allow("model", "both.localhost", port)}, "both.localhost", true, ""},
		{"an open network is not this machine", []egress.Rule{allow("model", "0.0.0.0/0", 0)}, "127.0.0.1", false, "this machine itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := gate(t, egress.Config{Rules: tt.rules, Lookup: lookup})
			before := connections.Load()
			c := g.Client("model")
			defer c.CloseIdleConnections()
			text, err := get(t, c, fmt.Sprintf("http://%s:%d/", tt.host, port))
			if (err == nil) != tt.ok || tt.ok && text != "here" {
				t.Fatalf("got %q, %v", text, err)
			}
			recent, counts := g.Recent(), g.Counts()
			if len(recent) != 1 || len(counts) != 1 {
				t.Fatalf("recent %+v, counts %+v", recent, counts)
			}
			if tt.ok {
				if a := recent[0]; a.Outcome != egress.Dialled || a.Address != "127.0.0.1" || a.Port != port || a.Purpose != "model" || counts[0].Dialled != 1 {
					t.Errorf("recent %+v, counts %+v", a, counts[0])
				}
				return
			}
			f := fault.Of(err)
			if f.Kind != fault.Forbidden || f.Code != "egress" || !strings.Contains(f.Sentence, tt.why) || f.Cure == "" {
				t.Errorf("got %+v", f)
			}
			if a := recent[0]; a.Outcome != egress.Refused || !strings.Contains(a.Why, tt.why) || counts[0].Refused != 1 {
				t.Errorf("recent %+v, counts %+v", a, counts[0])
			}
			if connections.Load() != before {
				t.Error("a refused connection was made")
			}
		})
	}
}

func TestRulesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, r := range []egress.Rule{
		{Host: "a.example"}, {Purpose: "model"}, {Purpose: "model", Host: "a b"}, {Purpose: "model", Host: "http://a.example"},
		{Purpose: "model", Host: "a..b"}, {Purpose: "model", Host: "*"}, {Purpose: "model", Host: "a.*.b"}, {Purpose: "model", Host: "a.example", Port: 70000},
		{Purpose: "model", Host: strings.Repeat("a", 64)}, {Purpose: "model", Host: "a.example", Port: -1}, {Purpose: "model", Host: "bücher.example"},
	} {
		if _, err := egress.New(egress.Config{Rules: []egress.Rule{r}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: got %v", r, err)
		}
	}
	g := gate(t, egress.Config{Rules: []egress.Rule{{Purpose: "model", Host: "LLM.example."}}})
	if err := g.SetRules([]egress.Rule{{Purpose: "model", Host: "fine.example"}, {Host: "x"}}); err == nil {
		t.Error("a wrong rule is taken")
	}
	if rules := g.Rules(); len(rules) != 1 || rules[0].Host != "llm.example" {
		t.Errorf("after a refused change: %+v", rules)
	}
}

// TestTheCheckedAddressIsDialled gives another address at every look: what was
// checked must be what is dialled, not what a second look would find.
func TestTheCheckedAddressIsDialled(t *testing.T) {
	t.Parallel()
	_, port, connections := answering(t, nil)
	var looks atomic.Int32
	g := gate(t, egress.Config{
		Rules: []egress.Rule{{Purpose: "model", Host: "rebind.localhost", Port: port}, {Host: "127.0.0.1", Deny: true}},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			if looks.Add(1) == 1 {
				return []netip.Addr{netip.MustParseAddr("127.0.0.3")}, nil // allowed, nobody there
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil // denied
		},
	})
	c := g.Client("model")
	for range 2 {
		if _, err := get(t, c, fmt.Sprintf("http://rebind.localhost:%d/", port)); err == nil {
			t.Error("it connects")
		}
	}
	if connections.Load() != 0 || looks.Load() != 2 {
		t.Errorf("%d connections after %d looks", connections.Load(), looks.Load())
	}
	recent := g.Recent()
	if len(recent) != 2 || recent[1].Outcome != egress.Failed || recent[1].Address != "127.0.0.3" || recent[0].Outcome != egress.Refused {
		t.Errorf("recent %+v", recent)
	}
}

func TestNamesNoRuleAllowsAreNotLookedUp(t *testing.T) {
	t.Parallel()
	g := gate(t, egress.Config{
		Rules: []egress.Rule{{Purpose: "model", Host: "a.example"}, {Purpose: "webhook", Host: "10.0.0.0/8"}},
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			t.Errorf("%s is looked up", host)
			return nil, errors.New("no")
		},
	})
	if _, err := g.Dial(t.Context(), "model", "tcp", "secret-project.example:443"); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	other, otherPort, connections := answering(t, nil)
	var port int
	_, port, _ = answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/here":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/there":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/name":
			http.Redirect(w, r, fmt.Sprintf("http://localhost:%d/end", port), http.StatusFound)
		case "/secure":
			http.Redirect(w, r, fmt.Sprintf("https://127.0.0.1:%d/end", port), http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "end")
		}
	})
	g := gate(t, egress.Config{Rules: []egress.Rule{{Purpose: "model", Host: "127.0.0.1", Port: port}, {Purpose: "model", Host: "127.0.0.1", Port: otherPort}}})
	c := g.Client("model")
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	if text, err := get(t, c, base+"/here"); err != nil || text != "end" {
		t.Errorf("on the same host: %q %v", text, err)
	}
	for _, path := range []string{"/there", "/name", "/secure", "/file", "/round"} {
		if text, err := get(t, c, base+path); err == nil {
			t.Errorf("%s is followed to %q", path, text)
		}
	}
	if connections.Load() != 0 {
		t.Error("the other host was reached")
	}
	if _, err := get(t, c, "ftp://127.0.0.1/"); err == nil {
		t.Error("ftp works")
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	proxy, _, proxied := answering(t, nil) // not parallel: it sets the environment
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	_, port, _ := answering(t, nil)
	g := gate(t, egress.Config{
		Rules:  []egress.Rule{{Purpose: "model", Host: "srv.localhost", Port: port}},
		Lookup: names(map[string]string{"srv.localhost": "127.0.0.1"}),
	})
	if text, err := get(t, g.Client("model"), fmt.Sprintf("http://srv.localhost:%d/", port)); err != nil || text != "here" {
		t.Errorf("got %q %v", text, err)
	}
	if proxied.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func TestPurposesKeepTheirConnectionsApart(t *testing.T) {
	t.Parallel()
	_, port, connections := answering(t, nil)
	target := fmt.Sprintf("http://127.0.0.1:%d/", port)
	one := []egress.Rule{{Purpose: "model", Host: "127.0.0.1", Port: port}}
	g := gate(t, egress.Config{Rules: one})
	for range 3 {
		if _, err := get(t, g.Client("model"), target); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("three requests made %d connections", n)
	}
	if _, err := get(t, g.Client("webhook"), target); !fault.Is(err, fault.Forbidden) {
		t.Errorf("another purpose: %v", err)
	}
	if err := g.SetRules(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, g.Client("model"), target); !fault.Is(err, fault.Forbidden) {
		t.Errorf("after its rule is gone, over the waiting connection: %v", err)
	}
	if err := g.SetRules(one); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, g.Client("model"), target); err != nil || connections.Load() != 2 {
		t.Errorf("after its rule is back: %v, %d connections", err, connections.Load())
	}
}

func TestOwnCertificates(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "secret") }))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = nil
	u, _ := url.Parse(s.URL)
	port, _ := strconv.Atoi(u.Port())
	rules := []egress.Rule{{Purpose: "model", Host: "127.0.0.1", Port: port}}
	if _, err := get(t, gate(t, egress.Config{Rules: rules}).Client("model"), s.URL); err == nil {
		t.Error("an unknown certificate is trusted")
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if text, err := get(t, gate(t, egress.Config{Rules: rules, CAs: ca}).Client("model"), s.URL); err != nil || text != "secret" {
		t.Errorf("with our certificate: %q %v", text, err)
	}
	if _, err := egress.New(egress.Config{CAs: []byte("nonsense")}); !fault.Is(err, fault.Invalid) {
		t.Errorf("certificates that are none: %v", err)
	}
	t.Run("old TLS", func(t *testing.T) {
		old := httptest.NewUnstartedServer(http.NotFoundHandler())
		old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
		old.StartTLS()
		t.Cleanup(old.Close)
		ou, _ := url.Parse(old.URL)
		p, _ := strconv.Atoi(ou.Port())
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old.Certificate().Raw})
		g := gate(t, egress.Config{Rules: []egress.Rule{{Purpose: "model", Host: "127.0.0.1", Port: p}}, CAs: ca})
		if _, err := get(t, g.Client("model"), old.URL); err == nil {
			t.Error("TLS 1.1 is spoken")
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	_ = ln.Close()
	now := time.Unix(1e9, 0)
	g := gate(t, egress.Config{
		Rules:  []egress.Rule{{Purpose: "mail", Host: "127.0.0.1"}, {Purpose: "mail", Host: "gone.example"}},
		Lookup: names(nil), Now: func() time.Time { return now },
	})
	if _, err := g.Dial(t.Context(), "mail", "tcp", address); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := g.Dial(t.Context(), "mail", "tcp", "gone.example:25"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no such name: %v", err)
	}
	for _, tt := range [][2]string{{"udp", "127.0.0.1:53"}, {"tcp", "127.0.0.1"}, {"tcp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:http"}, {"unix", "/run/x"}} {
		if _, err := g.Dial(t.Context(), "mail", tt[0], tt[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", tt, err)
		}
	}
	if _, err := g.Dial(t.Context(), "mail", "tcp6", address); !fault.Is(err, fault.Forbidden) {
		t.Errorf("IPv4 address by tcp6: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Dial(ended, "mail", "tcp", address); !fault.Is(err, fault.Cancelled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, a := range g.Recent() {
		if !a.Time.Equal(now) || a.Why == "" {
			t.Errorf("recent %+v", a)
		}
	}
}

func TestTheRecordIsBounded(t *testing.T) {
	t.Parallel()
	g := gate(t, egress.Config{})
	for i := range 1500 {
		if _, err := g.Dial(t.Context(), "model", "tcp", fmt.Sprintf("h%d.example:443", i)); err == nil {
			t.Fatal("it connects")
		}
	}
	recent, counts := g.Recent(), g.Counts()
	if len(recent) != 200 || recent[0].Host != "h1499.example" || recent[199].Host != "h1300.example" {
		t.Errorf("%d recent, from %s to %s", len(recent), recent[0].Host, recent[len(recent)-1].Host)
	}
	sum := int64(0)
	for _, c := range counts {
		sum += c.Refused
	}
	if len(counts) != 1001 || sum != 1500 {
		t.Errorf("%d counts of %d", len(counts), sum)
	}
}

func FuzzDial(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80", "a.example:80", "0:80", "2130706433:80", "127.1:80", "[fe80::1%25x]:1", ":80", "a:99999"} {
		f.Add(seed)
	}
	g, err := egress.New(egress.Config{
		Rules:  []egress.Rule{{Purpose: "model", Host: "0.0.0.0/0"}, {Purpose: "model", Host: "::/0"}},
		Lookup: names(nil),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is really dialled
		if c, err := g.Dial(ctx, "model", "tcp", address); err == nil {
			_ = c.Close()
			t.Fatalf("%q connects", address)
		}
	})
}
