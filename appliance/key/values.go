package key

import (
	"context"
	"errors"
	"fmt"

	"chatets/appliance/secret"
)

// Column is a column of a table that holds sealed values. Their additional data
// is the row's id.
type Column struct {
	Table   string
	Name    string
	Purpose string
	ID      string // what the table calls the row's id; "" = id
}

func (c Column) id() string {
	if c.ID == "" {
		return "id"
	}
	return c.ID
}

// values is the Holder of the columns.
func (k *Keys) values() Holder {
	return Holder{Name: "values", Left: func(ctx context.Context) (int, error) {
		left := 0
		for _, c := range k.c.Columns {
			old, _, err := k.store.oldValues(ctx, c, k.c.Secrets.Ring().Current())
			if err != nil {
				return 0, err
			}
			left += len(old)
		}
		return left, nil
	}, Reseal: func(ctx context.Context, told func(done, all int)) error {
		var errs []error
		for _, c := range k.c.Columns {
			errs = append(errs, k.reseal(ctx, c, told))
		}
		return errors.Join(errs...)
	}}
}

// reseal seals the values of a column anew, each in an update that leaves alone
// what somebody changed meanwhile. A value that does not open is left: it is lost
// already, and whoever wants it says so.
func (k *Keys) reseal(ctx context.Context, c Column, told func(done, all int)) error {
	ring := k.c.Secrets.Ring()
	old, all, err := k.store.oldValues(ctx, c, ring.Current())
	if err != nil {
		return err
	}
	for i, v := range old {
		plain, err := ring.Open(c.Purpose, v.sealed, []byte(v.id))
		if errors.Is(err, secret.ErrSealed) {
			return fmt.Errorf("a value of %s.%s does not open: %w", c.Table, c.Name, err)
		}
		if err != nil {
			return err
		}
		sealed, err := ring.Seal(c.Purpose, plain, []byte(v.id))
		clear(plain)
		if err != nil {
			return err
		}
		if err := k.store.replace(ctx, c, v, sealed); err != nil {
			return err
		}
		told(all-len(old)+i+1, all)
	}
	return nil
}
