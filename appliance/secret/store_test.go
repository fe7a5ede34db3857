package secret_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/secret"
)

// earlier makes a data directory of the earlier form: a key file and key.check.
func earlier(t *testing.T) (key, data string, old *secret.Keyring) {
	t.Helper()
	dir := t.TempDir()
	key, data = filepath.Join(dir, "data.key"), filepath.Join(dir, "data")
	master := bytes.Repeat([]byte{0x5a}, secret.Size)
	proof, err := hkdf.Key(sha256.New, master, nil, "chatets/v1/key-check", secret.Size)
	if err != nil {
		t.Fatal(err)
	}
	line := func(prefix string, b []byte) []byte {
		sum := sha256.Sum256(b)
		return fmt.Appendf(nil, "%s%x:%x\n", prefix, b, sum[:4])
	}
	if err := errors.Join(os.Mkdir(data, 0o700), os.WriteFile(key, line("chatets-master-key-1:", master), 0o600),
		os.WriteFile(filepath.Join(data, "key.check"), line("chatets-key-check-1:", proof[:16]), 0o600)); err != nil {
		t.Fatal(err)
	}
	if old, err = secret.New(master); err != nil {
		t.Fatal(err)
	}
	return key, data, old
}

func opened(t *testing.T, cfg secret.Config) *secret.Store {
	t.Helper()
	s, err := secret.OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestConversion opens a directory of the earlier form: names stay, what was
// sealed opens, and nothing more is sealed with the key that lies in a file.
func TestConversion(t *testing.T) {
	t.Parallel()
	key, data, old := earlier(t)
	was, err := old.Seal("token", []byte("word"), []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	first := append([]byte{1}, was[secret.HeadSize:]...) // as the earlier form wrote it
	for round := range 2 {
		s := opened(t, secret.Config{Dir: data, File: key})
		k := s.Ring()
		if s.Created() || !bytes.Equal(k.Sub("audit"), old.Sub("audit")) {
			t.Fatalf("round %d: created %v, or names changed", round, s.Created())
		}
		if plain, err := k.Open("token", first, []byte("row")); err != nil || string(plain) != "word" {
			t.Errorf("round %d: got %q, %v", round, plain, err)
		}
		sealed, err := k.Seal("token", []byte("new"), nil)
		if err != nil || secret.NumberOf(sealed) != 2 {
			t.Errorf("round %d: sealed with key %d, %v", round, secret.NumberOf(sealed), err)
		}
		if _, err := old.Open("token", sealed, nil); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("the old key opens what is new: %v", err)
		}
		if _, err := os.Stat(filepath.Join(data, "key.check")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("key.check is still there: %v", err)
		}
	}
	// A stop after keys.json was written and before key.check was removed.
	if err := os.WriteFile(filepath.Join(data, "key.check"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	opened(t, secret.Config{Dir: data, File: key})
}

func TestConversionWantsTheRightKey(t *testing.T) {
	t.Parallel()
	_, data, _ := earlier(t)
	other, _ := installed(t)
	if _, _, err := secret.Open(other, data); fault.Of(err).Code != "key-wrong" {
		t.Errorf("a foreign key: %v", err)
	}
	if _, _, err := secret.Open(filepath.Join(t.TempDir(), "none"), data); fault.Of(err).Code != "key-missing" {
		t.Errorf("no key: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "keys.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("keys.json was made: %v", err)
	}
}

// TestRotation seals before and after; all opens, in this process and the next,
// and the key files of the time before open nothing that came after.
func TestRotation(t *testing.T) {
	t.Parallel()
	key, data := installed(t)
	s := opened(t, secret.Config{Dir: data, File: key})
	k := s.Ring()
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	names := k.Sub("audit")
	sealed := map[uint32][]byte{}
	var blobs [][]byte
	put := func(word string) {
		b, err := k.Seal("token", []byte(word), nil)
		if err != nil {
			t.Fatal(err)
		}
		sealed[secret.NumberOf(b)] = b
		var file bytes.Buffer
		w, release, err := k.SealFor("ward", &file, nil)
		if err == nil {
			_, err = io.WriteString(w, word)
			err = errors.Join(err, w.Close())
			release()
		}
		if err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, file.Bytes())
	}
	put("one")
	first, err := s.Rotate()
	if err != nil || first.Current != 2 || !slices.Equal(first.Renewed, []string{key}) || len(first.Kept) != 0 {
		t.Fatalf("got %+v, %v", first, err)
	}
	put("two")
	if number, _ := k.Pages().Current(); number != 2 {
		t.Errorf("pages are sealed with key %d", number)
	}
	_, page := k.Pages().Current()
	if old, found := k.Pages().Key(1); !found || bytes.Equal(old, page) {
		t.Error("the key of old pages is gone, or is the same")
	}
	if _, err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	put("three")
	for _, now := range []*secret.Keyring{k, opened(t, secret.Config{Dir: data, File: key}).Ring()} {
		if !bytes.Equal(now.Sub("audit"), names) {
			t.Error("names changed")
		}
		for number, word := range map[uint32]string{1: "one", 2: "two", 3: "three"} {
			if plain, err := now.Open("token", sealed[number], nil); err != nil || string(plain) != word {
				t.Errorf("key %d: got %q, %v", number, plain, err)
			}
			r, err := now.OpenFor("ward", "blob/ward", bytes.NewReader(blobs[number-1]), nil)
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(r); err != nil || string(plain) != word {
				t.Errorf("blob %d: got %q, %v", number, plain, err)
			}
			if _, err := now.OpenFor("lab", "blob/lab", bytes.NewReader(blobs[number-1]), nil); err == nil {
				t.Error("a blob opens for another scope")
			}
		}
	}
	if err := os.WriteFile(key, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := secret.Open(key, data); fault.Of(err).Code != "key-wrong" {
		t.Errorf("the key file of before the rotation: %v", err)
	}
}

// TestDestroyed keys open nothing, and only what is left.
func TestDestroyed(t *testing.T) {
	t.Parallel()
	key, data := installed(t)
	s := opened(t, secret.Config{Dir: data, File: key})
	k := s.Ring()
	value, err := k.Seal("token", []byte("word"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w, release, err := k.SealFor("ward", &file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RenewScopes("ward", "nobody"); err != nil {
		t.Fatal(err)
	}
	// Its writer has not come to an end: the key must stay.
	if _, err := s.DropScopeKeys("ward", always); fault.Of(err).Code != "key-held" {
		t.Errorf("the key of a file being written was destroyed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	release()
	readable := func(k *secret.Keyring) bool {
		_, err := k.OpenFor("ward", "blob/ward", bytes.NewReader(file.Bytes()), nil)
		return err == nil
	}
	if !readable(k) || !slices.Equal(s.OldScopes(), []string{"ward"}) {
		t.Errorf("readable %v, old scopes %v", readable(k), s.OldScopes())
	}
	if left, err := s.DropScopeKeys("ward", func(time.Time) bool { return false }); !left || err != nil || !readable(k) {
		t.Errorf("kept: left %v, readable %v, %v", left, readable(k), err)
	}
	if left, err := s.DropScopeKeys("ward", always); left || err != nil || readable(k) {
		t.Errorf("the destroyed key reads: %v", err)
	}
	if _, err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(1, 2); err != nil { // 2 is current and stays
		t.Fatal(err)
	}
	again := opened(t, secret.Config{Dir: data, File: key}).Ring()
	for _, k := range []*secret.Keyring{k, again} {
		if _, err := k.Open("token", value, nil); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("the destroyed key opens: %v", err)
		}
		if _, found := k.Pages().Key(1); found || k.Current() != 2 || readable(k) {
			t.Errorf("page key 1 found %v, current %d", found, k.Current())
		}
	}
}

// TestRecovery makes two keys: the second revokes the first.
func TestRecovery(t *testing.T) {
	t.Parallel()
	key, data := installed(t)
	s := opened(t, secret.Config{Dir: data, File: key})
	if err := s.TestRecovery("AAAAAA"); fault.Of(err).Code != "recovery-wrong" {
		t.Errorf("no key at all: %v", err)
	}
	first, _, err := s.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := s.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.TestRecovery(strings.ToLower(strings.ReplaceAll(second, "-", " "))); err != nil {
		t.Errorf("the key in small letters with spaces: %v", err)
	}
	if err := s.TestRecovery(first); fault.Of(err).Code != "recovery-wrong" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("the revoked key: %v", err)
	}
	if _, err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	_, err = secret.OpenStore(t.Context(), secret.Config{Dir: data, File: key})
	if r := fault.Of(err); r.Code != "key-missing" || !strings.Contains(r.Cure, "--recovery-key-stdin") {
		t.Errorf("the lost key file: %v, %s", err, r.Cure)
	}
	// The recovery key alone opens it and makes a key file again.
	back := opened(t, secret.Config{Dir: data, File: key, Recovery: second})
	if _, err := back.AddSlot(t.Context(), secret.NewSlot{Kind: secret.FileKind, File: key}); err != nil {
		t.Fatal(err)
	}
	opened(t, secret.Config{Dir: data, File: key})
	// The first key opens the keys.json of its time only.
	archive := t.TempDir()
	if err := os.WriteFile(filepath.Join(archive, "keys.json"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	opened(t, secret.Config{Dir: archive, File: key, Recovery: first})
	if _, err := secret.OpenStore(t.Context(), secret.Config{Dir: archive, File: key, Recovery: second}); fault.Of(err).Code != "recovery-wrong" {
		t.Errorf("the later key opens the earlier archive: %v", err)
	}
}

// TestSlotsCannotAllGo keeps a way that needs no paper.
func TestSlotsCannotAllGo(t *testing.T) {
	t.Parallel()
	key, data := installed(t)
	s := opened(t, secret.Config{Dir: data, File: key})
	if _, _, err := s.NewRecovery(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RemoveSlot(1); fault.Of(err).Code != "slot-last" {
		t.Errorf("the last slot: %v", err)
	}
	if _, err := s.RemoveSlot(9); !fault.Is(err, fault.NotFound) {
		t.Errorf("no slot: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other.key")
	added, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.FileKind, File: other})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.FileKind, File: other}); fault.Of(err).Code != "slot-there" {
		t.Errorf("the same file twice: %v", err)
	}
	if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.FileKind, File: filepath.Join(data, "k")}); fault.Of(err).Code != "key-inside" {
		t.Errorf("inside the data: %v", err)
	}
	if _, err := s.RemoveSlot(1); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenStore(t.Context(), secret.Config{Dir: data, File: key}); err != nil {
		t.Errorf("the place that the slot remembers is not looked at: %v", err)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenStore(t.Context(), secret.Config{Dir: data, File: key}); err == nil {
		t.Errorf("slot %d opens without its file", added.ID)
	}
}

// TestDocument spoils keys.json in every way that a disk or a person can.
func TestDocument(t *testing.T) {
	t.Parallel()
	key, data := installed(t)
	s := opened(t, secret.Config{Dir: data, File: key})
	if _, _, err := s.NewRecovery(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T, text []byte) error {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "keys.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		k, created, err := secret.Open(key, dir)
		if created || (k == nil) == (err == nil) {
			t.Errorf("created %v, %v", created, err)
		}
		return err
	}
	if err := open(t, whole); err != nil {
		t.Fatal(err)
	}
	// Whoever can write and count sums changes what stands open in the file.
	forge := func(change func(map[string]any)) []byte {
		var fields map[string]any
		if err := json.Unmarshal(whole, &fields); err != nil {
			t.Fatal(err)
		}
		change(fields)
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return secret.Resum(t, text)
	}
	slot := func(f map[string]any, i int) map[string]any { return f["slots"].([]any)[i].(map[string]any) }
	for name, tt := range map[string]struct {
		text []byte
		code string
	}{
		"cut":                    {whole[:len(whole)/2], "key-damaged"},
		"empty":                  {nil, "key-damaged"},
		"no JSON":                {[]byte("keys"), "key-damaged"},
		"of a newer version":     {bytes.Replace(whole, []byte("chatets-keys-1"), []byte("chatets-keys-2"), 1), "key-newer"},
		"something else":         {[]byte(`{"form":"other"}`), "key-damaged"},
		"too large":              {append(bytes.Clone(whole), bytes.Repeat([]byte(" "), 17<<20)...), "data-unreadable"},
		"a forged serial":        {forge(func(f map[string]any) { f["serial"] = 99 }), "key-damaged"},
		"a forged slot":          {forge(func(f map[string]any) { slot(f, 0)["file"] = "/etc/passwd" }), "key-damaged"},
		"a slot taken out":       {forge(func(f map[string]any) { f["slots"] = f["slots"].([]any)[:1] }), "key-damaged"},
		"another installation's": {forge(func(f map[string]any) { f["installation"] = strings.Repeat("0", 32) }), "key-wrong"},
		"no slots":               {forge(func(f map[string]any) { f["slots"] = []any{} }), "key-damaged"},
	} {
		if err := open(t, tt.text); fault.Of(err).Code != tt.code || fault.Of(err).Cure == "" {
			t.Errorf("%s: got %v (%s), want %s", name, err, fault.Of(err).Code, tt.code)
		}
	}
	for at := 0; at < len(whole); at += 97 {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x04
		if err := open(t, flipped); err != nil && fault.Of(err).Code != "key-damaged" && fault.Of(err).Code != "key-newer" {
			t.Errorf("flipped at %d: %v", at, err)
		}
	}
	// The predecessor serves where a stop left nothing better.
	if err := errors.Join(os.WriteFile(filepath.Join(data, "keys.json.old"), whole, 0o600), os.WriteFile(filepath.Join(data, "keys.json"), whole[:100], 0o600)); err != nil {
		t.Fatal(err)
	}
	opened(t, secret.Config{Dir: data, File: key})
	opened(t, secret.Config{Dir: data, File: key})
}

// TestNothingSecretLies in keys.json or anywhere else in the data directory.
func TestNothingSecretLies(t *testing.T) {
	t.Parallel()
	key, data := installed(t)
	s := opened(t, secret.Config{Dir: data, File: key})
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	digits := strings.Split(string(text), ":")[1]
	master, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	recovery, _, err := s.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddSlot(t.Context(), secret.NewSlot{Kind: secret.PassphraseKind, Passphrase: "marzipan zeppelin regatta"}); err != nil {
		t.Fatal(err)
	}
	_, page := s.Ring().Pages().Current()
	for name, word := range map[string][]byte{
		"key": master, "key in digits": []byte(digits), "recovery key": []byte(recovery), "its letters": []byte(strings.ReplaceAll(recovery, "-", "")),
		"passphrase": []byte("zeppelin"), "page key": page,
	} {
		for _, form := range secret.Forms(word) {
			if err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				text, err := os.ReadFile(path)
				if bytes.Contains(text, form) {
					t.Errorf("%s holds the %s", filepath.Base(path), name)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// always lets every old key go.
func always(time.Time) bool { return true }
