package appliance_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/key"
)

// TestShred makes a workspace and then a person unreadable while the service runs;
// what belongs to others stays as it was.
func TestShred(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := run(t, cfg)
	owner := h.setUp(t)
	kept := owner.must(t, "POST", "/api/knowledge", `{"name":"Kept"}`, 201).id()
	owner.upload(t, kept, "kept.md", "# Kept\n\nThe marmot sleeps in the tower all winter.\n")
	gone := owner.must(t, "POST", "/api/workspaces", `{"name":"Gone"}`, 201).id()
	mia := h.person(t, owner, "mia@house.test", "Mia Member")
	private := mia.must(t, "POST", "/api/knowledge", `{"name":"Private"}`, 201).id()
	mia.upload(t, private, "private.md", "# Private\n\nThe capercaillie calls at dawn.\n")
	mia.must(t, "POST", "/api/conversations", `{"message":"When does the capercaillie call?"}`, 200)

	operator := client.New(cfg.Socket, "")
	defer operator.Close()
	shred := func(kind, subject string) {
		t.Helper()
		if err := operator.Call(t.Context(), "POST", "/api/operator/keys/shred", map[string]string{"kind": kind, "subject": subject}, nil); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
			var st struct {
				Shreds []struct{ Subject, Removed string }
			}
			if err := operator.Call(t.Context(), "GET", "/api/keys", nil, &st); err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(st.Shreds, func(s struct{ Subject, Removed string }) bool { return s.Subject == subject })
			if at >= 0 && st.Shreds[at].Removed != "" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the %s is not removed: %+v", kind, st)
			}
		}
	}
	for _, tt := range []struct {
		kind, subject, words string
	}{
		{"workspace", "none", "no such workspace"}, {"person", "none", "no such person"}, {"person", owner.id, "last owner"},
	} {
		err := operator.Call(t.Context(), "POST", "/api/operator/keys/shred", map[string]string{"kind": tt.kind, "subject": tt.subject}, nil)
		if err == nil || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s %s: %v", tt.kind, tt.subject, err)
		}
	}
	if got := owner.ask(t, "POST", "/api/operator/keys/shred", `{"kind":"workspace","subject":"`+gone+`"}`, ""); got.status != 404 {
		t.Errorf("over the network: %d", got.status)
	}
	shred("workspace", gone)
	shred("person", mia.id)
	if got := mia.ask(t, "GET", "/api/conversations", "", ""); got.status != 401 {
		t.Errorf("the shredded person still comes in: %d", got.status)
	}
	if got := owner.must(t, "GET", "/api/people?everyone=true", "", 200); strings.Contains(got.body, "mia@") {
		t.Error("the person is still listed")
	}
	if got := owner.must(t, "GET", "/api/workspaces", "", 200); strings.Contains(got.body, gone) {
		t.Error("the workspace is still listed")
	}
	if got := owner.must(t, "POST", "/api/search", `{"question":"Where does the marmot sleep?"}`, 200); !strings.Contains(got.body, "tower") {
		t.Errorf("what is kept is not found: %s", got.body)
	}
	if got := owner.must(t, "POST", "/api/search", `{"question":"capercaillie dawn"}`, 200); strings.Contains(got.body, "calls at") {
		t.Errorf("what is shredded is found: %s", got.body)
	}
	if got := owner.must(t, "POST", "/api/audit/verify", "", 200); got.get("ok") != "true" {
		t.Errorf("the record is broken: %s", got.body)
	}
	h.stop()
	if left, err := os.ReadDir(filepath.Join(cfg.Data, "blobs", gone)); err == nil {
		t.Errorf("files of the workspace are left: %v", left)
	}
	plain(t, cfg.Data, "capercaillie", "mia@house.test")
}

// plain looks for words in all files.
func plain(t *testing.T, dir string, words ...string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, word := range words {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s holds %q", filepath.Base(path), word)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestEveryTableIsThoughtOf holds the lists of shredding against the schema.
func TestEveryTableIsThoughtOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": ""}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := appliance.New(context.Background(), cfg, appliance.Assets{UI: fstest.MapFS{}, Samples: fstest.MapFS{}}, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	tables, err := a.TablesOfWorkspaces(t.Context())
	if err != nil || len(tables) < 20 {
		t.Fatalf("got %v, %v", tables, err)
	}
	for _, table := range tables {
		if slices.Contains(key.Swept(), table) == slices.Contains(key.Kept(), table) {
			t.Errorf("say in key.Swept or key.Kept what becomes of %s when a workspace is shredded", table)
		}
	}
}
