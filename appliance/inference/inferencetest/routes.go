package inferencetest

import (
	"io"
	"net/http"
)

// blob is a file that was put; its beginning says what it is.
type blob struct {
	size  int64
	begin [4]byte
}

// routes are the paths of the server's flavour.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.modelsV1)
	mux.HandleFunc("POST /v1/chat/completions", s.chatOpenAI)
	mux.HandleFunc("POST /v1/embeddings", s.embedOpenAI)
	mux.HandleFunc("POST /v1/messages", s.chatAnthropic)
	switch s.flavour {
	case "":
		s.routesOllama(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, map[string]any{"error": "404 page not found: " + r.URL.Path})
	})
	return mux
}

func (s *Server) routesOllama(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Ollama is running") })
	mux.HandleFunc("GET /api/version", s.version)
	mux.HandleFunc("GET /api/tags", s.tags)
	mux.HandleFunc("POST /api/show", s.show)
	mux.HandleFunc("GET /api/ps", s.ps)
	mux.HandleFunc("POST /api/chat", s.chatOllama)
	mux.HandleFunc("POST /api/embed", s.embedOllama)
}
