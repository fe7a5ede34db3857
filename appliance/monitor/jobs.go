package monitor

import (
	"context"
	"errors"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/job"
)

// acted records what an administrator did to a job. The queue writes the change
// in a transaction of its own, so the record comes right behind it: a crash
// between the two loses the row of an act that loses no data.
func (m *Monitor) acted(ctx context.Context, act string, j job.Job, err error) error {
	outcome := audit.OK
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
		outcome = audit.Refused
	case err != nil:
		outcome = audit.Failed
	}
	return errors.Join(err, m.Audit.Refused(ctx, audit.Entry{Act: act, ObjectKind: "job", Object: j.ID, Outcome: outcome,
		Workspace: j.Workspace, Detail: map[string]any{"kind": j.Kind}}))
}
