package main

import (
	"context"

	"github.com/spf13/cobra"

	"chatets/appliance/fault"
)

// auditReport is what the API says of the record.
type auditReport struct {
	OK     bool   `json:"ok"`
	Rows   int64  `json:"rows"`
	Head   string `json:"head"`
	Broken *struct {
		Row int64  `json:"row"`
		Why string `json:"why"`
	} `json:"broken,omitempty"`
}

func newAudit(o *options) *cobra.Command {
	verify := &cobra.Command{
		Use: "verify", Short: "Check that the audit record is whole and unchanged", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				report, err := verifyAudit(cmd.Context(), s)
				if err != nil {
					return err
				}
				if o.json {
					if err := o.printJSON(report); err != nil {
						return err
					}
				} else if report.OK {
					o.say("The audit record is whole: %d rows, head %s.", report.Rows, report.Head)
				}
				return report.err()
			})
		},
	}
	return group("audit", "The audit record", verify)
}

func verifyAudit(ctx context.Context, s *service) (auditReport, error) {
	var report auditReport
	err := s.Call(ctx, "POST", "/api/audit/verify", nil, &report)
	return report, err
}

// err is nil for a record that is whole.
func (r auditReport) err() error {
	if r.OK {
		return nil
	}
	e := fault.New(fault.Conflict, "The audit record is broken.")
	if r.Broken != nil {
		e = fault.New(fault.Conflict, "The audit record is broken at row %d: %s", r.Broken.Row, r.Broken.Why)
	}
	return integrity{e.Cure("Keep a copy of the data directory as evidence; the rows before hold")}
}
