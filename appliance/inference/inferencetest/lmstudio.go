package inferencetest

import (
	"encoding/json"
	"net/http"
	"time"
)

// modelsLM is LM Studio's own list of what is on the disk and what is loaded.
func (s *Server) modelsLM(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, m := range s.models {
		loaded := []map[string]any{}
		if m.loaded {
			loaded = append(loaded, map[string]any{"id": m.name, "config": map[string]any{"context_length": m.held(), "eval_batch_size": 512,
				"flash_attention": false, "num_experts": 0, "offload_kv_cache_to_gpu": true, "parallel": max(s.slots, 4)}})
		}
		entry := map[string]any{"type": "llm", "publisher": "house", "key": m.name, "display_name": m.name, "architecture": "fake",
			"quantization": map[string]any{"name": "Q4_K_M", "bits_per_weight": 4}, "size_bytes": 4_700_000_000, "params_string": "8B",
			"loaded_instances": loaded, "max_context_length": m.ctx, "format": "gguf", "description": nil}
		if m.embed > 0 {
			entry["type"] = "embedding"
		} else {
			entry["capabilities"] = map[string]any{"vision": m.vision, "trained_for_tool_use": m.tools}
		}
		list = append(list, entry)
	}
	reply(w, http.StatusOK, map[string]any{"models": list})
}

// modelsLMOld is the list of LM Studio before its 0.4.
func (s *Server) modelsLMOld(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, m := range s.models {
		entry := map[string]any{"id": m.name, "object": "model", "type": "llm", "publisher": "house", "arch": "fake",
			"compatibility_type": "gguf", "quantization": "Q4_K_M", "state": "not-loaded", "max_context_length": m.ctx}
		switch {
		case m.embed > 0:
			entry["type"] = "embeddings"
		case m.vision:
			entry["type"] = "vlm"
		}
		if m.tools {
			entry["capabilities"] = []string{"tool_use"}
		}
		if m.loaded {
			entry["state"], entry["loaded_context_length"] = "loaded", m.held()
		}
		list = append(list, entry)
	}
	reply(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

// held is the context the model was loaded with.
func (m *model) held() int {
	if m.context > 0 {
		return m.context
	}
	return min(4096, m.ctx)
}

func (s *Server) loadLM(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Context int `json:"context_length"`
	}
	req, began := requestOf(r), time.Now()
	_ = json.Unmarshal(req.Body, &body)
	m := s.find(req.Model)
	if m == nil {
		s.unknown(w, r, req.Model)
		return
	}
	if err := s.warm(r.Context(), m, body.Context); err != nil {
		return
	}
	s.mu.Lock()
	m.jit = false
	kind, context := "llm", m.held()
	if m.embed > 0 {
		kind = "embedding"
	}
	s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"type": kind, "instance_id": m.name, "load_time_seconds": time.Since(began).Seconds(), "status": "loaded",
		"load_config": map[string]any{"context_length": context}})
}

func (s *Server) unloadLM(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Instance string `json:"instance_id"`
	}
	_ = json.Unmarshal(requestOf(r).Body, &body)
	m := s.find(body.Instance)
	if m == nil {
		s.unknown(w, r, body.Instance)
		return
	}
	s.drop(m)
	reply(w, http.StatusOK, map[string]any{"instance_id": body.Instance})
}

// arrive brings a model into memory because somebody asked it. LM Studio keeps
// one such model only: whichever else came that way is evicted.
func (s *Server) arrive(r *http.Request, m *model, size int) error {
	if s.flavour != LMStudio && s.flavour != LMStudioOld {
		return s.warm(r.Context(), m, size)
	}
	s.mu.Lock()
	if !m.loaded {
		m.jit = true
		for _, other := range s.models {
			if other != m && other.jit {
				other.loaded, other.jit = false, false
			}
		}
	}
	s.mu.Unlock()
	return s.warm(r.Context(), m, 0)
}
