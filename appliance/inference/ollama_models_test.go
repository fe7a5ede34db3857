package inference

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatets/appliance/fault"
)

// house is an Ollama with models, as far as it is asked about them.
func house(shows map[string]string, tags ...string) *http.ServeMux {
	mux := http.NewServeMux()
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text)
		}
	}
	mux.HandleFunc("GET /api/version", say(`{"version":"0.17.4"}`))
	mux.HandleFunc("GET /api/tags", say(`{"models":[`+strings.Join(tags, ",")+`]}`))
	mux.HandleFunc("GET /api/ps", say(`{"models":[{"name":"chat:8b","model":"chat:8b","context_length":16384,"size":5}]}`))
	mux.HandleFunc("POST /api/show", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for name, show := range shows {
			if strings.Contains(string(body), quoted(name)) {
				say(show)(w, r)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":"model 'x' not found"}`)
	})
	return mux
}

func tag(name, rest string) string {
	return fmt.Sprintf(`{"name":%q,"model":%q,"size":1000,"digest":"d-%s","details":{"family":"llama","parameter_size":"8.0B","quantization_level":"Q4_K_M"}%s}`, name, name, name, rest)
}

func TestOllamaModels(t *testing.T) {
	t.Parallel()
	var shows atomic.Int32
	here := house(map[string]string{
		"chat:8b":     `{"capabilities":["completion","vision","tools","thinking"],"model_info":{"general.architecture":"llama","llama.context_length":131072,"llama.vision.context_length":7,"llama.embedding_length":4096},"parameters":"temperature 0.7\nnum_ctx 8192"}`,
		"cold:1b":     `{"capabilities":["completion"],"model_info":{"llama.context_length":2048},"parameters":"num_ctx                        512\nstop \"</s>\""}`,
		"vectors":     `{"capabilities":["embedding"],"model_info":{"bert.context_length":512,"bert.embedding_length":768}}`,
		"old":         `{"details":{"family":"nomic-bert"},"model_info":{"nomic-bert.embedding_length":768}}`,
		"old-chat":    `{"template":"{{ if .Tools }}x{{ end }}","details":{"family":"llama"},"model_info":null}`,
		"painter":     `{"capabilities":["image"]}`,
		"hidden":      `{"capabilities":["completion"],"remote_host":"https://ollama.example","remote_model":"big"}`,
		"odd numbers": `{"capabilities":["completion"],"model_info":{"x.context_length":"many"}}`,
		"cloud":       `{"capabilities":["completion"]}`,
	}, tag("chat:8b", ""), tag("cold:1b", ""), tag("vectors", ""), tag("old", ""), tag("old-chat", ""), tag("painter", ""), tag("hidden", ""), tag("damaged", ""), tag("odd numbers", ""),
		tag("cloud", `,"remote_host":"https://ollama.example","remote_model":"big"`))
	c := clientFor(t, Ollama, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/show" {
			shows.Add(1)
		}
		here.ServeHTTP(w, r)
	}))
	for range 2 {
		got, err := c.Models(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		base := Model{Family: "llama", Parameters: "8.0B", Quantization: "Q4_K_M", Size: 1000}
		with := func(name string, change func(m *Model)) Model {
			m := base
			m.Name, m.Digest = name, "d-"+name
			change(&m)
			return m
		}
		want := []Model{
			with("chat:8b", func(m *Model) {
				m.Vision, m.Tools, m.Thinking, m.MaxContext, m.Context, m.Loaded = true, true, true, 131072, 16384, true
			}),
			with("cold:1b", func(m *Model) { m.MaxContext, m.Context = 2048, 512 }),
			with("vectors", func(m *Model) { m.Embedding, m.MaxContext, m.Dimensions = true, 512, 768 }),
			with("old", func(m *Model) { m.Embedding, m.Dimensions, m.Family = true, 768, "nomic-bert" }),
			with("old-chat", func(m *Model) { m.Tools = true }),
			with("odd numbers", func(*Model) {}),
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	}
	if shows.Load() != 10 { // nine that are here, and the damaged one again
		t.Errorf("%d models were looked at, want each once", shows.Load())
	}
}

func TestOllamaModelsThatAreAllDamaged(t *testing.T) {
	t.Parallel()
	c := clientFor(t, Ollama, Limits{}, house(nil, tag("a", ""), tag("b", "")))
	if got, err := c.Models(t.Context()); codeOf(err) != CodeModel {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := clientFor(t, Ollama, Limits{}, house(nil)).Models(t.Context()); err != nil || got == nil || len(got) != 0 {
		t.Errorf("a server without models: got %v, %v", got, err)
	}
}

func TestOllamaProbe(t *testing.T) {
	t.Parallel()
	var s sent
	h, err := clientFor(t, Ollama, Limits{}, s.keep(house(nil))).Probe(t.Context())
	if err != nil || h.Flavour != "ollama" || h.Version != "0.17.4" || h.Latency <= 0 {
		t.Errorf("got %+v, %v", h, err)
	}
	if len(s.all) != 1 {
		t.Errorf("it asked %v", s.all)
	}
	for name, handler := range map[string]http.Handler{"another server": http.NotFoundHandler(), "an object of another": ndjson(`{"hello":1}`), "a page": ndjson(`<html>`)} {
		if _, err := clientFor(t, Ollama, Limits{}, handler).Probe(t.Context()); codeOf(err) != CodeBroken || fault.Of(err).Cure == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOllamaLoads(t *testing.T) {
	t.Parallel()
	var s sent
	mux := house(nil)
	mux.HandleFunc("POST /api/chat", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(s.at("model"), `"vectors`) && s.at("keep_alive") != `"0s"` {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"\"vectors\" does not support chat"}`)
			return
		}
		_, _ = io.WriteString(w, ollamaReason("load"))
	})
	mux.HandleFunc("POST /api/embed", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"embeddings":[]}`)
	})
	c := clientFor(t, Ollama, Limits{}, s.keep(mux))
	if err := c.Load(t.Context(), "chat", 4096); err != nil {
		t.Fatal(err)
	}
	if s.at("messages") != "[]" || s.at("options", "num_ctx") != "4096" || s.at("stream") != "false" {
		t.Errorf("sent %v", s.got)
	}
	if err := c.Load(t.Context(), "vectors:latest", 512); err != nil {
		t.Fatal(err)
	}
	if s.at("input") != "[]" || s.at("options", "num_ctx") != "512" {
		t.Errorf("sent %v", s.got)
	}
	// A vector must not load the model again with another context.
	if _, err := c.Embed(t.Context(), "vectors", []string{"x"}); codeOf(err) != CodeBroken {
		t.Errorf("no vector came, got %v", err)
	}
	if s.at("options", "num_ctx") != "512" || s.at("truncate") != "false" {
		t.Errorf("sent %v", s.got)
	}
	if err := c.Unload(t.Context(), "vectors"); err != nil {
		t.Fatal(err)
	}
	if s.at("keep_alive") != `"0s"` || s.at("messages") != "[]" {
		t.Errorf("sent %v", s.got)
	}
	loaded, known, err := c.Loaded(t.Context())
	if err != nil || !known || !slices.Equal(loaded, []Loaded{{Model: "chat:8b", Context: 16384}}) {
		t.Errorf("got %v, %v, %v", loaded, known, err)
	}
}

func TestOllamaEmbed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, code string }{
		{"vectors", `{"embeddings":[[3,4],[0,2]]}`, ""},
		{"one too many", `{"embeddings":[[3,4],[0,2],[1,1]]}`, CodeBroken},
		{"none", `{"embeddings":null}`, CodeBroken},
		{"no numbers", `{"embeddings":[["NaN",4],[0,2]]}`, CodeBroken},
		{"numbers that are too large", `{"embeddings":[[1e99,4],[0,2]]}`, CodeBroken},
		{"null in one", `{"embeddings":[[3,null],[0,2]]}`, CodeBroken},
		{"null for one", `{"embeddings":[null,[0,2]]}`, CodeBroken},
		{"zero", `{"embeddings":[[0,0],[0,2]]}`, CodeBroken},
		{"another length", `{"embeddings":[[3,4],[0,2,1]]}`, CodeBroken},
		{"an error with 200", `{"error":"it broke"}`, CodeBroken},
		{"too long", `{"error":"the input length exceeds the context length"}`, CodeContext},
		{"no model", `{"error":"model \"m\" not found, try pulling it first"}`, CodeModel},
		{"cut", `{"embeddings":[[3,4],[0`, CodeBroken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := clientFor(t, Ollama, Limits{}, ndjson(tt.body)).Embed(t.Context(), "m", []string{"a", "b"})
			switch {
			case tt.code != "":
				if err == nil || codeOf(err) != tt.code || got != nil {
					t.Errorf("got %v, %v; want %s", got, err, tt.code)
				}
			case err != nil || fmt.Sprint(got) != "[[0.6 0.8] [0 1]]":
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

const sum = "a54a3cd5374e0424b35e25afbe0f338addea49d92bd5799e21823976dd9e748c"

func TestOllamaShelf(t *testing.T) {
	t.Parallel()
	var (
		mu   sync.Mutex
		came string
	)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/blobs/sha256:"+sum, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		came = string(body)
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("HEAD /api/blobs/sha256:"+sum, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if came == "" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	mux.HandleFunc("DELETE /api/delete", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"model":"mine"`) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":"model 'other' not found"}`)
		}
	})
	shelf := clientFor(t, Ollama, Limits{}, mux).(Shelf)
	file := strings.Repeat("GGUF", 100_000)
	var told []int64
	if err := shelf.Put(t.Context(), strings.ToUpper(sum), int64(len(file)), strings.NewReader(file), func(n int64) { told = append(told, n) }); err != nil {
		t.Fatal(err)
	}
	if came != file || len(told) < 2 || !slices.IsSorted(told) || told[len(told)-1] != int64(len(file)) {
		t.Errorf("%d bytes came, told %v", len(came), told)
	}
	told = nil
	if err := shelf.Put(t.Context(), sum, 7, strings.NewReader("another"), func(n int64) { told = append(told, n) }); err != nil || came != file || !slices.Equal(told, []int64{7}) {
		t.Errorf("a file that is there was sent again: %v, %v", told, err)
	}
	if err := shelf.Put(t.Context(), "../../etc/passwd", 1, strings.NewReader("x"), nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("a checksum that is none: got %v", err)
	}
	if err := shelf.Delete(t.Context(), "mine"); err != nil {
		t.Error(err)
	}
	if err := shelf.Delete(t.Context(), "other"); codeOf(err) != CodeModel {
		t.Errorf("got %v", err)
	}
	if err := shelf.Delete(t.Context(), ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestOllamaPutFails(t *testing.T) {
	t.Parallel()
	disk := fault.New(fault.Unavailable, "The disk is gone.").Code("disk")
	for _, tt := range []struct {
		name, code string
		body       io.Reader
		answer     http.HandlerFunc
	}{
		{"another file", CodeImport, strings.NewReader("12345"), func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"digest mismatch, expected \"a\", got \"b\""}`)
		}},
		{"a file that cannot be read", "disk", io.MultiReader(strings.NewReader("1"), failing{disk}), func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }},
		{"a file that is shorter", CodeBroken, strings.NewReader("1"), func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }},
		{"a server without a disk", CodeBroken, strings.NewReader("12345"), func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"error":"write /var/lib/ollama/models/blobs/x: no space left on device"}`)
		}},
		{"a server that does not read", CodeStalled, endless("x"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			size := int64(5)
			if tt.code == CodeStalled {
				size = 1 << 40
			}
			held := make(chan struct{})
			shelf := clientFor(t, Ollama, Limits{Idle: 200 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				if tt.answer == nil {
					<-held
					return
				}
				tt.answer(w, r)
			})).(Shelf)
			t.Cleanup(func() { close(held) })
			err := shelf.Put(t.Context(), sum, size, tt.body, nil)
			if err == nil || codeOf(err) != tt.code {
				t.Errorf("got %v (%s), want %s", err, codeOf(err), tt.code)
			}
			if said := fault.Of(err).Sentence + fault.Of(err).Cure; strings.Contains(said, "/var/lib") {
				t.Errorf("a path is told: %s", said)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestOllamaCreate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		body   string
		code   string
		notes  string
	}{
		{"made", 200, `{"status":"parsing GGUF"}` + "\n" + `{"status":"writing manifest"}` + "\n" + `{"status":"success"}` + "\n", "", "[parsing GGUF writing manifest success]"},
		{"no model", 200, `{"status":"parsing GGUF"}` + "\n" + `{"error":"supplied file was not in GGUF format"}` + "\n", CodeImport, "[parsing GGUF]"},
		{"an error and then success", 200, `{"error":"invalid"}` + "\n" + `{"status":"success"}` + "\n", CodeImport, "[]"},
		{"a bad name", 400, `{"error":"invalid model name"}`, CodeImport, "[]"},
		{"no end", 200, `{"status":"parsing GGUF"}` + "\n", CodeCut, "[parsing GGUF]"},
		{"nothing", 200, "", CodeCut, "[]"},
		{"garbage", 200, "hello\n", CodeBroken, "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s sent
			shelf := clientFor(t, Ollama, Limits{}, s.keep(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))).(Shelf)
			notes := []string{}
			err := shelf.Create(t.Context(), NewModel{Name: "mine", Files: map[string]string{"m.gguf": sum}, System: "Be kind.", Context: 4096}, func(n string) { notes = append(notes, n) })
			if (err == nil) != (tt.code == "") || err != nil && codeOf(err) != tt.code || fmt.Sprint(notes) != tt.notes {
				t.Errorf("got %v and the notes %q", err, notes)
			}
			if s.at("files", "m.gguf") != quoted("sha256:"+sum) || s.at("parameters", "num_ctx") != "4096" || s.at("system") != `"Be kind."` || s.at("model") != `"mine"` {
				t.Errorf("sent %v", s.got)
			}
		})
	}
}
