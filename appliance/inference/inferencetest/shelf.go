package inferencetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// blob is a file that was put; its beginning says what it is.
type blob struct {
	size  int64
	begin [4]byte
}

func (s *Server) blobHead(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	_, has := s.blobs[r.PathValue("digest")]
	s.mu.Unlock()
	if !has {
		w.WriteHeader(http.StatusNotFound)
	}
}

// blobPut takes a file in; one whose digest is another is refused.
func (s *Server) blobPut(w http.ResponseWriter, r *http.Request) {
	var b blob
	sum := sha256.New()
	first := &head{}
	n, err := io.Copy(io.MultiWriter(sum, first), r.Body)
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	b.size = n
	copy(b.begin[:], first.kept)
	want := r.PathValue("digest")
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != want {
		reply(w, http.StatusBadRequest, map[string]any{"error": fmt.Sprintf("digest mismatch, expected %q, got %q", want, got)})
		return
	}
	s.mu.Lock()
	s.blobs[want] = b
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

// head keeps the first bytes.
type head struct{ kept []byte }

func (h *head) Write(b []byte) (int, error) {
	if left := 4 - len(h.kept); left > 0 {
		h.kept = append(h.kept, b[:min(left, len(b))]...)
	}
	return len(b), nil
}

// create makes a model of files: a stream of notes, in which an error comes
// after the 200 as with the original.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	req := requestOf(r)
	var body struct {
		Files map[string]string `json:"files"`
	}
	if json.Unmarshal(req.Body, &body) != nil || req.Model == "" || len(body.Files) == 0 {
		reply(w, http.StatusBadRequest, map[string]any{"error": "neither 'from' or 'files' was specified"})
		return
	}
	name := req.Model
	if !strings.Contains(name, ":") {
		name += ":latest"
	}
	p, err := parse(name)
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid model name"})
		return
	}
	l := &line{w: w, to: http.NewResponseController(w)}
	_ = l.open("application/x-ndjson", false)
	note := func(text string) { _ = l.row(map[string]string{"status": text}) }
	for _, digest := range body.Files {
		s.mu.Lock()
		b, has := s.blobs[digest]
		s.mu.Unlock()
		note("parsing GGUF")
		switch {
		case !has:
			_ = l.row(map[string]string{"error": "blob " + digest + " does not exist"})
			return
		case !bytes.Equal(b.begin[:], []byte("GGUF")):
			_ = l.row(map[string]string{"error": "invalid file magic"})
			return
		}
		note("using existing layer " + digest)
	}
	if p.create > 0 {
		timer := time.NewTimer(p.create)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		}
	}
	if err := s.add(name); err != nil {
		_ = l.row(map[string]string{"error": err.Error()})
		return
	}
	note("writing manifest")
	note("success")
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	m := s.find(requestOf(r).Model)
	if m == nil {
		s.unknown(w, r, requestOf(r).Model)
		return
	}
	s.Remove(m.name)
}
