package inference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"chatets/appliance/fault"
)

const (
	bodyLimit  = 64 << 20 // of an answer that is read whole; 32 vectors are 3 MB
	errorLimit = 64 << 10 // of the text of a failure
)

// link is the way to one server. Every dialect asks through it, so that limits,
// headers and the naming of failures are the same for all.
type link struct {
	id       string
	kind     Kind
	base     string // without a slash at the end and without /v1
	host     string // for sentences
	token    string
	instance string
	http     *http.Client
	limits   Limits
	leads    sync.Map // names of models whose thinking begins without its tag, see thinker
	// header adds what a dialect sends with every request; nil sends the token as
	// a bearer.
	header func(h http.Header)
}

func newLink(s Server) (*link, error) {
	u, err := Address(s.Kind, s.URL)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(s.Token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fault.New(fault.Invalid, "The token of the server holds a character that no token has.").
			Cure("Copy it again, without line breaks or spaces.").Code("server-token")
	}
	if s.HTTP == nil {
		return nil, errors.New("a model server needs a client of egress")
	}
	client := *s.HTTP
	client.CheckRedirect = stayHome
	l := s.Limits
	for _, d := range []struct {
		have *time.Duration
		or   time.Duration
	}{{&l.Connect, defaultConnect}, {&l.FirstByte, defaultFirstByte}, {&l.Idle, defaultIdle}, {&l.Short, defaultShort}} {
		if *d.have <= 0 {
			*d.have = d.or
		}
	}
	return &link{id: s.ID, kind: s.Kind, base: strings.TrimSuffix(u.String(), "/"), host: u.Host, token: token,
		instance: s.Instance, http: &client, limits: l}, nil
}

// json makes a short request. in and out may be nil. An answer with an error in
// it is an error, whatever its status.
func (s *link) json(ctx context.Context, method, path string, in, out any) error {
	return s.whole(ctx, method, path, in, out, s.limits.Short)
}

// slow is json for requests that make the server work: loading, embedding. It
// may take as long as the first piece of an answer.
func (s *link) slow(ctx context.Context, method, path string, in, out any) error {
	return s.whole(ctx, method, path, in, out, s.limits.FirstByte)
}

func (s *link) whole(ctx context.Context, method, path string, in, out any, limit time.Duration) error {
	a, err := jsonAsk(method, path, in)
	if err != nil {
		return err
	}
	a.first, a.idle = limit, limit
	f, err := s.open(ctx, a)
	if err != nil {
		return err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, bodyLimit+1))
	if err != nil {
		return err
	}
	if len(body) > bodyLimit {
		return s.endless()
	}
	if bytes.Contains(body, []byte(`"error"`)) {
		if err := s.said(http.StatusOK, body); err != nil {
			return err
		}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return s.unreadable(f.header, body, err)
	}
	return nil
}

// stream sends a request whose answer comes piece by piece. What it returns has
// status 200; its read errors are faults, all but io.EOF, which says only that
// the server has nothing more to say, not that the answer is whole. Call piece
// for every piece of the answer that was found in it.
func (s *link) stream(ctx context.Context, path string, in any) (*flow, error) {
	a, err := jsonAsk(http.MethodPost, path, in)
	if err != nil {
		return nil, err
	}
	a.first, a.idle, a.streams = s.limits.FirstByte, s.limits.Idle, true
	return s.open(ctx, a)
}

// ask is one request.
type ask struct {
	method, path string
	body         io.Reader
	size         int64
	kind         string // content type of body
	first, idle  time.Duration
	streams      bool
	told         func(sent int64) // of a body that is a file
}

func jsonAsk(method, path string, in any) (ask, error) {
	a := ask{method: method, path: path}
	if in == nil {
		return a, nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return ask{}, err
	}
	a.body, a.size, a.kind = bytes.NewReader(body), int64(len(body)), "application/json"
	return a, nil
}

// open sends a request and returns its answer, when that has a good status.
func (s *link) open(parent context.Context, a ask) (*flow, error) {
	ctx, cancel := context.WithCancelCause(parent)
	f := &flow{link: s, parent: parent, ctx: ctx, cancel: cancel, first: a.first, idle: a.idle}
	connecting := time.AfterFunc(s.limits.Connect, func() { cancel(s.unreachable(errors.New("no connection in time"))) })
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connecting.Stop() }})
	req, err := http.NewRequestWithContext(traced, a.method, s.base+a.path, a.body)
	if err != nil {
		connecting.Stop()
		f.Close()
		return nil, err
	}
	s.dress(req, a)
	var up *upload
	if a.told != nil {
		up = &upload{flow: f, r: a.body, told: a.told}
		req.Body = up
	}
	f.arm()
	res, err := s.http.Do(req)
	unread := up.stop()
	f.disarm()
	connecting.Stop()
	if unread != nil && err != nil && parent.Err() == nil {
		err = unread
	} else if err != nil {
		err = f.why(err, s.broken)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.body, f.header, f.status = res.Body, res.Header, res.StatusCode
	if err := s.judge(f, a, res); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *link) dress(req *http.Request, a ask) {
	h := req.Header
	h.Set("User-Agent", "ChatETS")
	h.Set("Accept", "application/json")
	if a.streams {
		h.Set("Accept", "text/event-stream, application/x-ndjson, application/json")
		h.Set("Accept-Encoding", "identity") // a proxy that packs would hold the pieces back
	}
	if a.kind != "" {
		h.Set("Content-Type", a.kind)
		req.ContentLength = a.size
	}
	if s.instance != "" {
		h.Set("X-ChatETS-Instance", s.instance)
	}
	switch {
	case s.header != nil:
		s.header(h)
	case s.token != "":
		h.Set("Authorization", "Bearer "+s.token)
	}
}

// judge is the failure that an answer's head tells, if it does.
func (s *link) judge(f *flow, a ask, res *http.Response) error {
	switch {
	case res.Request != nil && res.Request.Method != a.method:
		// Redirected as a form is: what was asked got lost on the way.
		return s.redirected(res.Request.URL)
	case res.StatusCode >= 200 && res.StatusCode < 300:
		if isPage(res.Header, nil) {
			return s.page(res.StatusCode)
		}
		return nil
	case a.method == http.MethodHead && res.StatusCode == http.StatusNotFound:
		return nil // which is what was asked
	}
	body, err := io.ReadAll(io.LimitReader(f, errorLimit))
	if err != nil && len(body) == 0 && fault.Is(err, fault.Cancelled) {
		return err
	}
	return s.refused(res.StatusCode, res.Header, body)
}

// flow is an answer as it comes. Only one goroutine may use it.
type flow struct {
	link        *link
	parent, ctx context.Context
	cancel      context.CancelCauseFunc
	body        io.ReadCloser
	header      http.Header
	status      int
	first, idle time.Duration

	waited time.Duration // in reads, since the last piece
	since  time.Time     // the read that waits began
	begun  bool
	pace   func(ctx context.Context) // nil once the answer ended
	guard  *time.Timer
	once   sync.Once
}

// piece notes that a piece of the answer came. Until the first one the server
// may take its time to load a model and to read the prompt; after it, it may be
// silent only shortly, and signs of life without a piece keep it no longer than
// the first one would have.
func (f *flow) piece() { f.begun, f.waited = true, 0 }

// arm starts the watch over one wait for the server. Only waits count: whoever
// takes the pieces may be slow without the server being blamed.
func (f *flow) arm() {
	limit := f.first - f.waited
	if f.begun {
		limit = min(limit, f.idle)
	}
	f.since = time.Now()
	f.guard = time.AfterFunc(limit, func() { f.cancel(f.link.stalled(f.begun)) })
}

func (f *flow) disarm() {
	f.guard.Stop()
	f.waited += time.Since(f.since)
}

// Read implements io.Reader.
func (f *flow) Read(p []byte) (int, error) {
	if f.begun && f.pace != nil {
		f.pace(f.ctx)
	}
	f.arm()
	n, err := f.body.Read(p)
	f.disarm()
	if err == nil || n > 0 && errors.Is(err, io.EOF) {
		return n, err
	}
	if errors.Is(err, io.EOF) && f.ctx.Err() == nil {
		return n, io.EOF
	}
	return n, f.why(err, f.link.cut)
}

// Close ends the request; what the server still sends is not read. It never
// waits.
func (f *flow) Close() error {
	var err error
	f.once.Do(func() {
		f.cancel(context.Canceled)
		if f.body != nil {
			err = f.body.Close()
		}
	})
	return err
}

// closing says that the answer has ended, and how long what follows it may take.
func (f *flow) closing(most time.Duration) {
	f.begun, f.idle, f.pace = true, min(f.idle, most), nil
}

// finish reads the little that may follow the end of an answer, so that the
// connection can serve the next one.
func (f *flow) finish() {
	f.closing(time.Second)
	_, _ = io.CopyN(io.Discard, f, 4<<10)
}

// why names a failure: the caller's leaving first, then a limit of ours, then
// the network's.
func (f *flow) why(err error, otherwise func(error) *fault.Error) error {
	if f.parent.Err() != nil {
		return left(context.Cause(f.parent))
	}
	var ours *fault.Error
	if errors.As(context.Cause(f.ctx), &ours) {
		return ours
	}
	if named := f.link.network(err); named != nil {
		return named
	}
	return otherwise(err)
}
