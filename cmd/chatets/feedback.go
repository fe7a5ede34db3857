package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// feedbackCount is what the API says of the answers of a model.
type feedbackCount struct {
	Model   string         `json:"model"`
	Up      int            `json:"up"`
	Down    int            `json:"down"`
	Reasons map[string]int `json:"reasons"`
}

// newFeedback counts what people think of answers; what they wrote is theirs.
func newFeedback(o *options) *cobra.Command {
	days := 30
	cmd := &cobra.Command{
		Use: "feedback", Short: "Count what people think of answers, by model", Args: exactly(0, "no argument"), Example: "  chatets feedback --days 7",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				var got struct {
					Items []feedbackCount `json:"items"`
				}
				if err := s.Call(cmd.Context(), "GET", fmt.Sprintf("/api/feedback?days=%d", days), nil, &got); err != nil {
					return err
				}
				return o.rows([]string{"model", "good", "bad", "reasons"}, func(row func(...any) error) error {
					for _, f := range got.Items {
						if err := row(cmp.Or(f.Model, "(own words)"), f.Up, f.Down, strings.Join(reasonsOf(f.Reasons), ", ")); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
	cmd.Flags().IntVar(&days, "days", days, "how many `days` back")
	return cmd
}

// reasonsOf are reasons with their counts, the most frequent first.
func reasonsOf(counts map[string]int) []string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return names
}
