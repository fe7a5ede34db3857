package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"chatets/appliance/fault"
)

// MountHandler serves a plain http.Handler, for example /metrics. The request
// reaches it without a body and its answer is held in memory until it is
// complete, so it is for small answers only. It is not in the OpenAPI document.
func (a *API) MountHandler(method, path string, access Access, h http.Handler) {
	r := a.add(Route{Method: method, Path: path, ID: mountID(path), Summary: "Mounted.", Access: access})
	a.serve(r, func(ctx context.Context, c *fiber.Ctx, _ *scope) error {
		u, err := url.ParseRequestURI(string(c.Context().RequestURI()))
		if err != nil {
			return fault.New(fault.Malformed, "The address cannot be read.").Because(err)
		}
		req := (&http.Request{
			Method: c.Method(), URL: u, RequestURI: u.RequestURI(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: http.NoBody, Host: string(c.Context().Host()), RemoteAddr: c.Context().RemoteAddr().String(),
		}).WithContext(ctx)
		for k, v := range c.Request().Header.All() {
			req.Header.Add(string(k), string(v))
		}
		w := &held{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(w, req)
		resp := c.Response()
		for name, values := range w.header {
			resp.Header.Del(name)
			for _, v := range values {
				resp.Header.Add(name, oneLine(v))
			}
		}
		resp.SetStatusCode(w.status)
		resp.SetBodyRaw(w.body.Bytes())
		return nil
	})
}

// mountID is an operation ID that no route of the document has.
func mountID(path string) string {
	id := []byte("mounted")
	for _, b := range []byte(path) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' {
			id = append(id, b)
		}
	}
	return string(id)
}

// held collects an answer.
type held struct {
	header  http.Header
	status  int
	written bool
	body    bytes.Buffer
}

var _ io.Writer = (*held)(nil)

// Header implements http.ResponseWriter.
func (h *held) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) {
	if !h.written {
		h.status, h.written = status, true
	}
}

// Write implements http.ResponseWriter.
func (h *held) Write(p []byte) (int, error) {
	h.written = true
	return h.body.Write(p)
}
