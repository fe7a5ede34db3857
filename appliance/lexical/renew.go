package lexical

import (
	"context"
	"fmt"
	"strings"

	"chatets/appliance/sqlite"
)

// Version is the way in which terms are made. An index may hold passages of
// older versions, which are found by fewer of their forms; Renew brings them up
// to this one.
const Version = 2

// Renew makes the terms of passages of older versions anew, in the caller's
// transaction and at most so many, so that the writer is not held long. It needs
// nothing but the index. It returns how many it renewed; 0 means that none is
// left. A passage is found by its old terms until the transaction commits.
func Renew(ctx context.Context, tx *sqlite.Tx, most int) (int, error) {
	const list = `SELECT e.chunk, e.base, w.code, w.surface FROM lexical_entry AS e JOIN lexical_word AS w ON w.rowid = e.chunk
		WHERE e.version < ? LIMIT ?`
	rows, err := tx.Query(ctx, list, Version, most)
	if err != nil {
		return 0, fmt.Errorf("passages of older versions: %w", err)
	}
	defer rows.Close()
	type old struct {
		chunk               int64
		base, code, surface string
	}
	var found []old
	for rows.Next() {
		var o old
		if err := rows.Scan(&o.chunk, &o.base, &o.code, &o.surface); err != nil {
			return 0, err
		}
		found = append(found, o)
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		return 0, err
	}
	rows.Close()
	t := newTally()
	for _, o := range found {
		var codes []string
		for c := range strings.FieldsSeq(o.code) {
			if !strings.HasPrefix(c, string(joint)) {
				codes = append(codes, c)
			}
		}
		surfaces := strings.Fields(o.surface)
		code := strings.Join(append(codes, kin(surfaces, tonguesOf(surfaces))...), " ")
		if code != o.code {
			if _, err := tx.Exec(ctx, `UPDATE lexical_word SET code = ? WHERE rowid = ?`, code, o.chunk); err != nil {
				return 0, fmt.Errorf("renew the words of passage %d: %w", o.chunk, err)
			}
			t.recount(o.base, o.code, code)
		}
		if _, err := tx.Exec(ctx, `UPDATE lexical_entry SET version = ? WHERE chunk = ?`, Version, o.chunk); err != nil {
			return 0, fmt.Errorf("renew passage %d: %w", o.chunk, err)
		}
	}
	return len(found), t.write(ctx, tx)
}

// recount counts the terms of other languages that a passage has now and had
// before. The number of passages and their length stay.
func (t tally) recount(base, before, after string) {
	for sign, code := range map[int]string{-1: before, 1: after} {
		seen := map[string]bool{}
		for term := range strings.FieldsSeq(code) {
			if strings.HasPrefix(term, string(joint)) && !seen[term] {
				seen[term] = true
				t.terms[[2]string{base, term}] += sign
			}
		}
	}
}
