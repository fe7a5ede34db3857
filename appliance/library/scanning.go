package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
	"chatets/appliance/job"
	"chatets/appliance/scan"
)

// The verdicts on a file.
const (
	Clean    = "clean"
	Found    = "found"
	Unjudged = "unjudged" // it was read without one, as the settings say
	Released = "released" // an administrator let it go
)

// heldPause is how long a document waits for a scanner before it asks again.
// When the scanner answers again, all that wait are asked for at once.
const heldPause = time.Minute

// errCaught says that a file was put in quarantine: its reading is over.
var errCaught = errors.New("the file is in quarantine")

// held is a scanner that gives no verdict now; the document waits.
type held struct{ error }

func (h held) Unwrap() error { return h.error }

// judge has a document's file scanned before anything reads it. What is noted
// of a file that is read without a verdict comes back.
func (l *Library) judge(ctx context.Context, d Document) (note string, err error) {
	if d.Verdict == Released {
		return "", nil
	}
	open := func() (io.ReadCloser, error) { return l.blobs.Open(ctx, d.Workspace, d.blob) }
	v, asked, err := l.guard.judge(ctx, d.ID, d.Size, open)
	code := fault.Of(err).Code
	noVerdict := code == "scan-failed" || code == "scan-too-large"
	switch {
	case !asked:
		return "", l.store.judged(ctx, d, "")
	case err == nil && v.Clean:
		return "", l.store.judged(ctx, d, Clean)
	case err == nil:
		return "", l.quarantine(ctx, d, v)
	case !noVerdict:
		return "", err
	case !l.guard.holds(ctx):
		note = "Not scanned for malware: the scanner did not answer."
		if code == "scan-too-large" {
			note = "Not scanned for malware: the file is larger than the scanner takes."
		}
		return note, l.store.judged(ctx, d, Unjudged)
	case code == "scan-too-large":
		return "", err
	case errors.Is(err, errHopeless):
		return "", fault.New(fault.Invalid, "The malware scanner gives no verdict on this file, so it was not read.").Code("scan-failed").
			Cure("Ask an administrator to look into the scanner's log; the file may be one that breaks it.").Because(err)
	}
	return "", held{err}
}

// quarantine locks a document away.
func (l *Library) quarantine(ctx context.Context, d Document, v scan.Verdict) error {
	if err := l.clearEditions(ctx, d); err != nil {
		return err
	}
	if err := l.store.quarantine(ctx, d, v.Name); err != nil {
		return err
	}
	l.log.Warn("the malware scanner found something in a document, which is in quarantine", "document", d.ID, "workspace", d.Workspace, "found", v.Name)
	return errCaught
}

// hold lets a document wait for the scanner.
func (l *Library) hold(ctx context.Context, d Document, cause error) error {
	reason, cure := "The malware scanner does not answer; the document waits for it.", "Nothing is lost: it is read as soon as the scanner answers. An administrator should look after the scanner."
	if err := l.store.hold(ctx, d, reason, cure); err != nil {
		return errors.Join(cause, err)
	}
	l.tell(d.Workspace, "document")
	return job.Postpone(cause, heldPause)
}

// noted puts a note before what the reader says.
func noted(note, more string) string { return strings.TrimSpace(note + " " + more) }

// mayServe is an error where the file of a document must not leave the house.
func (l *Library) mayServe(d Document) error {
	switch {
	case d.State == Quarantined:
		return locked(d)
	case d.State != Ready && (d.Verdict == "" || d.Verdict == Found) && l.guard.on():
		return fault.New(fault.Conflict, "The file was not scanned for malware yet.").Code("document-not-scanned").Cure("Try again when the document was read.")
	}
	return nil
}

// locked says why a document in quarantine is not opened.
func locked(d Document) error {
	return fault.New(fault.Conflict, "The document is in quarantine: %s", d.Reason).Code("document-quarantined").Cure("%s", d.Cure)
}

func findingReason(name string) string {
	return fmt.Sprintf("The malware scanner found %s in this file.", name)
}

const quarantineCure = "Do not open the file anywhere. An administrator can delete it, or release it if the scanner is wrong."

// Quarantine lists what is in quarantine in the knowledge bases that who
// manages, the newest first.
func (l *Library) Quarantine(ctx context.Context, who Reach, before string, limit int) ([]Caught, error) {
	if err := who.who.Need(who.manages()); err != nil {
		return nil, errors.Join(err, l.store.refused(ctx, "quarantine.list", "quarantine", ""))
	}
	return l.store.caught(ctx, who, before, limit)
}

// Caught is a document in quarantine with the name of its knowledge base.
type Caught struct {
	Document
	Base string
}

// caught is one document in quarantine, for who manages its workspace.
func (l *Library) caught(ctx context.Context, who Reach, id, act string) (Document, error) {
	d, err := l.store.document(ctx, who, id)
	if err == nil {
		err = who.who.Need(who.manages())
	}
	if err == nil && d.State != Quarantined {
		err = fault.New(fault.Conflict, "The document is not in quarantine.").Code("not-quarantined")
	}
	return d, l.refuse(ctx, err, act, "document", id)
}

// Release has a document read although the scanner found something in it. Who
// releases says why; both are recorded.
func (l *Library) Release(ctx context.Context, who Reach, id string, why Decision) (Document, error) {
	d, err := l.caught(ctx, who, id, "quarantine.release")
	if err != nil {
		return Document{}, err
	}
	if err := why.check(); err != nil {
		return Document{}, err
	}
	if err := l.store.letGo(ctx, who, d, why); err != nil {
		return Document{}, err
	}
	l.tell(d.Workspace, "document")
	return l.store.document(ctx, who, id)
}

// Destroy deletes a document that is in quarantine.
func (l *Library) Destroy(ctx context.Context, who Reach, id string, why Decision) error {
	d, err := l.caught(ctx, who, id, "quarantine.delete")
	if err != nil {
		return err
	}
	if err := why.check(); err != nil {
		return err
	}
	if err := l.store.destroy(ctx, who, d, why); err != nil {
		return err
	}
	l.tell(d.Workspace, "document", "knowledge")
	return nil
}

// Decision is why a document leaves the quarantine, as the audit record may hold
// it: a word of a list, and where more is written down, such as the number of a ticket.
type Decision struct{ Reason, Reference string }

func (d Decision) check() error {
	switch d.Reason {
	case "false-alarm", "checked", "test-file", "needed", "malware", "unwanted":
	default:
		return wrong("reason", "Give false-alarm, checked, test-file, needed, malware or unwanted.")
	}
	for _, r := range d.Reference {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/-", r) {
			return wrong("reference", "Give the number of a ticket or the like: letters, digits and . _ : + / - only.")
		}
	}
	if len(d.Reference) > 60 {
		return wrong("reference", "Give at most 60 characters.")
	}
	return nil
}

// Scanner is how the malware scanner is.
type Scanner struct {
	On     bool
	Silent time.Time // since when it does not answer; zero = it answers
	Cause  error
	// Documents that wait for it, and that are in quarantine, in all workspaces.
	Held, Quarantined int
}

// Scanner asks the malware scanner whether it is there.
func (l *Library) Scanner(ctx context.Context) (Scanner, error) {
	s := Scanner{}
	s.On, s.Silent, s.Cause = l.guard.state(ctx)
	var err error
	s.Held, s.Quarantined, err = l.store.stopped(ctx)
	return s, err
}

// TestScanner has the scanner judge a file that is not kept.
func (l *Library) TestScanner(ctx context.Context, size int64, body io.Reader) (scan.Verdict, time.Duration, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Administers()); err != nil {
		return scan.Verdict{}, 0, err
	}
	began := l.now()
	v, err := l.guard.test(ctx, size, body)
	return v, l.now().Sub(began), err
}
