package appliance_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
)

// serving runs a service that can start anew, as the command does.
func serving(t *testing.T, cfg config.Config) (next func() *house) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	houses := make(chan *house, 4)
	ended := make(chan struct{})
	assets := appliance.Assets{UI: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Samples: fstest.MapFS{}}
	go func() {
		defer close(ended)
		err := appliance.Serve(ctx, cfg, assets, slog.New(slog.DiscardHandler), "test", func(a *appliance.Appliance) {
			houses <- &house{base: "http://" + a.Addr(), link: a.SetupLink()}
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return func() *house {
		t.Helper()
		select {
		case h := <-houses:
			return h
		case <-ended:
			t.Fatal("the service ended")
		case <-time.After(2 * time.Minute):
			t.Fatal("the service does not get ready")
		}
		return nil
	}
}

// TestRestoreFromTheAdminArea lists the points and restores one while people use
// the service, which then starts anew with it.
func TestRestoreFromTheAdminArea(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := serving(t, cfg)
	h := next()
	owner := h.setUp(t)
	admin := h.person(t, owner, "adam@house.test", "Adam Admin")
	owner.must(t, "PATCH", "/api/people/"+admin.id, `{"role":"admin"}`, 200)
	p := copyPlace{url: "file://" + filepath.Join(dir, "copy")}
	if got := owner.ask(t, "GET", "/api/backup/points", "", ""); got.status != 404 || !strings.Contains(got.body, "no backup target") {
		t.Errorf("points without a target: %d %s", got.status, got.body)
	}
	p.add(t, owner)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	kept := owner.upload(t, knowledge, "kept.md", "# Kept\n\nThe bittern booms in the reeds.\n")
	settled(t, owner)
	points := owner.must(t, "GET", "/api/backup/points?step=second", "", 200)
	point, err := time.Parse(time.RFC3339, points.get("items", "0", "at"))
	if err != nil || points.get("more") != "false" || points.get("ranges", "0", "interrupted") != "false" {
		t.Fatalf("got %s, %v", points.body, err)
	}
	owner.upload(t, knowledge, "later.md", "# Later\n\nThe corncrake rasps.\n")
	settled(t, owner)
	if got := owner.must(t, "GET", "/api/backup/points?step=second&limit=1", "", 200); got.get("more") != "true" || got.get("items", "0", "at") == points.get("items", "0", "at") {
		t.Errorf("the newest alone: %s", got.body)
	}
	at := url.QueryEscape(point.Format(time.RFC3339Nano))
	if got := owner.must(t, "GET", "/api/backup/points?step=second&from="+at+"&to="+at, "", 200); got.get("items", "0", "at") != points.get("items", "0", "at") || got.get("items", "1", "at") != "" {
		t.Errorf("the point alone: %s", got.body)
	}
	order := func(confirm string) string {
		body, _ := json.Marshal(map[string]any{"target": "", "at": point, "confirm": confirm})
		return string(body)
	}
	admin.must(t, "POST", "/api/backup/restore", order("Copy"), 403)
	if got := owner.must(t, "POST", "/api/backup/restore", order("copy"), 422); !strings.Contains(got.body, "restore-unconfirmed") || !strings.Contains(got.body, "Type Copy.") {
		t.Errorf("unconfirmed: %s", got.body)
	}
	if got := owner.must(t, "GET", "/api/backup/restore", "", 200); got.get("state") != "none" || got.get("last") != "" {
		t.Errorf("before: %s", got.body)
	}
	early, _ := json.Marshal(map[string]any{"target": "", "at": point.AddDate(-1, 0, 0), "confirm": "Copy"})
	owner.must(t, "POST", "/api/backup/restore", string(early), 202)
	until(t, "the restore failed", func() bool { return owner.must(t, "GET", "/api/backup/restore", "", 200).get("state") == "failed" })
	if got := owner.must(t, "GET", "/api/backup/restore", "", 200); !strings.Contains(got.get("why"), "oldest point") || got.get("cure") == "" {
		t.Errorf("why it failed: %s", got.body)
	}
	if left, _ := filepath.Glob(cfg.Data + ".*[!y]"); len(left) > 1 {
		t.Errorf("a failed restore left %v", left)
	}

	owner.must(t, "POST", "/api/backup/restore", order("Copy"), 202)
	h = next()
	owner.house, admin.house = h, h
	if got := owner.ask(t, "GET", "/api/backup/restore", "", ""); got.status != 401 {
		t.Errorf("a session from before: %d", got.status)
	}
	owner.signIn(t)
	got := owner.must(t, "GET", "/api/backup/restore", "", 200)
	if restored, err := time.Parse(time.RFC3339, got.get("last", "point")); err != nil || !restored.Equal(point) || got.get("state") != "none" {
		t.Errorf("after: %s, %v", got.body, err)
	}
	list := owner.must(t, "GET", "/api/documents?knowledge="+knowledge, "", 200)
	if !strings.Contains(list.body, "kept.md") || strings.Contains(list.body, "later.md") {
		t.Errorf("the documents: %s", list.body)
	}
	if file := owner.ask(t, "GET", "/api/documents/"+kept+"/file", "", ""); file.status != 200 || !strings.Contains(file.body, "bittern") {
		t.Errorf("its file: %d %s", file.status, file.body)
	}
	until(t, "all files are there", func() bool {
		return owner.must(t, "GET", "/api/backup/restore", "", 200).get("last", "fetching") == "false"
	})
	settled(t, owner)
	if got := owner.must(t, "GET", "/api/backup/targets", "", 200); got.get("items", "0", "generation") != "2" {
		t.Errorf("the generation did not rise: %s", got.body)
	}
	if aside, _ := filepath.Glob(cfg.Data + ".before-*"); len(aside) != 1 {
		t.Errorf("put aside: %v", aside)
	}
}
