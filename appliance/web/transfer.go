package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"chatets/appliance/fault"
)

// HandleUpload registers a route whose body is streamed to fn as it arrives,
// up to Route.BodyLimit bytes. Reading fails with a fault when the body is too
// large, too slow or cut off; fn then gives up and cleans up, and the failure
// of the reading is what the client is told.
func HandleUpload[In, Out any](a *API, r Route, fn func(ctx context.Context, in *In, body io.Reader) (*Out, error)) {
	reg := a.add(r)
	in := planOf(structType[In](), a.registry, title(r.ID))
	if in.body != nil || in.raw != nil {
		panic("web: the body of the upload " + r.ID + " is not part of its input")
	}
	out := replyPlanOf(structType[Out]())
	if reg.Status == 0 {
		reg.Status = http.StatusOK
	}
	a.document(reg, in, answers{body: bodySchema[Out](a, out, r.ID), upload: true})
	a.serve(reg, func(ctx context.Context, c *fiber.Ctx, sc *scope) error {
		var input In
		if err := a.s.bind(c, sc, in, 0, reflect.ValueOf(&input).Elem()); err != nil {
			return err
		}
		if enc := strings.TrimSpace(c.Get("Content-Encoding")); enc != "" && !strings.EqualFold(enc, "identity") {
			return fault.New(fault.Unsupported, "Compressed bodies are not read.").Cure("Send the file as it is, without Content-Encoding.")
		}
		if media, _, _ := mime.ParseMediaType(c.Get("Content-Type")); strings.HasPrefix(media, "multipart/") {
			return fault.New(fault.Unsupported, "The body must be the file itself, not a form.").Cure("Send the bytes of the file as the body, as curl --data-binary @FILE does.")
		}
		b, err := a.s.openBody(c.Context(), sc, reg.BodyLimit)
		if err != nil {
			return err
		}
		output, err := fn(ctx, &input, b)
		if b.err != nil && !errors.Is(b.err, io.EOF) {
			return b.err
		}
		if err != nil {
			return err
		}
		return out.write(c, reflect.ValueOf(output), reg.Status, a.s.secure)
	})
}

// File is the answer of a HandleDownload route.
type File struct {
	Name     string // as the person knows it; made safe for the header
	Type     string // media type
	Size     int64  // -1 = unknown
	Modified time.Time
	Body     io.ReadCloser
	Inline   bool // shown in the browser where the type is harmless
}

// HandleDownload registers a route that answers with a file.
func HandleDownload[In any](a *API, r Route, fn func(context.Context, *In) (File, error)) {
	reg := a.add(r)
	in := planOf(structType[In](), a.registry, title(r.ID))
	reg.Status = http.StatusOK
	a.document(reg, in, answers{file: true})
	a.serve(reg, func(ctx context.Context, c *fiber.Ctx, sc *scope) error {
		var input In
		if err := a.s.bind(c, sc, in, reg.BodyLimit, reflect.ValueOf(&input).Elem()); err != nil {
			return err
		}
		f, err := fn(ctx, &input)
		if err != nil {
			return err
		}
		if f.Body == nil {
			return errors.New("a download without a body")
		}
		a.s.sendFile(c, sc, f)
		return nil
	})
}

// sendFile sets the headers and hands the body to the HTTP machine, which
// reads and closes it after the function of the route has returned.
func (s *Server) sendFile(c *fiber.Ctx, sc *scope, f File) {
	h := &c.Response().Header
	media := mediaType(f.Type)
	h.SetContentType(media)
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Disposition", disposition(f.Name, f.Inline && harmless(media)))
	if !f.Modified.IsZero() {
		h.Set("Last-Modified", f.Modified.UTC().Format(http.TimeFormat))
	}
	sc.lasts = true // as long as the body
	size := f.Size
	if size < 0 {
		size = -1
	}
	c.Context().SetBodyStream(&fileBody{ReadCloser: f.Body, scope: sc, want: size}, int(size))
}

// fileBody logs what goes wrong after the header is out: the client sees only
// that the file ends too early.
type fileBody struct {
	io.ReadCloser
	scope     *scope
	want, got int64
}

// Read reads on; a failure cuts the connection, which is how a client learns
// that the file is not whole.
func (f *fileBody) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	f.got += int64(n)
	if err != nil && (err != io.EOF || f.want >= 0 && f.got < f.want) {
		f.scope.server.log.Error("download cut off", "request", f.scope.request, "route", f.scope.route,
			"sent", f.got, "of", f.want, "cause", err.Error())
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// Close ends the context of the request too.
func (f *fileBody) Close() error {
	err := f.ReadCloser.Close()
	f.scope.cancel()
	return err
}
