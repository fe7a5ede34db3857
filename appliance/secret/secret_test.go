package secret_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// installed makes a data directory with its key, as a first start does.
func installed(t *testing.T) (key, data string) {
	t.Helper()
	dir := t.TempDir()
	key, data = filepath.Join(dir, "data.key"), filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, created, err := secret.Open(key, data); err != nil || !created {
		t.Fatalf("the first start: created %v, %v", created, err)
	}
	return key, data
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, file string) string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, key, data string)
		code  string // "" means that it opens
		words string
	}{
		{"as it was made", func(*testing.T, string, string) {}, "", ""},
		{"readable by the group", func(t *testing.T, key, _ string) {
			if err := os.Chmod(key, 0o640); err != nil {
				t.Fatal(err)
			}
		}, "", ""},
		{"missing", func(t *testing.T, key, _ string) {
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
		}, "key-missing", "missing"},
		{"of another data directory", func(t *testing.T, key, _ string) {
			other, _ := installed(t)
			write(t, key, read(t, other))
		}, "key-wrong", "not the key of this data directory"},
		{"torn", func(t *testing.T, key, _ string) { write(t, key, read(t, key)[:40]) }, "key-damaged", "damaged"},
		{"one digit changed", func(t *testing.T, key, _ string) {
			text := []byte(read(t, key))
			text[30] = map[bool]byte{true: '1', false: '0'}[text[30] == '0']
			write(t, key, string(text))
		}, "key-damaged", "damaged"},
		{"empty", func(t *testing.T, key, _ string) { write(t, key, "") }, "key-damaged", "damaged"},
		{"no key file at all", func(t *testing.T, key, _ string) { write(t, key, "-----BEGIN PRIVATE KEY-----\n") }, "key-damaged", "no key file"},
		{"readable by everybody", func(t *testing.T, key, _ string) {
			if err := os.Chmod(key, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "key-open", "chmod 600"},
		{"a folder in its place", func(t *testing.T, key, _ string) {
			if err := errors.Join(os.Remove(key), os.Mkdir(key, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "key-unreadable", "is a file"},
		{"with a torn keys.json", func(t *testing.T, _, data string) {
			document := filepath.Join(data, "keys.json")
			write(t, document, read(t, document)[:300])
		}, "key-damaged", "backup"},
		{"with the keys.json of another directory", func(t *testing.T, _, data string) {
			otherKey, other := installed(t)
			write(t, filepath.Join(data, "keys.json"), read(t, filepath.Join(other, "keys.json")))
			if err := os.Remove(otherKey); err != nil {
				t.Fatal(err)
			}
		}, "key-wrong", "not the key"},
		{"missing, in a directory without keys.json but with a database", func(t *testing.T, key, data string) {
			write(t, filepath.Join(data, "chatets.db"), "x")
			if err := errors.Join(os.Remove(key), os.Remove(filepath.Join(data, "keys.json"))); err != nil {
				t.Fatal(err)
			}
		}, "key-unproven", "keys.json"},
		{"without the keys.json of a directory that holds a database", func(t *testing.T, _, data string) {
			write(t, filepath.Join(data, "chatets.db"), "x")
			if err := os.Remove(filepath.Join(data, "keys.json")); err != nil {
				t.Fatal(err)
			}
		}, "key-unproven", "keys.json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, data := installed(t)
			before := read(t, key)
			tt.spoil(t, key, data)
			k, created, err := secret.Open(key, data)
			if created {
				t.Error("a lost key was replaced by a new one")
			}
			if tt.code == "" {
				if err != nil || k == nil {
					t.Fatalf("got %v", err)
				}
				return
			}
			r := fault.Of(err)
			if r.Code != tt.code || r.Cure == "" || !strings.Contains(r.Sentence+r.Cure, tt.words) {
				t.Errorf("got %v (code %s, cure %q), want code %s with %q", err, r.Code, r.Cure, tt.code, tt.words)
			}
			if strings.Contains(r.Sentence, data) {
				t.Errorf("the sentence holds a path: %q", r.Sentence)
			}
			if strings.Contains(r.Sentence+r.Cure+err.Error(), before[25:60]) {
				t.Error("the error shows the key")
			}
		})
	}
}

// TestFirstStart makes a key only where there is nothing, and only a whole one.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, key, data string) (bool, fault.Report) {
		t.Helper()
		k, created, err := secret.Open(key, data)
		if (k == nil) != (err != nil) {
			t.Errorf("got %v and %v", k, err)
		}
		return created && err == nil, fault.Of(err)
	}
	t.Run("a stop between the key and keys.json", func(t *testing.T) {
		t.Parallel()
		key, data := installed(t)
		if err := os.Remove(filepath.Join(data, "keys.json")); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if created, _ := open(t, key, data); created {
			t.Error("the key was made a second time")
		}
		if after, err := os.ReadFile(key); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the key changed, %v", err)
		}
	})
	t.Run("in the data directory", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		link := filepath.Join(t.TempDir(), "elsewhere")
		if err := os.Symlink(data, link); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{filepath.Join(data, "key"), filepath.Join(link, "key"), filepath.Join(data, "..", filepath.Base(data), "key")} {
			if created, r := open(t, key, data); created || r.Code != "key-inside" || r.Cure == "" {
				t.Errorf("%s: created %v, %+v", key, created, r)
			}
		}
		if left, err := os.ReadDir(data); err != nil || len(left) != 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
	t.Run("without a folder for it", func(t *testing.T) {
		t.Parallel()
		if created, r := open(t, filepath.Join(t.TempDir(), "none", "key"), t.TempDir()); created || r.Code != "key-unwritable" || r.Cure == "" {
			t.Errorf("created %v, %+v", created, r)
		}
	})
	t.Run("without a data directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if created, r := open(t, filepath.Join(dir, "key"), filepath.Join(dir, "none")); created || r.Kind != fault.Unavailable || r.Cure == "" {
			t.Errorf("created %v, %+v", created, r)
		}
	})
	t.Run("leaves nothing but the two files", func(t *testing.T) {
		t.Parallel()
		key, data := installed(t)
		for _, dir := range []string{filepath.Dir(key), data} {
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range left {
				if strings.HasPrefix(entry.Name(), ".") {
					t.Errorf("left behind: %s", entry.Name())
				}
			}
		}
	})
}

func TestNewKeyIsPrivate(t *testing.T) {
	t.Parallel()
	key, _ := installed(t)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
}

func ring(t testing.TB, b byte) *secret.Keyring {
	t.Helper()
	k, err := secret.New(bytes.Repeat([]byte{b}, secret.Size))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSubKeys(t *testing.T) {
	t.Parallel()
	k, other := ring(t, 1), ring(t, 2)
	if !bytes.Equal(k.Sub("audit"), ring(t, 1).Sub("audit")) {
		t.Error("a sub-key is not the same twice")
	}
	if bytes.Equal(k.Sub("audit"), k.Sub("blob")) || bytes.Equal(k.Sub("audit"), other.Sub("audit")) {
		t.Error("sub-keys of two purposes or two masters are the same")
	}
}

func TestSealedValue(t *testing.T) {
	t.Parallel()
	k := ring(t, 1)
	sealed, err := k.Seal("token", []byte("a secret word"), []byte("row 1"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the sealed value shows the plain one")
	}
	if plain, err := k.Open("token", sealed, []byte("row 1")); err != nil || string(plain) != "a secret word" {
		t.Fatalf("got %q, %v", plain, err)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"moved to another row": func() ([]byte, error) { return k.Open("token", sealed, []byte("row 2")) },
		"another purpose":      func() ([]byte, error) { return k.Open("other", sealed, []byte("row 1")) },
		"another key":          func() ([]byte, error) { return ring(t, 2).Open("token", sealed, []byte("row 1")) },
		"a flipped bit":        func() ([]byte, error) { return k.Open("token", flipped, []byte("row 1")) },
		"cut":                  func() ([]byte, error) { return k.Open("token", sealed[:len(sealed)-1], []byte("row 1")) },
		"empty":                func() ([]byte, error) { return k.Open("token", nil, []byte("row 1")) },
	} {
		if plain, err := open(); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("%s: got %q, %v", name, plain, err)
		}
	}
}

func TestSealedStream(t *testing.T) {
	t.Parallel()
	k := ring(t, 1)
	plain := bytes.Repeat([]byte("a line of a document\n"), 150_000)
	var sealed bytes.Buffer
	w, err := k.SealStream("blob", &sealed, []byte("workspace"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(k *secret.Keyring, b []byte, aad string) ([]byte, error) {
		r, err := k.OpenStream("blob", bytes.NewReader(b), []byte(aad))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	if got, err := read(k, sealed.Bytes(), "workspace"); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(sealed.Bytes())
		b[at] ^= 0x10
		return b
	}
	size := sealed.Len()
	for name, b := range map[string][]byte{
		"the form": flip(0), "a bit of the header": flip(5), "a bit of the first segment": flip(1000), "a bit of the last segment": flip(size - 3),
		"cut at a segment": sealed.Bytes()[:1+1<<20], "cut inside": sealed.Bytes()[:size-100], "added to": append(bytes.Clone(sealed.Bytes()), 0),
	} {
		if got, err := read(k, b, "workspace"); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := read(k, sealed.Bytes(), "another"); err == nil {
		t.Error("opens for another workspace")
	}
	if _, err := read(ring(t, 2), sealed.Bytes(), "workspace"); err == nil {
		t.Error("opens with another key")
	}
	// A disk that fails is not a file that was changed.
	disk := errors.New("the disk fails")
	r, err := k.OpenStream("blob", io.MultiReader(bytes.NewReader(sealed.Bytes()[:100_000]), iotest.ErrReader(disk)), []byte("workspace"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, disk) {
		t.Errorf("got %v", err)
	}
}

// FuzzKeyFile gives the reader any text: it never panics and takes only a whole key.
func FuzzKeyFile(f *testing.F) {
	f.Add("chatets-master-key-1:" + strings.Repeat("00", 32) + ":66687aad")
	f.Add("chatets-master-key-1:")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		key, data := filepath.Join(dir, "key"), filepath.Join(dir, "data")
		if err := errors.Join(os.Mkdir(data, 0o700), os.WriteFile(key, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, created, err := secret.Open(key, data); created || err == nil && len(strings.TrimSpace(text)) != 21+64+1+8 {
			t.Errorf("created %v, %v for %q", created, err, text)
		}
	})
}
