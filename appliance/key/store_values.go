package key

import (
	"context"
	"fmt"

	"chatets/appliance/secret"
	"chatets/appliance/sqlite"
)

// value is one sealed value.
type value struct {
	id     string
	sealed []byte
}

// oldValues are the values of a column that are not sealed with the current key,
// and how many there are in all. The names are those of our own columns.
func (s Store) oldValues(ctx context.Context, c Column, current uint32) (old []value, all int, err error) {
	name := quoted(c.Name)
	rows, err := s.DB.Read().QueryContext(ctx, `SELECT `+quoted(c.id())+`, `+name+` FROM `+quoted(c.Table)+` WHERE `+name+` IS NOT NULL`)
	if err != nil {
		return nil, 0, fmt.Errorf("values of %s.%s: %w", c.Table, c.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v value
		if err := rows.Scan(&v.id, &v.sealed); err != nil {
			return nil, 0, err
		}
		if len(v.sealed) == 0 {
			continue
		}
		if all++; secret.NumberOf(v.sealed) != current {
			old = append(old, v)
		}
	}
	return old, all, rows.Err()
}

// replace puts a value in the place of the one that was read, where it is still there.
func (s Store) replace(ctx context.Context, c Column, was value, sealed []byte) error {
	name := quoted(c.Name)
	return s.DB.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE `+quoted(c.Table)+` SET `+name+` = ? WHERE `+quoted(c.id())+` = ? AND `+name+` = ?`, sealed, was.id, was.sealed)
		return err
	})
}

// pagesLeft counts the pages under old keys.
func (s Store) pagesLeft(old []uint32) (int, error) {
	left := 0
	for _, number := range old {
		n, err := s.DB.PagesUnder(number)
		if err != nil {
			return 0, err
		}
		left += n
	}
	return left, nil
}
