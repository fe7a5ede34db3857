package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// TestCheckSome reads a database in slices to its end, and finds the page that
// was changed in the slice it lies in.
func TestCheckSome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: newRing(1, 1), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), words); err != nil {
		t.Fatal(err)
	}
	if err := db.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	round := func() (slices int, found error) {
		for first := uint32(1); first != 0; slices++ {
			next, err := db.CheckSome(t.Context(), first, 3)
			if err != nil {
				found = err
			}
			if next != 0 && next <= first || slices > 1000 {
				t.Fatalf("behind page %d comes %d: %v", first, next, err)
			}
			first = next
		}
		return slices, found
	}
	if slices, err := round(); err != nil || slices < 3 {
		t.Fatalf("a sound database: %d slices, %v", slices, err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "chatets.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("changed"), 4*page+100); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := round(); fault.Of(err).Code != "database-damaged" || !strings.Contains(err.Error(), "page 5") {
		t.Errorf("page 5 was changed: %v", err)
	}
}
