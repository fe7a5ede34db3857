package key_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/blob"
	"chatets/appliance/fault"
	"chatets/appliance/key"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// A rig is a data directory with its keys, a database, files and a clock.
type rig struct {
	file, dir string
	secrets   *secret.Store
	db        *sqlite.DB
	blobs     *blob.Store
	keys      *key.Keys
	keep      atomic.Int64 // how long targets need old keys
	ahead     atomic.Int64
}

var things = fstest.MapFS{"migrations/00090_thing.sql": {Data: []byte("-- +goose Up\nCREATE TABLE thing (name TEXT PRIMARY KEY, sealed BLOB, forgotten BLOB) STRICT;\n-- +goose Down\nDROP TABLE thing;\n")}}

func newRig(t *testing.T) *rig {
	t.Helper()
	root := t.TempDir()
	r := &rig{file: filepath.Join(root, "key"), dir: filepath.Join(root, "data")}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	var err error
	if r.secrets, err = secret.OpenStore(t.Context(), secret.Config{Dir: r.dir, File: r.file, Now: now}); err != nil {
		t.Fatal(err)
	}
	if r.db, err = sqlite.Open(t.Context(), sqlite.Config{Dir: r.dir, Keys: r.secrets.Ring().Pages(), Reserve: -1, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := r.db.Migrate(t.Context(), audit.Migrations, key.Migrations, things); err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(r.db, r.secrets.Ring(), now)
	if err != nil {
		t.Fatal(err)
	}
	if r.blobs, err = blob.Open(filepath.Join(r.dir, "blobs"), r.secrets.Ring()); err != nil {
		t.Fatal(err)
	}
	r.keys = key.New(key.Config{Secrets: r.secrets, Store: key.Store{DB: r.db, Audit: log}, Blobs: r.blobs, Now: now, Log: slog.New(slog.DiscardHandler),
		Keep: func(_ context.Context, retired time.Time) (time.Time, error) {
			return retired.Add(time.Duration(r.keep.Load())), nil
		},
		Columns: []key.Column{{Table: "thing", Name: "sealed", Purpose: "thing", ID: "name"}}})
	if err := r.keys.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func operator(t *testing.T) context.Context {
	return actor.With(t.Context(), actor.Actor{Kind: actor.Operator, ID: "o"})
}

func (r *rig) put(t *testing.T, column, id, word string) {
	t.Helper()
	sealed, err := r.secrets.Ring().Seal("thing", []byte(word), []byte(id))
	if err == nil {
		err = r.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO thing (name, `+column+`) VALUES (?, ?)`, id, sealed)
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) word(t *testing.T, id string) string {
	t.Helper()
	var sealed []byte
	if err := r.db.Read().QueryRowContext(t.Context(), `SELECT sealed FROM thing WHERE name = ?`, id).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	plain, err := r.secrets.Ring().Open("thing", sealed, []byte(id))
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func (r *rig) numbers() []uint32 {
	var numbers []uint32
	for _, k := range r.secrets.Status().Keys {
		numbers = append(numbers, k.Number)
	}
	return numbers
}

// TestRotationToItsEnd follows a rotation until the old key is destroyed, with
// everything readable all the way.
func TestRotationToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := operator(t)
	r.put(t, "sealed", "one", "zeppelin")
	ref, err := r.blobs.Put(ctx, "ward", strings.NewReader("the handbook"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	readable := func() {
		t.Helper()
		file, err := r.blobs.Open(ctx, "ward", ref.Name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil || string(text) != "the handbook" || r.word(t, "one") != "zeppelin" {
			t.Errorf("got %q and %q, %v", text, r.word(t, "one"), err)
		}
	}
	if left, err := r.keys.Tend(ctx); left || err != nil {
		t.Errorf("before: left %v, %v", left, err)
	}
	if _, err := r.keys.Rotate(t.Context()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("nobody rotates: %v", err)
	}
	if _, err := r.keys.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	readable()
	// A file that is being written under the old key holds its end up.
	if old, all, err := r.blobs.Old(ctx, "ward"); old != 1 || all != 1 || err != nil {
		t.Errorf("%d of %d files are old, %v", old, all, err)
	}
	left, err := r.keys.Tend(ctx)
	if !left || err != nil || !slices.Equal(r.numbers(), []uint32{1, 2}) {
		t.Errorf("at once: left %v, %v, keys %v", left, err, r.numbers())
	}
	if old, _, err := r.blobs.Old(ctx, "ward"); old != 0 || err != nil || len(r.secrets.OldScopes()) != 0 {
		t.Errorf("%d files are old, %v, scopes %v", old, err, r.secrets.OldScopes())
	}
	if n, err := r.db.PagesUnder(1); n != 0 || err != nil {
		t.Errorf("%d pages are old, %v", n, err)
	}
	readable()
	r.ahead.Store(int64(time.Hour))
	if left, err := r.keys.Tend(ctx); left || err != nil || !slices.Equal(r.numbers(), []uint32{2}) {
		t.Errorf("later: left %v, %v, keys %v", left, err, r.numbers())
	}
	readable()
	again, err := secret.OpenStore(ctx, secret.Config{Dir: r.dir, File: r.file})
	if err != nil || again.Ring().Current() != 2 {
		t.Errorf("opened again: %v", err)
	}
	var acts int
	if err := r.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM audit WHERE act IN ('key.rotate', 'key.destroy')`).Scan(&acts); err != nil || acts != 2 {
		t.Errorf("%d acts are recorded, %v", acts, err)
	}
}

// TestOldKeysOfTargets holds that keys stay while a target has something that
// they open: those of the data, and those of files that are gone from here.
func TestOldKeysOfTargets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.keep.Store(int64(31 * 24 * time.Hour))
	ctx := operator(t)
	if _, err := r.blobs.Put(ctx, "ward", strings.NewReader("the handbook"), 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := r.keys.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		days    int
		numbers []uint32
		scopes  int
	}{{0, []uint32{1, 2}, 1}, {1, []uint32{1, 2}, 1}, {30, []uint32{1, 2}, 1}, {32, []uint32{2}, 0}} {
		r.ahead.Store(int64(time.Duration(tt.days) * 24 * time.Hour))
		left, err := r.keys.Tend(ctx)
		if left != (tt.scopes > 0) || err != nil || !slices.Equal(r.numbers(), tt.numbers) || len(r.secrets.OldScopes()) != tt.scopes {
			t.Errorf("after %d days: left %v, %v, keys %v, scopes %v", tt.days, left, err, r.numbers(), r.secrets.OldScopes())
		}
		if until, err := r.keys.Until(ctx); err != nil || tt.scopes > 0 && time.Until(until) < 30*24*time.Hour {
			t.Errorf("after %d days they stay until %v, %v", tt.days, until, err)
		}
	}
}

// TestForgottenValues keep the old key: nothing is lost because somebody sealed
// values and did not say so.
func TestForgottenValues(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := operator(t)
	r.put(t, "forgotten", "one", "zeppelin")
	if _, err := r.keys.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	r.ahead.Store(int64(time.Hour))
	if _, err := r.keys.Tend(ctx); err != nil {
		t.Fatal(err)
	}
	r.ahead.Store(int64(2 * time.Hour))
	left, err := r.keys.Tend(ctx)
	if !left || err == nil || !strings.Contains(err.Error(), "thing.forgotten") || !slices.Equal(r.numbers(), []uint32{1, 2}) {
		t.Errorf("left %v, %v, keys %v", left, err, r.numbers())
	}
}

// TestOlderKeys refuses a keys.json from before a change.
func TestOlderKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := operator(t)
	before, err := os.ReadFile(filepath.Join(r.dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.keys.NewRecovery(ctx); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "keys.json"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := secret.OpenStore(ctx, secret.Config{Dir: r.dir, File: r.file})
	if err != nil {
		t.Fatal(err)
	}
	err = key.New(key.Config{Secrets: old, Store: key.Store{DB: r.db}, Blobs: r.blobs, Now: time.Now}).Open(ctx)
	if fault.Of(err).Code != "key-older" || fault.Of(err).Cure == "" {
		t.Errorf("got %v", err)
	}
}
