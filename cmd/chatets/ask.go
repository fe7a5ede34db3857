package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chatets/appliance/client"
	"chatets/appliance/fault"
	"chatets/appliance/table"
)

// citation is what the API says of a source.
type citation struct {
	Number   int `json:"number"`
	Document struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	} `json:"document"`
	Heading string `json:"heading"`
	Page    int    `json:"page"`
	Text    string `json:"text"`
}

func newAsk(o *options) *cobra.Command {
	var bases []string
	cmd := &cobra.Command{
		Use:     `ask "QUESTION"`,
		Short:   "Ask the knowledge bases; streams the answer, then its numbered sources",
		Long:    "Ask the knowledge bases. The answer is streamed and followed by its numbered sources.\nThe operator asks all knowledge bases; nothing is kept as a conversation, the act is audited.",
		Example: `  chatets ask "Who is called when the cold store alarms?" --knowledge "Ward handbook"`,
		Args:    exactly(1, "one question, in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error { return o.ask(cmd, s, args[0], bases) })
		},
	}
	cmd.Flags().StringArrayVar(&bases, "knowledge", nil, "name or id of a knowledge base to ask; may be repeated (default all)")
	return cmd
}

func (o *options) ask(cmd *cobra.Command, s *service, question string, names []string) error {
	in := map[string]any{"question": question}
	if len(names) > 0 {
		var ids []string
		for _, name := range names {
			k, err := byName(cmd, s, name)
			if err != nil {
				return err
			}
			ids = append(ids, k.ID)
		}
		in["knowledge"] = ids
	}
	var sources []citation
	ended := false
	err := s.Stream(cmd.Context(), "/api/operator/ask", in, func(e client.Event) error {
		switch e.Name {
		case "delta":
			var d struct{ Text string }
			if err := json.Unmarshal(e.Data, &d); err != nil {
				return err
			}
			if !o.json {
				fmt.Fprint(o.out, harmless(d.Text))
			}
		case "citations":
			return json.Unmarshal(e.Data, &sources)
		case "done":
			ended = true
			if o.json {
				var answer any
				if err := json.Unmarshal(e.Data, &answer); err != nil {
					return err
				}
				return o.printJSON(answer)
			}
		case "error":
			ended = true
			var p struct{ Detail, Cure string }
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return err
			}
			return fault.New(fault.Unavailable, "%s", p.Detail).Cure("%s", p.Cure)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !ended {
		return fault.New(fault.Unavailable, "The answer was cut off before its end.").Cure("Ask again.")
	}
	if o.json {
		return nil
	}
	fmt.Fprintln(o.out)
	if len(sources) > 0 {
		fmt.Fprintln(o.out, "\nSources")
	}
	for _, c := range sources {
		place := c.Document.Title
		if c.Heading != "" {
			place += ", " + c.Heading
		}
		if c.Page > 0 {
			place += fmt.Sprintf(", p. %d", c.Page)
		}
		o.say("[%d] %s", c.Number, place)
		for _, line := range wrap(table.Clean(c.Text), 88) {
			fmt.Fprintln(o.out, "    "+line)
		}
	}
	return nil
}

// harmless keeps the line breaks of an answer and nothing else a terminal would obey.
func harmless(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = table.Clean(line)
	}
	return strings.Join(lines, "\n")
}

// wrap breaks text into lines of at most width columns, at spaces.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && table.Width(line)+1+table.Width(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
