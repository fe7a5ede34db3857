package inferencetest

import (
	"fmt"
	"io"
	"net/http"
)

// Flavours of server. Without one it is Ollama with the paths of OpenAI and
// Anthropic, as Ollama itself has them.
const (
	LMStudio    = "lmstudio"
	LMStudioOld = "lmstudio-old" // without /api/v1
	LlamaCpp    = "llamacpp"     // loads its first model at start
	VLLM        = "vllm"
	Plain       = "openai"    // nothing but /v1
	Anthropic   = "anthropic" // nothing but /v1/models and /v1/messages
)

// routes are the paths of the server's flavour.
func (s *Server) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, map[string]any{"error": "404 page not found: " + r.URL.Path})
	})
	mux.HandleFunc("GET /v1/models", s.modelsV1)
	if s.flavour != Anthropic {
		mux.HandleFunc("POST /v1/chat/completions", s.chatOpenAI)
		mux.HandleFunc("POST /v1/embeddings", s.embedOpenAI)
	}
	switch s.flavour {
	case "":
		mux.HandleFunc("POST /v1/messages", s.chatAnthropic)
		s.routesOllama(mux)
	case Anthropic:
		mux.HandleFunc("POST /v1/messages", s.chatAnthropic)
	case LMStudio, LMStudioOld:
		return s.routesLM(mux), nil
	case LlamaCpp:
		mux.HandleFunc("POST /v1/messages", s.chatAnthropic)
		return s.routesLlama(mux), nil
	case VLLM:
		mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, map[string]any{"version": "0.11.0"})
		})
		mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	case Plain:
	default:
		return nil, fmt.Errorf("there is no flavour %q", s.flavour)
	}
	return mux, nil
}

func (s *Server) routesOllama(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Ollama is running") })
	mux.HandleFunc("GET /api/version", s.version)
	mux.HandleFunc("GET /api/tags", s.tags)
	mux.HandleFunc("POST /api/show", s.show)
	mux.HandleFunc("GET /api/ps", s.ps)
	mux.HandleFunc("POST /api/chat", s.chatOllama)
	mux.HandleFunc("POST /api/generate", s.chatOllama) // to load and unload
	mux.HandleFunc("POST /api/embed", s.embedOllama)
	mux.HandleFunc("HEAD /api/blobs/{digest}", s.blobHead)
	mux.HandleFunc("POST /api/blobs/{digest}", s.blobPut)
	mux.HandleFunc("POST /api/create", s.create)
	mux.HandleFunc("DELETE /api/delete", s.delete)
}

// routesLM are LM Studio's; what it does not know it answers with a 200.
func (s *Server) routesLM(mux *http.ServeMux) http.Handler {
	mux.HandleFunc("POST /v1/messages", s.chatAnthropic)
	mux.HandleFunc("GET /api/v0/models", s.modelsLMOld)
	if s.flavour == LMStudio {
		mux.HandleFunc("GET /api/v1/models", s.modelsLM)
		mux.HandleFunc("POST /api/v1/models/load", s.loadLM)
		mux.HandleFunc("POST /api/v1/models/unload", s.unloadLM)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "/" || pattern == "" {
			reply(w, http.StatusOK, map[string]any{"error": fmt.Sprintf("Unexpected endpoint or method. (%s %s)", r.Method, r.URL.Path)})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// routesLlama are those of llama.cpp's server: it has one model, and everything
// is a 503 until that is loaded.
func (s *Server) routesLlama(mux *http.ServeMux) http.Handler {
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]any{"status": "ok"}) })
	mux.HandleFunc("GET /props", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		context, vision := 0, false
		if len(s.models) > 0 {
			context, vision = s.models[0].ctx, s.models[0].vision
		}
		slots := s.slots
		if slots == 0 {
			slots = 4
		}
		reply(w, http.StatusOK, map[string]any{"default_generation_settings": map[string]any{"n_ctx": context}, "total_slots": slots,
			"model_path": "/models/fake.gguf", "modalities": map[string]any{"vision": vision, "audio": false}, "build_info": "b7000-fake"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "llama.cpp")
		s.mu.Lock()
		loading := len(s.models) > 0 && !s.models[0].loaded
		s.mu.Unlock()
		if loading {
			reply(w, http.StatusServiceUnavailable, map[string]any{"error": map[string]any{"code": 503, "message": "Loading model", "type": "unavailable_error"}})
			return
		}
		mux.ServeHTTP(w, r)
	})
}
