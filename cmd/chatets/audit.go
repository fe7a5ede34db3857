package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newAudit(o *options) *cobra.Command {
	verify := &cobra.Command{
		Use: "verify", Short: "Check the chain of the audit record", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				var report struct {
					OK     bool   `json:"ok"`
					Rows   int64  `json:"rows"`
					Head   string `json:"head"`
					Broken *struct {
						Row int64  `json:"row"`
						Why string `json:"why"`
					} `json:"broken,omitempty"`
				}
				if err := s.Call(cmd.Context(), "POST", "/api/audit/verify", nil, &report); err != nil {
					return err
				}
				if o.json {
					if err := o.printJSON(report); err != nil {
						return err
					}
				} else if report.OK {
					o.say("The audit record is whole: %d rows, head %s.", report.Rows, report.Head)
				}
				if !report.OK {
					why := "for an unknown reason"
					if report.Broken != nil {
						why = fmt.Sprintf("at row %d: %s", report.Broken.Row, report.Broken.Why)
					}
					return integrity{fmt.Errorf("the audit record is broken %s", why)}
				}
				return nil
			})
		},
	}
	return group("audit", "The audit record", verify)
}
