package login

import (
	"context"
	"fmt"

	"chatets/appliance/sqlite"
)

// Readable reads the password hash of everybody who has one, as a sign-in would
// before it compares, and returns how many there are. It tells of a database that
// was restored whether people could sign in.
func Readable(ctx context.Context, db *sqlite.DB) (people int64, err error) {
	rows, err := db.Read().QueryContext(ctx, `SELECT w.hash FROM password AS w JOIN person AS p ON p.id = w.person`)
	if err != nil {
		return 0, fmt.Errorf("read the password hashes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return 0, fmt.Errorf("read the password hashes: %w", err)
		}
		if _, _, _, err := decode(hash); err != nil {
			return 0, err
		}
		people++
	}
	return people, rows.Err()
}
