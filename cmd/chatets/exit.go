package main

import (
	"errors"
	"strings"

	"chatets/appliance/client"
	"chatets/appliance/fault"
	"chatets/appliance/table"
)

// The exit codes never change; every help text lists them.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitNotFound  = 3
	exitRefused   = 4
	exitBusy      = 5
	exitIntegrity = 6
)

const exitCodes = `
Exit codes:
  0  done
  1  failed
  2  wrong use of the command
  3  what was named does not exist
  4  refused: no right to do this, or a value is not accepted
  5  the service cannot be reached, or the data directory is in use
  6  the data or the audit record is damaged
`

// usage marks an error of the command line itself.
type usage struct{ error }

// Unwrap gives errors.As the fault inside.
func (u usage) Unwrap() error { return u.error }

// wrongUse is an error of the command line, with its cure.
func wrongUse(cure, format string, args ...any) error {
	return usage{fault.New(fault.Invalid, format, args...).Cure("%s", cure)}
}

// integrity marks an error that means damaged data.
type integrity struct{ error }

// Unwrap gives errors.As the fault inside.
func (i integrity) Unwrap() error { return i.error }

// exitCode is what the process tells its caller about err.
func exitCode(err error) int {
	var i integrity
	var u usage
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &i):
		return exitIntegrity
	case errors.As(err, &u):
		return exitUsage
	}
	r := fault.Of(err)
	switch r.Code {
	case "in-use", client.Absent:
		return exitBusy
	case "database-damaged", "file-damaged", "key-damaged", "key-unproven", "archive-damaged", "archive-cut", "replica-damaged", "replica-incomplete":
		return exitIntegrity
	case "key-unwritable", "file-unreadable":
		return exitFailed
	}
	switch r.Kind {
	case fault.NotFound:
		return exitNotFound
	case fault.Forbidden, fault.Unauthenticated, fault.Invalid, fault.Malformed, fault.TooLarge, fault.Unsupported:
		return exitRefused
	case fault.Unavailable:
		return exitBusy
	}
	return exitFailed
}

// sentence is what a person reads: what happened, and in brackets what to do.
func sentence(err error) string { return sentenceFor("", err) }

// sentenceFor is sentence with the name of what it is about, "" = the command.
func sentenceFor(subject string, err error) string {
	r := fault.Of(err)
	var known *fault.Error
	if !errors.As(err, &known) && r.Kind == fault.Internal {
		// Nobody classed it: an operator is better served by its own text.
		r.Sentence, r.Cure = err.Error(), ""
	}
	var b strings.Builder
	b.WriteString("chatets: ")
	if subject != "" {
		b.WriteString(table.Clean(subject) + ": ")
	}
	b.WriteString(table.Clean(lower(r.Sentence)))
	if r.Cure != "" {
		b.WriteString(" (" + table.Clean(lower(r.Cure)) + ")")
	}
	for _, d := range r.Details {
		if d.Sentence != r.Sentence {
			b.WriteString("\n  " + table.Clean(strings.TrimPrefix(d.Field, "body.")+": "+d.Sentence))
		}
	}
	return b.String()
}

// lower turns a sentence into the form of a command's message: no capital at
// its beginning, no full stop at its end; names in capitals stay.
func lower(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' && !strings.HasPrefix(s, "ChatETS") {
		s = strings.ToLower(s[:1]) + s[1:]
	}
	if strings.HasPrefix(s, "A ") {
		s = "a" + s[1:]
	}
	return s
}
