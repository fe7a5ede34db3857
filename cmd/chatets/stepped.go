package main

import (
	"strings"

	"chatets/appliance/fault"
)

// steppedTest is what the API says of a test that goes step by step, of a
// directory or an identity provider. It ends with the first step that fails.
type steppedTest struct {
	OK    bool `json:"ok"`
	Steps []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Query  string `json:"query"`
		Answer string `json:"answer"`
		Error  string `json:"error,omitempty"`
		Cure   string `json:"cure,omitempty"`
		Millis int64  `json:"millis"`
	} `json:"steps"`
}

// sayStepped prints each step with its question and what came back; the error is
// that of the step that failed.
func (o *options) sayStepped(t steppedTest) error {
	if o.json {
		if err := o.printJSON(t); err != nil {
			return err
		}
	} else {
		for _, step := range t.Steps {
			mark := "ok"
			if !step.OK {
				mark = "FAILED"
			}
			o.say("%-9s %-6s %s (%d ms)", step.Name, mark, step.Query, step.Millis)
			for line := range strings.Lines(step.Answer) {
				o.say("          %s", strings.TrimRight(line, "\n"))
			}
		}
	}
	if !t.OK && len(t.Steps) > 0 {
		last := t.Steps[len(t.Steps)-1]
		return fault.New(fault.Conflict, "%s", last.Error).Cure("%s", last.Cure)
	}
	return nil
}
