package pdf

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"chatets/appliance/extract/doc"
)

// cacheOfTests names the folder of compiled code: compiling takes long, so the
// tests, and the processes that a fuzz test starts, share one.
const cacheOfTests = "CHATETS_TEST_PDF_CACHE"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getenv(cacheOfTests) == "" {
			dir, err := os.MkdirTemp("", "pdf-cache-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			if err := os.Setenv(cacheOfTests, dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return m.Run()
	}())
}

var warmed = sync.OnceValue(func() error { return Warm(os.Getenv(cacheOfTests)) })

// open makes a reader for one test.
func open(t testing.TB) *Reader {
	t.Helper()
	if err := warmed(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(os.Getenv(cacheOfTests))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// read reads a file and shows each block in a line: kind, page and text.
func read(t testing.TB, r *Reader, in doc.Input) ([]string, *doc.Builder, error) {
	t.Helper()
	b := doc.NewBuilder(t.Context())
	err := r.Read(t.Context(), in, b)
	var out []string
	for _, x := range b.Blocks() {
		out = append(out, fmt.Sprintf("%s %d %s", x.Kind, x.Page, x.Text))
	}
	return out, b, err
}

// walk visits a folder and everything in it.
func walk(dir string, visit func(path string, info os.FileInfo)) error {
	return filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			visit(path, info)
		}
		return err
	})
}
