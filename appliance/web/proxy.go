package web

import (
	"net"
	"net/netip"
	"strings"

	"chatets/appliance/fault"
)

// parseNetworks reads addresses ("10.0.0.7") and networks ("10.0.0.0/8").
func parseNetworks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "The trusted proxy %q is not an address or a network.", text).
				Cure("Write it like 10.0.0.7 or 10.0.0.0/8.")
		}
		a = a.Unmap()
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out, nil
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientAddress is who is really asking: the peer, or, when the peer is a
// trusted proxy, the last address in X-Forwarded-For that is not one. Whatever
// stands left of that was written by the client and proves nothing.
func (s *Server) clientAddress(peer net.Addr, forwarded string) string {
	addr, ok := addrOf(peer)
	if !ok {
		return ""
	}
	if !s.trusts(addr) {
		return addr.String()
	}
	for list := forwarded; list != ""; {
		i := strings.LastIndexByte(list, ',')
		next, ok := parseForwarded(list[i+1:])
		if !ok {
			break
		}
		addr = next
		if !s.trusts(addr) || i < 0 {
			break
		}
		list = list[:i]
	}
	return addr.String()
}

func addrOf(a net.Addr) (netip.Addr, bool) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	addr, ok := netip.AddrFromSlice(t.IP)
	return addr.Unmap(), ok
}

// parseForwarded reads one element of X-Forwarded-For: an address, with or
// without a port, an IPv6 address in brackets or bare.
func parseForwarded(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil
}

// hostOf is the host name of a Host header or an authority, lower case and
// without port and brackets; "" where it cannot be one.
func hostOf(authority string) string {
	host := authority
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return ""
		}
		rest := host[end+1:]
		if rest != "" && !isPort(rest) {
			return ""
		}
		a, err := netip.ParseAddr(host[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return ""
		}
		return a.String()
	}
	if i := strings.IndexByte(host, ':'); i >= 0 {
		if !isPort(host[i:]) {
			return ""
		}
		host = host[:i]
	}
	for _, r := range []byte(host) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		default:
			return ""
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func isPort(text string) bool {
	if len(text) < 2 || len(text) > 6 || text[0] != ':' {
		return false
	}
	for _, r := range []byte(text[1:]) {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
