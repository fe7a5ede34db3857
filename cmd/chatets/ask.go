package main

import (
	"encoding/json"
	"fmt"

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

const (
	readable = 92 // columns; longer lines of a passage are hard to read
	narrow   = 24 // columns; less is no terminal to read on
)

func newAsk(o *options) *cobra.Command {
	var bases []string
	var model string
	var in placing
	cmd := &cobra.Command{
		Use:   `ask "QUESTION"`,
		Short: "Ask the knowledge bases; streams the answer, then its numbered sources",
		Long: `Ask the knowledge bases. The answer is streamed and followed by its numbered sources.
The operator asks all knowledge bases; nothing is kept as a conversation, the act is audited.`,
		Example: `  chatets ask "Who is called when the cold store alarms?" --knowledge "Ward handbook"`,
		Args:    exactly(1, "one question, in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error { return o.ask(cmd, s, args[0], bases, model, in) })
		},
	}
	cmd.Flags().StringArrayVar(&bases, "knowledge", nil, "`name` or id of a knowledge base to ask; may be repeated (default all)")
	cmd.Flags().StringVar(&model, "model", "", "`name` of the model that answers, or extractive for the documents' own words (default as set)")
	in.filterFlags(cmd)
	return cmd
}

func (o *options) ask(cmd *cobra.Command, s *service, question string, names []string, model string, only placing) error {
	in := map[string]any{"question": question}
	if model != "" {
		in["model"] = model
	}
	if filter := only.body(); len(filter) > 0 {
		in["filter"] = filter
	}
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
	a := answer{o: o}
	if err := s.Stream(cmd.Context(), "/api/operator/ask", in, a.take); err != nil {
		a.breakLine()
		return err
	}
	if !a.ended {
		a.breakLine()
		return fault.New(fault.Unavailable, "The answer was cut off before its end.").Cure("Ask again")
	}
	if o.json {
		return nil
	}
	a.breakLine()
	if a.unsupported {
		o.say("\nNo source supports this answer.")
	}
	o.printSources(a.sources)
	return nil
}

// answer is what has arrived of an answer.
type answer struct {
	o       *options
	sources []citation
	open    bool // a line is not ended
	ended   bool

	unsupported bool // no source supports it
}

// take is one event of the run.
func (a *answer) take(e client.Event) error {
	switch e.Name {
	case "delta":
		var d struct {
			Text string `json:"text"`
		}
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return fmt.Errorf("read a part of the answer: %w", err)
		}
		if !a.o.json && d.Text != "" {
			a.open = d.Text[len(d.Text)-1] != '\n'
			_, err := fmt.Fprint(a.o.out, table.Lines(d.Text))
			return err
		}
	case "citations":
		a.sources = nil
		return json.Unmarshal(e.Data, &a.sources)
	case "done":
		a.ended = true
		if a.o.json {
			return a.o.printJSON(json.RawMessage(e.Data))
		}
		var d struct {
			Citations   *[]citation `json:"citations"`
			Unsupported bool        `json:"unsupported"`
		}
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return fmt.Errorf("read the end of the answer: %w", err)
		}
		a.unsupported = d.Unsupported
		if d.Citations != nil {
			a.sources = *d.Citations // of all that were given, those the answer names
		}
	case "error":
		a.ended = true
		if err := client.Problem(e.Data); err != nil {
			return err
		}
		return fault.New(fault.Internal, "The answer failed.").Cure("Look into the log of the service")
	case "shutdown":
		return fault.New(fault.Unavailable, "The service was stopped before the answer ended.").Cure("Ask again when it runs")
	}
	return nil
}

func (a *answer) breakLine() {
	if a.open {
		a.open = false
		fmt.Fprintln(a.o.out)
	}
}

func (o *options) printSources(sources []citation) {
	if len(sources) == 0 {
		return
	}
	width := readable
	if n, terminal := columns(o.out); terminal {
		width = max(narrow, min(n, readable))
	}
	fmt.Fprintln(o.out, "\nSources")
	for _, c := range sources {
		place := c.Document.Title
		if c.Heading != "" {
			place += ", " + c.Heading
		}
		if c.Page > 0 {
			place += fmt.Sprintf(", page %d", c.Page)
		}
		number := fmt.Sprintf("[%d] ", c.Number)
		for i, line := range table.Wrap(place, width-len(number)) {
			if i > 0 {
				number = fmt.Sprintf("%*s", len(number), "")
			}
			fmt.Fprintln(o.out, number+line)
		}
		for _, line := range table.Wrap(c.Text, width-4) {
			fmt.Fprintln(o.out, "    "+line)
		}
	}
}
