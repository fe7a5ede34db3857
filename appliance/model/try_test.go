package model_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/model"
	"chatets/appliance/web"
)

// steps are the steps of a report as "connect+ list+ answer-".
func steps(a answer) string {
	text := ""
	for i := 0; a.at("steps", strconv.Itoa(i)) != nil; i++ {
		sign := "-"
		if a.get("steps", strconv.Itoa(i), "ok") == "true" {
			sign = "+"
		}
		text += a.get("steps", strconv.Itoa(i), "name") + sign + " "
	}
	return strings.TrimSpace(text)
}

// TestTest goes as far as a server goes, and says why no further.
func TestTest(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	dead := "http://" + closed.Addr().String()
	check(t, closed.Close())
	secure, locked := inferencetest.NewTLS(t, "a:say=plain,rate=200,tokens=20"), inferencetest.New(t, "a:say=plain")
	locked.Token("sesame-8813")
	broken := inferencetest.New(t, "a:say=plain")
	broken.Break("/api/chat", "html")
	empty := inferencetest.New(t)
	for _, tt := range []struct {
		name, kind, url string
		more            []string
		want            string
	}{
		{"everything", "ollama", inferencetest.New(t, "a:say=plain,rate=200,tokens=20", "v:embed=8").URL, nil, "connect+ list+ answer+ embed+"},
		{"everything of OpenAI", "openai", inferencetest.NewFlavour(t, inferencetest.LMStudio, "a:say=plain,rate=200,tokens=20", "v:embed=8").URL, nil, "connect+ list+ answer+ embed+"},
		{"chat only", "anthropic", inferencetest.New(t, "a:say=plain,rate=200,tokens=20").URL, nil, "connect+ list+ answer+"},
		{"one that was named", "ollama", inferencetest.New(t, "a:say=plain", "v:embed=8").URL, []string{"model", "v:embed=8"}, "connect+ list+ embed+"},
		{"one that is not there", "ollama", inferencetest.New(t, "a:say=plain").URL, []string{"model", "z"}, "connect+ list+ answer-"},
		{"no models", "ollama", empty.URL, nil, "connect+ list-"},
		{"own CA", "ollama", secure.URL, []string{"ca", secure.CA}, "connect+ list+ answer+"},
		{"no CA", "ollama", secure.URL, nil, "connect-"},
		{"dead", "ollama", dead, nil, "connect-"},
		{"no token", "openai", locked.URL, nil, "connect-"},
		{"the token", "openai", locked.URL, []string{"token", "sesame-8813"}, "connect+ list+ answer+"},
		{"no answer", "ollama", broken.URL, nil, "connect+ list+ answer-"},
		{"a cut answer", "ollama", inferencetest.New(t, "a:say=plain,fault=cut@2").URL, nil, "connect+ list+ answer-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ada.must(t, "POST /api/servers/test", object(append([]string{"kind", tt.kind, "url", tt.url}, tt.more...)...), 200)
			if steps(got) != tt.want {
				t.Fatalf("got %s, want %s: %s", steps(got), tt.want, got.body)
			}
			last := strconv.Itoa(strings.Count(tt.want, " "))
			if failed := strings.HasSuffix(tt.want, "-"); failed != (got.get("steps", last, "cure") != "") || got.get("steps", last, "detail") == "" {
				t.Errorf("the last step says %s", got.body)
			}
			if strings.Contains(got.body, "sesame") {
				t.Errorf("the token stands in the answer: %s", got.body)
			}
			if strings.Contains(tt.url, "rate=") && got.get("tokensPerSecond") == "0" {
				t.Errorf("no speed: %s", got.body)
			}
		})
	}
	if rules := h.gate.Rules(); len(rules) != 0 {
		t.Errorf("the gate is still open: %v", rules)
	}
	ada.must(t, "POST /api/servers/test", object("kind", "ollama", "url", "http://169.254.169.254"), 422)
	h.secret(t, "", "sesame-8813")
}

// TestTestOfServer tests a server that was added, with its token, and before a
// change of it is kept.
func TestTestOfServer(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake, other := inferencetest.New(t, "a:say=plain,rate=100,tokens=20,think=3"), inferencetest.New(t, "a:say=plain")
	fake.Token("sesame-4471")
	id := ada.server(t, "Ward", "ollama", fake.URL, "token", "sesame-4471")
	got := ada.must(t, "POST /api/servers/"+id+"/test", `{}`, 200)
	if steps(got) != "connect+ list+ answer+" || got.get("tokensPerSecond") == "0" {
		t.Errorf("the test: %s", got.body)
	}
	asked := fake.Asked()
	if len(asked) != 1 || asked[0].NumCtx != 8192 {
		t.Errorf("asked with another context than answers have: %+v", asked)
	}
	got = ada.must(t, "POST /api/servers/test", object("kind", "ollama", "url", fake.URL, "server", id), 200)
	if steps(got) != "connect+ list+ answer+" {
		t.Errorf("the test of a change: %s", got.body)
	}
	// Its token goes to no other address.
	ada.must(t, "POST /api/servers/test", object("kind", "ollama", "url", other.URL, "server", id), 200)
	for _, r := range other.Requests() {
		if strings.Contains(r.Header.Get("Authorization"), "sesame") {
			t.Fatal("another server was sent the token")
		}
	}
	ada.must(t, "PATCH /api/servers/"+id, `{"enabled":false}`, 200)
	if got = ada.must(t, "POST /api/servers/"+id+"/test", `{}`, 200); steps(got) != "connect+ list+ answer+" {
		t.Errorf("the test of a server that is off: %s", got.body)
	}
	ada.must(t, "POST /api/servers/nothing/test", `{}`, 404)
}

// TestTestStopped ends a test whose answer does not come.
func TestTestStopped(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	bob := h.person(t, "Bob", "admin", "admin")
	fake := inferencetest.New(t, "a:say=plain,fault=stall@2")
	ended := make(chan answer, 1)
	go func() {
		got, err := ada.try(context.Background(), "POST /api/servers/test", object("kind", "ollama", "url", fake.URL, "key", "k1"))
		if err != nil {
			got.body = err.Error()
		}
		ended <- got
	}()
	await(t, "the answer begins", func() bool { return fake.Running() == 1 })
	bob.must(t, "DELETE /api/servers/test/k1", "", 404)
	ada.must(t, "POST /api/servers/test", object("kind", "ollama", "url", fake.URL, "key", "k1"), 409)
	ada.must(t, "DELETE /api/servers/test/k1", "", 204)
	select {
	case got := <-ended:
		if got.status != 499 {
			t.Errorf("the test: %d %s", got.status, got.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the test goes on")
	}
	await(t, "the server is let go", func() bool { return fake.Running() == 0 })
	ada.must(t, "DELETE /api/servers/test/k1", "", 404)
}

// TestDetect offers the model servers of this machine, and neither ChatETS, nor
// what is none, nor what was added.
func TestDetect(t *testing.T) {
	t.Parallel()
	ollama, studio := inferencetest.New(t, "a:say=plain"), inferencetest.NewFlavour(t, inferencetest.LMStudio, "b:say=plain")
	added := inferencetest.New(t, "c:say=plain")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Welcome</html>")) }))
	t.Cleanup(site.Close)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok","version":"1","generation":"none"}`))
	}))
	t.Cleanup(other.Close)
	// The same installation on another port: it knows its own id.
	twin := web.New(web.Config{Listen: "127.0.0.1:0", Instance: instance})
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- twin.Run(ctx) }()
	t.Cleanup(func() { stop(); <-served })
	<-twin.Ready()

	var ports []int
	for _, address := range []string{ollama.URL, studio.URL, added.URL, site.URL, "http://" + mute.Addr().String(), other.URL, "http://" + twin.Addr()} {
		_, text, err := net.SplitHostPort(strings.TrimPrefix(address, "http://"))
		check(t, err)
		port, err := strconv.Atoi(text)
		check(t, err)
		ports = append(ports, port)
	}
	h := start(t, func(c *model.Config) { c.Ports = ports })
	ada := h.admin(t)
	ada.server(t, "Added", "ollama", added.URL)
	began := time.Now()
	got := ada.must(t, "GET /api/servers/detected", "", 200)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
	if got.get("items", "0", "kind") != "ollama" || got.get("items", "0", "url") != ollama.URL || got.get("items", "0", "models", "0") != "a:say=plain" ||
		got.get("items", "1", "kind") != "openai" || got.get("items", "1", "flavour") != "lmstudio" || got.at("items", "2") != nil {
		t.Errorf("found: %s", got.body)
	}
	if rules := h.gate.Rules(); len(rules) != 1 {
		t.Errorf("the gate is still open: %v", rules)
	}
	if got := ada.must(t, "GET /api/servers", "", 200); got.names() != "Added" {
		t.Errorf("something was added: %s", got.body)
	}
}
