package appliance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
)

const password = "correct horse battery staple"

// A house is a running appliance on a free loopback port, for tests that come
// in through the door a person uses.
type house struct {
	base string
	link string
	stop func() // at the end of the test at the latest
}

// start builds and runs an appliance in a temporary directory.
func start(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"config": os.DevNull, "data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, cfg)
}

func run(t *testing.T, cfg config.Config) *house {
	t.Helper()
	return runWith(t, cfg, appliance.Assets{
		UI:      fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>ChatETS</title>")}},
		Samples: fstest.MapFS{"hello.md": {Data: []byte("# Hello\n\nThe sample base says hello to every reader.\n")}},
	})
}

// runWith runs an appliance with what is compiled in.
func runWith(t *testing.T, cfg config.Config, assets appliance.Assets) *house {
	t.Helper()
	return runAt(t, cfg, assets, time.Now)
}

// runAt is runWith with another clock for what waits for days.
func runAt(t *testing.T, cfg config.Config, assets appliance.Assets, now func() time.Time) *house {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	a, err := appliance.NewAt(ctx, cfg, assets, slog.New(slog.NewTextHandler(io.Discard, nil)), "test", now)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	}()
	leave := sync.OnceFunc(func() {
		stop()
		<-ended
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(leave)
	select {
	case <-a.Ready():
	case <-ended:
		t.Fatal("the appliance stopped at start")
	case <-time.After(30 * time.Second):
		t.Fatal("the appliance does not get ready")
	}
	return &house{base: "http://" + a.Addr(), link: a.SetupLink(), stop: leave}
}

// A visitor talks to the house with a bearer token, or as nobody.
type visitor struct {
	house        *house
	id           string
	email, token string
}

func (h *house) visitor() *visitor { return &visitor{house: h} }

// setUp makes the first owner through the one-time link.
func (h *house) setUp(t *testing.T) *visitor {
	t.Helper()
	_, token, _ := strings.Cut(h.link, "#")
	body, _ := json.Marshal(map[string]string{"token": token, "email": "owner@house.test", "name": "Olga Owner", "password": password})
	got := h.visitor().must(t, "POST", "/api/setup", string(body), 200)
	v := &visitor{house: h, id: got.get("person", "id"), email: "owner@house.test"}
	v.signIn(t)
	return v
}

// person adds somebody to the first workspace and signs them in.
func (h *house) person(t *testing.T, by *visitor, email, name string) *visitor {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"email": email, "name": name, "password": password})
	v := &visitor{house: h, id: by.must(t, "POST", "/api/people", string(body), 201).id(), email: email}
	v.signIn(t)
	return v
}

func (v *visitor) signIn(t *testing.T) {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"email": v.email, "password": password})
	v.token = (&visitor{house: v.house}).must(t, "POST", "/api/auth/login", string(body), 200).get("token")
}

// upload adds a document and waits until it can be cited.
func (v *visitor) upload(t *testing.T, knowledge, name, text string) string {
	t.Helper()
	path := "/api/documents?knowledge=" + knowledge + "&name=" + url.QueryEscape(name)
	got := v.ask(t, "POST", path, "", text)
	if got.status != http.StatusAccepted {
		t.Fatalf("upload: got %d: %s", got.status, got.body)
	}
	v.ready(t, got.id())
	return got.id()
}

func (v *visitor) ready(t *testing.T, document string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		got := v.must(t, "GET", "/api/documents/"+document, "", 200)
		switch state := got.get("state"); {
		case state == "ready":
			return
		case state == "failed" || time.Now().After(deadline):
			t.Fatalf("the document does not get ready: %s", got.body)
		}
	}
}

// An answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
	fields any
}

// ask sends one request and never fails the test for its status.
func (v *visitor) ask(t *testing.T, method, path, body, raw string) answer {
	t.Helper()
	var reader io.Reader
	kind := ""
	switch {
	case raw != "":
		reader, kind = strings.NewReader(raw), "text/plain"
	case body != "":
		reader, kind = strings.NewReader(body), "application/json"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, v.house.base+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{status: res.StatusCode, body: string(text), header: res.Header}
	if decoder := json.NewDecoder(bytes.NewReader(text)); strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := decoder.Decode(&got.fields); err != nil {
			t.Fatalf("%s %s: the answer is no JSON: %s", method, path, text)
		}
	}
	return got
}

func (v *visitor) must(t *testing.T, method, path, body string, status int) answer {
	t.Helper()
	got := v.ask(t, method, path, body, "")
	if got.status != status {
		t.Fatalf("%s %s: got %d, want %d: %s", method, path, got.status, status, got.body)
	}
	return got
}

// get follows names and list positions into the answer; "" where there is nothing.
func (a answer) get(path ...string) string {
	at := a.fields
	for _, name := range path {
		switch value := at.(type) {
		case map[string]any:
			at = value[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(value) {
				return ""
			}
			at = value[i]
		}
	}
	switch value := at.(type) {
	case string:
		return value
	case nil:
		return ""
	default:
		text, _ := json.Marshal(value)
		return string(text)
	}
}

func (a answer) id() string { return a.get("id") }

func mapsWith(m map[string]string, key, value string) map[string]string {
	c := maps.Clone(m)
	c[key] = value
	return c
}
