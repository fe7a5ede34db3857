package library

import (
	"context"
	"errors"
	"sync"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/model"
)

// A base whose model is away is looked at again after awayFirst, later and later
// up to awayMost.
const (
	awayFirst = 5 * time.Second
	awayMost  = 5 * time.Minute
)

// awayError is a failure that passes by itself: the model's server is not there,
// busy, or has another model under the name.
type awayError struct{ error }

// Unwrap implements errors.Unwrap.
func (e awayError) Unwrap() error { return e.error }

func isAway(err error) bool {
	var a awayError
	return errors.As(err, &a)
}

// refusedError is what a model says to texts it does not take; it says so again.
type refusedError struct{ error }

// Unwrap implements errors.Unwrap.
func (e refusedError) Unwrap() error { return e.error }

func isRefused(err error) bool {
	var r refusedError
	return errors.As(err, &r)
}

// classed says whether what a model server answered passes.
func classed(ctx context.Context, err error) error {
	switch code := fault.Of(err).Code; {
	case err == nil || ctx.Err() != nil:
		return err
	case fault.Is(err, fault.Unavailable), inference.Elsewhere(err), code == model.CodeReplaced, code == model.CodeNoEmbedder:
		return awayError{err}
	}
	return refusedError{err}
}

// absences are the bases whose model is away.
type absences struct {
	mu   sync.Mutex
	list map[string]absence
}

type absence struct {
	until time.Time
	wait  time.Duration
}

func (a *absences) gone(base string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.list == nil {
		a.list = map[string]absence{}
	}
	wait := min(max(2*a.list[base].wait, awayFirst), awayMost)
	a.list[base] = absence{until: now.Add(wait), wait: wait}
}

func (a *absences) back(base string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.list, base)
}

// bases are those that are not to be looked at yet.
func (a *absences) bases(now time.Time) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []string{}
	for base, b := range a.list {
		if now.Before(b.until) {
			list = append(list, base)
		}
	}
	return list
}

// next is how long it is until a base is looked at again; 0 = none is away.
func (a *absences) next(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var least time.Duration
	for _, b := range a.list {
		if wait := max(b.until.Sub(now), time.Millisecond); least == 0 || wait < least {
			least = wait
		}
	}
	return least
}
