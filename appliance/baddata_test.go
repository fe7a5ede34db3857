package appliance_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/fault"
	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// place is the configuration of a data directory with its key beside it.
func place(t *testing.T, dir string) config.Config {
	t.Helper()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "key": filepath.Join(dir, "master.key"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// prints are the files below a directory with the sum of their bytes. What SQLite
// and the lock keep for themselves is left out.
func prints(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains([]string{".db-wal", ".db-shm"}, filepath.Ext(name)) || slices.Contains([]string{"lock", "reserve"}, d.Name()) {
			return err
		}
		data, err := os.ReadFile(name)
		sum := sha256.Sum256(data)
		all = append(all, name+" "+hex.EncodeToString(sum[:]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBadDataDirectory starts on a key or a data directory that cannot be right.
// Each is refused with the way back, nothing in it changes, and once the fault is
// mended everything is there.
func TestBadDataDirectory(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	// otherKey is the key of another installation.
	otherKey := func(t *testing.T) string {
		t.Helper()
		cfg := place(t, t.TempDir())
		run(t, cfg).stop()
		return read(t, cfg.Key)
	}
	schema := func(t *testing.T, cfg config.Config, change string) {
		t.Helper()
		keys, _, err := secret.Open(cfg.Key, cfg.Data)
		if err != nil {
			t.Fatal(err)
		}
		db, err := sqlite.Open(t.Context(), sqlite.Config{Dir: cfg.Data, Keys: keys.Pages()})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.Exec(ctx, change)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	nothing := func(*testing.T, config.Config, string) {}
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, cfg config.Config, key string)
		mend   func(t *testing.T, cfg config.Config, key string)
		key    string // started with this file of the data directory as its key
		code   string
		words  []string // of the sentence and its cure
	}{
		{"wrong key", func(t *testing.T, cfg config.Config, _ string) { write(t, cfg.Key, otherKey(t)) },
			func(t *testing.T, cfg config.Config, key string) { write(t, cfg.Key, key) }, "", "key-wrong", []string{"not the key of this data directory", "master.key", "--key"}},
		{"missing key", func(t *testing.T, cfg config.Config, _ string) {
			if err := os.Remove(cfg.Key); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, cfg config.Config, key string) { write(t, cfg.Key, key) }, "", "key-missing", []string{"key file is missing", "keep its copy"}},
		{"torn key", func(t *testing.T, cfg config.Config, key string) { write(t, cfg.Key, key[:len(key)/2]) },
			func(t *testing.T, cfg config.Config, key string) { write(t, cfg.Key, key) }, "", "key-damaged", []string{"damaged", "master.key"}},
		{"empty key", func(t *testing.T, cfg config.Config, _ string) { write(t, cfg.Key, "") },
			func(t *testing.T, cfg config.Config, key string) { write(t, cfg.Key, key) }, "", "key-damaged", []string{"damaged"}},
		{"key that all can read", func(t *testing.T, cfg config.Config, _ string) {
			if err := os.Chmod(cfg.Key, 0o644); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, cfg config.Config, _ string) {
			if err := os.Chmod(cfg.Key, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "", "key-open", []string{"chmod 600"}},
		{"key in the data directory", nothing, nothing, "master.key", "key-inside", []string{"outside"}},
		{"lost proof of the key", func(t *testing.T, cfg config.Config, _ string) {
			if err := os.Rename(filepath.Join(cfg.Data, "keys.json"), cfg.Key+".keys"); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, cfg config.Config, _ string) {
			if err := os.Rename(cfg.Key+".keys", filepath.Join(cfg.Data, "keys.json")); err != nil {
				t.Fatal(err)
			}
		}, "", "key-unproven", []string{"backup"}},
		{"newer version", func(t *testing.T, cfg config.Config, _ string) {
			schema(t, cfg, `INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (99999, 1, 0)`)
		}, func(t *testing.T, cfg config.Config, _ string) {
			schema(t, cfg, `DELETE FROM goose_db_version WHERE version_id = 99999`)
		}, "", "newer-schema", []string{"schema 99999", "newer ChatETS", "backup"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := place(t, dir)
			h := run(t, cfg)
			owner := h.setUp(t)
			base := owner.must(t, "POST", "/api/knowledge", `{"name":"Kept"}`, 201).id()
			owner.upload(t, base, "kept.md", "# Kept\n\nThe garnet lever is at gate seven.\n")
			before := holds(t, owner, base)
			h.stop()

			key := read(t, cfg.Key)
			tt.damage(t, cfg, key)
			files := prints(t, dir)
			broken := cfg
			if tt.key != "" {
				broken.Key = filepath.Join(cfg.Data, tt.key)
			}
			for range 2 { // the second try finds what the first one left
				startRefused(t, broken, tt.code, tt.words...)
			}
			if after := prints(t, dir); !slices.Equal(after, files) {
				t.Errorf("something changed: %q was %q", after, files)
			}
			tt.mend(t, cfg, key)
			owner.house = run(t, cfg)
			if after := holds(t, owner, base); after != before {
				t.Errorf("something is lost: %s was %s", after, before)
			}
			if got := owner.must(t, "POST", "/api/conversations", question("Where is the garnet lever?"), 200); !strings.Contains(got.body, "gate seven") {
				t.Errorf("it does not answer any more: %s", got.body)
			}
		})
	}

	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		cfg := place(t, t.TempDir())
		h := run(t, cfg)
		owner := h.setUp(t)
		startRefused(t, cfg, "in-use", "in use", fmt.Sprint(os.Getpid()), "systemctl stop chatets")
		owner.must(t, "POST", "/api/knowledge", `{"name":"Goes on"}`, 201)
		h.stop()
		owner.house = run(t, cfg)
		if got := owner.must(t, "GET", "/api/knowledge", "", 200); !strings.Contains(got.body, "Goes on") {
			t.Errorf("something is lost: %s", got.body)
		}
	})
}

// startRefused starts on cfg and wants a fault with its cure.
func startRefused(t *testing.T, cfg config.Config, code string, words ...string) {
	t.Helper()
	a, err := appliance.New(t.Context(), cfg, appliance.Assets{UI: fstest.MapFS{}, Samples: fstest.MapFS{}}, slog.New(slog.DiscardHandler), "test")
	if err == nil {
		_ = a.Close()
		t.Fatal("it starts")
	}
	got := fault.Of(err)
	if got.Code != code || !strings.HasSuffix(got.Sentence, ".") || got.Cure == "" {
		t.Errorf("got %+v, want %s with a cure", got, code)
	}
	for _, word := range words {
		if !strings.Contains(got.Sentence+" "+got.Cure, word) {
			t.Errorf("lacks %q: %+v", word, got)
		}
	}
}
