// Package client is the command line's side of the service's Unix socket: JSON
// calls, uploads and event streams on the same routes the pages use.
//
// What a newcomer gets wrong: it cannot reach another machine. The kernel tells
// the service whose process is on the other end, and that is the whole sign-in.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"chatets/appliance/fault"
)

const (
	maxPath   = 107             // the longest socket path the kernel takes, in bytes
	patience  = 5 * time.Second // for a sign of life
	hesitance = 2 * time.Second // for a word of the service before a body is sent
)

// Absent is the code of the fault that says that no service is there, as
// against one that is there and does not answer.
const Absent = "service-absent"

// Client talks to one socket. It is safe for concurrent use.
type Client struct {
	http  *http.Client
	owner string
}

// New returns a client of a socket. New rows belong to the person with the
// e-mail owner, "" = the first owner of the installation.
func New(socket, owner string) *Client {
	return &Client{owner: owner, http: &http.Client{
		Transport: &http.Transport{
			DisableCompression:    true,
			ExpectContinueTimeout: hesitance,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dial(ctx, socket)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// dial connects to a socket of any path length: a long one is reached through
// its folder's descriptor.
func dial(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	if len(socket) <= maxPath {
		return d.DialContext(ctx, "unix", socket)
	}
	dir, err := os.Open(filepath.Dir(socket))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(socket)))
}

// Close gives up the connections that are kept for further calls.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Probe asks for a sign of life. The fault says what is in the way; its code is
// Absent where nothing listens.
func (c *Client) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/health", nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "The service does not answer on its socket.").Code("service-silent").
			Cure("Look into its log, or restart it.").Because(err)
	case err != nil:
		return reach(err)
	}
	// Whatever /health says: it is there, and will say itself what it cannot do.
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	return errors.Join(err, res.Body.Close())
}

// Call sends in as JSON (nil = no body) and reads the answer into out (nil =
// none is wanted). A problem document comes back as its fault.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	return c.do(req, out)
}

// Fetch is Call for an answer that is a file; whoever calls closes it.
func (c *Client) Fetch(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, reach(err)
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, refusal(res)
	}
	return res.Body, nil
}

// Upload sends body as it is, by POST; size is its length in bytes, or -1 where it is
// not known before its end. told is called with the number of bytes sent so far;
// nil = nobody wants to know.
func (c *Client) Upload(ctx context.Context, path string, body io.Reader, size int64, told func(int64), out any) error {
	return c.send(ctx, http.MethodPost, path, body, size, told, out)
}

// Put is Upload by PUT, for what is named by its path.
func (c *Client) Put(ctx context.Context, path string, body io.Reader, size int64, told func(int64), out any) error {
	return c.send(ctx, http.MethodPut, path, body, size, told, out)
}

func (c *Client) send(ctx context.Context, method, path string, body io.Reader, size int64, told func(int64), out any) error {
	req, err := c.request(ctx, method, path, nil)
	if err != nil {
		return err
	}
	req.Body, req.ContentLength = io.NopCloser(&source{r: body, size: size, told: told}), size
	if size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	// What is refused by its size or its place must not be sent in vain, and the
	// refusal must not be lost in a connection that breaks while sending.
	req.Header.Set("Expect", "100-continue")
	return c.do(req, out)
}

// source is a body on its way: it counts, and tells a failure of the file from
// one of the service.
type source struct {
	r    io.Reader
	n    int64
	size int64
	told func(int64)
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if s.told != nil && n > 0 {
		s.told(s.n)
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		err = fault.New(fault.Unavailable, "The file cannot be read to its end.").Code("file-unreadable").Cure("Check the disk it lies on.").Because(err)
	case s.size >= 0 && (s.n > s.size || err != nil && s.n < s.size):
		return 0, fault.New(fault.Conflict, "The file changed while it was being sent.").Code("file-changed").Cure("Add it again when nobody writes to it.")
	}
	return n, err
}

// request makes a request with in as its JSON body, nil = none.
func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.owner != "" {
		if strings.ContainsFunc(c.owner, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fault.New(fault.Invalid, "The owner %q is no e-mail address.", c.owner)
		}
		req.Header.Set("X-Chatets-Owner", c.owner)
	}
	return req, nil
}

func (c *Client) do(req *http.Request, out any) error {
	res, err := c.http.Do(req)
	if err != nil {
		return reach(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return refusal(res)
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, res.Body)
		return reach(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return reach(err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fault.New(fault.Internal, "The service gave an answer that this command does not understand.").
			Cure("Use the command of the same version as the service.").Because(err)
	}
	return nil
}

// reach says why the service was not reached; nil stays nil.
func reach(err error) error {
	var ours *fault.Error
	switch {
	case err == nil, errors.As(err, &ours), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Forbidden, "This user may not use the service's socket.").Code("socket-forbidden").
			Cure("Run the command as root or as the service's user.").Because(err)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTSOCK), errors.Is(err, syscall.ENOTDIR):
		return fault.New(fault.Unavailable, "The service does not run.").Code(Absent).Cure("Start it: chatets serve").Because(err)
	}
	return fault.New(fault.Unavailable, "The service ended the connection.").Code("connection-lost").
		Cure("Look into its log, and try again.").Because(err)
}
