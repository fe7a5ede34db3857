package lexical_test

import (
	"context"
	"fmt"
	"testing"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

// TestRemove leaves nothing behind: no row, no count, and no word in the bytes
// of the index.
func TestRemove(t *testing.T) {
	t.Parallel()
	s := open(t)
	for range 60 {
		s.put(t, "k", "The pump is checked every week.")
	}
	s.put(t, "k", "The unmistakable xenotransplantation of patient Zyxwv.")
	document := fmt.Sprint("d", s.n)
	holds := func() int {
		t.Helper()
		n := 0
		for _, query := range []string{`SELECT count(*) FROM lexical_word_data WHERE instr(block, CAST('zyxwv' AS BLOB)) > 0`, `SELECT count(*) FROM lexical_word_content WHERE c3 LIKE '%zyxwv%'`,
			`SELECT count(*) FROM lexical_term WHERE term = 'zyxwv'`} {
			var found int
			if err := s.db.Read().QueryRowContext(t.Context(), query).Scan(&found); err != nil {
				t.Fatal(err)
			}
			n += found
		}
		return n
	}
	if holds() != 3 {
		t.Fatalf("the word is in %d places, want 3: this test looks in the wrong ones", holds())
	}
	remove := func(document string, most int) int {
		t.Helper()
		n := 0
		if err := s.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) (err error) {
			n, err = lexical.Remove(ctx, tx, document, most)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := remove(document, 10); n != 1 {
		t.Errorf("%d passages were removed", n)
	}
	if n := remove(document, 10); n != 0 {
		t.Errorf("%d passages were removed the second time", n)
	}
	if n := holds(); n != 0 {
		t.Errorf("the word is still in %d places", n)
	}
	if got := s.found(t, "zyxwv"); len(got) != 0 {
		t.Errorf("found %v", got)
	}
	for i := range int64(60) {
		remove(fmt.Sprint("d", i+1), 10)
	}
	for _, table := range []string{"lexical_entry", "lexical_term", "lexical_base", "lexical_word"} {
		var n int
		if err := s.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows are left in %s, error %v", n, table, err)
		}
	}
	if err := s.db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO lexical_word (lexical_word) VALUES ('integrity-check')`)
		return err
	}); err != nil {
		t.Error(err)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	s := open(t)
	schema := func() string {
		var text string
		if err := s.db.Read().QueryRowContext(t.Context(), `SELECT group_concat(sql, ';' ORDER BY name) FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := schema()
	if err := s.db.Down(t.Context(), 0, lexical.Migrations); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Migrate(t.Context(), lexical.Migrations); err != nil {
		t.Fatal(err)
	}
	if after := schema(); after != before {
		t.Errorf("after down and up the schema is\n%s\nwant\n%s", after, before)
	}
}
