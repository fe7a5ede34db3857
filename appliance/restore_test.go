package appliance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance"
	"chatets/appliance/client"
	"chatets/appliance/config"
)

// restoreEnv makes the test binary restore instead of testing: what to, from where,
// and at which step to die.
const restoreEnv = "CHATETS_TEST_RESTORE"

type restoreTask struct{ Data, URL, Key, Die string }

// restoreChild restores and is killed, by its own hand, where it is told.
func restoreChild(text string) {
	var task restoreTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		panic(err)
	}
	cfg, err := config.Load(map[string]string{"data": task.Data, "key": task.Key}, nil)
	if err != nil {
		panic(err)
	}
	_, err = appliance.Restore(context.Background(), appliance.RestoreOrder{Config: cfg, From: appliance.FromTarget(appliance.Access{URL: task.URL}, time.Time{}, true), Version: "test",
		Told: func(step string, done, _ int64) {
			fmt.Println(step, done)
			if step == task.Die {
				die()
			}
		}})
	if err != nil {
		panic(err)
	}
}

// die is a process that is killed.
func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// settled waits until the only target has all that was done before.
func settled(t *testing.T, v *visitor) {
	t.Helper()
	before := last(t, v)
	v.must(t, "POST", "/api/knowledge", `{"name":"Mark `+time.Now().Format(time.RFC3339Nano)+`"}`, 201)
	until(t, "the changes are in the target", func() bool { return last(t, v) > before })
	current(t, v)
}

func houseIn(t *testing.T, dir string) (config.Config, *house) {
	t.Helper()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, run(t, cfg)
}

func restoreOf(t *testing.T, cfg config.Config, url string, at time.Time, all bool) appliance.RestoreOutcome {
	t.Helper()
	got, err := appliance.Restore(t.Context(), appliance.RestoreOrder{Config: cfg, From: appliance.FromTarget(appliance.Access{URL: url}, at, all), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestKilledRestore kills a restore at each of its steps. What is in the place is
// the old data or the new, whole, and the next restore is not hindered.
func TestKilledRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, h := houseIn(t, dir)
	owner := h.setUp(t)
	copyTo := copyPlace{url: "file://" + filepath.Join(dir, "copy")}
	copyTo.add(t, owner)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	owner.upload(t, knowledge, "ward.md", "# Ward\n\nThe bittern booms in the reeds.\n")
	settled(t, owner)
	// What is only here, and in no target, tells the old data from the new.
	if err := os.Rename(filepath.Join(dir, "copy"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	owner.must(t, "POST", "/api/knowledge", `{"name":"Only here"}`, 201)
	h.stop()
	if err := os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	steps := []string{"keys", "database", "check", "finish", "files", "switch", "marked", "exchanged"}
	for _, step := range steps {
		task, err := json.Marshal(restoreTask{Data: cfg.Data, URL: copyTo.url, Key: cfg.Key, Die: step})
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(self)
		child.Env = append(os.Environ(), restoreEnv+"="+string(task))
		out, err := child.CombinedOutput()
		if err == nil || !strings.Contains(string(out), step) {
			t.Fatalf("%s: it was not killed there: %v\n%s", step, err, out)
		}
		again := run(t, cfg)
		owner.house = again
		if got := owner.ask(t, "GET", "/api/knowledge", "", ""); step == "exchanged" {
			if got.status != 401 { // all sessions ended
				t.Errorf("%s: the new data is not in the place: %d %s", step, got.status, got.body)
			}
			owner.signIn(t)
		} else if got.status != 200 || !strings.Contains(got.body, "Only here") {
			t.Errorf("%s: the old data is not as it was: %d %s", step, got.status, got.body)
		}
		if got := owner.must(t, "GET", "/api/knowledge", "", 200); !strings.Contains(got.body, "Ward") {
			t.Errorf("%s: got %s", step, got.body)
		}
		again.stop()
	}
	got := restoreOf(t, cfg, copyTo.url, time.Time{}, true)
	if got.Aside == "" || len(got.Damaged) > 0 || got.Files == 0 {
		t.Errorf("after all of it: %+v", got)
	}
	if _, err := os.Lstat(cfg.Data + ".new"); !os.IsNotExist(err) {
		t.Errorf("something is left half done: %v", err)
	}
}

// TestRestoredHouse restores the point before a document was deleted, a person
// locked out and another one shredded: the document is back, everybody has to sign
// in again, and the two people do not come in. The files follow while it serves; one that is
// damaged in the target is named, and the others are given.
func TestRestoredHouse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, h := houseIn(t, dir)
	owner := h.setUp(t)
	p := copyPlace{url: "file://" + filepath.Join(dir, "copy"), folder: filepath.Join(dir, "copy")}
	p.add(t, owner)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Ward"}`, 201).id()
	first := owner.upload(t, knowledge, "first.md", "# First\n\nThe bittern booms in the reeds.\n")
	settled(t, owner)
	before := filesOf(t, p.folder)
	broken := owner.upload(t, knowledge, "broken.md", "# Broken\n\nThe corncrake rasps at night.\n")
	settled(t, owner)
	spoiled := map[string]bool{} // what the document added, by content
	for path := range filesOf(t, p.folder) {
		if content := contentOf(path); !slices.ContainsFunc(slices.Collect(maps.Keys(before)), func(b string) bool { return contentOf(b) == content }) {
			spoiled[content] = true
		}
	}
	mia := h.person(t, owner, "mia@house.test", "Mia Member")
	kim := h.person(t, owner, "kim@house.test", "Kim Member")
	settled(t, owner)
	point := time.Now()

	owner.must(t, "DELETE", "/api/documents/"+first, "", 204)
	owner.must(t, "PATCH", "/api/people/"+kim.id, `{"disabled":true}`, 200)
	operator := client.New(cfg.Socket, "")
	defer operator.Close()
	if err := operator.Call(t.Context(), "POST", "/api/operator/keys/shred", map[string]string{"kind": "person", "subject": mia.id}, nil); err != nil {
		t.Fatal(err)
	}
	until(t, "the target is told", func() bool {
		entries, err := os.ReadDir(filepath.Join(p.folder, "erased"))
		return err == nil && len(entries) == 2
	})
	settled(t, owner)
	h.stop()
	unreadable(t, p.folder)
	for path := range filesOf(t, p.folder) {
		if !spoiled[contentOf(path)] {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)-1] ^= 1
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	got := restoreOf(t, cfg, p.url, point, false)
	if got.Erased != 2 || got.Point.After(point) || got.Lost() <= 0 || got.Rest == nil || got.KeyMade {
		t.Errorf("got %+v, lost %v", got, got.Lost())
	}
	h = run(t, cfg)
	old := *owner
	old.house = h
	if got := old.ask(t, "GET", "/api/knowledge", "", ""); got.status != 401 {
		t.Errorf("a session from before the restore: %d", got.status)
	}
	owner.house, mia.house, kim.house = h, h, h
	owner.signIn(t)
	if file := owner.ask(t, "GET", "/api/documents/"+first+"/file", "", ""); file.status != 200 || !strings.Contains(file.body, "bittern") {
		t.Errorf("the deleted document: %d %s", file.status, file.body)
	}
	until(t, "the files are there", func() bool {
		record := owner.must(t, "GET", "/api/audit?act=backup.files-restored", "", 200)
		return strings.Contains(record.body, "backup.files-restored")
	})
	if file := owner.ask(t, "GET", "/api/documents/"+broken+"/file", "", ""); file.status == 200 {
		t.Errorf("the damaged document is given: %s", file.body)
	}
	record := owner.must(t, "GET", "/api/audit?act=backup.files-restored", "", 200)
	if record.get("items", "0", "outcome") != "failed" || record.get("items", "0", "detail", "damaged") != fmt.Sprint(len(spoiled)) {
		t.Errorf("the damage is not recorded: %s", record.body)
	}
	for _, v := range []*visitor{mia, kim} {
		body, _ := json.Marshal(map[string]string{"email": v.email, "password": password})
		if got := h.visitor().ask(t, "POST", "/api/auth/login", string(body), ""); got.status != 401 {
			t.Errorf("%s comes in: %d %s", v.email, got.status, got.body)
		}
	}
	until(t, "the shredded person is gone", func() bool {
		return !strings.Contains(owner.must(t, "GET", "/api/people?everyone=true", "", 200).body, mia.email)
	})
	if got := owner.must(t, "POST", "/api/audit/verify", "", 200); got.get("ok") != "true" {
		t.Errorf("the record is broken: %s", got.body)
	}
	settled(t, owner)
	if got := owner.must(t, "GET", "/api/backup/targets", "", 200); got.get("items", "0", "generation") != "2" {
		t.Errorf("the generation did not rise: %s", got.body)
	}
}

// contentOf is what the name of a copy says of its content; a seal has another end.
func contentOf(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), "-")
	return name
}

// filesOf are the copies of files in a target.
func filesOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(folder, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
