package pdf

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"chatets/appliance/extract/doc"
	"chatets/appliance/fault"
)

// TestCorpus reads files that other programs made.
func TestCorpus(t *testing.T) {
	t.Parallel()
	r := open(t)
	want, err := os.ReadFile("testdata/chromium.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, password, code string }{
		{"browser", "chromium.pdf", "", ""},
		{"right password", "locked.pdf", "secret", ""},
		{"wrong password", "locked.pdf", "wrong", "file-locked"},
		{"no password", "locked.pdf", "", "file-locked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			b := doc.NewBuilder(t.Context())
			err = r.Read(t.Context(), doc.Input{Data: data, Password: tt.password}, b)
			if tt.code != "" {
				if err == nil || fault.Of(err).Code != tt.code {
					t.Errorf("got %v, want %s", err, tt.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			boxed(t, b)
			var got strings.Builder
			for _, x := range b.Blocks() {
				fmt.Fprintf(&got, "%s %d %s\n", x.Kind, x.Page, x.Text)
			}
			// The program that locked the file lost its ligatures.
			text := strings.NewReplacer("ürst", "first", "ünal", "final", "aûairs", "affairs").Replace(got.String())
			if text != string(want) || b.Title != "Pump manual" {
				t.Errorf("title %q, got\n%swant\n%s", b.Title, text, want)
			}
		})
	}
}
