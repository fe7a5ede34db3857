package office

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// TestLockedFiles opens files that Excel locked, in both ways it has.
func TestLockedFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, password, code, cure string }{
		{"standard.xlsx", "password", "", ""}, {"agile.xlsx", "password", "", ""},
		{"standard.xlsx", "", "file-locked", "Give its password"}, {"agile.xlsx", "", "file-locked", "Give its password"},
		{"standard.xlsx", "passwort", "file-locked", "Check the password"}, {"agile.xlsx", "passwort", "file-locked", "Check the password"},
		{"agile.xlsx", "pass\u00e4\U0001F511", "file-locked", "Check the password"},
	} {
		t.Run(tt.file+" "+tt.password, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile("testdata/locked/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			b := doc.NewBuilder(t.Context())
			err = Xlsx(t.Context(), doc.Input{Name: tt.file, Data: data, Password: tt.password}, b)
			if tt.code != "" {
				if r := fault.Of(err); r.Code != tt.code || !strings.Contains(r.Cure, tt.cure) || tt.password != "" && strings.Contains(err.Error(), tt.password+"\"") {
					t.Errorf("got %v %+v", err, r)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, x := range b.Blocks() {
				text.WriteString(x.Text)
			}
			if !strings.Contains(text.String(), "SECRET") {
				t.Errorf("got %q", text.String())
			}
		})
	}
}

// TestLockedFilesThatLie changes bytes of a locked file: it is refused, not crashed on.
func TestLockedFilesThatLie(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile("testdata/locked/agile.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	slow := strings.Replace(string(whole), `spinCount="100000"`, `spinCount="900000000"`[:len(`spinCount="100000"`)], 1)
	for name, data := range map[string]string{
		"cut": string(whole[:3000]), "head only": string(whole[:512]), "a chain that is a ring": string(whole[:48]) + "\x00\x00\x00\x00" + string(whole[52:]),
		"another cipher": strings.Replace(string(whole), `cipherAlgorithm="AES"`, `cipherAlgorithm="RC2"`, 2), "another number of rounds": slow,
	} {
		_, err := unlock(t.Context(), []byte(data), "password")
		if err == nil || fault.Of(err).Cure == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := decrypt(ended, whole, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
}

func FuzzLocked(f *testing.F) {
	for _, name := range []string{"standard.xlsx", "agile.xlsx"} {
		data, err := os.ReadFile("testdata/locked/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := openCompound(data); err == nil {
			_, _ = c.stream("EncryptionInfo")
			_, _ = c.stream("EncryptedPackage")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // a file may ask for ten million rounds
		defer cancel()
		_, _ = unlock(ctx, data, "password")
	})
}
