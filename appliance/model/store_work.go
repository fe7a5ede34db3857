package model

import (
	"context"

	"chatets/appliance/audit"
	"chatets/appliance/job"
	"chatets/appliance/sqlite"
)

// enqueueImport enqueues an import; one of the same model on the same server
// that waits or runs is that job.
func (s store) enqueueImport(ctx context.Context, n Import, entry audit.Entry) (id string, err error) {
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		id, err = s.queue.Enqueue(ctx, tx, job.New{Kind: importKind, Key: n.Server + "/" + n.Name, Payload: n})
		if err != nil {
			return err
		}
		entry.Detail["job"] = id
		return s.audit.Record(ctx, tx, entry)
	})
	return id, err
}
