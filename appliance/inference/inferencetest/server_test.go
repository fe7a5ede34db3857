package inferencetest_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
)

// call sends a request and decodes what comes.
func call(t *testing.T, method, url string, header map[string]string, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	var fields map[string]any
	_ = json.Unmarshal([]byte(lines[len(lines)-1]), &fields)
	return res.StatusCode, fields
}

// at follows names and positions.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ say, want string }{
		{"cite", "Salt keeps food for weeks & months [1]. Water boils at a hundred degrees [2]."},
		{"cite,marker=after", "Salt keeps food for weeks & months. [1] Water boils at a hundred degrees. [2]"},
		{"plain", "Salt keeps food for weeks & months. Water boils at a hundred degrees."},
		{"invent", "Salt keeps food for weeks & months [9]. Water boils at a hundred degrees [99]."},
		{"all", "Salt keeps food for weeks & months [1][2][3]. Water boils at a hundred degrees [1][2][3]."},
		{"echo", "Answer from these."},
		{"foreign", "Penguins of the southern shelf prefer polished granite on Wednesdays."},
		{"word=3", "w1 w2 w3"},
		{"word=3,tokens=5", "w1 w2 w3 w1 w2"},
		{"word=9,tokens=2", "w1 w2"},
	} {
		t.Run(tt.say, func(t *testing.T) {
			t.Parallel()
			model := "fake:say=" + tt.say
			s := inferencetest.New(t, model)
			if got := ask(t.Context(), t, s, "openai", model, nil, user(prompt)); got.text != tt.want {
				t.Errorf("got %q, want %q", got.text, tt.want)
			}
		})
	}
	t.Run("without passages", func(t *testing.T) {
		t.Parallel()
		s := inferencetest.New(t, "fake")
		if got := ask(t.Context(), t, s, "ollama", "fake", nil, user("What?")); got.text != "I have no source for this." {
			t.Errorf("got %q", got.text)
		}
	})
}

func TestAnAnswerIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ say, begun, want string }{
		{"word=5", "w1 w2", " w3 w4 w5"},
		{"word=5", "w1 w2 ", "w3 w4 w5"},
		{"prefix=5", "Said: w2", " w3 w4 w5"},
		{"cite", "Salt keeps food for weeks & months", " [1]. Water boils at a hundred degrees [2]."},
		{"cite", "Salt keeps food for weeks & months [7]. Water boils at ", "a hundred degrees [2]."},
	} {
		t.Run(tt.say+" "+tt.begun, func(t *testing.T) {
			t.Parallel()
			model := "fake:say=" + tt.say
			s := inferencetest.New(t, model)
			if got := ask(t.Context(), t, s, "ollama", model, nil, user(prompt), assistant(tt.begun)); got.text != tt.want {
				t.Errorf("got %q, want %q", got.text, tt.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := inferencetest.New(t, "fake:say=word=9,ctx=50")
	const model = "fake:say=word=9,ctx=50"
	got := ask(t.Context(), t, s, "ollama", model, map[string]any{"options": map[string]any{"num_predict": 2, "num_ctx": 32}}, user(strings.Repeat("word ", 200)))
	if got.text != "w1 w2" || got.reason != "length" || !strings.Contains(got.body, `"prompt_eval_count":32,`) {
		t.Errorf("got %+v", got)
	}
	if got := s.Requests()[0]; got.NumCtx != 32 || got.MaxTokens != 2 || got.Model != model || !got.Chat() || !got.Stream || len(got.Messages) != 1 {
		t.Errorf("got request %+v", got)
	}
	if got := ask(t.Context(), t, s, "openai", model, nil, user(strings.Repeat("word ", 200))); got.status != 400 || !strings.Contains(got.body, "context_length_exceeded") {
		t.Errorf("got %+v", got)
	}
	if got := ask(t.Context(), t, s, "anthropic", model, nil, user(strings.Repeat("word ", 200))); got.status != 400 || !strings.Contains(got.body, "prompt is too long") {
		t.Errorf("got %+v", got)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	const model = "fake:first=50ms,rate=100,say=word=11"
	s := inferencetest.New(t, model)
	began := time.Now()
	if got := ask(t.Context(), t, s, "ollama", model, nil, user("hello")); got.pieces != 11 {
		t.Errorf("got %d pieces", got.pieces)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("took %v, want 50 ms and then ten pauses of 10 ms", took)
	}
}

func TestThinkingCanBeOff(t *testing.T) {
	t.Parallel()
	const model = "fake:think=2,say=word=2"
	s := inferencetest.New(t, model)
	if got := ask(t.Context(), t, s, "ollama", model, map[string]any{"think": false}, user("hello")); got.thinking != "" || got.text != "w1 w2" {
		t.Errorf("got %+v", got)
	}
	plain := inferencetest.New(t, "fake")
	if got := ask(t.Context(), t, plain, "ollama", "fake", map[string]any{"think": true}, user("hello")); got.status != 400 {
		t.Errorf("a model that cannot think: got %d", got.status)
	}
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	const model = "fake:fault=stall@1"
	s := inferencetest.New(t, model, "fake:say=word=1")
	broken := make(chan answer, 1)
	go func() { broken <- ask(t.Context(), t, s, "ollama", model, nil, user("hello")) }()
	eventually(t, "a generation", func() bool { return s.Running() == 1 })
	s.Down()
	if got := <-broken; got.err == nil || got.done {
		t.Errorf("an answer outlives its server: %+v", got)
	}
	if got := ask(t.Context(), t, s, "ollama", "fake:say=word=1", nil, user("hello")); got.err == nil {
		t.Errorf("it answers while it is down: %+v", got)
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t.Context(), t, s, "ollama", "fake:say=word=1", nil, user("hello")); got.text != "w1" {
		t.Errorf("got %+v", got)
	}
}

func TestItsOwnAuthority(t *testing.T) {
	t.Parallel()
	s := inferencetest.NewTLS(t, "fake")
	if _, err := http.Get(s.URL + "/api/version"); err == nil {
		t.Error("it is trusted without its authority")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(s.CA)) {
		t.Fatal("the authority is no PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get(s.URL + "/api/version")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

func TestSlotsAndToken(t *testing.T) {
	t.Parallel()
	const model = "fake:fault=stall@1"
	s := inferencetest.New(t, model)
	s.Slots(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan struct{})
	go func() { defer close(over); ask(ctx, t, s, "ollama", model, nil, user("hello")) }()
	eventually(t, "a generation", func() bool { return s.Running() == 1 })
	if got := ask(t.Context(), t, s, "openai", model, nil, user("hello")); got.status != 503 {
		t.Errorf("got %+v", got)
	}
	cancel()
	<-over
	s.Token("sesame")
	if status, _ := call(t, "GET", s.URL+"/api/version", nil, ""); status != 401 {
		t.Errorf("without the token: got %d", status)
	}
	for _, header := range []map[string]string{{"Authorization": "Bearer sesame"}, {"X-Api-Key": "sesame"}} {
		if status, _ := call(t, "GET", s.URL+"/v1/models", header, ""); status != 200 {
			t.Errorf("with %v: got %d", header, status)
		}
	}
}

func TestColdModelsOfOllama(t *testing.T) {
	t.Parallel()
	const model = "fake:load=30ms,ctx=16384,vision,tools,think=1"
	s := inferencetest.New(t, model)
	if _, got := call(t, "GET", s.URL+"/api/ps", nil, ""); at(got, "models", 0) != nil {
		t.Errorf("cold, and in memory: %v", got)
	}
	began := time.Now()
	ask(t.Context(), t, s, "ollama", model, map[string]any{"options": map[string]any{"num_ctx": 8192}}, user("hello"))
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("it was loaded in %v", took)
	}
	if _, got := call(t, "GET", s.URL+"/api/ps", nil, ""); at(got, "models", 0, "context_length") != 8192.0 {
		t.Errorf("got %v", got)
	}
	if status, got := call(t, "POST", s.URL+"/api/chat", nil, `{"model":"`+model+`","messages":[],"keep_alive":0}`); status != 200 || at(got, "done_reason") != "unload" {
		t.Errorf("unload: got %d %v", status, got)
	}
	if got := s.Loaded(); len(got) != 0 {
		t.Errorf("still loaded: %v", got)
	}
	_, got := call(t, "POST", s.URL+"/api/show", nil, `{"model":"`+model+`"}`)
	if caps, _ := json.Marshal(at(got, "capabilities")); string(caps) != `["completion","vision","tools","thinking"]` || at(got, "model_info", "fake.context_length") != 16384.0 {
		t.Errorf("got %v", got)
	}
}

func TestShelf(t *testing.T) {
	t.Parallel()
	s := inferencetest.New(t)
	put := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		digest := "sha256:" + hex.EncodeToString(sum[:])
		if status, _ := call(t, "HEAD", s.URL+"/api/blobs/"+digest, nil, ""); status != 404 {
			t.Errorf("before it was put: got %d", status)
		}
		if status, got := call(t, "POST", s.URL+"/api/blobs/"+digest, nil, text); status != 201 {
			t.Errorf("put: got %d %v", status, got)
		}
		if status, _ := call(t, "HEAD", s.URL+"/api/blobs/"+digest, nil, ""); status != 200 {
			t.Errorf("after it was put: got %d", status)
		}
		return digest
	}
	good, bad := put("GGUF and weights"), put("a picture of a cat")
	if status, _ := call(t, "POST", s.URL+"/api/blobs/"+good, nil, "GGUF and other weights"); status != 400 {
		t.Errorf("another file under the digest: got %d", status)
	}
	create := func(digest string) map[string]any {
		_, got := call(t, "POST", s.URL+"/api/create", nil, `{"model":"mine","files":{"mine.gguf":"`+digest+`"}}`)
		return got
	}
	if got := create(bad); at(got, "error") == nil {
		t.Errorf("of a cat: got %v", got)
	}
	if got := create(good); at(got, "status") != "success" {
		t.Errorf("got %v", got)
	}
	if _, got := call(t, "GET", s.URL+"/api/tags", nil, ""); at(got, "models", 0, "name") != "mine:latest" {
		t.Errorf("got %v", got)
	}
	if got := ask(t.Context(), t, s, "ollama", "mine", nil, user(prompt)); !got.done {
		t.Errorf("got %+v", got)
	}
	if status, _ := call(t, "DELETE", s.URL+"/api/delete", nil, `{"model":"mine"}`); status != 200 {
		t.Errorf("delete: got %d", status)
	}
	if got := ask(t.Context(), t, s, "ollama", "mine", nil, user(prompt)); got.status != 404 {
		t.Errorf("after it was deleted: got %d", got.status)
	}
}

func TestFlavours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flavour string
		paths   map[string]int // status
	}{
		{"", map[string]int{"/api/version": 200, "/v1/models": 200, "/api/v1/models": 404, "/props": 404, "/version": 404}},
		{inferencetest.LMStudio, map[string]int{"/api/v1/models": 200, "/api/v0/models": 200, "/v1/models": 200, "/api/version": 200}},
		{inferencetest.LMStudioOld, map[string]int{"/api/v1/models": 200, "/api/v0/models": 200, "/v1/models": 200}},
		{inferencetest.LlamaCpp, map[string]int{"/health": 200, "/props": 200, "/v1/models": 200, "/api/version": 404}},
		{inferencetest.VLLM, map[string]int{"/health": 200, "/version": 200, "/v1/models": 200, "/api/version": 404}},
		{inferencetest.Plain, map[string]int{"/v1/models": 200, "/api/version": 404, "/health": 404}},
		{inferencetest.Anthropic, map[string]int{"/v1/models": 200, "/api/version": 404}},
	} {
		t.Run("flavour "+tt.flavour, func(t *testing.T) {
			t.Parallel()
			s := inferencetest.NewFlavour(t, tt.flavour, "fake")
			for path, want := range tt.paths {
				if status, got := call(t, "GET", s.URL+path, nil, ""); status != want {
					t.Errorf("%s: got %d %v, want %d", path, status, got, want)
				}
			}
		})
	}
	t.Run("LM Studio does not know Ollama's paths", func(t *testing.T) {
		t.Parallel()
		s := inferencetest.NewFlavour(t, inferencetest.LMStudio, "fake")
		if _, got := call(t, "GET", s.URL+"/api/version", nil, ""); at(got, "error") == nil || at(got, "version") != nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("llama.cpp loads first", func(t *testing.T) {
		t.Parallel()
		s := inferencetest.NewFlavour(t, inferencetest.LlamaCpp, "fake:load=100ms")
		if status, _ := call(t, "GET", s.URL+"/health", nil, ""); status != 503 {
			t.Errorf("got %d while it loads", status)
		}
		eventually(t, "the load", func() bool { status, _ := call(t, "GET", s.URL+"/health", nil, ""); return status == 200 })
	})
}

// TestEviction is LM Studio's way with models that nobody loaded by hand.
func TestEviction(t *testing.T) {
	t.Parallel()
	const chat, vectors = "chat:load=1ms,ctx=8192", "vectors:load=1ms,embed=4"
	s := inferencetest.NewFlavour(t, inferencetest.LMStudio, chat, vectors)
	use := func() {
		ask(t.Context(), t, s, "openai", chat, nil, user("hello"))
		if status, got := call(t, "POST", s.URL+"/v1/embeddings", nil, `{"model":"`+vectors+`","input":["a"]}`); status != 200 {
			t.Errorf("got %d %v", status, got)
		}
	}
	use()
	if got := s.Loaded(); len(got) != 1 || got[0] != vectors {
		t.Errorf("got %v loaded, want only the last used", got)
	}
	for _, name := range []string{chat, vectors} {
		if status, got := call(t, "POST", s.URL+"/api/v1/models/load", nil, `{"model":"`+name+`","context_length":2048}`); status != 200 {
			t.Errorf("load: got %d %v", status, got)
		}
	}
	use()
	if got := s.Loaded(); len(got) != 2 {
		t.Errorf("got %v loaded, want both", got)
	}
	_, got := call(t, "GET", s.URL+"/api/v1/models", nil, "")
	if at(got, "models", 0, "loaded_instances", 0, "config", "context_length") != 2048.0 || at(got, "models", 1, "type") != "embedding" {
		t.Errorf("got %v", got)
	}
	if status, _ := call(t, "POST", s.URL+"/api/v1/models/unload", nil, `{"instance_id":"`+chat+`"}`); status != 200 || len(s.Loaded()) != 1 {
		t.Errorf("unload: got %d, loaded %v", status, s.Loaded())
	}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault  string
		inputs string
		status int
		sizes  string // of the vectors that came
		bad    bool   // no JSON
	}{
		{"", `["salt","water"]`, 200, "4 4", false},
		{"", `"salt"`, 200, "4", false},
		{"", `["salt",""]`, 200, "4 0", false},
		{"embedcount", `["a","b"]`, 200, "4", false},
		{"embeddim", `["a","b"]`, 200, "4 5", false},
		{"embedempty", `["a","b"]`, 200, "", false},
		{"embednan", `["a","b"]`, 200, "", true},
		{"embednull", `["a","b"]`, 200, "4 4", false},
		{"embedzero", `["a","b"]`, 200, "4 4", false},
		{"embedorder", `["a","b"]`, 200, "4 4", false},
		{"embedbatch@2", `["a","b"]`, 200, "4 4", false},
		{"embedbatch@2", `["a","b","c"]`, 400, "", false},
		{"embedword", `["a","BAD b"]`, 400, "", false},
		{"html", `["a"]`, 502, "", true},
	} {
		for path, list := range map[string]string{"/api/embed": "embeddings", "/v1/embeddings": "data"} {
			t.Run(tt.fault+" "+tt.inputs+" "+path, func(t *testing.T) {
				t.Parallel()
				model := "fake:embed=4"
				if tt.fault != "" {
					model += ",fault=" + tt.fault
				}
				s := inferencetest.New(t, model)
				status, got := call(t, "POST", s.URL+path, nil, `{"model":"`+model+`","input":`+tt.inputs+`}`)
				if status != tt.status || (got == nil) != tt.bad {
					t.Fatalf("got %d %v", status, got)
				}
				var sizes []string
				vectors, _ := at(got, list).([]any)
				for i, v := range vectors {
					if path == "/v1/embeddings" {
						if index, swapped := at(v, "index"), float64(len(vectors)-1-i); tt.fault == "embedorder" && index != swapped {
							t.Errorf("got index %v at %d", index, i)
						}
						v = at(v, "embedding")
					}
					numbers, _ := v.([]any)
					sizes = append(sizes, string(rune('0'+len(numbers))))
				}
				if got := strings.Join(sizes, " "); got != tt.sizes {
					t.Errorf("got vectors of %s, want %s", got, tt.sizes)
				}
			})
		}
	}
}

func TestUnknownSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fake:speed=9", "fake:fault=explode", "fake:say=nonsense", "fake:rate=fast"} {
		if s, err := inferencetest.Start(inferencetest.Options{Models: []string{name}}); err == nil {
			s.Close()
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestTasksBesideAnswers(t *testing.T) {
	t.Parallel()
	s := inferencetest.New(t, "fake")
	const history = "Question: How long may insulin be kept?\nAnswer: Four weeks.\n\nLast question: And at what temperature?"
	for _, tt := range []struct{ name, system, user, want string }{
		{"a query", "You turn the last question into one search query.", history, "What is said of temperature insulin?"},
		{"a query by another word", "Rewrite the question.", "And the storage of salts?", "What is said of storage salts?"},
		{"a title", "You name conversations. Reply with a title.", "Question: How is insulin stored?\n\nAnswer: In the refrigerator.", "About insulin stored"},
		{"an answer", "You answer questions from passages. Passages have a title.", "What?", "I have no source for this."},
		{"nothing of these", "Be kind.", "What?", "I have no source for this."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t.Context(), t, s, "openai", "fake", nil, turn{"role": "system", "content": tt.system}, user(tt.user))
			if got.text != tt.want {
				t.Errorf("got %q, want %q", got.text, tt.want)
			}
		})
	}
}
