// Package fault is the one error type that crosses package borders: a kind, a
// sentence for the person, the cure, and the cause for the log.
//
// What a newcomer gets wrong: the sentence is shown to people as it stands, so
// it holds no path, SQL or library name; whatever explains the failure to an
// operator goes into the cause with Because.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind classes a failure by what the caller can do about it; the HTTP status
// and the exit code of the command line follow from it alone.
type Kind int

// The kinds, from the one nobody classed to the ones with their own status.
const (
	Internal        Kind = iota // 500: a bug or a broken machine; the person sees a fixed sentence
	Malformed                   // 400: the request cannot be read at all
	Unauthenticated             // 401: nobody is signed in
	Forbidden                   // 403: the person may know it exists but may not do this
	NotFound                    // 404: does not exist, or the person may not know that it does
	Conflict                    // 409: the state does not allow it now
	TooLarge                    // 413: more bytes than the limit
	Unsupported                 // 415: a type that is not read
	Invalid                     // 422: readable, but a value is wrong
	TooMany                     // 429: a limit for this caller is reached
	Cancelled                   // 499: the caller left or stopped it
	Unavailable                 // 503: try again later
	Full                        // 507: the disk is full
)

// codes are the words of the wire for each kind; they never change.
var codes = [...]string{
	Internal: "internal", Malformed: "malformed", Unauthenticated: "unauthenticated", Forbidden: "forbidden",
	NotFound: "not-found", Conflict: "conflict", TooLarge: "too-large", Unsupported: "unsupported",
	Invalid: "invalid", TooMany: "too-many", Cancelled: "cancelled", Unavailable: "unavailable", Full: "disk-full",
}

// String is the kind's word on the wire, for example "not-found".
func (k Kind) String() string {
	if k < 0 || int(k) >= len(codes) {
		return codes[Internal]
	}
	return codes[k]
}

// Detail names one wrong value of a request, for example Field "body.name".
type Detail struct {
	Field    string `json:"field"`
	Sentence string `json:"sentence"`
}

// Error is a failure with its sentence for the person. Build it with New and
// the methods below; each method returns a changed copy.
type Error struct {
	kind     Kind
	code     string
	sentence string
	cure     string
	cause    error
	details  []Detail
	retry    int
}

// New returns an error of the kind with the public sentence.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{kind: kind, sentence: fmt.Sprintf(format, args...)}
}

// Cure returns a copy that tells the person what to do about it.
func (e *Error) Cure(format string, args ...any) *Error {
	c := *e
	c.cure = fmt.Sprintf(format, args...)
	return &c
}

// Code returns a copy with a narrower word than the kind's, for clients that
// must tell two failures of one kind apart, for example "setup-link-used".
func (e *Error) Code(code string) *Error {
	c := *e
	c.code = code
	return &c
}

// Because returns a copy with the cause, which only the log sees.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With returns a copy that also names the wrong fields.
func (e *Error) With(details ...Detail) *Error {
	c := *e
	c.details = append(append([]Detail(nil), e.details...), details...)
	return &c
}

// RetryAfter returns a copy that asks the caller to wait that many seconds.
func (e *Error) RetryAfter(seconds int) *Error {
	c := *e
	c.retry = seconds
	return &c
}

// Error is the text for logs and the command line: sentence, then cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.sentence + ": " + e.cause.Error()
	}
	return e.sentence
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.cause }

// Report is what the edge tells the person about a failure.
type Report struct {
	Kind       Kind
	Code       string // word of the wire
	Sentence   string
	Cure       string // "" where there is none
	Details    []Detail
	RetryAfter int // seconds; 0 where none is known
}

// Of reports any error. What nobody classed is Internal with a fixed sentence,
// so that no text of a library reaches a person by accident.
func Of(err error) Report {
	var e *Error
	switch {
	case errors.As(err, &e):
		r := Report{Kind: e.kind, Code: e.code, Sentence: e.sentence, Cure: e.cure, Details: e.details, RetryAfter: e.retry}
		if r.Code == "" {
			r.Code = e.kind.String()
		}
		return r
	case errors.Is(err, context.Canceled):
		return Report{Kind: Cancelled, Code: codes[Cancelled], Sentence: "The request was stopped before it was finished."}
	case errors.Is(err, context.DeadlineExceeded):
		return Report{Kind: Unavailable, Code: codes[Unavailable], Sentence: "This took longer than it may.", Cure: "Try again in a moment."}
	}
	return Report{Kind: Internal, Code: codes[Internal], Sentence: "Something in ChatETS failed.",
		Cure: "Try again; if it happens again, give the request id to your administrator."}
}

// KindOf is the kind of any error; nil and unclassed errors are Internal.
func KindOf(err error) Kind { return Of(err).Kind }

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
