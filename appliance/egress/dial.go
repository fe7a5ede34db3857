package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"chatets/appliance/fault"
)

const (
	dialTimeout  = 10 * time.Second // for one address
	maxAddresses = 8                // of one name
)

// Dial connects to a host and port for a purpose, for protocols that are not
// HTTP. network is "tcp", "tcp4" or "tcp6".
//
//  1. The name is resolved, unless it is an address.
//  2. Each address is judged; what is not allowed is left out.
//  3. The addresses that remain are dialled as they are, in turn.
func (g *Gate) Dial(ctx context.Context, purpose, network, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The address to connect to is not a host and a port.").Because(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 1 || port > 65535 {
		return nil, fault.New(fault.Invalid, "The port to connect to is not from 1 to 65535.")
	}
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, fault.New(fault.Invalid, "ChatETS connects by TCP only.")
	}
	host = hostName(host)
	a := Attempt{Purpose: purpose, Host: host, Port: port}
	rules := g.Rules()

	addrs, err := g.resolve(ctx, rules, a)
	if err != nil {
		return nil, err
	}
	var open []netip.Addr
	why := "it has no address of this kind"
	for _, addr := range addrs {
		addr = addr.Unmap()
		if network == "tcp4" && !addr.Is4() || network == "tcp6" && !addr.Is6() {
			continue
		}
		reason, ok := judge(rules, purpose, host, port, addr)
		if !ok {
			why = reason
			a.Address = addr.String()
			continue
		}
		if len(open) < maxAddresses {
			open = append(open, addr)
		}
	}
	if len(open) == 0 {
		return nil, g.refuse(a, why)
	}
	return g.connect(ctx, a, open)
}

// resolve is the addresses of the host. A name that no rule could allow is not
// even looked up: the question alone would tell others about us.
func (g *Gate) resolve(ctx context.Context, rules []Rule, a Attempt) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(a.Host); err == nil {
		return []netip.Addr{addr.WithZone("")}, nil
	}
	possible := false
	for _, r := range rules {
		switch {
		case r.Deny && r.covers(a.Purpose, a.Host, a.Port, netip.Addr{}):
			return nil, g.refuse(a, "a rule denies it")
		case !r.Deny && r.Purpose == a.Purpose && (r.Port == 0 || r.Port == a.Port):
			possible = possible || r.network.IsValid() || r.covers(a.Purpose, a.Host, a.Port, netip.Addr{})
		}
	}
	if !possible {
		return nil, g.refuse(a, "no rule allows it")
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addrs, err := g.lookup(ctx, a.Host)
	if err != nil {
		return nil, g.failed(a, err)
	}
	return addrs, nil
}

func (g *Gate) connect(ctx context.Context, a Attempt, addrs []netip.Addr) (net.Conn, error) {
	var first error
	for _, addr := range addrs {
		target := netip.AddrPortFrom(addr, uint16(a.Port))
		a.Address = addr.String()
		d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: only(target)}
		c, err := d.DialContext(ctx, "tcp", target.String())
		if err == nil {
			a.Outcome = Dialled
			g.note(a)
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, g.failed(a, first)
}

// only refuses, at the last moment before the connection, every address but the
// one that was judged.
func only(target netip.AddrPort) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		if got, err := netip.ParseAddrPort(address); err != nil || got != target {
			return errors.New("the address to connect to has changed")
		}
		return nil
	}
}

func (g *Gate) refuse(a Attempt, why string) error {
	a.Outcome, a.Why = Refused, why
	g.note(a)
	g.log.Warn("connection refused by the gate", "purpose", a.Purpose, "host", a.Host, "port", a.Port, "address", a.Address, "why", why)
	return fault.New(fault.Forbidden, "ChatETS may not connect to %s: %s.", net.JoinHostPort(a.Host, strconv.Itoa(a.Port)), why).
		Code("egress").Cure("An administrator can add the server where it is used.")
}

func (g *Gate) failed(a Attempt, cause error) error {
	a.Outcome, a.Why = Failed, cause.Error()
	g.note(a)
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	return fault.New(fault.Unavailable, "%s cannot be reached.", net.JoinHostPort(a.Host, strconv.Itoa(a.Port))).
		Cure("Check that it runs and that its address is right.").Because(cause)
}

func (g *Gate) note(a Attempt) {
	a.Time = g.now()
	g.record.add(a)
}
