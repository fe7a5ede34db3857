package inference

import (
	"encoding/json"
	"testing"
)

// TestQuickReadsWhatServersSend holds that the usual pieces are read quickly, and
// that those which are not plain are left to encoding/json.
func TestQuickReadsWhatServersSend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		read  func([]byte) (said, bool)
		raw   string
		want  said
		plain bool
	}{
		{"Ollama", ollamaPiece, `{"model":"qwen3:8b","created_at":"2025-01-01T10:00:00.1Z","message":{"role":"assistant","content":" a \"b\"\n\u003cx\u003e ü\u00fc"},"done":false}`,
			said{text: " a \"b\"\n<x> üü"}, true},
		{"Ollama thinks", ollamaPiece, `{"model":"m","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}`, said{thinking: "hm"}, true},
		{"Ollama is done", ollamaPiece, `{"model":"m","message":{"role":"assistant","content":""},"done":true}`, said{}, false},
		{"Ollama calls", ollamaPiece, `{"message":{"role":"assistant","content":"","tool_calls":[]},"done":false}`, said{}, false},
		{"Ollama fails", ollamaPiece, `{"error":"out of memory"}`, said{}, false},
		{"two messages", ollamaPiece, `{"message":{"content":"a"},"message":{"content":"b"},"done":false}`, said{}, false},
		{"half a pair", ollamaPiece, `{"message":{"content":"\ud83d"},"done":false}`, said{}, false},
		{"something behind", ollamaPiece, `{"message":{"content":"a"},"done":false}}`, said{}, false},
		{"no UTF-8", ollamaPiece, "{\"message\":{\"content\":\"\xff\"},\"done\":false}", said{}, false},
		{"vLLM", chatPiece, `{"id":"c-1","object":"chat.completion.chunk","created":1735725600,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"logprobs":null,"finish_reason":null}],"usage":null}`,
			said{text: "a"}, true},
		{"first of llama.cpp", chatPiece, `{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"x","model":"m","system_fingerprint":"b1","object":"chat.completion.chunk"}`,
			said{}, true},
		{"reasoning", chatPiece, `{ "choices": [ {"index": 0, "delta": {"reasoning_content": "hm"}} ] }`, said{thinking: "hm"}, true},
		{"the end", chatPiece, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, said{}, false},
		{"a call", chatPiece, `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}`, said{}, false},
		{"counts alone", chatPiece, `{"choices":[],"usage":{"prompt_tokens":1}}`, said{}, false},
		{"another spelling", chatPiece, `{"Choices":[{"delta":{"content":"a"}}]}`, said{}, false},
		{"two choices", chatPiece, `{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}`, said{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, plain := tt.read([]byte(tt.raw))
			if plain != tt.plain || plain && got != tt.want {
				t.Errorf("got %+v %v, want %+v %v", got, plain, tt.want, tt.plain)
			}
		})
	}
}

// FuzzQuick holds that whatever is read quickly is what encoding/json reads.
func FuzzQuick(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","created_at":"x","message":{"role":"assistant","content":"a\u00fc\n","thinking":"b"},"done":false}`,
		`{"id":"c","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"a","reasoning_content":null},"finish_reason":null}],"usage":null}`,
		`{"message":{"content":"\ud83d\ude00"},"done":false}`, `{"message":{},"done":false}`, `{}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, plain := ollamaPiece(raw); plain {
			var line struct {
				Message *ollamaMessage `json:"message"`
				Done    bool           `json:"done"`
			}
			if err := json.Unmarshal(raw, &line); err != nil || line.Done {
				t.Fatalf("%q: %v, done %v", raw, err, line.Done)
			}
			if m := line.Message; m == nil && s != (said{}) || m != nil && (m.Content != s.text || m.Thinking != s.thinking || len(m.Calls) > 0) {
				t.Fatalf("%q: %+v is not %+v", raw, s, m)
			}
		}
		if s, plain := chatPiece(raw); plain {
			var c chatChunk
			if err := json.Unmarshal(raw, &c); err != nil || len(c.Choices) != 1 || c.Usage != nil || c.Error != nil {
				t.Fatalf("%q: %v %+v", raw, err, c)
			}
			d := c.Choices[0]
			if d.Message != nil || d.Finish != "" || string(d.Delta.Content) != s.text || string(d.Delta.ReasoningContent) != s.thinking ||
				d.Delta.Reasoning != "" || d.Delta.Refusal != "" || len(d.Delta.Calls) > 0 {
				t.Fatalf("%q: %+v is not %+v", raw, s, d)
			}
		}
	})
}
