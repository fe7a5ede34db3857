package key

import (
	"context"
	"errors"
	"slices"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// again is when work that could not be ended is tried once more; soon is when it
// only waits for another room to come to its end; look is how often it is looked
// at at least.
const (
	again = 20 * time.Second
	soon  = 500 * time.Millisecond
	look  = time.Hour // while old keys only wait for their date
)

// Run seals in the background what lies under old keys, and destroys those under
// which nothing is left, until ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: actor.SystemID})
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.wake:
		case <-wait.C:
		}
		left, err := k.Tend(ctx)
		k.mu.Lock()
		k.failure = ""
		if err != nil && ctx.Err() == nil {
			k.failure = fault.Of(err).Sentence
			k.c.Log.Error("old keys could not be put out of use; it is tried again", "error", err)
		}
		k.progress = nil
		k.mu.Unlock()
		switch {
		case err == nil && k.waiting:
			wait.Reset(soon)
		case err == nil && !k.rest.IsZero():
			// Only a date is waited for: every look goes through all pages and files.
			wait.Reset(min(max(k.rest.Sub(k.c.Now()), again), look))
		case left || err != nil:
			wait.Reset(again)
		}
	}
}

// Tend does what is due now. left says that an old key is still there.
func (k *Keys) Tend(ctx context.Context) (left bool, err error) {
	waiting, err := k.removeShredded(ctx)
	if err != nil {
		return true, err
	}
	k.waiting = waiting
	left, err = k.tendKeys(ctx)
	return left || waiting, err
}

// tendKeys puts old keys out of use as far as it goes now.
func (k *Keys) tendKeys(ctx context.Context) (left bool, err error) {
	k.rest = time.Time{}
	old := k.old()
	scopes := k.c.Secrets.OldScopes()
	if len(old) == 0 && len(scopes) == 0 {
		return false, k.endShreds(ctx)
	}
	clean, until, err := k.tendFiles(ctx, scopes)
	if err != nil {
		return true, err
	}
	if len(old) == 0 {
		if clean {
			k.rest = until
		}
		return !clean || !until.IsZero(), nil
	}
	for _, h := range k.c.Holders {
		left, err := h.Left(ctx)
		if err != nil {
			return true, err
		}
		if left == 0 {
			continue
		}
		k.busy = k.c.Now()
		if err := h.Reseal(ctx, k.tell(h.Name)); err != nil {
			return true, err
		}
	}
	if !clean {
		return true, nil
	}
	unused, next, err := k.unused(ctx)
	if err != nil {
		return true, err
	}
	if len(unused) > 0 {
		if err := k.destroy(ctx, unused); err != nil {
			return true, err
		}
	}
	k.rest = earliest(until, next)
	return !k.rest.IsZero(), k.endShreds(ctx)
}

// old are the numbers of the data keys that are not current any more.
func (k *Keys) old() []uint32 {
	var numbers []uint32
	for _, key := range k.c.Secrets.Status().Keys {
		if !key.Retired.IsZero() {
			numbers = append(numbers, key.Number)
		}
	}
	return numbers
}

// tendFiles seals the files of all workspaces with their current keys and
// destroys their old ones. until is the date that the first of those comes
// to its end which are kept for copies in targets; zero where there are none.
func (k *Keys) tendFiles(ctx context.Context, scopes []string) (clean bool, until time.Time, err error) {
	workspaces, err := k.c.Blobs.Workspaces()
	if err != nil {
		return false, until, err
	}
	clean = true
	for _, workspace := range workspaces {
		damaged, err := k.c.Blobs.Reseal(ctx, workspace, k.tell("files"))
		if err != nil {
			return false, until, err
		}
		// What is being written with an old key must have come to its place before it
		// is counted. What is damaged opens with no key.
		if k.c.Secrets.Held(workspace) {
			clean = false
			scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == workspace })
			continue
		}
		old, _, err := k.c.Blobs.Old(ctx, workspace)
		if err != nil {
			return false, until, err
		}
		if damaged > 0 {
			k.c.Log.Error("damaged files cannot be sealed with the new key", "workspace", workspace, "files", damaged)
		}
		if old > damaged {
			clean = false
			scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == workspace })
		}
	}
	for _, scope := range scopes {
		var asking error
		_, err := k.c.Secrets.DropScopeKeys(scope, func(retired time.Time) bool {
			kept, err := k.kept(ctx, retired)
			asking = errors.Join(asking, err)
			if err != nil || k.c.Now().Before(kept) {
				until = earliest(until, kept)
				return false
			}
			return true
		})
		if asking != nil {
			return false, until, asking
		}
		if fault.Of(err).Code == "key-held" {
			clean = false
			continue
		}
		if err != nil {
			return false, until, err
		}
	}
	return clean, until, nil
}

// kept is how long targets need what a key opens that was retired then.
func (k *Keys) kept(ctx context.Context, retired time.Time) (time.Time, error) {
	if k.c.Keep == nil {
		return retired, nil
	}
	return k.c.Keep(ctx, retired)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earliest is the first of two dates, of which a zero one is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// unused are the old keys under which nothing is sealed any more, and which
// nothing that is on its way or in a target needs; next is when the first of the
// others comes to its end.
func (k *Keys) unused(ctx context.Context) (due []uint32, next time.Time, err error) {
	for _, key := range k.c.Secrets.Status().Keys {
		if key.Retired.IsZero() {
			continue
		}
		kept, err := k.kept(ctx, key.Retired)
		if err != nil {
			return nil, next, err
		}
		if until := latest(latest(key.Retired, k.busy).Add(k.c.Grace), kept); k.c.Now().Before(until) {
			next = earliest(next, until)
		} else {
			due = append(due, key.Number)
		}
	}
	if len(due) == 0 {
		return nil, next, nil
	}
	for _, h := range k.c.Holders {
		left, err := h.Left(ctx)
		if err != nil {
			return nil, next, err
		}
		if left > 0 {
			return nil, k.c.Now().Add(again), nil
		}
	}
	// Whoever seals without a Holder must not lose what was sealed.
	where, err := k.store.sealedUnder(ctx, due)
	if err != nil {
		return nil, next, err
	}
	if where != "" {
		return nil, next, fault.New(fault.Internal, "Values in %s are still sealed with an old key, and nothing seals them anew.", where).
			Cure("The old key is kept, and nothing is lost; tell the makers of ChatETS.")
	}
	return due, next, nil
}

// destroy ends old keys.
func (k *Keys) destroy(ctx context.Context, old []uint32) error {
	err := k.c.Secrets.Drop(old...)
	numbers := make([]any, len(old))
	for i, n := range old {
		numbers[i] = n
	}
	err = k.done(ctx, audit.Entry{Act: "key.destroy", Detail: map[string]any{"keys": numbers}}, err)
	if err == nil {
		k.c.Log.Info("old data keys are destroyed; nothing was left under them", "keys", old)
	}
	return err
}

// Until is when the old keys can be destroyed at the earliest; zero where there
// are none.
func (k *Keys) Until(ctx context.Context) (time.Time, error) {
	var until time.Time
	var errs []error
	for _, key := range k.c.Secrets.Status().Keys {
		if key.Retired.IsZero() {
			continue
		}
		kept, err := k.kept(ctx, key.Retired)
		errs = append(errs, err)
		until = latest(until, latest(key.Retired.Add(k.c.Grace), kept))
	}
	return until, errors.Join(errs...)
}
