// Package client is the command line's side of the service's Unix socket: JSON
// calls, uploads and event streams on the same routes the pages use.
//
// What a newcomer gets wrong: it cannot reach another machine. The kernel tells
// the service whose process is on the other end, and that is the whole sign-in.
package client

import (
	"bufio"
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

	"chatets/appliance/fault"
)

// maxPath is the longest socket path the kernel takes, in bytes.
const maxPath = 107

// Client talks to one socket. It is safe for concurrent use.
type Client struct {
	http  *http.Client
	owner string
}

// New returns a client of a socket. New rows belong to the person with the
// e-mail owner, "" = the first owner of the installation.
func New(socket, owner string) *Client {
	transport := &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, socket)
		},
	}
	return &Client{http: &http.Client{Transport: transport}, owner: owner}
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

// Reachable reports whether a service answers on the socket.
func (c *Client) Reachable(ctx context.Context) bool {
	req, err := c.request(ctx, http.MethodGet, "/health", nil)
	if err != nil {
		return false
	}
	res, err := c.http.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil
}

// Call sends in as JSON (nil = no body) and reads the answer into out (nil =
// none is wanted). A problem document comes back as its fault.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, out)
}

// Upload sends size bytes of body as they are.
func (c *Client) Upload(ctx context.Context, path string, body io.Reader, size int64, out any) error {
	req, err := c.request(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	return c.do(req, out)
}

// An Event is one server-sent event.
type Event struct {
	ID, Name string
	Data     []byte // JSON
}

// Stream sends in as JSON and hands on each event until the stream ends or
// on returns an error.
func (c *Client) Stream(ctx context.Context, path string, in any, on func(Event) error) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := c.request(ctx, http.MethodPost, path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.http.Do(req)
	if err != nil {
		return reach(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return problem(res)
	}
	return readEvents(res.Body, on)
}

func readEvents(r io.Reader, on func(Event) error) error {
	lines := bufio.NewReader(r)
	var e Event
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "":
			if line == "" && e.Name != "" {
				if err := on(e); err != nil {
					return err
				}
			}
			if line == "" {
				e = Event{}
			}
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "data":
			if e.Data != nil {
				e.Data = append(e.Data, '\n')
			}
			e.Data = append(e.Data, value...)
		}
	}
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, body)
	if err != nil {
		return nil, err
	}
	if c.owner != "" {
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
		return problem(res)
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, res.Body)
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of the service: %w", err)
	}
	return nil
}

// reach says why the service was not reached.
func reach(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Forbidden, "This user may not use the service's socket.").Cure("Run the command as root or as the service's user.").Because(err)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Unavailable, "The service does not run.").Cure("Start it: chatets serve").Because(err)
	}
	return fault.New(fault.Unavailable, "The service ended the connection.").Cure("Look into its log.").Because(err)
}

// problem turns a problem document back into the fault it came from.
func problem(res *http.Response) error {
	var p struct {
		Detail, Code, Cure, Request string
		Errors                      []fault.Detail
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Detail == "" {
		return fault.New(fault.Internal, "The service answered with status %d.", res.StatusCode).Cure("Look into its log.")
	}
	e := fault.New(kindOf(res.StatusCode), "%s", p.Detail).Code(p.Code).With(p.Errors...)
	if p.Cure != "" {
		e = e.Cure("%s", p.Cure)
	}
	if res.StatusCode >= 500 {
		e = e.Because(fmt.Errorf("request %s", p.Request))
	}
	return e
}

func kindOf(status int) fault.Kind {
	switch status {
	case 400:
		return fault.Malformed
	case 401:
		return fault.Unauthenticated
	case 403:
		return fault.Forbidden
	case 404:
		return fault.NotFound
	case 409:
		return fault.Conflict
	case 413:
		return fault.TooLarge
	case 415:
		return fault.Unsupported
	case 422:
		return fault.Invalid
	case 429:
		return fault.TooMany
	case 499:
		return fault.Cancelled
	case 503:
		return fault.Unavailable
	case 507:
		return fault.Full
	}
	return fault.Internal
}
