package vector

import (
	"context"
	"fmt"
)

// Chance is the mean cosine of passages of a base that were not chosen for being
// near to each other: what two texts have by chance in this space. It reads at
// most so many rows, from all over the base; of fewer than two it is 0.
func (s *Store) Chance(ctx context.Context, base string, space Space, most int) (float64, error) {
	f, found, err := s.find(ctx, s.db.Read(), key{base, space})
	if err != nil || !found {
		return 0, err
	}
	const some = `SELECT vector FROM vector_row WHERE sequence IN (SELECT sequence FROM
		(SELECT sequence, row_number() OVER (ORDER BY sequence) AS n FROM vector_row WHERE base = ? AND space = ?) WHERE n % ? = 0 LIMIT ?)`
	rows, err := s.db.Read().QueryContext(ctx, some, base, f.space, max(1, f.count/max(1, most)), most)
	if err != nil {
		return 0, fmt.Errorf("read vectors: %w", err)
	}
	defer rows.Close()
	var list [][]float32
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return 0, err
		}
		v := make([]float32, space.Dimension)
		if err := decode(data, v); err != nil {
			return 0, err
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	sum, n := 0.0, 0
	for i, a := range list {
		for _, b := range list[:i] {
			sum += cosine(a, b, length(a)*length(b))
			n++
		}
	}
	return sum / float64(max(n, 1)), nil
}
