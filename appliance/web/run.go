package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"chatets/appliance/fault"
)

// headerLimit is the largest header of a request; it is also the read buffer of
// each connection. Kerberos tickets of large hospitals need 12 KB.
const headerLimit = 16 << 10

// Run listens and serves until ctx ends, then stops: no new connections, a
// shutdown event to the streams, time for running requests, the end.
func (s *Server) Run(ctx context.Context) error {
	if s.configErr != nil {
		return s.configErr
	}
	listeners, err := s.listen()
	if err != nil {
		return err
	}
	s.API.mount()
	s.app.Use(s.page)
	s.server = s.newHTTP()

	serving, stop := errgroup.WithContext(ctx)
	for _, ln := range listeners {
		serving.Go(func() error {
			if err := s.server.Serve(&listener{Listener: ln, server: s}); err != nil && !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("serve %s: %w", ln.Addr(), err)
			}
			return nil
		})
	}
	close(s.ready)
	<-stop.Done()
	s.stop(listeners)
	return serving.Wait()
}

func (s *Server) listen() ([]net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return nil, fault.New(fault.Conflict, "The server runs already.")
	}
	if s.config.Listen == "" && s.config.Socket == "" {
		return nil, fault.New(fault.Invalid, "There is nothing to listen on.").Cure("Give an address or a socket.")
	}
	s.started = true
	var list []net.Listener
	if s.config.Listen != "" {
		ln, err := listenTCP(s.config.Listen)
		if err != nil {
			return nil, err
		}
		s.addr = ln.Addr().String()
		list = append(list, ln)
	}
	if s.config.Socket != "" {
		ln, err := listenUnix(s.config.Socket)
		if err != nil {
			for _, other := range list {
				_ = other.Close()
			}
			return nil, err
		}
		list = append(list, ln)
	}
	return list, nil
}

// stop ends everything in the order in which it is missed least.
func (s *Server) stop(listeners []net.Listener) {
	// 1. Nothing new: the listeners close, waiting connections too.
	for _, ln := range listeners {
		_ = ln.Close()
	}
	s.conns.end(true)
	// 2. Streams and notices hear that it ends, so that they come back later.
	s.streams.shutdown()
	s.Hub.shutdown()
	// 3. Running requests may finish.
	grace, cancel := context.WithTimeout(context.Background(), s.timing.grace)
	defer cancel()
	if err := s.server.ShutdownWithContext(grace); err != nil && !errors.Is(err, net.ErrClosed) {
		s.log.Warn("requests cut off by the stop", "cause", err)
	}
	s.streams.wait(grace)
	s.Hub.wait(grace)
	// 4. What is left is cut off.
	s.cancel()
	s.conns.end(false)
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.streams.wait(last)
	s.Hub.wait(last)
}

// newHTTP is the HTTP/1.1 machine. Its defaults are for speed; what is set here
// is for strangers.
func (s *Server) newHTTP() *fasthttp.Server {
	return &fasthttp.Server{
		Handler: s.handler(), ErrorHandler: s.unreadable, Logger: printfLog{s.log},
		HeaderReceived: s.headerReceived, ExpectHandler: s.expect, ConnState: markIdle,
		ReadBufferSize: headerLimit, ReadTimeout: s.timing.header, IdleTimeout: s.timing.idle,
		// The body reaches the handler as it arrives: with a limit of one byte
		// nothing is read ahead. The limits that count are in body.go.
		StreamRequestBody: true, MaxRequestBodySize: 1, DisablePreParseMultipartForm: true,
		KeepHijackedConns: true, CloseOnShutdown: true, NoDefaultServerHeader: true, NoDefaultContentType: true,
		SecureErrorLogMessage: true, Concurrency: 50_000,
		SleepWhenConcurrencyLimitsExceeded: 10 * time.Millisecond,
	}
}

// markIdle notes whether a connection is between requests.
func markIdle(nc net.Conn, state fasthttp.ConnState) {
	if c, ok := nc.(*conn); ok {
		c.idle.Store(state == fasthttp.StateNew || state == fasthttp.StateIdle)
	}
}

// printfLog writes what the HTTP machine has to say into our log.
type printfLog struct{ log *slog.Logger }

// Printf is the one method the HTTP machine calls.
func (p printfLog) Printf(format string, args ...any) {
	p.log.Debug("http", "text", fmt.Sprintf(format, args...))
}
