package library

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"chatets/appliance/audit"
	"chatets/appliance/sqlite"
)

const chunkColumns = `c.number, c.page, c.heading, c.start, c."end", c.text, c.disabled`

func scanChunk(row scanner) (Chunk, error) {
	var c Chunk
	err := row.Scan(&c.Number, &c.Page, &c.Heading, &c.Start, &c.End, &c.Text, &c.Disabled)
	return c, err
}

// chunks lists passages of a document, which the caller asked the right for.
// Their numbers are in the order of the text.
func (s store) chunks(ctx context.Context, document string, c Chunks) ([]Chunk, error) {
	const (
		begin = `SELECT ` + chunkColumns + ` FROM chunk AS c WHERE c.document = ?1 AND c.edition = (SELECT edition FROM document WHERE id = ?1) AND (?3 = 0 OR c.page = ?3) AND (NOT ?4 OR c.disabled = 1) AND `
		on    = begin + `c.number > ?2 AND c."end" > ?5 ORDER BY c.number LIMIT ?6`
		back  = begin + `c.number < ?2 AND c."end" > ?5 ORDER BY c.number DESC LIMIT ?6`
	)
	query, at := on, c.After
	if c.Before > 0 {
		query, at = back, c.Before
	}
	rows, err := s.db.Read().QueryContext(ctx, query, document, at, c.Page, c.Disabled, c.From, c.Limit)
	if err != nil {
		return nil, fmt.Errorf("list passages: %w", err)
	}
	defer rows.Close()
	var list []Chunk
	for rows.Next() {
		found, err := scanChunk(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, found)
	}
	if c.Before > 0 {
		slices.Reverse(list)
	}
	return list, rows.Err()
}

// setChunk switches the passages of a document off or on that have the text of
// one of them.
func (s store) setChunk(ctx context.Context, who Reach, d Document, number int64, start *int, disabled bool) (Chunk, error) {
	const (
		one  = `SELECT ` + chunkColumns + ` FROM chunk AS c WHERE c.document = ? AND c.number = ? AND c.edition = (SELECT edition FROM document WHERE id = c.document)`
		set  = `UPDATE chunk SET disabled = ?1 WHERE document = ?2 AND text = ?3 AND disabled <> ?1`
		keep = `INSERT INTO chunk_off (document, hash, workspace, owner, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		drop = `DELETE FROM chunk_off WHERE document = ? AND hash = ?`
	)
	var c Chunk
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		if err := editsDocument(ctx, tx, who, d.ID); err != nil {
			return err
		}
		var err error
		if c, err = scanChunk(tx.QueryRow(ctx, one, d.ID, number)); errors.Is(err, sql.ErrNoRows) || err == nil && start != nil && c.Start != *start {
			return noChunk(number)
		} else if err != nil {
			return err
		}
		result, err := tx.Exec(ctx, set, disabled, d.ID, c.Text)
		if err != nil {
			return fmt.Errorf("switch a passage: %w", err)
		}
		n, err := result.RowsAffected()
		if c.Disabled = disabled; err != nil || n == 0 {
			return err
		}
		act, query, args := "passage.enable", drop, []any{d.ID, hashOf(c.Text)}
		if disabled {
			act, query, args = "passage.disable", keep, append(args, d.Workspace, who.who.ID, tx.Now.UnixMilli())
		}
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("remember a passage that is off: %w", err)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Act: act, ObjectKind: "document", Object: d.ID, Workspace: d.Workspace,
			Detail: map[string]any{"knowledge": d.Knowledge, "passage": number, "passages": n}})
	})
	return c, err
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// off are the hashes of a document's texts that were switched off.
func off(ctx context.Context, tx *sqlite.Tx, document string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `SELECT hash FROM chunk_off WHERE document = ?`, document)
	if err != nil {
		return nil, fmt.Errorf("passages that are off: %w", err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var hash []byte
		if err := rows.Scan(&hash); err != nil {
			return nil, err
		}
		found[string(hash)] = true
	}
	return found, rows.Err()
}

// disabled lists the passages of knowledge bases that were switched off.
func (s store) disabled(ctx context.Context, bases []string) ([]int64, error) {
	const list = `SELECT c.number FROM chunk AS c JOIN document AS d ON d.id = c.document
		WHERE c.disabled = 1 AND d.knowledge IN (SELECT value FROM json_each(?))`
	scope, err := jsonList(bases)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Read().QueryContext(ctx, list, scope)
	if err != nil {
		return nil, fmt.Errorf("passages that are off: %w", err)
	}
	defer rows.Close()
	var numbers []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, rows.Err()
}
