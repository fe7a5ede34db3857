package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/egress"
	"chatets/appliance/fault"
	"chatets/appliance/target"
)

const (
	maxTargets    = 8
	secretPurpose = "backup-target"
	gateOwner     = "backup"
)

// Target is a place the data is copied to.
type Target struct {
	ID, Workspace, Owner string
	Name, URL            string
	Kind                 target.Kind
	CA, HostKey          string
	Wait                 bool  // a document counts as kept once the target has it
	Rate                 int64 // bytes a second, 0 = no limit
	TakeOver             bool  // it held backups of an earlier start of this installation
	Created              time.Time

	sealed []byte
}

// NewTarget is a target to be added.
type NewTarget struct {
	Name, URL, Secret, CA, HostKey string
	Wait                           *bool // nil = for a directory
	Rate                           int64
	TakeOver                       bool
}

// Trial is what a test of a target found.
type Trial struct {
	Took        time.Duration
	Conditional bool // of two masters one is refused; else they cannot be told apart
	Deletes     bool // we may delete; else it must prune by its own rule
	SameDisk    bool // a directory on the disk of the data directory
}

func administers(ctx context.Context) (actor.Actor, error) {
	who := actor.From(ctx)
	return who, who.Need(who.Administers())
}

// purpose is the target's own in the rules of egress and its certificates.
func purpose(id string) string { return "backup-" + id }

// rule lets one target be reached.
func rule(id string, a target.Address) []egress.Rule {
	if a.Kind == target.Directory {
		return nil
	}
	return []egress.Rule{{Purpose: purpose(id), Host: a.Host, Port: a.Port}}
}

// allow lets all targets be reached, and no other server.
func (b *Backups) allow(list []Target) error {
	var rules []egress.Rule
	for _, t := range list {
		a, err := target.Parse(t.URL)
		if err != nil {
			return err
		}
		rules = append(rules, rule(t.ID, a)...)
	}
	return b.cfg.Gate.Allow(gateOwner, rules)
}

// openTarget opens a target with its secret.
func (b *Backups) openTarget(t Target, fresh bool) (target.Target, error) {
	secret := ""
	if len(t.sealed) > 0 {
		plain, err := b.cfg.Keys.Open(secretPurpose, t.sealed, []byte(t.ID))
		if err != nil {
			return nil, err
		}
		secret = string(plain)
	}
	return target.Open(target.Config{URL: t.URL, Secret: secret, CAs: []byte(t.CA), HostKey: t.HostKey, Purpose: purpose(t.ID), Gate: b.cfg.Gate, Fresh: fresh, Rate: t.Rate, Log: b.cfg.Log, Now: b.cfg.Now})
}

// Add tests a target and begins to copy to it.
func (b *Backups) Add(ctx context.Context, n NewTarget) (Target, Trial, error) {
	who, err := administers(ctx)
	if err != nil {
		return Target{}, Trial{}, err
	}
	t, err := b.checked(n)
	if err != nil {
		return Target{}, Trial{}, err
	}
	t.ID, t.Workspace, t.Owner = newID(), who.Workspace, who.ID
	if n.Secret != "" {
		if t.sealed, err = b.cfg.Keys.Seal(secretPurpose, []byte(n.Secret), []byte(t.ID)); err != nil {
			return Target{}, Trial{}, err
		}
	}
	b.change.Lock()
	defer b.change.Unlock()
	ctx = despite(ctx)
	if err := b.store.free(ctx, t); err != nil {
		return Target{}, Trial{}, err
	}
	trial, err := b.try(ctx, t, true)
	if err != nil {
		return Target{}, trial, err
	}
	if t, err = b.store.add(ctx, t, func(list []Target) error { return b.allow(list) }); err != nil {
		return Target{}, trial, err
	}
	b.tell()
	return t, trial, b.attach(context.WithoutCancel(ctx), t)
}

// checked is a new target whose values are right.
func (b *Backups) checked(n NewTarget) (t Target, err error) {
	if t.Name, err = account.Name("body.name", n.Name); err != nil {
		return t, err
	}
	a, err := target.Parse(n.URL)
	if err != nil {
		return t, err
	}
	t.Kind, t.URL, t.CA, t.HostKey, t.Rate, t.TakeOver = a.Kind, n.URL, n.CA, strings.TrimSpace(n.HostKey), n.Rate, n.TakeOver
	t.Wait = a.Kind == target.Directory
	if n.Wait != nil {
		t.Wait = *n.Wait
	}
	if a.Kind == target.Directory {
		if within(a.Path, b.cfg.Data) || within(b.cfg.Data, a.Path) {
			return t, fault.New(fault.Invalid, "A backup target may not lie in the data directory, nor around it: what destroys the one destroys the other.").Code("target-inside").
				Cure("Name a directory on another disk.").With(fault.Detail{Field: "body.url", Sentence: "Name a directory on another disk."})
		}
	}
	if a.Kind == target.SFTP && t.HostKey == "" {
		return t, fault.New(fault.Invalid, "The key of the SFTP server is not given.").Code("target-host-key").
			Cure("Ask the server for it, compare its fingerprint with what its administrator says, and add the target with it.").
			With(fault.Detail{Field: "body.hostKey", Sentence: "Give the server's key."})
	}
	if t.Rate < 0 {
		return t, fault.New(fault.Invalid, "A rate is a number of bytes a second, 0 for no limit.").With(fault.Detail{Field: "body.rate", Sentence: "Give a number of at least 0."})
	}
	return t, nil
}

// within reports whether a path lies in a directory or is it.
func within(path, dir string) bool {
	real := func(p string) string {
		p, _ = filepath.Abs(p)
		for rest := ""; ; {
			if found, err := filepath.EvalSymlinks(p); err == nil {
				return filepath.Join(found, rest)
			}
			up := filepath.Dir(p)
			if up == p {
				return filepath.Join(p, rest)
			}
			rest, p = filepath.Join(filepath.Base(p), rest), up
		}
	}
	rel, err := filepath.Rel(real(dir), real(path))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// Remove ends the copying to a target; what it holds stays there.
func (b *Backups) Remove(ctx context.Context, id string) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	b.change.Lock()
	defer b.change.Unlock()
	ctx = despite(ctx) // it is what ends that nothing may be written
	if err := b.store.remove(ctx, id, func(list []Target) error { return b.allow(list) }); err != nil {
		return err
	}
	b.tell()
	return b.detach(context.WithoutCancel(ctx), id)
}

// Test tries everything that copying to a target needs.
func (b *Backups) Test(ctx context.Context, id string) (Trial, error) {
	if _, err := administers(ctx); err != nil {
		return Trial{}, err
	}
	t, err := b.store.target(ctx, id)
	if err != nil {
		return Trial{}, err
	}
	trial, err := b.try(ctx, t, false)
	entry := audit.Entry{Act: "backup.target.test", Object: id, ObjectKind: "backup-target"}
	if err != nil {
		entry.Outcome, entry.Detail = audit.Failed, map[string]any{"why": fault.Of(err).Code}
	}
	return trial, errors.Join(err, b.store.record(ctx, entry))
}

// try writes, reads, and tries to write and delete a name that is taken. A new
// target may be reached for the time of the trial.
func (b *Backups) try(ctx context.Context, t Target, fresh bool) (trial Trial, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	a, err := target.Parse(t.URL)
	if err != nil {
		return trial, err
	}
	if fresh {
		owner := "backup try " + t.ID
		if err := b.cfg.Gate.Allow(owner, rule(t.ID, a)); err != nil {
			return trial, err
		}
		defer func() { err = errors.Join(err, b.cfg.Gate.Allow(owner, nil)) }()
	}
	begun := b.cfg.Now()
	opened, err := b.openTarget(t, fresh)
	if err != nil {
		return trial, err
	}
	defer opened.Close()
	if a.Kind == target.Directory {
		trial.SameDisk = sameDisk(a.Path, b.cfg.Data)
	}
	if err := b.ours(ctx, opened, fresh && !t.TakeOver); err != nil {
		return trial, err
	}
	if p, must := opened.(target.Preparer); must && fresh {
		if err := p.Prepare(ctx); err != nil {
			return trial, err
		}
	}
	if err := trial.write(ctx, opened); err != nil {
		return trial, err
	}
	trial.Took = b.cfg.Now().Sub(begun)
	return trial, nil
}

// write tries the operations on a name of its own.
func (trial *Trial) write(ctx context.Context, t target.Target) error {
	name := "check/" + newID()
	text := []byte("written by a test of ChatETS\n")
	if err := t.PutIfAbsent(ctx, name, text); err != nil {
		return err
	}
	err := t.PutIfAbsent(ctx, name, []byte("written by another\n"))
	trial.Conditional = errors.Is(err, target.ErrExists)
	if err != nil && !trial.Conditional {
		return err
	}
	if err := t.Put(ctx, name+"-2", bytes.NewReader(text), int64(len(text))); err != nil {
		return err
	}
	r, err := t.Get(ctx, name+"-2", 0, -1)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	if !bytes.Equal(got, text) {
		return fault.New(fault.Conflict, "The backup target gives back something else than was written.").Code("target-changed").Cure("Look at the server's log.")
	}
	found := 0
	for o, err := range t.List(ctx, name, "") {
		if err != nil {
			return err
		}
		if strings.HasPrefix(o.Name, name) {
			found++
		}
	}
	if found != 2 {
		return fault.New(fault.Conflict, "The backup target does not list what was written to it.").Code("target-listing").Cure("Give its key the right to list.")
	}
	trial.Deletes = true
	for _, n := range []string{name, name + "-2"} {
		if err := t.Delete(ctx, n); errors.Is(err, target.ErrNoDelete) {
			trial.Deletes = false
		} else if err != nil {
			return err
		}
	}
	return nil
}

// sameDisk reports whether a directory, or the nearest one above it that is
// there, lies on the disk of another.
func sameDisk(path, other string) bool {
	var a, b syscall.Stat_t
	if syscall.Stat(other, &b) != nil {
		return false
	}
	for {
		err := syscall.Stat(path, &a)
		if err == nil {
			return a.Dev == b.Dev
		}
		up := filepath.Dir(path)
		if up == path || !errors.Is(err, os.ErrNotExist) {
			return false
		}
		path = up
	}
}

// HostKey asks an SFTP server for its key.
func (b *Backups) HostKey(ctx context.Context, url string) (line, fingerprint string, err error) {
	if _, err := administers(ctx); err != nil {
		return "", "", err
	}
	return AskHostKey(ctx, b.cfg.Gate, url)
}

// AskHostKey is HostKey for whoever has no service.
func AskHostKey(ctx context.Context, gate *egress.Gate, url string) (line, fingerprint string, err error) {
	a, err := target.Parse(url)
	if err != nil {
		return "", "", err
	}
	if a.Kind != target.SFTP {
		return "", "", fault.New(fault.Invalid, "Only SFTP servers have a key to compare.")
	}
	id := "key-" + newID()
	if err := gate.Allow("backup "+id, rule(id, a)); err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, gate.Allow("backup "+id, nil)) }()
	return target.HostKey(ctx, gate, purpose(id), a.Server())
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
