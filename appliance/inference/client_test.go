package inference

import (
	"net/http"
	"strings"
	"testing"

	"chatets/appliance/fault"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		kind Kind
		in   string
		want string // "" = refused
	}{
		{"as it is", Ollama, "http://10.1.2.3:11434", "http://10.1.2.3:11434"},
		{"spaces and a slash", Ollama, "  http://10.1.2.3:11434/ ", "http://10.1.2.3:11434"},
		{"no scheme", Ollama, "10.1.2.3:11434", "http://10.1.2.3:11434"},
		{"a name without scheme", OpenAI, "llm.hospital.example:8000", "http://llm.hospital.example:8000"},
		{"upper case", OpenAI, "HTTPS://LLM.Hospital.Example/v1", "https://llm.hospital.example"},
		{"with /v1", OpenAI, "http://h:1234/v1", "http://h:1234"},
		{"with /v1/", OpenAI, "http://h:1234/v1/", "http://h:1234"},
		{"a path before /v1", OpenAI, "http://h/llm/v1", "http://h/llm"},
		{"a path with capitals", OpenAI, "http://h/LLM/v1", "http://h/LLM"},
		{"an endpoint", OpenAI, "http://h:8000/v1/chat/completions", "http://h:8000"},
		{"an endpoint of messages", Anthropic, "https://h/v1/messages", "https://h"},
		{"ollama's endpoint", Ollama, "http://h:11434/api/chat", "http://h:11434"},
		{"ollama's /api", Ollama, "http://h:11434/api/", "http://h:11434"},
		{"doubled slashes", OpenAI, "http://h//x///v1", "http://h/x"},
		{"IPv6", Ollama, "http://[::1]:11434", "http://[::1]:11434"},
		{"an empty port", Ollama, "http://h:", "http://h"},

		{"nothing", Ollama, "", ""},
		{"only a scheme", Ollama, "http://", ""},
		{"another scheme", Ollama, "ftp://h", ""},
		{"a file", Ollama, "file:///etc/passwd", ""},
		{"a password", Ollama, "http://me:secret@h:1", ""},
		{"a query", Ollama, "http://h:1/?key=secret", ""},
		{"a fragment", Ollama, "http://h:1/#x", ""},
		{"port 0", Ollama, "http://h:0", ""},
		{"a port too high", Ollama, "http://h:65536", ""},
		{"a huge port", Ollama, "http://h:99999999999999999999", ""},
		{"a space in the name", Ollama, "http://a b:1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := Address(tt.kind, tt.in)
			if tt.want == "" {
				if r := fault.Of(err); err == nil || r.Kind != fault.Invalid || r.Code != "server-url" || r.Cure == "" {
					t.Fatalf("got %v, %+v; want it refused with a cure", u, r)
				}
				if strings.Contains(fault.Of(err).Sentence, "secret") {
					t.Errorf("the sentence tells a secret: %s", fault.Of(err).Sentence)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if u.String() != tt.want {
				t.Errorf("got %s, want %s", u, tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		s    Server
	}{
		{"an unknown kind", Server{Kind: "llm", URL: "http://h", HTTP: http.DefaultClient}},
		{"no address", Server{Kind: Ollama, HTTP: http.DefaultClient}},
		{"no way out", Server{Kind: Ollama, URL: "http://h"}},
		{"a token of two lines", Server{Kind: Ollama, URL: "http://h", Token: "to\nken-secret", HTTP: http.DefaultClient}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.s)
			if err == nil {
				t.Fatal("it was taken")
			}
			if strings.Contains(err.Error(), "ken-secret") {
				t.Errorf("the failure tells the token: %v", err)
			}
		})
	}
	for _, kind := range []Kind{Ollama, OpenAI, Anthropic} {
		if c, err := New(Server{Kind: kind, URL: "http://h", Token: " token \n", HTTP: http.DefaultClient}); err != nil || c == nil {
			t.Errorf("%s: got %v", kind, err)
		}
	}
	if _, is := mustClient(t, Ollama).(Shelf); !is {
		t.Error("Ollama takes models, but has no shelf")
	}
}

func mustClient(t *testing.T, kind Kind) Client {
	t.Helper()
	c, err := New(Server{Kind: kind, URL: "http://h", HTTP: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
