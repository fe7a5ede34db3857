package egress

import (
	"net/netip"
	"strings"

	"chatets/appliance/fault"
)

// Rule lets one purpose reach a host, or forbids it. A rule that denies wins
// over all that allow.
type Rule struct {
	Purpose string // "model"; in a rule that denies also "" = every purpose
	Host    string // "llm.hospital.example", "*.hospital.example", "10.1.2.3" or "10.1.0.0/16"
	Port    int    // 0 = every port
	Deny    bool

	network netip.Prefix // of Host, where it is an address or a network
}

func (r Rule) check() (Rule, error) {
	r.Host = hostName(r.Host)
	switch {
	case r.Purpose == "" && !r.Deny:
		return r, fault.New(fault.Invalid, "A rule that lets connections out needs a purpose.")
	case r.Port < 0 || r.Port > 65535:
		return r, fault.New(fault.Invalid, "The port of the rule for %q is not from 0 to 65535.", r.Host)
	}
	if p, err := netip.ParsePrefix(r.Host); err == nil {
		r.network = p.Masked()
		return r, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(r.Host, "[]")); err == nil {
		a = a.Unmap().WithZone("")
		r.Host, r.network = a.String(), netip.PrefixFrom(a, a.BitLen())
		return r, nil
	}
	if !isName(strings.TrimPrefix(r.Host, "*.")) {
		return r, fault.New(fault.Invalid, "%q is not a host, an address or a network.", r.Host).
			Cure("Write it like llm.hospital.example, *.hospital.example, 10.1.2.3 or 10.1.0.0/16.")
	}
	return r, nil
}

// hostName is a host in the one form names are compared in.
func hostName(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

func isName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, b := range []byte(label) {
			if !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '_') {
				return false
			}
		}
	}
	return true
}

// covers reports whether the rule is about a connection; addr is invalid before
// the name was resolved.
func (r Rule) covers(purpose, host string, port int, addr netip.Addr) bool {
	if r.Purpose != "" && r.Purpose != purpose || r.Port != 0 && r.Port != port {
		return false
	}
	if r.network.IsValid() {
		return addr.IsValid() && r.network.Contains(addr)
	}
	if rest, ok := strings.CutPrefix(r.Host, "*."); ok {
		return strings.HasSuffix(host, "."+rest) && len(host) > len(rest)+1
	}
	return r.Host == host
}

// meansLoopback reports whether the rule names this machine itself. A name that
// merely resolves to it must not reach what listens here.
func (r Rule) meansLoopback() bool {
	if r.network.IsValid() {
		return r.network.Addr().IsLoopback()
	}
	return r.Host == "localhost" || strings.HasSuffix(r.Host, ".localhost")
}

// judge says whether a connection may be made, and if not why.
func judge(rules []Rule, purpose, host string, port int, addr netip.Addr) (why string, ok bool) {
	if reason := forbidden(addr); reason != "" {
		return reason, false
	}
	allowed, loopback := false, false
	for _, r := range rules {
		if !r.covers(purpose, host, port, addr) {
			continue
		}
		if r.Deny {
			return "a rule denies it", false
		}
		allowed = true
		loopback = loopback || r.meansLoopback()
	}
	switch {
	case !allowed:
		return "no rule allows it", false
	case addr.IsLoopback() && !loopback:
		return "the name leads to this machine itself", false
	}
	return "", true
}

// never holds what no rule can open: addresses by which a machine learns its own
// secrets from its cloud, and those that name no single machine.
var never = []struct {
	network netip.Prefix
	why     string
}{
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local addresses are never reached"},
	{netip.MustParsePrefix("fe80::/10"), "link-local addresses are never reached"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "metadata services are never reached"},
	{netip.MustParsePrefix("100.100.100.200/32"), "metadata services are never reached"},
	{netip.MustParsePrefix("168.63.129.16/32"), "metadata services are never reached"},
	{netip.MustParsePrefix("192.0.0.0/24"), "metadata services are never reached"},
	{netip.MustParsePrefix("0.0.0.0/8"), "the address names no machine"},
	{netip.MustParsePrefix("::/128"), "the address names no machine"},
	{netip.MustParsePrefix("224.0.0.0/4"), "the address names no single machine"},
	{netip.MustParsePrefix("ff00::/8"), "the address names no single machine"},
	{netip.MustParsePrefix("240.0.0.0/4"), "the address names no machine"},
}

// embedded are networks of IPv6 that carry an IPv4 address inside, and where.
var embedded = []struct {
	network netip.Prefix
	at      int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

func forbidden(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	for _, n := range never {
		if n.network.Contains(addr) {
			return n.why
		}
	}
	if addr.Is6() && !addr.IsLoopback() {
		for _, e := range embedded {
			if e.network.Contains(addr) {
				raw := addr.As16()
				inner, _ := netip.AddrFromSlice(raw[e.at : e.at+4])
				if inner.IsLoopback() {
					return "the address hides another one"
				}
				if why := forbidden(inner); why != "" {
					return why
				}
			}
		}
	}
	return ""
}
