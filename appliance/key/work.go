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
// only waits for another room to come to its end.
const (
	again = 20 * time.Second
	soon  = 500 * time.Millisecond
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
	old := k.old()
	scopes := k.c.Secrets.OldScopes()
	if len(old) == 0 && len(scopes) == 0 {
		return false, k.endShreds(ctx)
	}
	clean, err := k.tendFiles(ctx, scopes)
	if err != nil || len(old) == 0 {
		return !clean, err
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
	if clean {
		if clean, err = k.unused(ctx, old); err != nil {
			return true, err
		}
	}
	if !clean {
		return true, nil
	}
	if err := k.destroy(ctx, old); err != nil {
		return true, err
	}
	return false, k.endShreds(ctx)
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
// destroys their old ones.
func (k *Keys) tendFiles(ctx context.Context, scopes []string) (clean bool, err error) {
	workspaces, err := k.c.Blobs.Workspaces()
	if err != nil {
		return false, err
	}
	clean = true
	for _, workspace := range workspaces {
		damaged, err := k.c.Blobs.Reseal(ctx, workspace, k.tell("files"))
		if err != nil {
			return false, err
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
			return false, err
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
		err := k.c.Secrets.DropScopeKeys(scope)
		if fault.Of(err).Code == "key-held" {
			clean = false
			continue
		}
		if err != nil {
			return false, err
		}
	}
	return clean, nil
}

// unused reports whether nothing is sealed with old keys any more, and nothing
// that is on its way or in a target needs them.
func (k *Keys) unused(ctx context.Context, old []uint32) (bool, error) {
	for _, key := range k.c.Secrets.Status().Keys {
		if key.Retired.IsZero() {
			continue
		}
		until := key.Retired
		if k.busy.After(until) {
			until = k.busy
		}
		until = until.Add(k.c.Grace)
		if k.c.Keep != nil {
			kept, err := k.c.Keep(ctx, key.Retired)
			if err != nil {
				return false, err
			}
			if kept.After(until) {
				until = kept
			}
		}
		if k.c.Now().Before(until) {
			return false, nil
		}
	}
	for _, h := range k.c.Holders {
		left, err := h.Left(ctx)
		if err != nil || left > 0 {
			return false, err
		}
	}
	// Whoever seals without a Holder must not lose what was sealed.
	where, err := k.store.sealedUnder(ctx, old)
	if err != nil {
		return false, err
	}
	if where != "" {
		return false, fault.New(fault.Internal, "Values in %s are still sealed with an old key, and nothing seals them anew.", where).
			Cure("The old key is kept, and nothing is lost; tell the makers of ChatETS.")
	}
	return true, nil
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
		at := key.Retired.Add(k.c.Grace)
		if k.c.Keep != nil {
			kept, err := k.c.Keep(ctx, key.Retired)
			errs = append(errs, err)
			if kept.After(at) {
				at = kept
			}
		}
		if at.After(until) {
			until = at
		}
	}
	return until, errors.Join(errs...)
}
