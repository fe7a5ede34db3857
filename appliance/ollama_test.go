//go:build ollama

package appliance_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/inference"
)

// These tests run against a real Ollama: make test-ollama.

const leaveText = `# Leave

Employees accrue 1.75 days of paid leave per month. At most ten unused days may be carried over into the next calendar year.

## Parents

Parental leave of up to sixteen weeks is available to both parents.
`

func ollamaURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("CHATETS_TEST_OLLAMA")
	if url == "" {
		t.Fatal("CHATETS_TEST_OLLAMA is not set: run make test-ollama")
	}
	return url
}

// direct is a client of the real server, for what no route of ours does yet.
func direct(t *testing.T) inference.Client {
	t.Helper()
	gate, err := egress.New(egress.Config{Rules: []egress.Rule{{Purpose: "model", Host: "127.0.0.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := inference.New(inference.Server{ID: "real", Kind: inference.Ollama, URL: ollamaURL(t), HTTP: gate.Client("model")})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestOllamaAnswersFromDocuments(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Staff"}`, 201).id()
	owner.upload(t, knowledge, "leave.md", leaveText)
	owner.connect(t, "gpu", "ollama", ollamaURL(t), 4, 4)
	_, got := owner.asked(t, asks("How many days of paid leave do employees accrue per month?", "rig-chat:latest"))
	if got.State != "done" || !strings.Contains(got.Content, "1.75 days of paid leave per month") || len(got.Citations) == 0 || got.Unsupported {
		t.Fatalf("got %+v", got)
	}
	for _, c := range got.Citations {
		if c.Document.Title != "Leave" && c.Document.Title != "leave.md" {
			t.Errorf("cited is %+v", c)
		}
	}
	// The counts are the server's own.
	if got.Usage == nil || got.Usage.OutputTokens < 20 || got.Context == nil || got.Context.Counted == 0 {
		t.Errorf("usage %+v, context %+v", got.Usage, got.Context)
	}
	_, got = owner.asked(t, asks("How many days of paid leave do employees accrue per month?", "rig-reason:latest"))
	if !strings.Contains(got.Thinking, "Passage one states the accrual rate") || strings.Contains(got.Content, "<think>") || !strings.Contains(got.Content, "1.75 days monthly") {
		t.Errorf("thinking %q, text %q", got.Thinking, got.Content)
	}
}

func TestOllamaCallsToolsAndEmbeds(t *testing.T) {
	t.Parallel()
	client := direct(t)
	tools := []inference.Tool{{Name: "search_documents", Description: "Searches.", Parameters: json.RawMessage(`{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer"}}}`)}}
	ask := []inference.Message{{Role: inference.RoleUser, Content: "What about leave?"}}
	result, err := client.Chat(t.Context(), inference.Request{Model: "rig-tools:latest", Messages: ask, Tools: tools, Context: 8192}, inference.Sink{})
	if err != nil || len(result.Calls) != 1 || result.Calls[0].Name != "search_documents" || !strings.Contains(string(result.Calls[0].Arguments), `"annual leave carry over"`) {
		t.Fatalf("got %+v, %v", result, err)
	}
	ask = append(ask, inference.Message{Role: inference.RoleAssistant, Calls: result.Calls},
		inference.Message{Role: inference.RoleTool, Tool: "search_documents", Call: result.Calls[0].ID, Content: "ten days"})
	text := ""
	_, err = client.Chat(t.Context(), inference.Request{Model: "rig-tools:latest", Messages: ask, Tools: tools, Context: 8192},
		inference.Sink{Text: func(s string) error { text += s; return nil }})
	if err != nil || !strings.Contains(text, "Employees accrue") {
		t.Errorf("after the tool: %q, %v", text, err)
	}
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = "text number " + strconv.Itoa(i)
	}
	texts[1], texts[2] = "the cat sat on the mat", "the cats sat on the mats"
	vectors, err := client.Embed(t.Context(), "rig-embed:latest", texts)
	if err != nil || len(vectors) != 100 || len(vectors[0]) != 64 {
		t.Fatalf("got %d vectors, %v", len(vectors), err)
	}
	if near, far := dot(vectors[1], vectors[2]), dot(vectors[1], vectors[90]); near < far || near > 1.001 {
		t.Errorf("alike %.3f, not alike %.3f", near, far)
	}
	if _, err := client.Embed(t.Context(), "rig-embed:latest", []string{strings.Repeat("letters ", 4000)}); err == nil {
		t.Error("a text longer than the model takes was cut without a word")
	}
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestOllamaStopFreesTheRunner(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	owner.connect(t, "gpu", "ollama", ollamaURL(t), 1, 4)
	run := owner.with(t, "POST", "/api/conversations", asks("Go on", "rig-endless:latest"), "Prefer: respond-async").get("run", "id")
	until(t, "it writes", func() bool { return strings.Contains(owner.snapshot(t, run, 0), "tock two") })
	began := time.Now()
	owner.must(t, "POST", "/api/runs/"+run+"/stop", "", 202)
	events := owner.events(t, "GET", "/api/runs/"+run+"/events", "", "Accept: text/event-stream")
	if got := replyOf(t, events[len(events)-1].data); got.State != "stopped" || !strings.Contains(got.Content, "tock two") {
		t.Errorf("got %+v", got)
	}
	// The one slot is free: another answer comes.
	if _, got := owner.asked(t, asks("How much leave?", "rig-chat:latest")); got.State != "done" {
		t.Errorf("got %+v", got)
	}
	t.Logf("stopped and answered anew in %v", time.Since(began))
}

func TestOllamaRunnerKilled(t *testing.T) {
	h := start(t)
	owner := h.setUp(t)
	owner.connect(t, "gpu", "ollama", ollamaURL(t), 4, 4)
	run := owner.with(t, "POST", "/api/conversations", asks("Go on", "rig-endless:latest"), "Prefer: respond-async").get("run", "id")
	until(t, "it writes", func() bool { return strings.Contains(owner.snapshot(t, run, 0), "tock two") })
	killChildren(t, os.Getenv("CHATETS_TEST_OLLAMA_PID")) // the runner is one
	events := owner.events(t, "GET", "/api/runs/"+run+"/events", "", "Accept: text/event-stream")
	got := replyOf(t, events[len(events)-1].data)
	if got.State != "interrupted" || !strings.Contains(got.Content, "tock two") || got.Problem == nil || got.Problem.Cure == "" {
		t.Errorf("got %s %+v", got.State, got.Problem)
	}
	until(t, "it answers again", func() bool {
		_, got := owner.asked(t, asks("How much leave?", "rig-chat:latest"))
		return got.State == "done"
	})
}

// killChildren kills the processes that a process began.
func killChildren(t *testing.T, parent string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		// "pid (name) state parent …"; the name may hold anything.
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != parent {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed++
	}
	if killed == 0 {
		t.Fatal("there is no runner")
	}
}

func TestOllamaImport(t *testing.T) {
	t.Parallel()
	h := start(t)
	owner := h.setUp(t)
	server := owner.connect(t, "gpu", "ollama", ollamaURL(t), 4, 4)
	data, err := os.ReadFile(filepath.Join(os.Getenv("CHATETS_TEST_OLLAMA_FILES"), "rig-chat.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "PUT", h.base+"/api/models/files/mine.gguf", strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+owner.token)
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("upload: %v %v", res, err)
	}
	res.Body.Close()
	imported := func(file, name string) answer {
		body, _ := json.Marshal(map[string]any{"file": file, "name": name, "template": `{{ range .Messages }}{{ .Content }}{{ end }}<|answer|>`, "context": 4096})
		job := owner.must(t, "POST", "/api/servers/"+server+"/import", string(body), 202).get("job", "id")
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			got := owner.must(t, "GET", "/api/jobs/"+job, "", 200)
			if state := got.get("state"); state == "done" || state == "failed" {
				return got
			}
			if time.Now().After(deadline) {
				t.Fatalf("the import does not end: %s", got.body)
			}
		}
	}
	if got := imported("mine.gguf", "imported-by-test"); got.get("state") != "done" {
		t.Fatalf("got %s", got.body)
	}
	owner.usable(t, "imported-by-test")
	if _, got := owner.asked(t, asks("How much leave?", "imported-by-test:latest")); got.State != "done" || !strings.Contains(got.Content, "1.75 days") {
		t.Errorf("got %+v", got)
	}
	owner.must(t, "POST", "/api/servers/"+server+"/unload", `{"model":"imported-by-test:latest"}`, 204)
	owner.must(t, "DELETE", "/api/servers/"+server+"/models?name=imported-by-test:latest", "", 204)
	until(t, "the model is gone", func() bool {
		got := owner.must(t, "GET", "/api/models", "", 200)
		for i := 0; got.get("items", strconv.Itoa(i), "name") != ""; i++ {
			if n := strconv.Itoa(i); got.get("items", n, "name") == "imported-by-test" {
				return got.get("items", n, "available") != "true"
			}
		}
		return true
	})
}
