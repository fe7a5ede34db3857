package account

import (
	"context"
	"fmt"

	"chatets/appliance/sqlite"
)

// SetDisabled says again in a restored directory who may not come in, or may; of
// somebody who is not there it does nothing.
func SetDisabled(ctx context.Context, tx *sqlite.Tx, person string, disabled bool) error {
	if _, err := tx.Exec(ctx, `UPDATE person SET disabled = ? WHERE id = ?`, disabled, person); err != nil {
		return fmt.Errorf("disable a person: %w", err)
	}
	return nil
}
