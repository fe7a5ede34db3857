package sqlite

import "context"

// halt is why nothing may be written.
type halt struct{ err error }

// despite marks the context of the few updates that are made all the same.
type despite struct{}

// Despite returns a context whose updates are made also while the database is
// halted: for what records why it is, and for what ends it.
func Despite(ctx context.Context) context.Context { return context.WithValue(ctx, despite{}, true) }

// Halt refuses every update from now on with err, while reading goes on; nil
// lets them be made again.
func (db *DB) Halt(err error) {
	if err == nil {
		db.writer.halted.Store(nil)
		return
	}
	db.writer.halted.Store(&halt{err})
}

// Halted is why updates are refused; nil while they are not.
func (db *DB) Halted() error {
	if h := db.writer.halted.Load(); h != nil {
		return h.err
	}
	return nil
}
