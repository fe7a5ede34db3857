package appliance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chatets/appliance/config"
)

// drilled waits until the newest drill is over.
func drilled(t *testing.T, v *visitor) answer {
	t.Helper()
	var got answer
	until(t, "the drill ends", func() bool {
		got = v.must(t, "GET", "/api/backup/drills", "", 200)
		state := got.get("items", "0", "state")
		return state != "waiting" && state != "running"
	})
	return got
}

// spoil changes bytes in the middle of all files below a folder.
func spoil(t *testing.T, folder string) {
	t.Helper()
	changed := 0
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) == 0 {
			return err
		}
		text[len(text)/2] ^= 0xff
		changed++
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil || changed == 0 {
		t.Fatalf("spoil %s: %d files, %v", folder, changed, err)
	}
}

// TestDrill restores from a target beside the running house, reads what it gave
// back, and tells the one that does from the one that does not.
func TestDrill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(cfg.Data, "drill")
	gone := func(when string) {
		t.Helper()
		if _, err := os.Stat(scratch); !os.IsNotExist(err) {
			t.Errorf("%s, what was restored is still there (%v)", when, err)
		}
	}
	h := run(t, cfg)
	owner := h.setUp(t)
	sound(t, owner.ask(t, "POST", "/api/backup/drills", `{}`, ""), 409, "no-target", "Add one")
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Boilers"}`, 201).id()
	owner.upload(t, knowledge, "valves.md", "# Valves\n\nThe safety valve of the boiler opens at twelve bar and closes at ten.\n")
	folder := filepath.Join(dir, "copy")
	id := owner.must(t, "POST", "/api/backup/targets", `{"name":"Disk","url":"file://`+folder+`"}`, 201).id()
	current(t, owner)

	// One that passes says what it found, and reads other files the next time.
	for part := range 3 {
		if got := owner.must(t, "POST", "/api/backup/drills", `{"target":"`+id+`"}`, 202); len(got.get("items", "0", "id")) == 0 {
			t.Fatalf("no drill: %s", got.body)
		}
		got := drilled(t, owner)
		if got.get("items", "0", "state") != "passed" || got.get("items", "0", "people") != "1" || got.get("items", "0", "searched") != "true" || got.get("items", "0", "targetName") != "Disk" {
			t.Fatalf("the drill: %s", got.body)
		}
		if got.get("items", "0", "part") != strconv.Itoa(part) || len(got.get("items", "0", "bytes")) < 6 {
			t.Errorf("drill %d: %s", part, got.body)
		}
		gone("after a drill")
	}
	metrics := owner.must(t, "GET", "/metrics", "", 200).body
	for _, want := range []string{`chatets_backup_drill_passed{target="Disk"} 1`, `chatets_backup_drill_age_seconds{target="Disk"}`, `chatets_backup_drill_seconds{target="Disk"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics says nothing of %s", want)
		}
	}
	if got := owner.must(t, "GET", "/api/audit?limit=100", "", 200).body; strings.Count(got, `"backup.drill.end"`) != 3 || strings.Count(got, `"backup.drill.start"`) != 3 {
		t.Errorf("the record: %s", got)
	}
	// The running house is as it was: it copies on, and its settings are its own.
	owner.must(t, "POST", "/api/knowledge", `{"name":"After"}`, 201)
	current(t, owner)

	// One whose target is slow is cancelled, and stopped with the house.
	slow := owner.must(t, "POST", "/api/backup/targets", `{"name":"Slow","url":"file://`+filepath.Join(dir, "slow")+`","rate":40000,"wait":false}`, 201).id()
	until(t, "the slow target has a whole copy", func() bool {
		_, err := os.Stat(filepath.Join(dir, "slow", "db", "00000001", "9"))
		return err == nil
	})
	// What the pace lets pass at once may be all of it: then it was over before.
	begin := func() string {
		t.Helper()
		return owner.must(t, "POST", "/api/backup/drills", `{"target":"`+slow+`"}`, 202).get("items", "0", "id")
	}
	drill := begin()
	switch got := owner.ask(t, "POST", "/api/backup/drills/"+drill+"/cancel", "", ""); got.status {
	case 204:
		if got := drilled(t, owner); got.get("items", "0", "state") != "cancelled" && got.get("items", "0", "state") != "passed" {
			t.Errorf("cancelled: %s", got.body)
		}
	default:
		sound(t, got, 409, "drill-over")
		drilled(t, owner)
	}
	gone("cancelled")
	sound(t, owner.ask(t, "POST", "/api/backup/drills/"+drill+"/cancel", "", ""), 409, "drill-over", "")
	owner.must(t, "POST", "/api/backup/drills/none/cancel", "", 404)
	begin()
	h.stop()
	gone("stopped")
	if err := os.MkdirAll(filepath.Join(scratch, "blobs"), 0o700); err != nil { // as a kill leaves it
		t.Fatal(err)
	}
	owner.house = run(t, cfg)
	gone("started again")
	if got := owner.must(t, "GET", "/api/backup/drills", "", 200); got.get("items", "0", "endedAt") == "" || got.get("items", "0", "state") == "failed" && !strings.Contains(got.get("items", "0", "why"), "stopped during the drill") {
		t.Errorf("stopped: %s", got.body)
	}
	owner.must(t, "DELETE", "/api/backup/targets/"+slow, "", 204)

	// A target that gives back something else is found out.
	current(t, owner)
	spoil(t, filepath.Join(folder, "db"))
	owner.must(t, "POST", "/api/backup/drills", `{}`, 202)
	got := drilled(t, owner)
	if got.get("items", "0", "state") != "failed" || !strings.Contains(got.get("items", "0", "why"), "damaged") || got.get("items", "0", "cure") == "" {
		t.Errorf("the damaged target: %s", got.body)
	}
	gone("failed")
	if metrics := owner.must(t, "GET", "/metrics", "", 200).body; !strings.Contains(metrics, `chatets_backup_drill_passed{target="Disk"} 0`) {
		t.Errorf("/metrics does not show the drill that failed")
	}
}
