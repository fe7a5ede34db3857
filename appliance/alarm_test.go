package appliance_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// alerted waits until the alerts of the house are those of these names.
func alerted(t *testing.T, v *visitor, names ...string) answer {
	t.Helper()
	var got answer
	until(t, "the alerts are "+strings.Join(names, ", "), func() bool {
		got = v.must(t, "GET", "/api/alerts", "", 200)
		for _, name := range names {
			if !strings.Contains(got.body, `"name":"`+name+`"`) {
				return false
			}
		}
		return strings.Count(got.body, `"name":`) == len(names)
	})
	return got
}

// TestAlertsOfBackups wants a target that is away to be seen, also when nothing
// fails aloud, a drill that failed to be seen, and both to be over when they are.
func TestAlertsOfBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "copy")
	c := &clock{}
	h := runAt(t, place(t, dir), bare(), c.now)
	owner := h.setUp(t)
	alerted(t, owner)
	owner.must(t, "POST", "/api/backup/targets", `{"name":"Disk","url":"file://`+folder+`","wait":false}`, 201)
	current(t, owner)
	alerted(t, owner)
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	owner.must(t, "POST", "/api/knowledge", `{"name":"Waits"}`, 201)
	until(t, "the target fails", func() bool {
		return owner.must(t, "GET", "/api/backup/targets", "", 200).get("items", "0", "state") == "failing"
	})
	c.put(6 * time.Minute)
	got := alerted(t, owner, "backup-behind")
	if got.get("items", "0", "grave") != "true" || got.get("items", "0", "object") != "Disk" || !strings.Contains(got.get("items", "0", "why"), "lacks the changes") || got.get("items", "0", "cure") == "" {
		t.Errorf("the alert: %s", got.body)
	}
	until(t, "the figures show it", func() bool {
		return strings.Contains(owner.must(t, "GET", "/metrics", "", 200).body, `chatets_alerts{alert="backup-behind"} 1`)
	})
	owner.must(t, "POST", "/api/backup/drills", `{}`, 202)
	drilled(t, owner)
	alerted(t, owner, "backup-behind", "backup-drill")
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	alerted(t, owner, "backup-drill")
	owner.must(t, "POST", "/api/backup/drills", `{}`, 202)
	drilled(t, owner)
	alerted(t, owner)
	c.put(9 * 24 * time.Hour)
	alerted(t, owner, "backup-drill-missing")
	c.put(-time.Hour)
	alerted(t, owner, "backup-drill-missing", "clock-back")
}

// TestReadOnlyDisk makes the file system of a running house read-only, and wants
// it to say so everywhere, to read on, and to go on when it is writable again; and
// tells low space before it is none.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := tinyDisk(t)
	if disk == "" {
		return // it ran, and passed, in a name space of its own
	}
	cfg := place(t, disk)
	h := run(t, cfg)
	owner := h.setUp(t)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Boilers"}`, 201).id()
	owner.upload(t, knowledge, "valves.md", "# Valves\n\nThe safety valve opens at twelve bar.\n")
	alerted(t, owner, "disk-low") // it is a small disk
	occupy(t, disk, "ballast", 60<<20)
	if got := alerted(t, owner, "disk-low"); got.get("items", "0", "grave") != "true" {
		t.Errorf("nearly full is not grave: %s", got.body)
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	// A file system with files open for writing cannot be made read-only; a cover
	// of the same that is, can be put over the place.
	remount := func(flags uintptr) error { return syscall.Mount(disk, disk, "", flags, "") }
	if err := remount(syscall.MS_BIND); err != nil {
		t.Fatal(err)
	}
	if err := remount(syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY); err != nil {
		t.Fatal(err)
	}
	got := alerted(t, owner, "data-unwritable")
	if !strings.Contains(got.body, "is read-only") || !strings.Contains(got.body, "journalctl") {
		t.Errorf("the alert: %s", got.body)
	}
	if got := owner.must(t, "GET", "/ready", "", 503); !strings.Contains(got.body, "is read-only") {
		t.Errorf("/ready does not say why: %s", got.body)
	}
	sound(t, owner.ask(t, "POST", "/api/documents?knowledge="+knowledge+"&name=new.md", "", "# New\n\nIt cannot be kept.\n"), 503, "data-unwritable")
	for _, path := range []string{"/health", "/api/session", "/api/knowledge", "/api/documents?knowledge=" + knowledge} {
		owner.must(t, "GET", path, "", 200)
	}
	if err := syscall.Unmount(disk, 0); err != nil {
		t.Fatal(err)
	}
	owner.must(t, "GET", "/ready", "", 200)
	owner.upload(t, knowledge, "again.md", "# Again\n\nIt can be kept again.\n")
}
