package inference

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// png is the beginning of a picture, which is all that is looked at.
func png() []byte { return []byte("\x89PNG\r\n\x1a\n0000") }

func jpeg() []byte { return []byte("\xff\xd8\xff\xe0") }

// flavoured answers as a server of that flavour does, for what is asked about it.
func flavoured(owner string, chat http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"m","object":"model","owned_by":"` + owner + `"}]}`))
	})
	mux.Handle("POST /v1/", chat)
	return mux
}

func TestRequestsAreWhatTheServerTakes(t *testing.T) {
	t.Parallel()
	cool, hot, seed := 0.0, 1.7, 0
	all := Request{Model: "m", MaxTokens: 50, Temperature: &cool, Seed: &seed, Stop: []string{"END", "\n"}, Sees: true,
		Messages: []Message{
			{Role: RoleSystem, Content: "Be short."},
			{Role: RoleUser, Content: "What is it?", Images: [][]byte{png(), jpeg()}},
			{Role: RoleAssistant, Thinking: "secret", Calls: []Call{{ID: "c1", Name: "find", Arguments: json.RawMessage(`{"q":1}`)}, {ID: "c2", Name: "now"}}},
			{Role: RoleTool, Call: "c1", Tool: "find", Content: "nothing"},
			{Role: RoleTool, Call: "c2", Tool: "now", Content: "noon"},
			{Role: RoleUser, Content: "So?"},
		},
		Tools: []Tool{{Name: "find", Description: "Finds.", Parameters: json.RawMessage(`{"type":"object","properties":{"q":{"type":"number"}}}`)}, {Name: "now"}}}
	begun := []Message{{Role: RoleUser, Content: "Why?"}, {Role: RoleAssistant, Content: "Because \n"}}
	with := func(change func(r *Request)) Request {
		r := question()
		change(&r)
		return r
	}
	thinks := func(wish Think) Request { return with(func(r *Request) { r.Thinks, r.Think = true, wish }) }
	prefix := with(func(r *Request) { r.Messages, r.Prefix = begun, true })
	const none = "(none)"
	for _, tt := range []struct {
		name  string
		kind  Kind
		owner string
		ask   Request
		want  map[string]string // path with dots to JSON
	}{
		{"everything", OpenAI, "", all, map[string]string{
			"model": `"m"`, "stream": "true", "stream_options.include_usage": "true", "max_tokens": "50", "temperature": "0", "seed": "0", "stop": `["END","\n"]`,
			"messages.0": `{"content":"Be short.","role":"system"}`, "messages.1.content.0": `{"text":"What is it?","type":"text"}`,
			"messages.1.content.1": `{"image_url":{"url":"data:image/png;base64,iVBORw0KGgowMDAw"},"type":"image_url"}`,
			"messages.1.content.2": `{"image_url":{"url":"data:image/jpeg;base64,/9j/4A=="},"type":"image_url"}`, "messages.2.content": none,
			"messages.2.tool_calls.0": `{"function":{"arguments":"{\"q\":1}","name":"find"},"id":"c1","type":"function"}`,
			"messages.2.tool_calls.1": `{"function":{"arguments":"{}","name":"now"},"id":"c2","type":"function"}`,
			"messages.3":              `{"content":"nothing","role":"tool","tool_call_id":"c1"}`,
			"messages.5.content":      `"So?"`, "messages.6": none,
			"tools.0": `{"function":{"description":"Finds.","name":"find","parameters":{"properties":{"q":{"type":"number"}},"type":"object"}},"type":"function"}`,
			"tools.1": `{"function":{"name":"now","parameters":{"properties":{},"type":"object"}},"type":"function"}`}},
		{"next to nothing", OpenAI, "", question(), map[string]string{"max_tokens": none, "temperature": none, "seed": none, "stop": none, "tools": none,
			"reasoning_effort": none, "chat_template_kwargs": none, "continue_final_message": none, "add_generation_prompt": none}},
		{"a wish of a model that cannot think", OpenAI, "vllm", with(func(r *Request) { r.Think = ThinkOff }), map[string]string{"chat_template_kwargs": none, "reasoning_effort": none}},
		{"no wish", OpenAI, "vllm", thinks(ThinkDefault), map[string]string{"chat_template_kwargs": none, "reasoning_effort": none}},
		{"vLLM does not think", OpenAI, "vllm", thinks(ThinkOff), map[string]string{"chat_template_kwargs.enable_thinking": "false", "reasoning_effort": none}},
		{"llama.cpp thinks", OpenAI, "llamacpp", thinks(ThinkOn), map[string]string{"chat_template_kwargs.enable_thinking": "true", "reasoning_effort": none}},
		{"another does not think", OpenAI, "house", thinks(ThinkOff), map[string]string{"chat_template_kwargs": none, "reasoning_effort": `"none"`}},
		{"another thinks", OpenAI, "house", thinks(ThinkOn), map[string]string{"chat_template_kwargs": none, "reasoning_effort": `"medium"`}},
		{"vLLM goes on", OpenAI, "vllm", prefix, map[string]string{"continue_final_message": "true", "add_generation_prompt": "false",
			"messages.1": `{"content":"Because \n","role":"assistant"}`, "messages.2": none}},
		{"llama.cpp goes on", OpenAI, "llamacpp", prefix, map[string]string{"continue_final_message": none, "add_generation_prompt": none,
			"messages.1.role": `"assistant"`, "chat_template_kwargs.enable_thinking": "false"}},
		{"LM Studio goes on", OpenAI, "organization_owner", prefix, map[string]string{"continue_final_message": none, "chat_template_kwargs": none, "messages.1.role": `"assistant"`}},

		{"everything", Anthropic, "", all, map[string]string{
			"model": `"m"`, "stream": "true", "max_tokens": "50", "temperature": "0", "seed": none, "stop_sequences": `["END"]`, "system": `"Be short."`,
			"messages.0.role":      `"user"`,
			"messages.0.content.0": `{"source":{"data":"iVBORw0KGgowMDAw","media_type":"image/png","type":"base64"},"type":"image"}`,
			"messages.0.content.1": `{"source":{"data":"/9j/4A==","media_type":"image/jpeg","type":"base64"},"type":"image"}`,
			"messages.0.content.2": `{"text":"What is it?","type":"text"}`,
			"messages.1":           `{"content":[{"id":"c1","input":{"q":1},"name":"find","type":"tool_use"},{"id":"c2","input":{},"name":"now","type":"tool_use"}],"role":"assistant"}`,
			"messages.2":           `{"content":[{"content":"nothing","tool_use_id":"c1","type":"tool_result"},{"content":"noon","tool_use_id":"c2","type":"tool_result"},{"text":"So?","type":"text"}],"role":"user"}`,
			"messages.3":           none,
			"tools.0":              `{"description":"Finds.","input_schema":{"properties":{"q":{"type":"number"}},"type":"object"},"name":"find"}`,
			"tools.1":              `{"input_schema":{"properties":{},"type":"object"},"name":"now"}`}},
		{"next to nothing", Anthropic, "", question(), map[string]string{"max_tokens": "8192", "temperature": none, "stop_sequences": none, "tools": none, "system": none, "thinking": none}},
		{"a small context", Anthropic, "", with(func(r *Request) { r.Context = 4096 }), map[string]string{"max_tokens": "2048"}},
		{"too hot", Anthropic, "", with(func(r *Request) { r.Temperature = &hot }), map[string]string{"temperature": "1"}},
		{"does not think", Anthropic, "", thinks(ThinkOff), map[string]string{"thinking": `{"type":"disabled"}`, "max_tokens": "8192"}},
		{"thinks", Anthropic, "", with(func(r *Request) { r.Thinks, r.Think, r.Temperature, r.MaxTokens = true, ThinkOn, &cool, 100 }),
			map[string]string{"thinking": `{"budget_tokens":4096,"type":"enabled"}`, "max_tokens": "4196", "temperature": none}},
		{"goes on", Anthropic, "", prefix, map[string]string{"messages.1": `{"content":[{"text":"Because","type":"text"}],"role":"assistant"}`, "messages.2": none}},
		{"goes on although it should think", Anthropic, "", with(func(r *Request) { r.Messages, r.Prefix, r.Thinks, r.Think = begun, true, true, ThinkOn }),
			map[string]string{"thinking": `{"type":"disabled"}`}},
		{"an empty turn", Anthropic, "", with(func(r *Request) {
			r.Messages = []Message{{Role: RoleUser, Content: "a"}, {Role: RoleAssistant, Content: " "}, {Role: RoleUser, Content: "b"}}
		}), map[string]string{"messages.0": `{"content":[{"text":"a","type":"text"},{"text":"b","type":"text"}],"role":"user"}`, "messages.1": none}},
	} {
		t.Run(string(tt.kind)+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			d := dialects()[string(tt.kind)]
			var s sent
			c := clientFor(t, tt.kind, Limits{}, s.keep(flavoured(tt.owner, stream(d.begin+d.text("x")+d.end(ReasonStop)))))
			if h := ask1(t.Context(), c, tt.ask); h.err != nil {
				t.Fatal(h.err)
			}
			for path, want := range tt.want {
				if got := s.at(strings.Split(path, ".")...); got != want {
					t.Errorf("%s: got %s, want %s", path, got, want)
				}
			}
			if strings.Contains(s.at("messages"), "secret") {
				t.Error("old thinking is sent back")
			}
			h := s.raw[d.path]
			if tt.kind == OpenAI && h.Get("Authorization") != "Bearer key" {
				t.Errorf("got the header %v, want the token as bearer", h)
			}
			if tt.kind == Anthropic && (h.Get("X-Api-Key") != "key" || h.Get("Anthropic-Version") != "2023-06-01" || h.Get("Authorization") != "") {
				t.Errorf("got the header %v, want the token as API key and a version", h)
			}
			if h.Get("X-ChatETS-Instance") != "house" {
				t.Errorf("got the header %v, want it to name the instance", h)
			}
		})
	}
}

func TestWhatCannotBeIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, d dialect) {
		for _, tt := range []struct {
			name, code string
			ask        Request
		}{
			{"an image for a model that sees none", CodeCannot, Request{Model: "m", Messages: []Message{{Role: RoleUser, Content: "?", Images: [][]byte{png()}}}}},
			{"nothing to answer", "invalid", Request{Model: "m"}},
			{"no answer to go on with", "no-prefix", Request{Model: "m", Prefix: true, Messages: []Message{{Role: RoleUser, Content: "?"}}}},
		} {
			var s sent
			c := clientFor(t, d.kind, Limits{}, s.keep(stream("")))
			if h := ask1(t.Context(), c, tt.ask); codeOf(h.err) != tt.code || len(s.all) > 0 {
				t.Errorf("%s: got %v and %v, want %s and nothing sent", tt.name, h.err, s.all, tt.code)
			}
		}
	})
}

func TestCallsComeWholeAtTheEnd(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, d dialect) {
		two := d.begin + d.text("Let me see.") + d.call(0, "a", "find", "") + d.call(0, "", "", `{"q":`) + d.call(0, "", "", `"€"}`) + d.call(1, "a", "now", "")
		h := ask1(t.Context(), clientFor(t, d.kind, Limits{}, stream(two+d.end(ReasonTools))), question())
		h.check(t, outcome{text: "Let me see.", reason: ReasonTools})
		if len(h.calls) != 2 || len(h.result.Calls) != 2 {
			t.Fatalf("got the calls %+v and %+v, want two", h.calls, h.result.Calls)
		}
		if c := h.calls[0]; c.ID != "a" || c.Name != "find" || string(c.Arguments) != `{"q":"€"}` {
			t.Errorf("got %+v", c)
		}
		if c := h.calls[1]; c.ID == "a" || c.ID == "" || c.Name != "now" || string(c.Arguments) != "{}" {
			t.Errorf("got %+v, want an id of its own", c)
		}
		for name, tt := range map[string]struct {
			stream string
			want   outcome
		}{
			"another reason": {d.begin + d.call(0, "a", "now", "{}") + d.end(ReasonStop), outcome{reason: ReasonTools}},
			"the limit":      {d.begin + d.call(0, "a", "now", `{"q`) + d.end(ReasonLength), outcome{reason: ReasonLength}},
			"broken":         {d.begin + d.text("x") + d.call(0, "a", "now", `{"q`) + d.end(ReasonTools), outcome{text: "x", code: CodeCall}},
			"cut":            {d.begin + d.text("x") + d.call(0, "a", "now", `{}`), outcome{text: "x", code: CodeCut}},
		} {
			h := ask1(t.Context(), clientFor(t, d.kind, Limits{}, stream(tt.stream)), question())
			h.check(t, tt.want)
			if want := map[bool]int{true: 1, false: 0}[name == "another reason"]; len(h.calls) != want {
				t.Errorf("%s: got the calls %+v, want %d", name, h.calls, want)
			}
		}
	})
}

func TestFieldsOnlySomeServersHave(t *testing.T) {
	t.Parallel()
	stop := `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
	for _, tt := range []struct {
		name, kind, stream string
		want               outcome
	}{
		{"reasoning", "openai", `data: {"choices":[{"delta":{"reasoning":"Hm"}}]}` + "\n\n" + `data: {"choices":[{"delta":{"content":"Hello"}}]}` + "\n\n" + stop, outcome{thinking: "Hm", text: "Hello", reason: ReasonStop}},
		{"both", "openai", `data: {"choices":[{"delta":{"reasoning":"Hm","reasoning_content":"Hm","content":null}}]}` + "\n\n" + `data: {"choices":[{"delta":{"content":"Hello"}}]}` + "\n\n" + stop, outcome{thinking: "Hm", text: "Hello", reason: ReasonStop}},
		{"parts", "openai", `data: {"choices":[{"delta":{"content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]}}]}` + "\n\n" + stop, outcome{text: "Hello", reason: ReasonStop}},
		{"a refusal", "openai", `data: {"choices":[{"delta":{"content":"","refusal":"I cannot."}}]}` + "\n\n" + stop, outcome{text: "I cannot.", reason: ReasonStop}},
		{"text and reason at once", "openai", `data: {"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n", outcome{text: "Hello", reason: ReasonStop}},
		{"the empty piece of Ollama's crash", "openai", `data: {"choices":[{"delta":{"content":"Hel"},"finish_reason":null}]}` + "\n\n" + `data: {"id":"","object":"","created":0,"model":"","choices":null}` + "\n\n", outcome{text: "Hel", code: CodeCut}},
		{"given up", "openai", `data: {"choices":[{"delta":{"content":"Hel"},"finish_reason":"abort"}]}` + "\n\ndata: [DONE]\n\n", outcome{text: "Hel", code: CodeCut}},
		{"ended by an error", "openai", `data: {"choices":[{"delta":{"content":"Hel"},"finish_reason":"error"}]}` + "\n\ndata: [DONE]\n\n", outcome{text: "Hel", code: CodeBroken}},
		{"no error", "openai", `data: {"error":null,"choices":[{"delta":{"content":"Hello"}}]}` + "\n\n" + stop, outcome{text: "Hello", reason: ReasonStop}},
		{"a filter", "openai", `data: {"choices":[{"delta":{"content":"Hel"},"finish_reason":"content_filter"}]}` + "\n\n", outcome{text: "Hel", reason: ReasonStop}},
		{"no names of events", "anthropic", `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n", outcome{text: "Hello", reason: ReasonStop}},
		{"only names of events", "anthropic", "event: content_block_delta\n" + `data: {"delta":{"type":"text_delta","text":"Hello"}}` + "\n\nevent: message_stop\ndata: {}\n\n", outcome{text: "Hello", reason: ReasonStop}},
		{"text in the beginning of a block", "anthropic", `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello"}}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n", outcome{text: "Hello", reason: ReasonStop}},
		{"signatures and the end of blocks", "anthropic", `data: {"type":"content_block_delta","delta":{"type":"signature_delta","signature":"x"}}` + "\n\n" + `data: {"type":"content_block_stop","index":0}` + "\n\n" +
			`data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}` + "\n\n" + `data: {"type":"message_delta","delta":{"stop_reason":"model_context_window_exceeded"}}` + "\n\n", outcome{text: "Hello", reason: ReasonLength}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ask1(t.Context(), clientFor(t, Kind(tt.kind), Limits{}, stream(tt.stream)), question()).check(t, tt.want)
		})
	}
}

func TestAWholeAnswerHasItsCalls(t *testing.T) {
	t.Parallel()
	for kind, whole := range map[Kind]string{
		OpenAI:    `{"choices":[{"message":{"content":"x","tool_calls":[{"id":"a","function":{"name":"find","arguments":"{\"q\":1}"}},{"id":"b","function":{"name":"find","arguments":"{\"q\":2}"}}]},"finish_reason":"tool_calls"}]}`,
		Anthropic: `{"type":"message","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"x"},{"type":"tool_use","id":"a","name":"find","input":{"q":1}},{"type":"tool_use","id":"b","name":"find","input":{"q":2}}],"stop_reason":"tool_use"}`,
	} {
		h := ask1(t.Context(), clientFor(t, kind, Limits{}, stream(whole)), question())
		if h.err != nil || h.text.String() != "x" || len(h.calls) != 2 || string(h.calls[1].Arguments) != `{"q":2}` || h.result.Reason != ReasonTools {
			t.Errorf("%s: got %q, %+v and %v", kind, h.text.String(), h.calls, h.err)
		}
	}
}

// The end of a prefix that cannot be sent is not written twice.
func TestGoingOnDoesNotDoubleTheSpace(t *testing.T) {
	t.Parallel()
	d := dialects()["anthropic"]
	for _, tt := range []struct{ kept, first, second, want string }{
		{"Because \n", " \nof", " that", "of that"},
		{"Because \n", " ", "\nof", "of"},
		{"Because ", " \n of", "", "\n of"},
		{"Because ", "of", "", "of"},
		{"Because", " of", "", " of"},
		{"Because\n", " of", "", " of"},
	} {
		c := clientFor(t, Anthropic, Limits{}, stream(d.begin+d.text(tt.first)+d.text(tt.second)+d.end(ReasonStop)))
		r := Request{Model: "m", Prefix: true, Messages: []Message{{Role: RoleUser, Content: "Why?"}, {Role: RoleAssistant, Content: tt.kept}}}
		if h := ask1(t.Context(), c, r); h.err != nil || h.text.String() != tt.want {
			t.Errorf("%q and %q: got %q and %v, want %q", tt.kept, tt.first, h.text.String(), h.err, tt.want)
		}
	}
}
