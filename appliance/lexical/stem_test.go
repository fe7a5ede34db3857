package lexical

import (
	"context"
	"testing"

	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// TestStemsAsSQLite holds our stems against those of FTS5's own porter
// tokeniser, for every root with every ending.
func TestStemsAsSQLite(t *testing.T) {
	t.Parallel()
	roots := []string{"generat", "pump", "valv", "torqu", "relat", "condit", "hop", "hopp", "fall", "hiss", "fizz", "fil", "fail", "happ", "sk", "fl", "tr", "ties", "caress",
		"pon", "plaster", "motor", "confl", "troubl", "siz", "vietnam", "predic", "oper", "feudal", "decis", "hope", "call", "form", "sens", "rev", "allow", "infer", "air",
		"gyroscop", "adjust", "defens", "irrit", "replac", "depend", "adopt", "homolog", "commun", "activ", "angul", "effect", "bowdler", "prob", "rat", "ceas", "control", "roll",
		"a", "y", "by", "sy", "ab", "oy", "eey", "ion", "st", "sess"}
	endings := []string{"", "s", "es", "ies", "sses", "ss", "ed", "eed", "ing", "at", "ate", "ated", "ating", "bl", "bled", "iz", "ize", "izer", "ized", "y", "ly", "ily", "ational", "tional",
		"enci", "ency", "anci", "ancy", "abli", "ably", "alli", "ally", "entli", "ently", "eli", "ely", "ousli", "ously", "ization", "ation", "ator", "alism", "iveness", "fulness",
		"ousness", "aliti", "ality", "iviti", "ivity", "biliti", "bility", "icate", "ative", "alize", "iciti", "icity", "ical", "ful", "ness", "al", "ance", "ence", "er", "ic", "able",
		"ible", "ant", "ement", "ment", "ent", "ion", "sion", "tion", "ou", "ism", "iti", "ity", "ous", "ive", "e", "ee", "le", "ll", "logi", "logy", "ness", "lessness"}
	db := sqlitetest.Open(t, Migrations)
	words := map[int64]string{}
	err := db.Update(t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		for _, statement := range []string{`CREATE VIRTUAL TABLE porter USING fts5(word, tokenize = 'porter ascii')`, `CREATE VIRTUAL TABLE stems USING fts5vocab(porter, instance)`} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		for _, r := range roots {
			for _, e := range endings {
				n := int64(len(words) + 1)
				words[n] = r + e
				if _, err := tx.Exec(ctx, `INSERT INTO porter (rowid, word) VALUES (?, ?)`, n, r+e); err != nil {
					return err
				}
			}
		}
		rows, err := tx.Query(ctx, `SELECT doc, term FROM stems`)
		if err != nil {
			return err
		}
		defer rows.Close()
		seen := 0
		for rows.Next() {
			var n int64
			var want string
			if err := rows.Scan(&n, &want); err != nil {
				return err
			}
			if got := stem(words[n]); got != want {
				t.Errorf("%s: got %q, SQLite has %q", words[n], got, want)
			}
			seen++
		}
		if seen != len(words) {
			t.Errorf("%d of %d words were compared", seen, len(words))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
