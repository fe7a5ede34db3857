package inference

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatets/appliance/fault"
)

// studio is an LM Studio that loads and unloads.
type studio struct {
	mu     sync.Mutex
	loaded map[string]int // instance to context
	next   int
	log    []string
}

func (s *studio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct {
		Model    string `json:"model"`
		Context  int    `json:"context_length"`
		Instance string `json:"instance_id"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/models":
		_, _ = io.WriteString(w, studioPlain)
	case "GET /api/v1/models":
		var list []map[string]any
		for _, key := range []string{"chat", "embed"} {
			instances := []map[string]any{}
			for id, context := range s.loaded {
				if strings.HasPrefix(id, key) {
					instances = append(instances, map[string]any{"id": id, "config": map[string]any{"context_length": context}})
				}
			}
			kind := map[string]string{"chat": "llm", "embed": "embedding"}[key]
			list = append(list, map[string]any{"key": key, "type": kind, "max_context_length": 8192, "loaded_instances": instances})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"models": list})
	case "POST /api/v1/models/load":
		s.log = append(s.log, fmt.Sprint("load ", in.Model, " ", in.Context))
		s.next++
		s.loaded[fmt.Sprint(in.Model, ":", s.next)] = max(in.Context, 2048)
		_, _ = io.WriteString(w, `{"status":"loaded"}`)
	case "POST /api/v1/models/unload":
		s.log = append(s.log, "unload "+in.Instance)
		if _, ok := s.loaded[in.Instance]; !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"type":"model_not_found","message":"Model not found"}}`)
			return
		}
		delete(s.loaded, in.Instance)
		_, _ = io.WriteString(w, `{"instance_id":"x"}`)
	default:
		_, _ = io.WriteString(w, `{"error":"Unexpected endpoint or method."}`)
	}
}

func TestLMStudioHoldsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	s := &studio{loaded: map[string]int{}}
	c := clientFor(t, OpenAI, Limits{}, s)
	step := func(what string, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Equal(s.log, want) {
			t.Errorf("%s: got %q, want %q", what, s.log, want)
		}
		s.log = nil
	}
	step("first", c.Load(t.Context(), "chat", 4096), "load chat 4096")
	step("again", c.Load(t.Context(), "chat", 4096))
	step("less will do", c.Load(t.Context(), "chat", 2048))
	step("as it is", c.Load(t.Context(), "chat", 0))
	step("by its instance", c.Load(t.Context(), "chat:1", 4096))
	step("both stay", c.Load(t.Context(), "embed", 0), "load embed 0")
	step("more", c.Load(t.Context(), "chat", 100_000), "unload chat:1", "load chat 8192")
	if loaded, known, err := c.Loaded(t.Context()); err != nil || !known || len(loaded) != 2 || loaded[0] != (Loaded{"chat", 8192}) || loaded[1] != (Loaded{"embed", 2048}) {
		t.Errorf("got %+v, %v and %v", loaded, known, err)
	}
	step("away", c.Unload(t.Context(), "chat"), "unload chat:3")
	step("away already", c.Unload(t.Context(), "chat"))
	for _, err := range []error{c.Load(t.Context(), "other", 0), c.Unload(t.Context(), "other")} {
		if codeOf(err) != CodeModel {
			t.Errorf("got %v, want that there is no such model", err)
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := c.Load(t.Context(), "chat", 4096); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	step("at once", nil, "load chat 4096")
}

func TestServersThatCannotBeToldAreLeftAlone(t *testing.T) {
	t.Parallel()
	for kind, by := range map[Kind]map[string]string{
		OpenAI:    {"/v1/models": vllmList},
		Anthropic: {},
	} {
		var s sent
		c := clientFor(t, kind, Limits{}, s.keep(replies(by)))
		if err := c.Load(t.Context(), "m", 10); err != nil {
			t.Error(err)
		}
		if err := c.Unload(t.Context(), "m"); err != nil {
			t.Error(err)
		}
		if slices.ContainsFunc(s.all, func(r string) bool { return strings.HasPrefix(r, "POST") }) {
			t.Errorf("got %v", s.all)
		}
	}
}

func TestVectorsOfThisInterface(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, reply, code string }{
		{"in order", `{"data":[{"index":0,"embedding":[3,4]},{"index":1,"embedding":[0,2]}]}`, ""},
		{"out of order", `{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}]}`, ""},
		{"without places", `{"data":[{"embedding":[3,4]},{"embedding":[0,2]}]}`, ""},
		{"one place twice", `{"data":[{"index":0,"embedding":[3,4]},{"index":0,"embedding":[0,2]}]}`, CodeBroken},
		{"a place too far", `{"data":[{"index":1,"embedding":[3,4]},{"index":2,"embedding":[0,2]}]}`, CodeBroken},
		{"too many", `{"data":[{"index":0,"embedding":[3,4]},{"index":1,"embedding":[3,4]},{"index":2,"embedding":[3,4]}]}`, CodeBroken},
		{"none", `{"data":[]}`, CodeBroken},
		{"another dimension", `{"data":[{"index":0,"embedding":[3,4]},{"index":1,"embedding":[2]}]}`, CodeBroken},
		{"no direction", `{"data":[{"index":0,"embedding":[3,4]},{"index":1,"embedding":[0,0]}]}`, CodeBroken},
		{"an error with 200", `{"error":"it broke"}`, CodeBroken},
		{"a model that makes none", `400 {"error":{"message":"The model does not support Embeddings API","type":"BadRequestError","code":400}}`, CodeCannot},
		{"no such model", `404 {"error":{"message":"The model x does not exist.","type":"NotFoundError","code":404}}`, CodeModel},
		{"too long", `400 {"error":{"message":"This model's maximum context length is 512 tokens. However, you requested 600 tokens in the input for embedding generation.","code":400}}`, CodeContext},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s sent
			c := clientFor(t, OpenAI, Limits{}, s.keep(replies(map[string]string{"/v1/embeddings": tt.reply})))
			got, err := c.Embed(t.Context(), "e", []string{"one", "two"})
			if tt.code != "" {
				if codeOf(err) != tt.code || got != nil {
					t.Errorf("got %v and %v, want %s", got, err, tt.code)
				}
				return
			}
			if err != nil || len(got) != 2 || !near(got[0], 0.6, 0.8) || !near(got[1], 0, 1) {
				t.Errorf("got %v and %v", got, err)
			}
			if s.at("input") != `["one","two"]` || s.at("model") != `"e"` || s.at("encoding_format") != `"float"` {
				t.Errorf("got the request %v", s.got)
			}
		})
	}
	c := clientFor(t, Anthropic, Limits{}, replies(nil))
	if _, err := c.Embed(t.Context(), "e", []string{"one"}); codeOf(err) != CodeCannot || fault.Of(err).Cure == "" {
		t.Errorf("got %v, want that it cannot", err)
	}
}

func near(v []float32, want ...float64) bool {
	for i := range want {
		if len(v) != len(want) || math.Abs(float64(v[i])-want[i]) > 1e-6 {
			return false
		}
	}
	return true
}
