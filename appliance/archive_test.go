package appliance_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/backup"
	"chatets/appliance/config"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// TestPortableArchiveThroughTheDoor fetches an archive as several people, carries it to a
// new machine, and asks there.
func TestPortableArchiveThroughTheDoor(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	load := func() config.Config {
		cfg, err := config.Load(map[string]string{"data": filepath.Join(t.TempDir(), "data"), "listen": "127.0.0.1:0"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	cfg := load()
	h := run(t, cfg)
	owner := h.setUp(t)
	admin := h.person(t, owner, "adam@house.test", "Adam Admin")
	owner.must(t, "PATCH", "/api/people/"+admin.id, `{"role":"admin"}`, 200)
	member := h.person(t, owner, "mia@house.test", "Mia Member")
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	const word = "marmaladexylophone"
	document := owner.upload(t, knowledge, "ward.md", "# Ward\n\nThe word of this ward is "+word+".\n")
	paper := owner.must(t, "POST", "/api/keys/recovery", "", 200).get("key")

	for _, tt := range []struct {
		who    *visitor
		method string
		path   string
		status int
	}{
		{h.visitor(), "POST", "/api/backup/archive", 401}, {member, "POST", "/api/backup/archive", 403}, {admin, "POST", "/api/backup/archive", 403},
		{member, "GET", "/api/backup/archives", 403}, {admin, "GET", "/api/backup/archives", 200}, {admin, "DELETE", "/api/backup/archives/x", 403},
		{owner, "GET", "/api/backup/archives/x", 404}, {owner, "DELETE", "/api/backup/archives/x", 404},
	} {
		if got := tt.who.ask(t, tt.method, tt.path, `{}`, ""); got.status != tt.status {
			t.Errorf("%s %s as %s: got %d, want %d: %s", tt.method, tt.path, tt.who.email, got.status, tt.status, got.body)
		}
	}
	got := owner.must(t, "POST", "/api/backup/archive", `{"name":"Cabinet 4"}`, 200)
	if disposition := got.header.Get("Content-Disposition"); !strings.Contains(disposition, "chatets-") || !strings.Contains(disposition, ".chatets") {
		t.Errorf("the file is called %q", disposition)
	}
	if strings.Contains(got.body, word) || strings.Contains(got.body, "ward.md") {
		t.Error("the archive shows what is in it")
	}
	var list answer
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		list = owner.must(t, "GET", "/api/backup/archives", "", 200)
		if list.get("items", "0", "state") == "whole" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the archive does not end: %s", list.body)
		}
	}
	if list.get("items", "0", "name") != "Cabinet 4" || list.get("items", "0", "by") != owner.id || list.get("items", "0", "damaged") != "0" {
		t.Errorf("the list: %s", list.body)
	}
	var entries struct {
		Items []struct {
			Act, Outcome string
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(owner.must(t, "GET", "/api/audit?limit=50", "", 200).body), &entries); err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range entries.Items {
		acts = append(acts, e.Act+" "+e.Outcome)
	}
	for _, want := range []string{"backup.archive ok", "backup.archive.end ok", "backup.archive refused"} {
		if !slices.Contains(acts, want) {
			t.Errorf("the record lacks %q: %v", want, acts)
		}
	}

	// A session that proved long ago who it is must do so again.
	h.stop()
	keys, _, err := secret.Open(cfg.Key, cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: cfg.Data, Keys: keys.Pages(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE session SET proved = 0`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	owner.house = run(t, cfg)
	if got := owner.must(t, "POST", "/api/backup/archive", `{}`, 403); got.get("code") != "prove-again" {
		t.Errorf("an old session: %s", got.body)
	}

	// A new machine, with the paper alone.
	other := load()
	r, _, err := backup.ExtractArchive(ctx, backup.ArchiveOrder{From: strings.NewReader(got.body), Dir: other.Data, Unlock: func(ctx context.Context, dir string) (*secret.Keyring, error) {
		s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: other.Key, Recovery: paper})
		if err != nil {
			return nil, err
		}
		_, err = s.AddSlot(ctx, secret.NewSlot{Kind: secret.FileKind, File: other.Key})
		return s.Ring(), err
	}})
	if err != nil || r.Files == 0 {
		t.Fatalf("extract: %+v, %v", r, err)
	}
	there := run(t, other)
	owner.house = there
	owner.signIn(t)
	if file := owner.must(t, "GET", "/api/documents/"+document+"/file", "", 200); !strings.Contains(file.body, word) {
		t.Errorf("the file: %s", file.body)
	}
	if found := owner.must(t, "POST", "/api/search", `{"question":"what is the word of this ward"}`, 200); !strings.Contains(found.body, word) {
		t.Errorf("the search finds %s", found.body)
	}
	if chain := owner.must(t, "POST", "/api/audit/verify", "", 200); chain.get("ok") != "true" {
		t.Errorf("the record: %s", chain.body)
	}
}
