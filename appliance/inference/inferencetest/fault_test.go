package inferencetest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
)

// TestFaultsBeforeTheAnswer wants each to be what its name says, in each dialect.
func TestFaultsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault  string
		status int
		kind   string // of content
		body   string // part of it
	}{
		{"unknown", 404, "application/json", "not found"},
		{"denied", 401, "application/json", "invalid token"},
		{"novision", 400, "application/json", "image"},
		{"busy", 503, "application/json", "busy"},
		{"busy429", 429, "application/json", "busy"},
		{"html", 502, "text/html; charset=utf-8", "<h1>Bad Gateway</h1>"},
		{"html200", 200, "text/html; charset=utf-8", "<h1>Bad Gateway</h1>"},
		{"error", 500, "application/json", `{"error":"the model`},
		{"error-object", 500, "application/json", `{"error":{"message":"the model`},
		{"error200", 200, "application/json", `{"error":{"message":"something`},
		{"error200-string", 200, "application/json", `{"error":"something`},
		{"garbage", 200, "application/json", "{{{"},
		{"empty", 200, "", ""},
		{"redirect", 307, "", ""},
	} {
		for _, dialect := range dialects {
			t.Run(tt.fault+" "+dialect, func(t *testing.T) {
				t.Parallel()
				model := "fake:retry=7,fault=" + tt.fault
				s := inferencetest.New(t, model)
				got := ask(t.Context(), t, s, dialect, model, nil, user("hello"))
				if got.status != tt.status || !strings.Contains(got.body, tt.body) || got.done || got.text != "" {
					t.Errorf("got %+v", got)
				}
				if kind := got.header.Get("Content-Type"); kind != tt.kind {
					t.Errorf("got content %q, want %q", kind, tt.kind)
				}
				if after := got.header.Get("Retry-After"); strings.HasPrefix(tt.fault, "busy") != (after == "7") {
					t.Errorf("got Retry-After %q", after)
				}
				if to := got.header.Get("Location"); (tt.fault == "redirect") != strings.HasPrefix(to, "http://localhost:") {
					t.Errorf("got Location %q", to)
				}
			})
		}
	}
}

// TestFaultsWithin wants an answer of ten words to end, or not, as the fault says.
func TestFaultsWithin(t *testing.T) {
	t.Parallel()
	ten := "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10"
	for _, tt := range []struct {
		fault   string
		text    string
		done    bool
		torn    bool // the connection ends early
		errored bool
	}{
		{"cut@4", "w1 w2 w3 w4", false, true, false},
		{"cut@0", "", false, true, false},
		{"cut@99", ten, false, true, false},
		{"nodone", ten, false, false, false},
		{"nodone@2", "w1 w2", false, false, false},
		{"midstream@3", "w1 w2 w3", false, false, true},
		{"midstream-object@3", "w1 w2 w3", false, false, true},
		{"midstream-string@3", "w1 w2 w3", false, false, true},
		{"emptychunk@2", "w1 w2", false, false, false},
		{"zero", "", true, false, false},
		{"giant@1", "w1" + strings.Repeat("x", 1000) + strings.TrimPrefix(ten, "w1"), true, false, false},
		{"splitutf8", ten + " – größer als 3 €, 日本語 😀", true, false, false},
		{"dribble", ten + " – größer als 3 €, 日本語 😀", true, false, false},
		{"crlf", ten, true, false, false},
		{"comments", ten, true, false, false},
		{"slowfirst", ten, true, false, false},
		{"thinkinline", "<think>I look at it.</think>" + ten, true, false, false},
		{"thinkopen", "I look at it.</think>" + ten, true, false, false},
	} {
		for _, dialect := range dialects {
			t.Run(tt.fault+" "+dialect, func(t *testing.T) {
				t.Parallel()
				model := "fake:first=1ms,size=1000,say=word=10,fault=" + tt.fault
				s := inferencetest.New(t, model)
				got := ask(t.Context(), t, s, dialect, model, nil, user("hello"))
				if got.text != tt.text {
					t.Errorf("got text %q, want %q", got.text, tt.text)
				}
				done := tt.done || dialect == "openai" && tt.errored // an error is followed by [DONE] there
				if got.done != done || (got.err != nil) != tt.torn || (got.errored != "") != tt.errored || got.status != 200 {
					t.Errorf("got done %v, error %v, errored %s, status %d\n%s", got.done, got.err, got.errored, got.status, got.body)
				}
				if crlf := strings.Contains(got.body, "\r\n"); crlf != (tt.fault == "crlf") {
					t.Errorf("got CR LF: %v", crlf)
				}
				if tt.fault == "comments" && dialect != "ollama" && !strings.Contains(got.body, "\n: a comment\n") {
					t.Errorf("got no comment in %s", got.body)
				}
				eventually(t, "end of the generation", func() bool { return s.Running() == 0 })
			})
		}
	}
}

func TestSplitCharactersComeInParts(t *testing.T) {
	t.Parallel()
	const model = "fake:say=echo,fault=splitutf8"
	s := inferencetest.New(t, model)
	res, err := send(t.Context(), t, s, "/api/chat", map[string]any{"model": model, "messages": []turn{user("ü€😀")}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	torn := false
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		torn = torn || n > 0 && buf[n-1] >= 0x80 && !strings.HasSuffix(string(buf[:n]), "ü") && !strings.HasSuffix(string(buf[:n]), "€") && !strings.HasSuffix(string(buf[:n]), "😀")
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !torn {
		t.Error("no read ended within a character")
	}
}

// TestSilence holds for a stall, an endless answer and a slow one: they last as
// long as their reader, and the server notices when that goes.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fault, begins string }{
		{"fault=stall@2", "w1 w2"},
		{"fault=stall@0", ""},
		{"fault=endless", "w1 w2 w3w1 w2 w3w1"},
		{"first=1h", ""},
		{"load=1h", ""},
	} {
		for _, dialect := range dialects {
			t.Run(tt.fault+" "+dialect, func(t *testing.T) {
				t.Parallel()
				model := "fake:say=word=3," + tt.fault
				s := inferencetest.New(t, model)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				got := make(chan answer, 1)
				go func() { got <- ask(ctx, t, s, dialect, model, nil, user("hello")) }()
				eventually(t, "a generation", func() bool { return s.Running() == 1 })
				if tt.begins != "" {
					// Long enough for what is said before the silence to arrive.
					until := time.Now().Add(300 * time.Millisecond)
					eventually(t, "what is said", func() bool { return time.Now().After(until) })
				}
				cancel()
				if a := <-got; a.err == nil || a.done || !strings.HasPrefix(a.text, tt.begins) {
					t.Errorf("got %q, done %v, error %v", a.text, a.done, a.err)
				}
				eventually(t, "the end of the generation", func() bool { return s.Running() == 0 })
			})
		}
	}
}

func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault string
		bad   func(answer) bool
	}{
		{"busyx2", func(a answer) bool { return a.status == 503 }},
		{"cut@1x2", func(a answer) bool { return a.text == "w1" && a.err != nil }},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			model := "fake:say=word=3,fault=" + tt.fault
			s := inferencetest.New(t, model)
			for i := range 4 {
				got := ask(t.Context(), t, s, "ollama", model, nil, user("hello"))
				if whole := got.text == "w1 w2 w3" && got.done; whole != (i >= 2) || tt.bad(got) != (i < 2) {
					t.Errorf("request %d: got %+v", i+1, got)
				}
			}
		})
	}
}

func TestBrokenPaths(t *testing.T) {
	t.Parallel()
	s := inferencetest.New(t, "fake")
	for _, tt := range []struct {
		fault  string
		status int
	}{{"html", 502}, {"busy", 503}, {"garbage", 200}, {"", 200}} {
		s.Break("/api/version", tt.fault)
		res, err := http.Get(s.URL + "/api/version")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != tt.status || strings.Contains(string(body), "0.17") != (tt.fault == "") {
			t.Errorf("%s: got %d %s", tt.fault, res.StatusCode, body)
		}
	}
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	tools := []map[string]any{{"type": "function", "name": "", "function": map[string]any{"name": "search", "parameters": map[string]any{"type": "object"}}}}
	one := `search{"query":"größe of it","limit":3}`
	for _, tt := range []struct{ fault, calls string }{
		{"toolwhole", one}, {"toolpieces", one + one}, {"toolnoid", one + one}, {"toolsameid", one + one},
	} {
		for _, dialect := range dialects {
			t.Run(tt.fault+" "+dialect, func(t *testing.T) {
				t.Parallel()
				model := "fake:fault=" + tt.fault
				s := inferencetest.New(t, model)
				more := map[string]any{"tools": tools}
				got := ask(t.Context(), t, s, dialect, model, more, user("hello"))
				if got.calls != tt.calls || !got.done {
					t.Errorf("got %q, done %v\n%s", got.calls, got.done, got.body)
				}
				if want := map[string]string{"ollama": "stop", "openai": "tool_calls", "anthropic": "tool_use"}[dialect]; got.reason != want {
					t.Errorf("got reason %q, want %q", got.reason, want)
				}
				if dialect == "openai" {
					first, second := strings.Contains(got.body, `"id":"call_1"`), strings.Contains(got.body, `"id":"call_2"`)
					if want := [2]bool{tt.fault != "toolnoid", tt.fault == "toolpieces"}; [2]bool{first, second} != want {
						t.Errorf("got ids %v %v in %s", first, second, got.body)
					}
				}
				result := turn{"role": "tool", "content": "found"}
				if dialect == "anthropic" {
					result = turn{"role": "user", "content": []map[string]any{{"type": "tool_result", "tool_use_id": "x", "content": "found"}}}
				}
				if got := ask(t.Context(), t, s, dialect, model, more, user("hello"), result); got.calls != "" || got.text == "" {
					t.Errorf("after the result: got calls %q, text %q", got.calls, got.text)
				}
				if got := ask(t.Context(), t, s, dialect, model, nil, user("hello")); got.calls != "" || got.text == "" {
					t.Errorf("without tools: got calls %q, text %q", got.calls, got.text)
				}
			})
		}
	}
}

func TestDataOverTwoLines(t *testing.T) {
	t.Parallel()
	const model = "fake:say=word=2,fault=multiline"
	s := inferencetest.New(t, model)
	got := ask(t.Context(), t, s, "openai", model, nil, user("hello"))
	if !strings.Contains(got.body, "data: {\ndata:") || !got.done || got.text != "" {
		t.Fatalf("got %s", got.body)
	}
	// Put together as the format says, it is what it would be in one line.
	for event := range strings.SplitSeq(strings.TrimSpace(got.body), "\n\n") {
		lines := strings.Split(event, "\n")
		for i := range lines {
			lines[i] = strings.TrimPrefix(strings.TrimPrefix(lines[i], "data:"), " ")
		}
		got.line(strings.ReplaceAll(strings.Join(lines, "\n"), "\n", ""))
	}
	if got.text != "w1 w2" {
		t.Errorf("got %q", got.text)
	}
}
