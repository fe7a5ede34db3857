package vfs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
	"chatets/appliance/sqlite/vfs"
)

var schema = fstest.MapFS{"migrations/00001_entry.sql": {Data: []byte(`-- +goose Up
CREATE TABLE entry (name TEXT NOT NULL UNIQUE, half INTEGER NOT NULL, big TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE word USING fts5(text);
-- +goose Down
DROP TABLE word;
DROP TABLE entry;
`)}}

// acknowledged is an update of which somebody was told that it is safe, and what
// had happened to the files by then.
type acknowledged struct {
	name string
	by   int
}

// write makes a database of many small updates and some that are too large for
// memory, with a log that is moved into the database all the time.
func write(t *testing.T, dir string, r *vfs.Recorder) (acks []acknowledged) {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(ctx, schema); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		// Few pages in memory: pages go to the log before the end of their update,
		// and a second time after it.
		for _, pragma := range []string{"PRAGMA cache_size = 12", "PRAGMA wal_autocheckpoint = 60"} {
			if _, err := tx.Exec(ctx, pragma); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range 3 {
		all.Go(func() {
			for i := range 40 {
				name := fmt.Sprintf("%d-%d", w, i)
				rows := 1
				if i%10 == 9 {
					rows = 60
				}
				if err := db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
					for row := range rows {
						for half := range 2 {
							if _, err := tx.Exec(ctx, `INSERT INTO entry (name, half, big) VALUES (?, ?, ?)`, fmt.Sprintf("%s-%d-%d", name, row, half), half, strings.Repeat("MARKER ", 200)); err != nil {
								return err
							}
						}
						if _, err := tx.Exec(ctx, `INSERT INTO word (text) VALUES (?)`, "alpha "+name); err != nil {
							return err
						}
					}
					_, err := tx.Exec(ctx, `UPDATE entry SET big = big || '.' WHERE rowid IN (SELECT rowid FROM entry ORDER BY rowid DESC LIMIT ?)`, rows)
					return err
				}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acks = append(acks, acknowledged{name + "-0", r.Len()})
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return acks
}

// disk is what of a row of writes a power cut leaves.
type disk struct {
	files   map[string][]byte
	pending map[string][]vfs.Op // since the last sync of the file
	random  *rand.Rand
}

func (d *disk) apply(o vfs.Op, torn bool) {
	file := d.files[o.Name]
	switch {
	case o.Truncate:
		if int64(len(file)) > o.Off {
			file = file[:o.Off]
		}
	case o.Write:
		if end := int(o.Off) + len(o.Data); end > len(file) {
			file = append(file, make([]byte, end-len(file))...)
		}
		const sector = 512
		for from := 0; from < len(o.Data); {
			to := min(len(o.Data), from+sector-(int(o.Off)+from)%sector)
			if !torn || d.random.IntN(2) == 0 {
				copy(file[int(o.Off)+from:], o.Data[from:to])
			}
			from = to
		}
	}
	d.files[o.Name] = file
}

// after is the disk after a power cut: what was synced is there; of the rest some
// is, in any order, and some of that only in parts.
func after(ops []vfs.Op, random *rand.Rand) map[string][]byte {
	d := &disk{map[string][]byte{}, map[string][]vfs.Op{}, random}
	deleted := ""
	for _, o := range ops {
		switch {
		case o.Delete:
			deleted = o.Name
			if random.IntN(2) == 0 {
				delete(d.files, o.Name)
				delete(d.pending, o.Name)
			}
		case o.Sync:
			for _, p := range d.pending[o.Name] {
				d.apply(p, false)
			}
			delete(d.pending, o.Name)
			if deleted != "" && deleted != o.Name {
				delete(d.files, deleted) // the directory is safe by now too
				delete(d.pending, deleted)
				deleted = ""
			}
		default:
			d.pending[o.Name] = append(d.pending[o.Name], o)
		}
	}
	mode := random.IntN(4) // nothing of the rest, all of it, some, some in parts
	for _, pending := range d.pending {
		if mode >= 2 {
			random.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
		}
		for _, p := range pending {
			if mode == 1 || mode >= 2 && random.IntN(3) > 0 {
				d.apply(p, mode == 3 && random.IntN(2) == 0)
			}
		}
	}
	return d.files
}

// TestPowerCut cuts the power at many moments of a life of a database, with the
// writes after the last sync dropped, put in another order or torn. Each time the
// database opens, holds what was acknowledged, and no half of an update.
// CHATETS_POWER_CUTS is how many moments, 60 without it.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cuts := 60
	if n, err := strconv.Atoi(os.Getenv("CHATETS_POWER_CUTS")); err == nil {
		cuts = n
	}
	dir := t.TempDir()
	r, err := vfs.Record(dir)
	if err != nil {
		t.Fatal(err)
	}
	acks := write(t, dir, r)
	ops := r.Ops()
	logs, syncs := 0, 0
	for _, o := range ops {
		if o.Write && strings.HasSuffix(o.Name, "-wal") {
			logs++
		}
		if o.Sync {
			syncs++
		}
		if strings.Contains(string(o.Data), "MARKER") {
			t.Fatalf("%s holds what was written, in the clear", o.Name)
		}
	}
	t.Logf("%d operations, %d frames, %d syncs, %d updates", len(ops), logs, syncs, len(acks))
	random := rand.New(rand.NewPCG(11, 5))
	lost := 0
	for i := range cuts {
		cut := random.IntN(len(ops) + 1)
		if i < 20 {
			cut = min(i*3, len(ops)) // while it is made
		}
		files := after(ops[:cut], random)
		image := t.TempDir()
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(image, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		lost += survived(t, image, cut, acks)
	}
	if lost > 0 {
		t.Errorf("%d acknowledged updates lost", lost)
	}
}

// survived opens a database after a cut and counts what it lost.
func survived(t *testing.T, dir string, cut int, acks []acknowledged) (lost int) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: sqlitetest.Keys(), Reserve: -1})
	if err != nil {
		t.Errorf("cut at %d: the database does not open: %v", cut, err)
		return 0
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("cut at %d: %v", cut, err)
	}
	if err := db.Migrate(t.Context(), schema); err != nil {
		t.Errorf("cut at %d: %v", cut, err)
		return 0
	}
	found := map[string]bool{}
	rows, err := db.Read().QueryContext(t.Context(), `SELECT name FROM entry`)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Error(err)
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	for _, a := range acks {
		if a.by <= cut && (!found[a.name+"-0"] || !found[a.name+"-1"]) {
			t.Errorf("cut at %d: %s was acknowledged at %d and is lost", cut, a.name, a.by)
			lost++
		}
	}
	for name := range found {
		if base, first := strings.CutSuffix(name, "-0"); first && !found[base+"-1"] {
			t.Errorf("cut at %d: half of %s is there", cut, base)
		}
	}
	return lost
}
