package backup

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
	"chatets/appliance/target"
)

// undeleting lets nothing be deleted.
type undeleting struct{ target.Target }

// Delete refuses.
func (undeleting) Delete(context.Context, string) error { return target.ErrNoDelete }

// shelf makes a directory a target of the origin.
func (o *origin) shelf(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "copy")
	opened, err := target.Open(target.Config{URL: "file://" + dir, Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.(target.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO backup_target (id, workspace, owner, name, fold, url, secret, ca, host_key, wait, rate, take_over, created) VALUES ('t', 'w', 'o', 'Disk', 'disk', ?, x'', '', '', 0, 0, 0, 0)`, "file://"+dir)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	o.b.open = map[string]target.Target{"t": opened}
	o.b.ctx, o.b.stop = context.WithCancel(context.Background())
	t.Cleanup(o.b.stop)
	return dir
}

// set makes a set and says how it ended.
func (o *origin) set(t *testing.T) archiveRow {
	t.Helper()
	id, err := o.b.NewSet(owner(t.Context()), "t")
	if err != nil {
		t.Fatal(err)
	}
	o.b.work.Wait()
	row, err := o.b.store.archive(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// pieces are the files below a folder of a target, with the times they were written.
func pieces(t *testing.T, dir, below string) map[string]time.Time {
	t.Helper()
	found := map[string]time.Time{}
	err := filepath.WalkDir(filepath.Join(dir, below), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		found[strings.TrimPrefix(path, dir+"/")] = info.ModTime()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestSets makes sets one after the other: what is there is not written again, a
// set whose time has passed goes with the files that only it needs.
func TestSets(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	dir := o.shelf(t)
	ctx := owner(t.Context())
	first := o.set(t)
	if first.State != "whole" || first.Files != len(o.files) || first.Kind != "set" || first.Target != "t" {
		t.Fatalf("the first set: %+v", first)
	}
	before := pieces(t, dir, "sets/files")
	var gone string
	for file := range o.files {
		gone = file
	}
	workspace, name, _ := strings.Cut(gone, "/")
	if err := o.b.cfg.Blobs.Remove(ctx, workspace, name); err != nil {
		t.Fatal(err)
	}
	added, err := o.b.cfg.Blobs.Put(ctx, "w-0", strings.NewReader("a new one"), 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.secrets.NewDataKey(); err != nil { // a rotation does not begin anew
		t.Fatal(err)
	}
	second := o.set(t)
	if second.State != "whole" || second.Files != len(o.files) {
		t.Fatalf("the second set: %+v", second)
	}
	after := pieces(t, dir, "sets/files")
	for piece, at := range before {
		if !after[piece].Equal(at) {
			t.Errorf("%s was written again", piece)
		}
	}
	if len(after) != len(before)+1 {
		t.Errorf("%d files became %d", len(before), len(after))
	}
	for _, id := range []string{first.ID, second.ID} {
		if c, err := o.b.VerifySet(ctx, "t", id, o.recovery); err != nil || c.Files != len(o.files) {
			t.Errorf("verify: %+v, %v", c, err)
		}
	}
	o.b.cfg.Now = func() time.Time { return time.Now().Add(40 * 24 * time.Hour) }
	kept := o.b.open["t"]
	o.b.open["t"] = undeleting{kept}
	if _, err := o.b.PruneSets(ctx, "t", 30); fault.Of(err).Code != "target-keeps" {
		t.Errorf("a target that keeps: %v", err)
	}
	o.b.open["t"] = kept
	p, err := o.b.PruneSets(ctx, "t", 30)
	if err != nil || p.Sets != 1 || p.Files != 1 || p.Kept != 1 {
		t.Errorf("pruned: %+v, %v", p, err)
	}
	left := pieces(t, dir, "sets/files")
	if _, there := left["sets/files/"+gone]; there || len(left) != len(o.files) {
		t.Errorf("left: %v", left)
	}
	if _, there := left["sets/files/w-0/"+added.Name]; !there {
		t.Error("a file that the kept set needs went")
	}
	if _, err := o.b.VerifySet(ctx, "t", "", ""); err != nil {
		t.Errorf("the kept set: %v", err)
	}
	sets, err := o.b.Sets(ctx, "t")
	if err != nil || len(sets) != 1 || sets[0].ID != second.ID {
		t.Errorf("sets: %+v, %v", sets, err)
	}
	if list, err := o.b.Carried(ctx, time.Time{}); err != nil || len(list) != 1 {
		t.Errorf("the list still names what was pruned: %+v, %v", list, err)
	}
}

// TestBadSets spoils each piece of a set, and goes on after one that broke off.
func TestBadSets(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	dir := o.shelf(t)
	ctx := owner(t.Context())
	whole := o.set(t)
	for piece := range pieces(t, dir, "sets") {
		path := filepath.Join(dir, piece)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := slices.Clone(text)
		flipped[len(text)/2] ^= 8
		for how, bad := range map[string][]byte{"flipped": flipped, "cut": text[:len(text)-1], "half": text[:len(text)/2]} {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := o.b.VerifySet(ctx, "t", whole.ID, "")
			if r := fault.Of(err); r.Code != "archive-damaged" && r.Code != "archive-cut" || r.Cure == "" {
				t.Errorf("%s %s: %v", piece, how, err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := o.b.VerifySet(ctx, "t", whole.ID, ""); err == nil {
			t.Errorf("%s is missing, and the set is taken for whole", piece)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.b.VerifySet(ctx, "t", whole.ID, newOrigin(t).recovery); fault.Of(err).Code != "recovery-wrong" {
		t.Errorf("another recovery key: %v", err)
	}
	// A set without a head is none; its files are used by the next.
	for piece := range pieces(t, dir, "sets/at") {
		if strings.HasSuffix(piece, "/head") {
			if err := os.Remove(filepath.Join(dir, piece)); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := pieces(t, dir, "sets/files")
	if sets, err := o.b.Sets(ctx, "t"); err != nil || len(sets) != 0 {
		t.Errorf("half a set is listed: %+v, %v", sets, err)
	}
	again := o.set(t)
	for piece, at := range pieces(t, dir, "sets/files") {
		if !before[piece].Equal(at) {
			t.Errorf("%s was written again", piece)
		}
	}
	if _, err := o.b.PruneSets(ctx, "t", 30); err != nil {
		t.Fatal(err)
	}
	if left := pieces(t, dir, "sets/at"); len(left) != 3 {
		t.Errorf("what broke off stays: %v", left)
	}
	if _, err := o.b.VerifySet(ctx, "t", again.ID, ""); err != nil {
		t.Error(err)
	}
	if staged, err := os.ReadDir(filepath.Join(o.dir, "archive")); err != nil || len(staged) > 0 {
		t.Errorf("still staged: %v %v", staged, err)
	}
}
