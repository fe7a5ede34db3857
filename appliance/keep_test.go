package appliance_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/backup"
	"chatets/appliance/client"
	"chatets/appliance/config"
	"chatets/appliance/secret"
)

// last is the newest change that the only target has.
func last(t *testing.T, v *visitor) int {
	t.Helper()
	n, err := strconv.Atoi(v.must(t, "GET", "/api/backup/targets", "", 200).get("items", "0", "lastTransaction"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOldPointsOpenAfterARotation restores a point from before a rotation, twenty
// hours later: a secret that was sealed with the old key, and a file that was
// deleted since, come back whole. Once no such point is kept the old key goes.
func TestOldPointsOpenAfterARotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	assets := appliance.Assets{UI: fstest.MapFS{}, Samples: fstest.MapFS{"hello.md": {Data: []byte("# Hello\n\nThe sample base says hello.\n")}}}
	h := runAt(t, cfg, assets, now)
	owner := h.setUp(t)
	p := copyPlace{url: "file://" + filepath.Join(dir, "copy"), secret: "a secret that a directory does not need"}
	p.add(t, owner)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	gone := owner.upload(t, knowledge, "gone.md", "# Gone\n\nThe bittern booms in the reeds.\n")
	before := last(t, owner)
	owner.must(t, "POST", "/api/knowledge", `{"name":"Next"}`, 201)
	until(t, "the document is in the target", func() bool { return last(t, owner) > before })
	current(t, owner)
	point := time.Now()
	owner.must(t, "DELETE", "/api/documents/"+gone, "", 204)

	operator := client.New(cfg.Socket, "")
	defer operator.Close()
	rotate := func(hours int) {
		t.Helper()
		ahead.Store(int64(time.Duration(hours) * time.Hour))
		before := last(t, owner)
		if err := operator.Call(t.Context(), "POST", "/api/operator/keys/rotate", nil, nil); err != nil {
			t.Fatal(err)
		}
		until(t, "the rotation is in the target", func() bool { return last(t, owner) > before })
	}
	rotate(0)
	got := owner.must(t, "GET", "/api/keys", "", 200)
	if until, err := time.Parse(time.RFC3339, got.get("oldUntil")); err != nil || time.Until(until) < 30*24*time.Hour {
		t.Errorf("old keys stay until %v: %s", until, got.body)
	}
	current(t, owner)
	rotate(20)
	current(t, owner)

	back := cfg
	back.Data, back.Socket = filepath.Join(dir, "back"), filepath.Join(dir, "back", "chatets.sock")
	restored, err := backup.Restore(t.Context(), backup.Order{From: p.open(t, ""), At: point, Dir: back.Data, Unlock: func(ctx context.Context, dir string) (*secret.Keyring, error) {
		s, err := secret.OpenStore(ctx, secret.Config{Dir: dir, File: cfg.Key})
		if err != nil {
			return nil, err
		}
		return s.Ring(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "copy"), filepath.Join(dir, "away")); err != nil { // nobody else takes it over
		t.Fatal(err)
	}
	r := runAt(t, back, assets, now)
	who := &visitor{house: r, email: owner.email}
	who.signIn(t)
	if file := who.ask(t, "GET", "/api/documents/"+gone+"/file", "", ""); file.status != 200 || !strings.Contains(file.body, "bittern") {
		t.Errorf("the deleted file: %d %s; restored %+v, asked for %v", file.status, file.body, restored, point.UTC())
	}
	if got := who.must(t, "GET", "/api/backup/targets", "", 200); strings.Contains(got.body, "sealed") || got.get("items", "0", "hasSecret") != "true" || got.get("items", "0", "generation") == "" {
		t.Errorf("the secret of the target does not open: %s", got.body)
	}
	r.stop()

	h.stop()
	ahead.Store(int64(40 * 24 * time.Hour))
	owner.house = runAt(t, cfg, assets, now)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := owner.must(t, "GET", "/api/keys", "", 200)
		if !strings.Contains(got.body, `"number":1,`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the old key is never destroyed: %s", got.body)
		}
	}
}
