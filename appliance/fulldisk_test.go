package appliance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownDiskEnv tells a test that it runs again, as root of a name space of its own.
const ownDiskEnv = "CHATETS_TEST_OWN_DISK"

// tinyDisk is a real file system of 160 MB. Root mounts it; anybody else has
// the test run again in a name space where one may, and gets "". There is no
// third way and no skipping: a full disk must be tried.
func tinyDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	refusal := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=160m")
	if refusal == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Errorf("unmount: %v", err)
			}
		})
		return dir
	}
	if os.Getenv(ownDiskEnv) != "" {
		t.Fatalf("no file system can be mounted in a name space either (%v): run the tests as root", refusal)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), ownDiskEnv+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("mounting is refused (%v), and so it was in a name space of its own: %v\n%s", refusal, err, out)
	}
	return ""
}

// occupy takes the space of a disk until only so much is free; 0 takes the last byte.
func occupy(t *testing.T, dir, name string, leave int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	piece := make([]byte, 4096)
	for free(t, dir) > leave {
		if _, err := f.Write(piece); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func free(t *testing.T, dir string) int64 {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	return int64(disk.Bavail) * disk.Bsize
}

// TestDiskFull runs the house on a small disk that another program fills, first
// nearly, then to the last byte, then again after the reserve is used up; lets
// it start on the full disk; and frees the space.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := tinyDisk(t)
	if disk == "" {
		return // it ran, and passed, in a name space of its own
	}
	cfg := place(t, disk)
	h := run(t, cfg)
	owner := h.setUp(t)
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Small"}`, 201).id()
	kept := map[string]string{} // document -> a word only it holds
	for i := range 3 {
		word := fmt.Sprintf("garnet%d", i)
		kept[owner.upload(t, base, word+".md", "# Levers\n\nThe lever "+word+" is at gate seven.\n")] = word
	}
	said := map[string]string{} // conversation -> the answer's text
	ask := func(t *testing.T, word string) answer {
		t.Helper()
		got := owner.ask(t, "POST", "/api/conversations", question("Where is the lever "+word+"?"), "")
		if got.status == 200 {
			if said[got.get("conversation", "id")] = got.get("answer", "content"); !strings.Contains(got.get("answer", "content"), word) {
				t.Errorf("the answer is not whole: %s", got.body)
			}
		}
		return got
	}
	upload := func(t *testing.T, word string) answer {
		t.Helper()
		got := owner.ask(t, "POST", "/api/documents?knowledge="+base+"&name="+url.QueryEscape(word+".md"), "", "# Levers\n\nThe lever "+word+" is at gate eight.\n"+strings.Repeat("More about other things follows here. ", 3000))
		if got.status == 202 {
			kept[got.id()] = word
		}
		return got
	}
	// reads is what must go on whatever the disk does.
	reads := func(t *testing.T) {
		t.Helper()
		for _, path := range []string{"/health", "/ready", "/", "/api/session", "/api/knowledge", "/api/documents?knowledge=" + base, "/api/conversations", "/api/people"} {
			owner.must(t, "GET", path, "", 200)
		}
		for id := range kept {
			if got := owner.must(t, "GET", "/api/documents/"+id, "", 200); got.get("state") == "ready" {
				owner.must(t, "GET", "/api/documents/"+id+"/content", "", 200)
				owner.must(t, "GET", "/api/documents/"+id+"/file", "", 200)
			}
		}
		for id, text := range said {
			if got := owner.must(t, "GET", "/api/conversations/"+id, "", 200); got.get("messages", "1", "content") != text {
				t.Errorf("conversation %s is torn: %s", id, got.body)
			}
		}
		if got := owner.must(t, "POST", "/api/search", `{"question":"Where is the lever garnet1?"}`, 200); !strings.Contains(got.body, "gate seven") {
			t.Errorf("it does not find any more: %s", got.body)
		}
	}
	count := func(t *testing.T) string {
		t.Helper()
		return owner.must(t, "GET", "/api/knowledge/"+base, "", 200).get("documents")
	}
	if got := ask(t, "garnet0"); got.status != 200 {
		t.Fatalf("with room: %s", got.body)
	}

	// An upload that is still being read when the disk fills was acknowledged.
	if got := upload(t, "opal"); got.status != 202 {
		t.Fatalf("with room: %s", got.body)
	}
	occupy(t, disk, "ballast", 20<<20)
	before := count(t)
	sound(t, upload(t, "nearly"), 507, "disk-full", "Free space")
	sound(t, owner.with(t, "POST", "/api/documents?knowledge="+base+"&name=big.txt", strings.Repeat("much to read ", 200_000), "Content-Type: text/plain"), 507, "disk-full", "Free space")
	for i := range 5 {
		if got := ask(t, fmt.Sprintf("garnet%d", i%3)); got.status != 200 {
			t.Errorf("nearly full, no answer: %d %s", got.status, got.body)
		}
	}
	reads(t)
	if after := count(t); after != before {
		t.Errorf("%s documents, were %s", after, before)
	}

	// To the last byte: the reserve lets people ask, sign in and delete.
	occupy(t, disk, "ballast", 0)
	for i := range 5 {
		if got := ask(t, fmt.Sprintf("garnet%d", i%3)); got.status != 200 {
			t.Errorf("full, no answer from the reserve: %d %s", got.status, got.body)
		}
	}
	owner.signIn(t)
	sound(t, upload(t, "full"), 507, "disk-full", "Free space")
	reads(t)

	// And again, until nothing can be written: then everything that writes says
	// so, and reading goes on.
	refused := 0
	for i := 0; refused < 20 && i < 2000; i++ {
		occupy(t, disk, "more", 0)
		if got := ask(t, "garnet1"); got.status != 200 {
			refused++
			sound(t, got, 507, "disk-full", "Free space")
		}
	}
	if refused == 0 {
		t.Fatal("the disk does not get full")
	}
	for path, body := range map[string]string{
		"/api/knowledge": `{"name":"Full"}`, "/api/groups": `{"name":"Full"}`, "/api/people": `{"email":"full@house.test","name":"Full","password":"` + password + `"}`,
		"/api/auth/login": `{"email":"owner@house.test","password":"` + password + `"}`,
	} {
		occupy(t, disk, "more", 0)
		sound(t, owner.ask(t, "POST", path, body, ""), 507, "disk-full", "Free space")
	}
	sound(t, upload(t, "last"), 507, "disk-full", "Free space")
	reads(t)

	// It starts on the full disk, too.
	h.stop()
	occupy(t, disk, "more", 0)
	owner.house = run(t, cfg)
	reads(t)
	sound(t, upload(t, "restarted"), 507, "disk-full", "Free space")

	for _, name := range []string{"ballast", "more"} {
		if err := os.Remove(filepath.Join(disk, name)); err != nil {
			t.Fatal(err)
		}
	}
	reads(t)
	if got := upload(t, "beryl"); got.status != 202 {
		t.Errorf("with room again: %d %s", got.status, got.body)
	}
	if got := ask(t, "garnet2"); got.status != 200 {
		t.Errorf("with room again: %d %s", got.status, got.body)
	}
	owner.must(t, "POST", "/api/knowledge", `{"name":"Room"}`, 201)
	for range 2 {
		whole(t, owner, kept)
		reads(t)
		if got := owner.must(t, "POST", "/api/audit/verify", "", 200); got.get("ok") != "true" {
			t.Errorf("the audit chain is broken: %s", got.body)
		}
		left, err := os.ReadDir(filepath.Join(cfg.Data, "blobs", "tmp"))
		if err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
			t.Errorf("halves of files are left: %v %v", left, err)
		}
		owner.house.stop()
		owner.house = run(t, cfg)
	}
}

// whole wants every document back, ready and found by its own word. One whose
// reading was given up on the full disk says why, and is read again on demand.
func whole(t *testing.T, owner *visitor, kept map[string]string) {
	t.Helper()
	for id, word := range kept {
		for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			got := owner.must(t, "GET", "/api/documents/"+id, "", 200)
			if got.get("state") == "ready" {
				break
			}
			if got.get("state") == "failed" {
				if !strings.Contains(got.get("reason"), "full") || !strings.Contains(got.get("cure"), "Free space") {
					t.Errorf("the reading failed without a clear word: %s", got.body)
				}
				owner.must(t, "POST", "/api/documents/"+id+"/retry", "", 202)
			}
			if time.Now().After(deadline) {
				t.Fatalf("document %s is lost: %s", word, got.body)
			}
		}
		body, _ := json.Marshal(map[string]string{"question": word})
		found := owner.must(t, "POST", "/api/search", string(body), 200)
		if !slices.ContainsFunc([]string{"seven", "eight"}, func(gate string) bool { return strings.Contains(found.body, word+" is at gate "+gate) }) {
			t.Errorf("document %s is not found: %.500s", word, found.body)
		}
		owner.must(t, "GET", "/api/documents/"+id+"/content", "", 200)
		owner.must(t, "GET", "/api/documents/"+id+"/file", "", 200)
	}
}
