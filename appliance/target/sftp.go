package target

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"net"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

const handshake = 15 * time.Second

// HostKey asks an SFTP server for its key, which the person who adds the target
// holds against what the server's administrator says. line is what Config.HostKey
// takes, fingerprint what people compare.
func HostKey(ctx context.Context, gate *egress.Gate, purpose, server string) (line, fingerprint string, err error) {
	var key ssh.PublicKey
	seen := errors.New("the key was seen")
	c := &ssh.ClientConfig{User: "-", HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
		key = k
		return seen
	}}
	conn, err := gate.Dial(ctx, purpose, "tcp", server)
	if err != nil {
		return "", "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(handshake))
	_, _, _, err = ssh.NewClientConn(conn, server, c)
	if key == nil {
		return "", "", away("sftp://"+server, err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), ssh.FingerprintSHA256(key), nil
}

// remote is a target on an SFTP server.
type remote struct {
	gate    *egress.Gate
	purpose string
	server  string
	root    string
	login   *ssh.ClientConfig
	shown   string

	mu      sync.Mutex
	client  *sftp.Client
	conn    *ssh.Client
	folders map[string]bool
}

func openSFTP(a Address, c Config) (Target, error) {
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(c.HostKey))
	if err != nil {
		return nil, fault.New(fault.Invalid, "The key of the SFTP server is not known.").Code("target-host-key").
			Cure("Ask the server for it, compare its fingerprint with what its administrator says, and add the target with it.")
	}
	r := &remote{gate: c.Gate, purpose: c.Purpose, server: a.Server(), root: a.Path, shown: "sftp://" + a.User + "@" + a.Server() + "/" + strings.TrimPrefix(a.Path, "/"), folders: map[string]bool{}}
	r.login = &ssh.ClientConfig{User: a.User, Timeout: handshake, HostKeyAlgorithms: algorithms(pinned.Type()), HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
		if subtle.ConstantTimeCompare(k.Marshal(), pinned.Marshal()) != 1 {
			return fault.New(fault.Conflict, "The server %s shows another key (%s) than when it was added (%s).", r.server, ssh.FingerprintSHA256(k), ssh.FingerprintSHA256(pinned)).
				Code("target-host-key").Cure("If its administrator says that the key was changed, remove the target and add it again; else somebody is between.")
		}
		return nil
	}}
	secret := strings.TrimRight(c.Secret, "\r\n")
	switch {
	case secret == "":
		return nil, fault.New(fault.Invalid, "An SFTP target needs a password or a private key.").Code("target-secret").Cure("Give it on standard input.")
	case strings.HasPrefix(strings.TrimSpace(secret), "-----BEGIN"):
		key, err := ssh.ParsePrivateKey([]byte(c.Secret))
		if err != nil {
			return nil, fault.New(fault.Invalid, "The private key of the SFTP target cannot be read.").Code("target-secret").
				Cure("Give it as PEM and without a passphrase.").Because(err)
		}
		r.login.Auth = []ssh.AuthMethod{ssh.PublicKeys(key)}
	default:
		r.login.Auth = []ssh.AuthMethod{ssh.Password(secret), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = secret
			}
			return answers, nil
		})}
	}
	return r, nil
}

// algorithms are the signatures a pinned key can make: without them the server
// might show another of its keys.
func algorithms(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// String is the server, the user and the folder.
func (r *remote) String() string { return r.shown }

// Close ends the connection.
func (r *remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return nil
	}
	err := errors.Join(r.client.Close(), r.conn.Close())
	r.conn, r.client = nil, nil
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// do runs one operation on a living connection. The end of ctx closes it, which
// is the only way to end a call of the library.
func (r *remote) do(ctx context.Context, f func(*sftp.Client) error) error {
	client, conn, err := r.connect(ctx)
	if err != nil {
		return r.classify(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err = f(client)
	if !stop() {
		err = errors.Join(ctx.Err(), err)
	}
	if broken(err) || ctx.Err() != nil {
		r.forget(conn)
	}
	return r.classify(err)
}

func (r *remote) connect(ctx context.Context) (*sftp.Client, *ssh.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		return r.client, r.conn, nil
	}
	wire, err := r.gate.Dial(ctx, r.purpose, "tcp", r.server)
	if err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = wire.Close() })()
	_ = wire.SetDeadline(time.Now().Add(handshake))
	c, channels, requests, err := ssh.NewClientConn(wire, r.server, r.login)
	if err != nil {
		_ = wire.Close()
		if strings.Contains(err.Error(), "unable to authenticate") {
			return nil, nil, refused(r.shown, err)
		}
		return nil, nil, err
	}
	conn := ssh.NewClient(c, channels, requests)
	client, err := sftp.NewClient(conn, sftp.UseConcurrentWrites(true))
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	_ = wire.SetDeadline(time.Time{})
	r.client, r.conn, r.folders = client, conn, map[string]bool{}
	return client, conn, nil
}

func (r *remote) forget(conn *ssh.Client) {
	_ = conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == conn {
		r.conn, r.client = nil, nil
	}
}

// broken is a connection that is not used again.
func broken(err error) bool {
	var wire net.Error
	return errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, sftp.ErrSSHFxNoConnection) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.As(err, &wire)
}

// Put writes beside the name and renames; where the server lets nothing be
// renamed it writes under the name itself.
func (r *remote) Put(ctx context.Context, name string, src io.Reader, size int64) error {
	if !validName(name) {
		return badName(name)
	}
	return r.do(ctx, func(c *sftp.Client) error {
		if err := r.folder(c, path.Dir(r.path(name))); err != nil {
			return err
		}
		temporary := path.Join(path.Dir(r.path(name)), part+random())
		if err := r.write(ctx, c, temporary, src, size, os.O_EXCL); err != nil {
			_ = c.Remove(temporary)
			return err
		}
		err := c.PosixRename(temporary, r.path(name))
		if err == nil {
			return nil
		}
		_ = c.Remove(temporary)
		again, can := src.(io.Seeker)
		if !can || broken(err) {
			return err
		}
		if _, seek := again.Seek(-size, io.SeekCurrent); seek != nil {
			return errors.Join(err, seek)
		}
		return r.write(ctx, c, r.path(name), src, size, os.O_TRUNC)
	})
}

// PutIfAbsent links the finished file; servers without links create exclusively.
func (r *remote) PutIfAbsent(ctx context.Context, name string, data []byte) error {
	if !validName(name) {
		return badName(name)
	}
	return r.do(ctx, func(c *sftp.Client) error {
		final := r.path(name)
		if err := r.folder(c, path.Dir(final)); err != nil {
			return err
		}
		if _, can := c.HasExtension("hardlink@openssh.com"); can {
			temporary := path.Join(path.Dir(final), part+random())
			err := r.write(ctx, c, temporary, bytes.NewReader(data), int64(len(data)), os.O_EXCL)
			if err == nil {
				err = c.Link(temporary, final)
			}
			_ = c.Remove(temporary)
			if err == nil {
				return nil
			}
			if _, there := c.Lstat(final); there == nil {
				return ErrExists
			}
			if broken(err) || !errors.Is(err, fs.ErrPermission) && !refusal(err) {
				return err
			}
		}
		err := r.write(ctx, c, final, bytes.NewReader(data), int64(len(data)), os.O_EXCL)
		if err == nil {
			return nil
		}
		if info, there := c.Lstat(final); there == nil && info.Size() > 0 {
			return ErrExists
		}
		return err
	})
}

// refusal is the one answer of the protocol for whatever a server does not do.
func refusal(err error) bool {
	return errors.Is(err, sftp.ErrSSHFxFailure) || errors.Is(err, sftp.ErrSSHFxOpUnsupported) || errors.Is(err, sftp.ErrSSHFxPermissionDenied)
}

// write puts the bytes on the server's disk and holds length and checksum
// against what can be read there.
func (r *remote) write(ctx context.Context, c *sftp.Client, file string, src io.Reader, size int64, how int) (err error) {
	f, err := c.OpenFile(file, os.O_RDWR|os.O_CREATE|how)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	sum := crc32.New(castagnoli())
	n, err := f.ReadFrom(io.TeeReader(io.LimitReader(&live{ctx: ctx, r: src}, size), sum))
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("%d bytes came instead of %d: %w", n, size, io.ErrUnexpectedEOF)
	}
	if _, can := c.HasExtension("fsync@openssh.com"); can {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if size <= checked {
		return same(f, size, sum.Sum32())
	}
	info, err := f.Stat()
	if err == nil && info.Size() != size {
		err = fmt.Errorf("%d bytes were kept of %d: %w", info.Size(), size, io.ErrUnexpectedEOF)
	}
	return err
}

// checked is up to what size an upload is read back: the protocol has its own
// checksums, and what is larger is read again by drills.
const checked = 64 << 10

// folder makes the folders of a name once for each connection.
func (r *remote) folder(c *sftp.Client, dir string) error {
	r.mu.Lock()
	known := r.folders[dir]
	r.mu.Unlock()
	if known {
		return nil
	}
	if _, err := c.Stat(dir); err != nil {
		if err := c.MkdirAll(dir); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.folders[dir] = true
	return nil
}

// Get opens a part of a file.
func (r *remote) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if !validName(name) {
		return nil, ErrNotFound
	}
	var got io.ReadCloser
	err := r.do(ctx, func(c *sftp.Client) error {
		f, err := c.Open(r.path(name))
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fs.ErrNotExist
		}
		if err == nil {
			_, err = f.Seek(offset, io.SeekStart)
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
		left := span(info.Size(), offset, length)
		got = &body{r: f, left: left, ctx: ctx, where: r.shown}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	conn := r.conn
	r.mu.Unlock()
	// A read that stands still is ended by its context like every other call.
	return &guarded{ReadCloser: got, stop: context.AfterFunc(ctx, func() {
		if conn != nil {
			r.forget(conn)
		}
	})}, nil
}

type guarded struct {
	io.ReadCloser
	stop func() bool
}

// Close ends the watch and the reading.
func (g *guarded) Close() error {
	g.stop()
	return g.ReadCloser.Close()
}

// List reads the folders below the prefix.
func (r *remote) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		tree{prefix: prefix, after: after, read: func(ctx context.Context, folder string) (entries []entry, err error) {
			err = r.do(ctx, func(c *sftp.Client) error {
				found, err := c.ReadDirContext(ctx, r.path(folder))
				for _, f := range found {
					entries = append(entries, entry{name: f.Name(), folder: f.IsDir(), size: f.Size()})
				}
				return err
			})
			return entries, err
		}}.walk(ctx, folderOf(prefix), yield)
	}
}

// Delete removes a file.
func (r *remote) Delete(ctx context.Context, name string) error {
	if !validName(name) {
		return badName(name)
	}
	return r.do(ctx, func(c *sftp.Client) error {
		err := c.Remove(r.path(name))
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist):
			return nil
		case broken(err):
			return err
		case errors.Is(err, fs.ErrPermission), refusal(err):
			return errors.Join(ErrNoDelete, err)
		}
		return err
	})
}

func (r *remote) path(name string) string { return path.Join(r.root, name) }

func (r *remote) classify(err error) error {
	var own *fault.Error
	switch {
	case err == nil, errors.As(err, &own), errors.Is(err, ErrExists), errors.Is(err, ErrNoDelete), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, sftp.ErrSSHFxPermissionDenied):
		return refused(r.shown, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return cut(r.shown, err)
	case strings.Contains(err.Error(), "No space left"), strings.Contains(err.Error(), "quota"):
		return full(r.shown, err)
	}
	return away(r.shown, err)
}
