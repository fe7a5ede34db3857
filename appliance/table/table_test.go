package table_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/table"
)

var update = flag.Bool("update", false, "write the golden files anew")

type role string

// people are rows of what comes from people at its worst.
func people(w table.Writer) error {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.FixedZone("CET", 3600))
	for _, row := range [][]any{
		{"Ana Ruiz", role("admin"), 3, -12.5, true, at},
		{"山田太郎 (病院)", role(""), 120, 0.0, false, time.Time{}},
		{"=HYPERLINK(\"http://evil.test\")", role("member"), -1, math.Inf(1), true, at},
		{"\x1b[31mred\x1b[0m\nsecond line\ttab", role("@admin"), uint8(7), 1e21, false, nil},
		{"a\u202eright to left, ＝1+1, bad \xff byte, <b>&\"quoted\"", role("+1"), int64(math.MaxInt64), float32(0.25), nil, at},
	} {
		if err := w.Row(row...); err != nil {
			return err
		}
	}
	return w.Close()
}

func TestForms(t *testing.T) {
	t.Parallel()
	for _, format := range []table.Format{table.Text, table.JSON, table.CSV, table.XML} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			w, err := table.New(&b, format, "name", "workspaceRole", "documents", "change", "disabled", "createdAt")
			if err != nil {
				t.Fatal(err)
			}
			if err := people(w); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "people."+string(format))
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", b.Bytes(), want)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format table.Format
		want   string
	}{
		{table.Text, "NAME  SIZE\n"},
		{table.JSON, "[]\n"},
		{table.CSV, "name,size\r\n"},
		{table.XML, xml.Header + "<rows>\n</rows>\n"},
	} {
		t.Run(string(tt.format), func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			w, err := table.New(&b, tt.format, "name", "size")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != tt.want {
				t.Errorf("got %q, want %q", b.String(), tt.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		format  table.Format
		columns []string
	}{
		{"unknown format", "xlsx", []string{"name"}},
		{"no columns", table.JSON, nil},
		{"empty name", table.JSON, []string{""}},
		{"a name that would break XML", table.XML, []string{"a><b"}},
		{"a name that begins with a digit", table.XML, []string{"1st"}},
		{"one name twice", table.JSON, []string{"id", "id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := table.New(io.Discard, tt.format, tt.columns...); err == nil {
				t.Error("got no error")
			}
		})
	}
	w, err := table.New(io.Discard, table.JSON, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Row("one"); err == nil {
		t.Error("one cell for two columns: got no error")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestBrokenPipe wants the failure of the reader told in every form.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	for _, format := range []table.Format{table.Text, table.JSON, table.CSV, table.XML} {
		w, err := table.New(broken{}, format, "name")
		if err == nil {
			err = errors.Join(w.Row(strings.Repeat("x", 100_000)), w.Close())
		}
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: got %v", format, err)
		}
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want int
	}{
		{"", 0}, {"abc", 3}, {"Übung", 5}, {"U\u0308bung", 5}, {"山田", 4}, {"ＡＢ", 4}, {"한글", 4}, {"\u1112\u1161\u11ab", 2}, {"✓", 1}, {"😀", 2}, {"a\u200db", 2},
	} {
		if got := table.Width(tt.text); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.text, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"colour", "\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"title of the window", "\x1b]0;evil\x07", "]0;evil"},
		{"8-bit control", "a\u009b31mb", "a31mb"},
		{"lines and tabs", "a\nb\tc\r\u2028d", "a b c  d"},
		{"backspaces", "rm\b\bls", "rmls"},
		{"direction", "safe\u202egpj.exe\u2066x", "safegpj.exex"},
		{"Persian keeps its joiner", "می\u200cخواهم", "می\u200cخواهم"},
		{"broken bytes are shown as such", "a\xffb", "a\ufffdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := table.Clean(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got, want := table.Lines("one\r\n\x1btwo\n\nthree"), "one\ntwo\n\nthree"; got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	got := strings.Join(table.Wrap("Insulin may stand\noutside the \x1bfridge for twenty-eight days 山田太郎", 12), "|")
	want := "Insulin may|stand|outside the|fridge for|twenty-eight|days|山田太郎"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := table.Wrap("  \n", 10); got != nil {
		t.Errorf("nothing to wrap: got %q", got)
	}
}

// FuzzCells holds every form to what its readers rely on, whatever the cells are.
func FuzzCells(f *testing.F) {
	f.Add("=1+1", "plain")
	f.Add("\x1b[2J", "\u202e")
	f.Add("a,b\n\"c\"", "</rows>")
	f.Add("\xff\xfe", "\x00")
	f.Add("\u009b31m", "\U000e0041")
	f.Fuzz(func(t *testing.T, a, b string) {
		written := func(format table.Format) string {
			var out strings.Builder
			w, err := table.New(&out, format, "first", "second")
			if err == nil {
				err = errors.Join(w.Row(a, b), w.Row(b, 1), w.Close())
			}
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			return out.String()
		}
		screen := written(table.Text)
		if n := strings.Count(screen, "\n"); n != 3 {
			t.Errorf("the table has %d lines: %q", n, screen)
		}
		for _, r := range screen {
			if r != '\n' && unicode.IsControl(r) {
				t.Errorf("the table holds the control character %U", r)
			}
		}
		for _, r := range written(table.JSON) {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) {
				t.Errorf("the JSON holds the control character %U", r)
			}
		}
		var rows []struct {
			First  string `json:"first"`
			Second any    `json:"second"`
		}
		if err := json.Unmarshal([]byte(written(table.JSON)), &rows); err != nil || len(rows) != 2 {
			t.Fatalf("JSON: %d rows, error %v", len(rows), err)
		}
		if utf8.ValidString(a) && rows[0].First != a {
			t.Errorf("JSON: got %q, want %q", rows[0].First, a)
		}
		records, err := csv.NewReader(strings.NewReader(written(table.CSV))).ReadAll()
		if err != nil || len(records) != 3 {
			t.Fatalf("CSV: %d records, error %v", len(records), err)
		}
		for _, cell := range []string{records[1][0], records[1][1], records[2][0]} {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("CSV: the cell %q would be run", cell)
			}
		}
		if err := xml.Unmarshal([]byte(written(table.XML)), &struct{ XMLName xml.Name }{}); err != nil {
			t.Errorf("XML: %v", err)
		}
	})
}
