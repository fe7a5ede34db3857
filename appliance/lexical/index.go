package lexical

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chatets/appliance/sqlite"
)

// Migrations are the tables of this package.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// baseToken is a knowledge base as one token of the index: letters and digits
// only, whatever the id holds.
func baseToken(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "b" + hex.EncodeToString(sum[:16])
}

// fields are a passage as the index stores it.
type fields struct{ title, heading, text, code, surface string }

func fieldsOf(e Entry) fields {
	var f fields
	var codes, surfaces []string
	split := func(text string) string {
		var terms []string
		for _, t := range scan(text) {
			if t.form == join {
				codes = append(codes, t.term)
				continue
			}
			terms, surfaces = append(terms, t.term), append(surfaces, t.surface)
		}
		surfaces = append(surfaces, "|") // no phrase runs from one field into the next
		return strings.Join(terms, " ")
	}
	f.title, f.heading, f.text = split(e.Title), split(e.Heading), split(e.Text)
	codes = append(codes, kin(surfaces, tonguesOf(surfaces))...)
	f.code = strings.Join(codes, " ")
	f.surface = strings.Join(surfaces, " ")
	return f
}

func (f fields) words() int { return count(f.title) + count(f.heading) + count(f.text) }

func count(terms string) int {
	if terms == "" {
		return 0
	}
	return strings.Count(terms, " ") + 1
}

// tally is how the counts of the bases change.
type tally struct {
	terms    map[[2]string]int // base, term
	passages map[string]int
	words    map[string]int
}

func newTally() tally {
	return tally{terms: map[[2]string]int{}, passages: map[string]int{}, words: map[string]int{}}
}

func (t tally) add(base string, f fields, sign int) {
	seen := map[string]bool{}
	for _, field := range []string{f.title, f.heading, f.text, f.code} {
		for term := range strings.SplitSeq(field, " ") {
			if term != "" && !seen[term] {
				seen[term] = true
				t.terms[[2]string{base, term}] += sign
			}
		}
	}
	t.passages[base] += sign
	t.words[base] += sign * f.words()
}

func (t tally) write(ctx context.Context, tx *sqlite.Tx) error {
	const term = `INSERT INTO lexical_term (term, base, passages) VALUES (?, ?, ?)
		ON CONFLICT (term, base) DO UPDATE SET passages = passages + excluded.passages`
	for _, key := range slices.SortedFunc(maps.Keys(t.terms), func(a, b [2]string) int { return strings.Compare(a[1], b[1]) }) {
		if _, err := tx.Exec(ctx, term, key[1], key[0], t.terms[key]); err != nil {
			return fmt.Errorf("count a term: %w", err)
		}
		if t.terms[key] < 0 {
			if _, err := tx.Exec(ctx, `DELETE FROM lexical_term WHERE term = ? AND base = ? AND passages <= 0`, key[1], key[0]); err != nil {
				return fmt.Errorf("forget a term: %w", err)
			}
		}
	}
	const base = `INSERT INTO lexical_base (base, passages, words) VALUES (?, ?, ?)
		ON CONFLICT (base) DO UPDATE SET passages = passages + excluded.passages, words = words + excluded.words`
	for b, n := range t.passages {
		if _, err := tx.Exec(ctx, base, b, n, t.words[b]); err != nil {
			return fmt.Errorf("count passages: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM lexical_base WHERE passages <= 0`)
	return err
}

// Prepared is a passage whose words are split. Its chunk number may be set
// later, when the caller's transaction gives it.
type Prepared struct {
	Chunk          int64
	base, document string
	fields         fields
}

// Prepare splits the words of passages: most of the work of adding them, and
// done before the transaction so that it does not hold the writer.
func Prepare(entries ...Entry) []Prepared {
	list := make([]Prepared, len(entries))
	for i, e := range entries {
		list[i] = Prepared{Chunk: e.Chunk, base: e.Base, document: e.Document, fields: fieldsOf(e)}
	}
	return list
}

// Add puts passages into the index, in the caller's transaction. A chunk number
// that is in it already is an error.
func Add(ctx context.Context, tx *sqlite.Tx, entries ...Entry) error {
	return AddPrepared(ctx, tx, Prepare(entries...)...)
}

// AddPrepared is Add for passages whose words are split already.
func AddPrepared(ctx context.Context, tx *sqlite.Tx, list ...Prepared) error {
	const entry = `INSERT INTO lexical_entry (chunk, base, document, version) VALUES (?, ?, ?, ?)`
	const words = `INSERT INTO lexical_word (rowid, base, title, heading, text, code, surface) VALUES (?, ?, ?, ?, ?, ?, ?)`
	t := newTally()
	for _, p := range list {
		f := p.fields
		if _, err := tx.Exec(ctx, entry, p.Chunk, p.base, p.document, Version); err != nil {
			return fmt.Errorf("index passage %d: %w", p.Chunk, err)
		}
		if _, err := tx.Exec(ctx, words, p.Chunk, baseToken(p.base), f.title, f.heading, f.text, f.code, f.surface); err != nil {
			return fmt.Errorf("index the words of passage %d: %w", p.Chunk, err)
		}
		t.add(p.base, f, 1)
	}
	return t.write(ctx, tx)
}

// Holds reports whether passages of a document are in the index.
func Holds(ctx context.Context, db *sql.DB, document string) (bool, error) {
	var found bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM lexical_entry WHERE document = ?)`, document).Scan(&found)
	return found, err
}

// Remove takes passages of a document out of the index, in the caller's
// transaction: at most so many, so that a long document does not hold the
// writer. It returns how many it took; 0 means that none is left.
func Remove(ctx context.Context, tx *sqlite.Tx, document string, most int) (int, error) {
	const list = `SELECT e.chunk, e.base, w.title, w.heading, w.text, w.code
		FROM lexical_entry AS e JOIN lexical_word AS w ON w.rowid = e.chunk WHERE e.document = ? LIMIT ?`
	rows, err := tx.Query(ctx, list, document, most)
	if err != nil {
		return 0, fmt.Errorf("passages of %s: %w", document, err)
	}
	defer rows.Close()
	t := newTally()
	var chunks []int64
	for rows.Next() {
		var chunk int64
		var base string
		var f fields
		if err := rows.Scan(&chunk, &base, &f.title, &f.heading, &f.text, &f.code); err != nil {
			return 0, err
		}
		chunks = append(chunks, chunk)
		t.add(base, f, -1)
	}
	if err := rows.Err(); err != nil || len(chunks) == 0 {
		return 0, err
	}
	rows.Close()
	for _, c := range chunks {
		if _, err := tx.Exec(ctx, `DELETE FROM lexical_word WHERE rowid = ?`, c); err != nil {
			return 0, fmt.Errorf("remove the words of passage %d: %w", c, err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM lexical_entry WHERE chunk = ?`, c); err != nil {
			return 0, fmt.Errorf("remove passage %d: %w", c, err)
		}
	}
	return len(chunks), t.write(ctx, tx)
}
