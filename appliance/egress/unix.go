package egress

import (
	"context"
	"net"
	"path/filepath"

	"chatets/appliance/fault"
)

// DialUnix connects to the Unix socket of another program on this machine, such
// as a malware scanner. No rule is asked: nothing leaves the machine, and the
// path comes from its operator; it is counted like every connection.
func (g *Gate) DialUnix(ctx context.Context, purpose, path string) (net.Conn, error) {
	if !filepath.IsAbs(path) || len(path) > 107 {
		return nil, fault.New(fault.Invalid, "The socket to connect to is not an absolute path of at most 107 characters.")
	}
	a := Attempt{Purpose: purpose, Host: path}
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, g.failed(a, err)
	}
	a.Outcome = Dialled
	g.note(a)
	return c, nil
}
