package appliance_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/backup"
	"chatets/appliance/secret"
)

// A clock can be put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) put(ahead time.Duration) { c.ahead.Add(int64(ahead)) }

func bare() appliance.Assets {
	return appliance.Assets{UI: fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>ChatETS</title>")}}, Samples: fstest.MapFS{}}
}

// TestTwoMasters lets a second machine take the place of one that runs: the first
// stops writing and says why, on every door, goes on to read, starts again like
// that, and becomes the master again only when it is told to.
func TestTwoMasters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "copy")
	first, second := &clock{}, &clock{}
	cfg := place(t, filepath.Join(dir, "one"))
	h := runAt(t, cfg, bare(), first.now)
	owner := h.setUp(t)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Boilers"}`, 201).id()
	document := owner.upload(t, knowledge, "valves.md", "# Valves\n\nThe safety valve of the boiler opens at twelve bar.\n")
	talk := owner.must(t, "POST", "/api/conversations", question("At what pressure does the safety valve open?"), 200).get("conversation", "id")
	target := owner.must(t, "POST", "/api/backup/targets", `{"name":"Disk","url":"file://`+folder+`"}`, 201).id()
	until(t, "the files are found that were there before the target", func() bool {
		files, err := filepath.Glob(filepath.Join(folder, "blobs", "*", "*", "*"))
		return err == nil && len(files) >= 2 // the document and its text
	})
	current(t, owner)

	// The other machine.
	other := place(t, filepath.Join(dir, "two"))
	other.Key = cfg.Key
	restored, err := backup.Restore(t.Context(), backup.Order{From: copyPlace{url: "file://" + folder}.open(t, ""), Dir: other.Data, Unlock: func(ctx context.Context, dir string) (*secret.Keyring, error) {
		s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: cfg.Key})
		if err != nil {
			return nil, err
		}
		return s.Ring(), nil
	}})
	if err != nil || restored.Files == 0 {
		t.Fatalf("restore: %+v %v", restored, err)
	}
	b := runAt(t, other, bare(), second.now)
	there := &visitor{house: b, email: owner.email}
	there.signIn(t)
	until(t, "the second machine is the master", func() bool {
		return there.must(t, "GET", "/api/backup/targets", "", 200).get("items", "0", "generation") == "2"
	})

	fenced := func(t *testing.T, v *visitor) {
		t.Helper()
		for path, body := range map[string]string{
			"/api/knowledge": `{"name":"Late"}`, "/api/groups": `{"name":"Late"}`, "/api/conversations": question("Where is the valve?"),
			"/api/auth/login": `{"email":"` + v.email + `","password":"` + password + `"}`,
		} {
			sound(t, v.ask(t, "POST", path, body, ""), 503, "superseded", "Another machine has become the master", "stop it here")
		}
		sound(t, v.ask(t, "POST", "/api/documents?knowledge="+knowledge+"&name=late.md", "", "# Late\n\nIt comes too late.\n"), 503, "superseded")
		for _, path := range []string{"/health", "/", "/api/session", "/api/knowledge", "/api/documents/" + document, "/api/documents/" + document + "/content", "/api/documents/" + document + "/file", "/api/conversations", "/api/conversations/" + talk, "/api/people"} {
			v.must(t, "GET", path, "", 200)
		}
		if got := v.must(t, "POST", "/api/search", `{"question":"safety valve"}`, 200); !strings.Contains(got.body, "twelve bar") {
			t.Errorf("it does not find any more: %s", got.body)
		}
		if got := v.must(t, "GET", "/ready", "", 503); !strings.Contains(got.body, "Another machine has become the master") {
			t.Errorf("/ready does not say why: %s", got.body)
		}
		if got := v.must(t, "GET", "/api/backup/targets", "", 200); got.get("items", "0", "state") != "failing" || !strings.Contains(got.body, "--take-over") {
			t.Errorf("the list of targets does not say why: %s", got.body)
		}
	}
	halted := func(t *testing.T, v *visitor) {
		t.Helper()
		until(t, "it stops writing", func() bool { return v.ask(t, "GET", "/ready", "", "").status == 503 })
	}
	first.put(11 * time.Second) // the master of a target looks every ten seconds
	halted(t, owner)
	fenced(t, owner)
	there.must(t, "POST", "/api/knowledge", `{"name":"Written by the master"}`, 201)
	current(t, there)

	// It starts again, and is no master still.
	h.stop()
	owner.house = runAt(t, cfg, bare(), first.now)
	halted(t, owner)
	fenced(t, owner)

	// It is told to be the master again: now the other one stops.
	owner.must(t, "DELETE", "/api/backup/targets/"+target, "", 204)
	owner.must(t, "GET", "/ready", "", 200)
	owner.must(t, "POST", "/api/knowledge", `{"name":"Without a target"}`, 201)
	owner.must(t, "POST", "/api/backup/targets", `{"name":"Disk","url":"file://`+folder+`","takeOver":true}`, 201)
	current(t, owner)
	second.put(11 * time.Second)
	halted(t, there)
	sound(t, there.ask(t, "POST", "/api/knowledge", `{"name":"Late"}`, ""), 503, "superseded")
	owner.must(t, "POST", "/api/knowledge", `{"name":"Written again"}`, 201)
}
