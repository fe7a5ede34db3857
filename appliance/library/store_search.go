package library

import (
	"context"
	"encoding/json"
	"fmt"

	"chatets/appliance/lexical"
)

// worded ranks by words in knowledge bases that were asked for by right.
func (s store) worded(ctx context.Context, q lexical.Query) ([]lexical.Hit, error) {
	return lexical.Search(ctx, s.db.Read(), q)
}

// passages are the chunks of the numbers that who may read. Rights are asked
// for once more: they may have been taken away since the ranking began.
func (s store) passages(ctx context.Context, who Reach, numbers string) (map[int64]Passage, error) {
	const some = `SELECT c.number, d.id, d.title, d.knowledge, d.version, c.page, c.heading, c.start, c."end", c.text, c.parts
		FROM chunk AS c JOIN document AS d ON d.id = c.document JOIN knowledge AS k ON k.id = d.knowledge
		WHERE c.number IN (SELECT value FROM json_each(?8)) AND d.state = 'ready' AND c.edition = d.edition AND c.disabled = 0 AND d.deleted = 0 AND k.deleted = 0 AND ` + documentRight + ` <> 'none'`
	rows, err := s.db.Read().QueryContext(ctx, some, who.args(numbers)...)
	if err != nil {
		return nil, fmt.Errorf("read passages: %w", err)
	}
	defer rows.Close()
	found := map[int64]Passage{}
	for rows.Next() {
		var p Passage
		var parts []byte
		if err := rows.Scan(&p.Chunk, &p.Document, &p.DocumentTitle, &p.Knowledge, &p.Version, &p.Page, &p.Heading, &p.Start, &p.End, &p.Text, &parts); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(parts, &p.Parts); err != nil {
			return nil, fmt.Errorf("parts of passage %d: %w", p.Chunk, err)
		}
		found[p.Chunk] = p
	}
	return found, rows.Err()
}
