package backup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatets/appliance/backup"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// put writes a file that tells a directory from another.
func put(t *testing.T, dir, word string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "word"), []byte(word), 0o600); err != nil {
		t.Fatal(err)
	}
}

func word(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "word"))
	if err != nil {
		return ""
	}
	return string(text)
}

// names lists what lies beside the place.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// TestSwitch puts a directory in the place of others, gives up, and takes back.
func TestSwitch(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, dir string)
		drop   bool
		want   string // in the place
		beside string
	}{
		{"nothing there", nil, false, "new", "data"},
		{"nothing there, given up", nil, true, "", ""},
		{"in the place of another", func(t *testing.T, dir string) { put(t, dir, "old") }, false, "new", "data data.before-20260301-120000"},
		{"given up", func(t *testing.T, dir string) { put(t, dir, "old") }, true, "old", "data"},
		{"an unfinished one was left", func(t *testing.T, dir string) {
			put(t, dir, "old")
			put(t, dir+".new", "half")
			if err := os.WriteFile(filepath.Join(dir+".new", "unfinished"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, false, "new", "data data.before-20260301-120000"},
		{"a whole one was left", func(t *testing.T, dir string) {
			put(t, dir, "old")
			put(t, dir+".new", "whole")
		}, false, "new", "data data.before-20260301-120000 data.before-20260301-120000-2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if tt.before != nil {
				tt.before(t, dir)
			}
			s, err := backup.Stage(dir, false, now)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Stage(dir, false, now); fault.Of(err).Code != "in-use" {
				t.Errorf("two at a time: %v", err)
			}
			put(t, s.New, "new")
			aside := ""
			if tt.drop {
				err = s.Drop()
			} else {
				aside, err = s.Switch(now)
			}
			if err != nil {
				t.Fatal(err)
			}
			if word(dir) != tt.want || names(t, dir) != tt.beside {
				t.Errorf("%q is in the place, and there are %s", word(dir), names(t, dir))
			}
			lock, err := sqlite.Claim(dir)
			if err == nil {
				err = lock.Close()
			}
			if tt.want != "" && err != nil {
				t.Errorf("the place is still held: %v", err)
			}
			if aside == "" {
				return
			}
			if old := word(aside); old != "old" {
				t.Errorf("aside is %q", old)
			}
			if err := backup.Undo(dir, aside); err != nil || word(dir) != "old" {
				t.Errorf("taken back: %q, %v", word(dir), err)
			}
		})
	}
}

// TestSwitchRefuses a place in use, a file, and what a rename cannot replace.
func TestSwitchRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, code string
		dir        func(t *testing.T) string
	}{
		{"in use", "in-use", func(t *testing.T) string {
			dir := filepath.Join(t.TempDir(), "data")
			put(t, dir, "old")
			lock, err := sqlite.Claim(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = lock.Close() })
			return dir
		}},
		{"a file system of its own", "restore-mount", func(t *testing.T) string { return "/proc" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tt.dir(t)
			_, err := backup.Stage(dir, false, time.Now())
			if r := fault.Of(err); r.Code != tt.code || r.Cure == "" {
				t.Errorf("got %v", err)
			}
			if _, err := os.Lstat(dir + ".new"); err == nil {
				t.Error("something is left beside it")
			}
		})
	}
}
