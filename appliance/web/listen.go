package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"chatets/appliance/fault"
)

// maxSocketPath is what fits into a socket address of Linux with its final NUL.
const maxSocketPath = 107

// peer is the process at the other end of a Unix socket, as the kernel says.
type peer struct{ uid, pid int }

func peerOf(c *net.UnixConn) (*peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	if credErr != nil {
		return nil, credErr
	}
	return &peer{uid: int(cred.Uid), pid: int(cred.Pid)}, nil
}

// CheckListen refuses an address that cannot be served, before anything else is
// begun: what is said over plain HTTP must not leave the machine.
func CheckListen(address string) error {
	_, err := loopback(address)
	return err
}

// loopback is the address to listen on, which is one of this machine alone.
func loopback(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fault.New(fault.Invalid, "The address %q is not one to listen on.", address).
			Cure("Write it like 127.0.0.1:8080.").Because(err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fault.New(fault.Invalid, "The port of the address %q is not a number from 0 to 65535.", address).
			Cure("Write it like 127.0.0.1:8080.")
	}
	if host == "localhost" {
		host = "127.0.0.1" // not what a hosts file makes of it
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return "", fault.New(fault.Invalid, "ChatETS speaks plain HTTP only on this machine, so it does not listen on %q.", address).
			Cure("Listen on 127.0.0.1 and let a web server with a certificate on this machine pass requests on.").
			Code("plain-http-beyond-loopback")
	}
	return net.JoinHostPort(host, port), nil
}

func listenTCP(address string) (net.Listener, error) {
	own, err := loopback(address)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", own)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Conflict, "The address %s is in use.", address).
			Cure("Stop the program that listens there, or choose another port with --listen.").Because(err)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.New(fault.Forbidden, "This user may not listen on %s.", address).
			Cure("Choose a port from 1024 up with --listen.").Because(err)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return ln, nil
}

// unixSocket is a listening Unix socket and the file that leads to it.
type unixSocket struct {
	net.Listener
	path string
	info fs.FileInfo
}

// Close stops listening and removes the file, unless another process has put
// its own in the place.
func (u *unixSocket) Close() error {
	if now, err := os.Lstat(u.path); err == nil && os.SameFile(now, u.info) {
		_ = os.Remove(u.path) // a file left behind is stale and replaced at the next start
	}
	return u.Listener.Close()
}

// listenUnix listens on a socket file of mode 0660.
//
//  1. A socket that somebody answers on is left alone; what is no socket too.
//  2. The new socket is made under another name and given its mode there, so
//     that nobody connects in between.
//  3. The rename puts it in place and removes a stale one in the same step.
func listenUnix(path string) (net.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("socket path: %w", err)
	}
	dir, name := filepath.Split(path)
	home, err := os.Open(dir)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The folder of the socket %s cannot be opened.", path).
			Cure("Make the folder, or choose another path for the socket.").Because(err)
	}
	defer func() { _ = home.Close() }() // only read
	reach := func(name string) string { // a path to the file that fits into an address
		if full := filepath.Join(dir, name); len(full) <= maxSocketPath {
			return full
		}
		return fmt.Sprintf("/proc/self/fd/%d/%s", home.Fd(), name)
	}
	if len(reach(name+".new")) > maxSocketPath {
		return nil, fault.New(fault.Invalid, "The name of the socket %s is too long.", path).Cure("Choose a shorter name.")
	}

	if info, err := os.Lstat(path); err == nil {
		switch {
		case info.Mode().Type() != fs.ModeSocket:
			return nil, fault.New(fault.Conflict, "%s exists and is not a socket.", path).Cure("Move it away, or choose another path for the socket.")
		case answered(reach(name)):
			return nil, fault.New(fault.Conflict, "Another service listens on the socket %s.", path).
				Cure("Stop it, or choose another path for the socket.")
		}
	}

	temp := filepath.Join(dir, name+".new")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("old socket: %w", err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: reach(name + ".new")})
	if err != nil {
		return nil, fault.New(fault.Invalid, "The socket %s cannot be made.", path).
			Cure("Check that the service's user may write in its folder.").Because(err)
	}
	ln.SetUnlinkOnClose(false) // the name it was made under is gone by then
	fail := func(err error) (net.Listener, error) {
		_ = ln.Close()
		_ = os.Remove(temp)
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Chmod(temp, 0o660); err != nil {
		return fail(err)
	}
	info, err := os.Lstat(temp)
	if err != nil {
		return fail(err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fail(err)
	}
	return &unixSocket{Listener: ln, path: path, info: info}, nil
}

// answered reports whether a process listens on the socket. It says nothing
// there and leaves at once.
func answered(path string) bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	// EAGAIN: its queue is full, so there is somebody.
	return err == nil || errors.Is(err, unix.EAGAIN)
}
