package login

import (
	"context"
	"fmt"

	"chatets/appliance/sqlite"
)

// EndAccess ends whatever lets somebody in without proving anew who they are:
// sessions, trusted devices, API keys, links to set a password. A restored directory may
// hold some that were ended since. Whoever adds another such table adds it here.
func EndAccess(ctx context.Context, tx *sqlite.Tx) error {
	for _, statement := range []string{`DELETE FROM session`, `DELETE FROM trusted_device`, `DELETE FROM password_link`, `DELETE FROM api_key`} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("end all access: %w", err)
		}
	}
	return nil
}
