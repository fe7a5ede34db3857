package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"chatets/appliance"
)

const (
	lowSpace  = 1 << 30   // bytes; below it the doctor warns
	fullSpace = 100 << 20 // bytes; below it writing fails soon
	lowFiles  = 10_000    // files that can still be made

	readOK = 4 // R_OK of access(2)
)

func (x *examination) configuration() {
	file := x.cfg.Values()[0].Value
	if file == "" {
		file = "no file"
	}
	x.note("configuration", good, "", "every value is valid (%s; chatets config show lists them)", file)
}

// data looks at the directory, and finds out whether it is still to be made.
func (x *examination) data() {
	dir := x.cfg.Data
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.fresh = true
		x.note("data", warn, "name another with --data, or make it: chatets serve", "%s is not there yet", dir)
		return
	case err != nil:
		x.note("data", bad, "give this user the right to enter the folders above it", "%s cannot be looked at", dir)
		return
	case !info.IsDir():
		x.note("data", bad, "name another with --data", "%s is not a folder", dir)
		return
	}
	x.fresh = !appliance.HasKeys(dir)
	switch owner, ok := info.Sys().(*syscall.Stat_t); {
	case info.Mode().Perm()&0o027 != 0:
		x.note("data", warn, "run: chmod 700 "+dir, "%s is open to others (mode %04o)", dir, info.Mode().Perm())
	case ok && os.Geteuid() != 0 && int(owner.Uid) != os.Geteuid():
		x.note("data", bad, "run the command as that user or as root", "%s belongs to user %d, and this is user %d", dir, owner.Uid, os.Geteuid())
	case x.fresh:
		x.note("data", good, "", "%s is empty", dir)
	default:
		x.note("data", good, "", "%s", dir)
	}
}

func (x *examination) key() {
	file := x.cfg.Key
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && x.fresh:
		x.note("key", warn, "chatets serve makes it", "%s is not there yet", file)
		return
	case errors.Is(err, fs.ErrNotExist):
		x.note("key", bad, "put it back from where you keep its copy, or name its place with --key", "%s is missing; without it nothing can be read", file)
		return
	case err != nil:
		x.note("key", bad, "give this user the right to enter the folders above it", "%s cannot be looked at", file)
		return
	case info.Mode().Perm()&0o037 != 0:
		x.note("key", bad, "run: chmod 600 "+file, "%s can be read or changed by others (mode %04o)", file, info.Mode().Perm())
	case syscall.Access(file, readOK) != nil:
		x.note("key", bad, "give this user the right to read it, or run the command as the service's user", "%s cannot be read", file)
	default:
		x.note("key", good, "", "%s", file)
	}
	if filepath.Dir(file) == filepath.Dir(x.cfg.Data) {
		x.note("key place", warn, "keep the key in a folder of its own (--key, or key in the configuration), and a copy of it away from this machine",
			"key and data lie in one folder; whoever copies %s has both", filepath.Dir(file))
	}
}

// disk looks at the file system the data is on, or will be.
func (x *examination) disk() {
	dir := x.cfg.Data
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		x.note("disk", bad, "check the file system of "+dir, "its free space cannot be read")
		return
	}
	const readOnly = 1 // ST_RDONLY of statfs(2)
	free := int64(s.Bavail) * s.Bsize
	switch {
	case s.Flags&readOnly != 0:
		x.note("disk", bad, "mount it for writing, and look at why it was not", "the file system of %s is read-only", dir)
	case free < fullSpace:
		x.note("disk", bad, "free space now", "%s free; writing is about to fail", size(free))
	case free < lowSpace:
		x.note("disk", warn, "free space soon", "%s free", size(free))
	case s.Files > 0 && s.Ffree < lowFiles:
		x.note("disk", warn, "remove files, or make a larger file system", "%s free, but room for only %d more files", size(free), s.Ffree)
	default:
		x.note("disk", good, "", "%s free", size(free))
	}
}

// address finds out whether a start could listen.
func (x *examination) address(ctx context.Context) {
	address := x.cfg.Listen
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		x.note("address", bad, "give an address and a port, for example 127.0.0.1:8080", "there is none to listen on")
		return
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		x.note("address", bad, "listen on 127.0.0.1", "%s is not on this machine alone, and plain HTTP is for loopback only", address)
		return
	}
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err == nil {
		err = listener.Close()
	}
	if err != nil {
		x.note("address", bad, "end the program that uses it, or choose another with --listen", "%s cannot be listened on", address)
		return
	}
	x.note("address", good, "", "%s is free", address)
}

// lock finds out whether the data directory can be claimed. It is held by a
// service whose socket is another one than ours.
func (x *examination) lock() (free bool) {
	file, err := os.Open(filepath.Join(x.cfg.Data, "lock"))
	if err != nil {
		return true // never claimed, or to be told by whoever opens it
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		x.note("lock", bad, "stop that process, or name its socket with --socket", "another process has the data directory open, and does not answer on %s", x.cfg.Socket)
		return false
	}
	x.note("lock", good, "", "the data directory is not in use")
	return true
}
