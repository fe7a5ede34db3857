package inference

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/ollama/ollama/api"

	"chatets/appliance/fault"
)

// CodeImport is the code of a file that a server does not take as a model.
const CodeImport = "import-refused"

// Put implements Shelf.
func (o *ollama) Put(ctx context.Context, sha256 string, size int64, body io.Reader, told func(sent int64)) error {
	digest, err := digestOf(sha256)
	if err != nil {
		return err
	}
	if told == nil {
		told = func(int64) {}
	}
	path := "/api/blobs/" + digest
	f, err := o.s.open(ctx, ask{method: http.MethodHead, path: path, first: o.s.limits.Short, idle: o.s.limits.Short})
	if err != nil {
		return err
	}
	there := f.status != http.StatusNotFound
	if err := f.Close(); err != nil {
		return err
	}
	if there {
		told(size)
		return nil
	}
	// The server reads the whole file once more before it answers.
	f, err = o.s.open(ctx, ask{method: http.MethodPost, path: path, body: body, size: size, kind: "application/octet-stream",
		first: o.s.limits.FirstByte, idle: o.s.limits.Idle, told: told})
	if err != nil {
		if strings.Contains(err.Error(), "digest mismatch") {
			return fault.New(fault.Conflict, "The file is not the one it was when its checksum was made.").Code(CodeImport).
				Cure("Wait until the file is written, then import it again.").Because(err)
		}
		return err
	}
	return f.Close()
}

// Create implements Shelf. The server says with status 200 that it begins, and
// with the last line how it went.
func (o *ollama) Create(ctx context.Context, n NewModel, told func(note string)) error {
	req := api.CreateRequest{Model: n.Name, Files: map[string]string{}, Template: n.Template, System: n.System}
	for name, sum := range n.Files {
		digest, err := digestOf(sum)
		if err != nil {
			return err
		}
		req.Files[name] = digest
	}
	if n.Context > 0 {
		req.Parameters = map[string]any{"num_ctx": n.Context}
	}
	f, err := o.s.stream(ctx, "/api/create", req)
	if err != nil {
		return notTaken(err)
	}
	defer f.Close()
	f.idle = f.first // a large file is read in silence
	last, in := "", newLines(f)
	for {
		raw, err := in.next()
		switch {
		case errors.Is(err, io.EOF) && last == "success":
			return nil
		case errors.Is(err, io.EOF):
			return o.s.cut(errors.New("the stream ended without success"))
		case errors.Is(err, errLineSize):
			return o.s.endless()
		case err != nil:
			return err
		}
		f.piece()
		var line api.ProgressResponse
		if err := o.s.said(http.StatusOK, raw); err != nil {
			return notTaken(err)
		}
		if err := json.Unmarshal(raw, &line); err != nil {
			return o.s.unreadable(f.header, raw, err)
		}
		if line.Status != "" && line.Status != last && told != nil {
			told(line.Status)
		}
		last = nameOf(line.Status, last)
	}
}

// Delete implements Shelf.
func (o *ollama) Delete(ctx context.Context, model string) error {
	if model == "" {
		return fault.New(fault.Invalid, "No model is named.")
	}
	return o.s.json(ctx, http.MethodDelete, "/api/delete", api.DeleteRequest{Model: model}, nil)
}

// notTaken tells a server that failed from one that has no use for the file.
func notTaken(err error) error {
	if r := fault.Of(err); r.Code == CodeBroken && strings.Contains(err.Error(), "status ") {
		return fault.New(fault.Invalid, "The server does not take the file as a model.").Code(CodeImport).Cure("%s", r.Cure).Because(err)
	}
	return err
}

// digestOf is a checksum as the server writes it.
func digestOf(sha256 string) (string, error) {
	sum := strings.ToLower(strings.TrimPrefix(sha256, "sha256:"))
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(sum) {
		return "", fault.New(fault.Invalid, "%q is no SHA-256 checksum.", sha256)
	}
	return "sha256:" + sum, nil
}

// upload is a file on its way. It tells of its progress, which is also a sign of
// life for the watch, and is let go of when the request ended: the transport may
// hold on to it longer than that.
type upload struct {
	flow *flow
	told func(sent int64)

	mu     sync.Mutex
	r      io.Reader
	sent   int64
	failed error
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.r == nil {
		return 0, errors.New("the request has ended")
	}
	n, err := u.r.Read(p)
	if n > 0 {
		u.sent += int64(n)
		u.told(u.sent)
	}
	switch {
	case err == nil:
		u.flow.guard.Reset(u.flow.idle)
	case errors.Is(err, io.EOF):
		u.flow.guard.Reset(u.flow.first)
	default:
		u.failed = err
	}
	return n, err
}

// Close implements io.Closer; the file belongs to whoever opened it.
func (u *upload) Close() error { return nil }

// stop waits for a read that goes on, allows no other, and gives the failure of
// the file, if there was one. nil is no upload.
func (u *upload) stop() error {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.r = nil
	return u.failed
}
