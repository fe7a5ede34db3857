package inference

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"chatets/appliance/fault"
)

// replies answers GET requests by path; "503 {…}" has another status than 200.
func replies(by map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, ok := by[r.URL.Path]
		w.Header().Set("Content-Type", "application/json")
		var status int
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"Not Found"}`)
			return
		case text[0] != '{' && text[0] != '[':
			if _, err := fmt.Sscanf(text, "%d", &status); err != nil {
				panic(err)
			}
			w.WriteHeader(status)
			text = text[4:]
		}
		_, _ = io.WriteString(w, text)
	}
}

const (
	vllmList  = `{"object":"list","data":[{"id":"Qwen/Qwen3-8B","object":"model","owned_by":"vllm","max_model_len":16384},{"id":"BAAI/bge-m3","owned_by":"vllm","max_model_len":8192}]}`
	llamaList = `{"object":"list","models":[{"name":"/models/gemma.gguf","capabilities":["completion","multimodal"],"details":{"family":"gemma3","parameter_size":"","quantization_level":"Q4_0"}}],
		"data":[{"id":"/models/gemma.gguf","object":"model","owned_by":"llamacpp","meta":{"n_ctx_train":131072,"n_embd":2560,"n_params":4300000000,"size":2500000000}}]}`
	llamaProperties = `{"default_generation_settings":{"n_ctx":8192},"total_slots":4,"build_info":"b6000-abc","chat_template":"{% if enable_thinking %}","modalities":{"vision":true},"chat_template_caps":{"supports_tools":true}}`
	studioList      = `{"models":[{"type":"llm","key":"qwen3-8b","architecture":"qwen3","quantization":{"name":"Q4_K_M","bits_per_weight":4},"size_bytes":5000000000,"params_string":"8B",
		"loaded_instances":[{"id":"qwen3-8b","config":{"context_length":8192,"parallel":4}}],"max_context_length":40960,"capabilities":{"vision":false,"trained_for_tool_use":true}},
		{"type":"llm","key":"llava","quantization":null,"size_bytes":1,"params_string":null,"loaded_instances":[],"max_context_length":4096,"capabilities":{"vision":true,"trained_for_tool_use":false}},
		{"type":"embedding","key":"nomic","quantization":{"name":"F16"},"size_bytes":2,"params_string":null,"loaded_instances":[],"max_context_length":2048}]}`
	studioOldList = `{"object":"list","data":[{"id":"qwen2-vl","type":"vlm","arch":"qwen2_vl","quantization":"4bit","state":"loaded","max_context_length":32768,"loaded_context_length":4096,"capabilities":["tool_use"]},
		{"id":"nomic","type":"embeddings","arch":"nomic-bert","quantization":"Q4_0","state":"not-loaded","max_context_length":2048}]}`
	studioPlain = `{"object":"list","data":[{"id":"qwen3-8b","object":"model","owned_by":"organization_owner"}]}`
	studioNo    = `{"error":"Unexpected endpoint or method. (GET /api/v1/models)"}` // with status 200
)

func TestServersAreRecognised(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		kind    Kind
		replies map[string]string
		health  Health
		models  []Model
		loaded  []Loaded
		known   bool
	}{
		{"vLLM", OpenAI, map[string]string{"/v1/models": vllmList, "/version": `{"version":"0.11.0"}`}, Health{Flavour: "vllm", Version: "0.11.0"},
			[]Model{{Name: "Qwen/Qwen3-8B", Thinking: true, MaxContext: 16384, Context: 16384, Loaded: true}, {Name: "BAAI/bge-m3", Embedding: true, MaxContext: 8192, Context: 8192, Loaded: true}},
			[]Loaded{{"Qwen/Qwen3-8B", 16384}, {"BAAI/bge-m3", 8192}}, true},
		{"llama.cpp", OpenAI, map[string]string{"/v1/models": llamaList, "/props": llamaProperties, "/health": `{"status":"ok"}`}, Health{Flavour: "llamacpp", Version: "b6000-abc"},
			[]Model{{Name: "/models/gemma.gguf", Family: "gemma3", Quantization: "Q4_0", Parameters: "4.3B", Size: 2500000000, Vision: true, Thinking: true, Tools: true, MaxContext: 131072, Context: 8192, Slots: 4, Loaded: true}},
			[]Loaded{{"/models/gemma.gguf", 8192}}, true},
		{"llama.cpp, loading", OpenAI, map[string]string{"/v1/models": llamaList, "/props": `503 {"error":{"message":"Loading model","type":"unavailable_error","code":503}}`, "/health": `503 {"error":{"message":"Loading model","type":"unavailable_error","code":503}}`},
			Health{Flavour: "llamacpp", Busy: true}, nil, nil, false},
		{"llama.cpp, loading all", OpenAI, map[string]string{"/v1/models": `503 {"error":{"message":"Loading model","type":"unavailable_error","code":503}}`},
			Health{Flavour: "llamacpp", Busy: true}, nil, nil, false},
		{"llama.cpp, of vectors", OpenAI, map[string]string{"/v1/models": `{"models":[{"name":"bge","capabilities":["embedding"]}],"data":[{"id":"bge","owned_by":"llamacpp","meta":{"n_ctx_train":512,"n_embd":384,"n_params":33000000}}]}`, "/props": `{"default_generation_settings":{"n_ctx":512},"total_slots":1}`, "/health": `{"status":"ok"}`},
			Health{Flavour: "llamacpp"}, []Model{{Name: "bge", Embedding: true, Parameters: "33M", Dimensions: 384, MaxContext: 512, Context: 512, Slots: 1, Loaded: true}}, []Loaded{{"bge", 512}}, true},
		{"LM Studio", OpenAI, map[string]string{"/v1/models": studioPlain, "/api/v1/models": studioList, "/api/v0/models": studioOldList}, Health{Flavour: "lmstudio"},
			[]Model{{Name: "qwen3-8b", Family: "qwen3", Quantization: "Q4_K_M", Parameters: "8B", Size: 5000000000, Thinking: true, Tools: true, MaxContext: 40960, Context: 8192, Slots: 4, Loaded: true},
				{Name: "llava", Size: 1, Vision: true, MaxContext: 4096}, {Name: "nomic", Quantization: "F16", Size: 2, Embedding: true, MaxContext: 2048}},
			[]Loaded{{"qwen3-8b", 8192}}, true},
		{"LM Studio before 0.4", OpenAI, map[string]string{"/v1/models": studioPlain, "/api/v1/models": studioNo, "/api/v0/models": studioOldList}, Health{Flavour: "lmstudio"},
			[]Model{{Name: "qwen2-vl", Family: "qwen2_vl", Quantization: "4bit", Vision: true, Tools: true, MaxContext: 32768, Context: 4096, Loaded: true}, {Name: "nomic", Family: "nomic-bert", Quantization: "Q4_0", Embedding: true, MaxContext: 2048}},
			[]Loaded{{"qwen2-vl", 4096}}, true},
		{"LM Studio, very old or behind a proxy", OpenAI, map[string]string{"/v1/models": studioPlain, "/api/v1/models": studioNo, "/api/v0/models": studioNo}, Health{Flavour: "lmstudio"},
			[]Model{{Name: "qwen3-8b", Thinking: true}}, nil, false},
		{"LM Studio without a model", OpenAI, map[string]string{"/v1/models": `{"object":"list","data":[]}`, "/api/v1/models": `{"models":[]}`}, Health{Flavour: "lmstudio"}, []Model{}, []Loaded{}, true},
		{"Ollama by this interface", OpenAI, map[string]string{"/v1/models": `{"object":"list","data":[{"id":"qwen3:8b","object":"model","owned_by":"library"}]}`, "/api/version": `{"version":"0.17.4"}`},
			Health{Flavour: "ollama", Version: "0.17.4"}, []Model{{Name: "qwen3:8b", Thinking: true}}, nil, false},
		{"a gateway", OpenAI, map[string]string{"/v1/models": `{"object":"list","data":[{"id":"llama-3.2-vision","owned_by":"openai","context_length":8192},{"id":""},{"id":"text-embedding-3-small"}]}`},
			Health{Flavour: "openai"}, []Model{{Name: "llama-3.2-vision", Vision: true, MaxContext: 8192}, {Name: "text-embedding-3-small", Embedding: true}}, nil, false},
		{"a gateway with a bare list", OpenAI, map[string]string{"/v1/models": `[{"id":"a"}]`}, Health{Flavour: "openai"}, []Model{{Name: "a"}}, nil, false},
		{"no model", OpenAI, map[string]string{"/v1/models": `{"object":"list","data":null}`}, Health{Flavour: "openai"}, []Model{}, nil, false},
		{"Anthropic", Anthropic, map[string]string{"/v1/models": `{"data":[{"type":"model","id":"claude-sonnet-4-5"},{"id":"claude-2.1"},{"id":"qwen3-8b","max_input_tokens":4096}],"has_more":false}`}, Health{Flavour: "anthropic"},
			[]Model{{Name: "claude-sonnet-4-5", Vision: true, Thinking: true, Tools: true, MaxContext: 200000, Context: 200000}, {Name: "claude-2.1"}, {Name: "qwen3-8b", Thinking: true, MaxContext: 4096, Context: 4096}}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, tt.kind, Limits{}, replies(tt.replies))
			for range 2 { // the second time it is known
				h, err := c.Probe(t.Context())
				if err != nil || h.Latency <= 0 {
					t.Fatalf("got %+v and %v", h, err)
				}
				h.Latency = 0
				if h != tt.health {
					t.Errorf("got %+v, want %+v", h, tt.health)
				}
			}
			models, err := c.Models(t.Context())
			if tt.health.Busy {
				if codeOf(err) != CodeBusy {
					t.Errorf("got %+v and %v, want that it is busy", models, err)
				}
				return
			}
			if err != nil || !slices.Equal(models, tt.models) {
				t.Errorf("got %+v and %v,\nwant %+v", models, err, tt.models)
			}
			loaded, known, err := c.Loaded(t.Context())
			if err != nil || known != tt.known || !slices.Equal(loaded, tt.loaded) {
				t.Errorf("got %+v, %v and %v, want %+v, %v", loaded, known, err, tt.loaded, tt.known)
			}
		})
	}
}

func TestServersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reply, code string
	}{
		{"another kind of server", `{"hello":"world"}`, CodeBroken},
		{"an error with 200", `{"error":"it broke"}`, CodeBroken},
		{"a wrong token", `401 {"error":{"message":"Incorrect API key","type":"invalid_request_error"}}`, CodeDenied},
		{"a proxy whose server is down", `503 {"error":{"message":"no server is available","type":"proxy"}}`, CodeBusy},
		{"words", `200 hello`, CodeBroken},
	} {
		for _, kind := range []Kind{OpenAI, Anthropic} {
			c := clientFor(t, kind, Limits{}, replies(map[string]string{"/v1/models": tt.reply}))
			if h, err := c.Probe(t.Context()); codeOf(err) != tt.code || h.Busy {
				t.Errorf("%s %s: got %+v and %v, want %s", kind, tt.name, h, err, tt.code)
			}
			if _, err := c.Models(t.Context()); codeOf(err) != tt.code {
				t.Errorf("%s %s: got %v, want %s", kind, tt.name, err, tt.code)
			}
		}
	}
}

func TestAnotherServerAtTheSameAddressIsNoticed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := map[string]string{"/v1/models": vllmList, "/version": `{"version":"1"}`}
	c := clientFor(t, OpenAI, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		replies(now)(w, r)
	}))
	for _, want := range []string{"vllm", "llamacpp"} {
		if h, err := c.Probe(t.Context()); err != nil || h.Flavour != want {
			t.Fatalf("got %+v and %v, want %s", h, err, want)
		}
		mu.Lock()
		now = map[string]string{"/v1/models": llamaList, "/props": llamaProperties, "/health": `{"status":"ok"}`}
		mu.Unlock()
	}
}

func TestAListOfManyPagesIsReadWhole(t *testing.T) {
	t.Parallel()
	var s sent
	c := clientFor(t, Anthropic, Limits{}, s.keep(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("after_id") {
		case "":
			_, _ = io.WriteString(w, `{"data":[{"id":"a"},{"id":"b"}],"has_more":true,"last_id":"b"}`)
		case "b":
			_, _ = io.WriteString(w, `{"data":[{"id":"c"}],"has_more":true,"last_id":"c"}`)
		default: // and one that does not go on for ever
			_, _ = io.WriteString(w, `{"data":[],"has_more":true,"last_id":"c"}`)
		}
	})))
	models, err := c.Models(t.Context())
	if err != nil || len(models) != 3 || len(s.all) != 3 {
		t.Errorf("got %+v and %v with %v", models, err, s.all)
	}
}

func TestQuestionsAboutAServerEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{OpenAI, Anthropic} {
		gone := make(chan struct{}, 9)
		c := clientFor(t, kind, Limits{Short: 50 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			gone <- struct{}{}
		}))
		if _, err := c.Probe(t.Context()); codeOf(err) != CodeStalled {
			t.Errorf("%s: got %v, want that it is silent", kind, err)
		}
		<-gone
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Models(ctx); !fault.Is(err, fault.Cancelled) {
			t.Errorf("%s: got %v, want that it was stopped", kind, err)
		}
	}
}

func TestBothNumbersOfAnOverflow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body   string
		asked, limit int
	}{
		{"llama.cpp", `{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}`, 5000, 4096},
		{"llama.cpp in words", `{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}`, 5000, 4096},
		{"llama.cpp, vectors", `{"error":{"code":500,"message":"input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)","type":"server_error"}}`, 600, 512},
		{"vLLM", `{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4900 in the messages, 100 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400}`, 5000, 4096},
		{"vLLM, newer", `{"error":{"message":"You passed 4900 input tokens and requested 100 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 3996 tokens.","type":"BadRequestError","code":400}}`, 5000, 4096},
		{"vLLM, limit", `{"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and your request has 1000 input tokens (4000 > 4096 - 1000).","code":400}}`, 5000, 4096},
		{"vLLM, prompt", `{"error":{"message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that max_model_len is no smaller","code":400}}`, 5000, 4096},
		{"SGLang", `{"object":"error","message":"The input (5000 tokens) is longer than the model's context length (4096 tokens).","type":"BadRequestError","code":400}`, 5000, 4096},
		{"SGLang, total", `{"object":"error","message":"Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 4900 tokens","code":400}`, 5000, 4096},
		{"OpenAI", `{"error":{"message":"This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}`, 5000, 4096},
		{"LM Studio", `{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"}`, 5000, 4096},
		{"LM Studio, keep", `{"error":{"message":"The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 5000 >= n_ctx: 4096). Try to load the model with a larger context length"}}`, 5000, 4096},
		{"LM Studio, one number", `{"error":"Reached context length of 4096 tokens with model (arch: llama) which does not currently support mid-generation context overflow."}`, 0, 4096},
		{"Anthropic", `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 5000 tokens > 4096 maximum"}}`, 5000, 4096},
		{"Anthropic, both", `{"type":"error","error":{"type":"invalid_request_error","message":"input length and max_tokens exceed context limit: 4900 + 100 > 4096, decrease input length or max_tokens and try again"}}`, 5000, 4096},
		{"no number", `{"error":"Context size has been exceeded."}`, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, OpenAI, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, tt.body)
			}))
			h := ask1(t.Context(), c, question())
			want := "cannot take a text of this length"
			switch {
			case tt.asked > 0:
				want = fmt.Sprintf("takes %d tokens, but this text needs %d.", tt.limit, tt.asked)
			case tt.limit > 0:
				want = fmt.Sprintf("takes %d tokens, but this text needs more.", tt.limit)
			}
			h.check(t, outcome{code: CodeContext, says: want})
			if Sick(h.err) || Elsewhere(h.err) {
				t.Error("a text too long counts against the server")
			}
		})
	}
}
