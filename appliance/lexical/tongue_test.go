package lexical_test

import (
	"context"
	"slices"
	"testing"

	"chatets/appliance/lexical"
	"chatets/appliance/sqlite"
)

// TestForms holds that other forms of a word, parts of compounds and codes in
// another dress find a passage, and that what is only alike does not.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		passage    string
		find, miss []string
	}{
		{"Das Gerät wurde gestern geprüft.", []string{"prüfen", "Prüfung", "PRUEFUNG", "Geräte"}, []string{"Frucht"}},
		{"Das Prüfprotokoll ist im Schrank.", []string{"prüfen", "Protokolle", "Prüf-Protokoll", "Protokoll der Prüfung"}, []string{"Schaden"}},
		{"Das Notstromaggregat läuft nicht.", []string{"Aggregat", "Notstrom Aggregat", "Aggregate"}, []string{"Rat", "Gatter"}},
		{"Der Wartungsplan hängt an der Wand.", []string{"Plan der Wartung", "Wartung", "Pläne"}, []string{"Warze"}},
		{"Der Plan für die Wartung der Pumpe ist da.", []string{"Wartungsplan", "Wartungspläne", "Pumpen"}, nil},
		{"Die Straße ist gesperrt.", []string{"Strasse", "STRAßEN", "Sperrung"}, nil},
		{"La pompe est vérifiée par les équipes.", []string{"vérifier", "pompes", "equipe"}, []string{"pompier"}},
		{"The filter shows E-121 today.", []string{"E121", "e 121", "E-121", "E–121"}, []string{"E12", "E-1210"}},
		{"The filter shows E 121 today.", []string{"E121", "e 121", "E-121"}, []string{"E1"}},
		{"The filter shows E121 today.", []string{"E121", "e 121", "E-121"}, []string{"121B"}},
		{"Nach DIN EN 1717 gesichert.", []string{"EN1717", "DIN EN 1717", "din en-1717"}, nil},
		{"Dose of 5 mg/kg.", []string{"5mg", "5 mg", "5 mg/kg"}, []string{"15mg"}},
	} {
		s := open(t)
		s.put(t, "k", tt.passage)
		for _, q := range tt.find {
			if hits := s.search(t, lexical.Query{Text: q, Bases: []string{"k"}}); len(hits) == 0 || hits[0].Coverage < lexical.Floor {
				t.Errorf("%q does not find %q: %+v", q, tt.passage, hits)
			}
		}
		for _, q := range tt.miss {
			if hits := s.search(t, lexical.Query{Text: q, Bases: []string{"k"}}); len(hits) > 0 {
				t.Errorf("%q finds %q: %+v", q, tt.passage, hits)
			}
		}
	}
}

// TestCodesFirst wants the passage with the code before those that share every
// other word of the question.
func TestCodesFirst(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.put(t, "k", "A note about E-121.")
	for range 300 {
		s.put(t, "k", "Error of the intake filter: clean the blocked intake filter and reset the error at the panel, 121 times.")
	}
	for _, code := range []string{"E121", "E 121", "e-121"} {
		if got := s.found(t, "clean the blocked intake filter after error "+code); len(got) == 0 || got[0] != 1 {
			t.Errorf("%s finds %v", code, got)
		}
	}
}

// TestRenew wants an index of an older version to become what a new one is.
func TestRenew(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.put(t, "k", "Das Notstromaggregat P-101 wird geprüft.", "Der Wartungsplan ist da.", "The pump is dry.")
	state := func() string {
		t.Helper()
		var text string
		if err := s.db.Read().QueryRowContext(t.Context(), `SELECT (SELECT group_concat(term || base || passages, ' ' ORDER BY term) FROM lexical_term)
			|| (SELECT group_concat(code, '|' ORDER BY rowid) FROM lexical_word) || (SELECT group_concat(version) FROM lexical_entry)
			|| (SELECT group_concat(passages || ' ' || words) FROM lexical_base)`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	update := func(do func(context.Context, *sqlite.Tx) error) {
		t.Helper()
		if err := s.db.Update(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	want := state()
	update(func(ctx context.Context, tx *sqlite.Tx) error {
		for _, q := range []string{`UPDATE lexical_entry SET version = 1`, `DELETE FROM lexical_term WHERE term LIKE '·%'`, `UPDATE lexical_word SET code = CASE rowid WHEN 1 THEN 'p101' ELSE '' END`} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if got := s.found(t, "Aggregat"); len(got) > 0 {
		t.Fatalf("the old index finds %v", got)
	}
	var steps []int
	for len(steps) == 0 || steps[len(steps)-1] > 0 {
		update(func(ctx context.Context, tx *sqlite.Tx) error {
			n, err := lexical.Renew(ctx, tx, 2)
			steps = append(steps, n)
			return err
		})
	}
	if !slices.Equal(steps, []int{2, 1, 0}) || state() != want {
		t.Errorf("after steps of %v the index is\n%s\nwant\n%s", steps, state(), want)
	}
}
