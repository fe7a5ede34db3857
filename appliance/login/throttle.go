package login

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// limit is a bucket that holds burst failures and gets one back every pace.
type limit struct {
	burst int
	pace  time.Duration
}

// What may fail before somebody has to wait. A failure counts against all that
// apply to it; a success counts against none.
//
// Behind one address may sit a hospital: 2,000 people who mistype in the same
// ten minutes of a shift change. So the ceiling of an address is high, and the
// address never counts for somebody who has signed in from it before. A person
// under attack is slowed only where they have never signed in from: at their
// usual address only their own failures there count.
func limits() map[scope]limit {
	return map[scope]limit{
		byAccount: {burst: 10, pace: time.Minute},
		byPair:    {burst: 10, pace: 20 * time.Second},
		byAddress: {burst: 1000, pace: time.Second},
	}
}

// scope says what a bucket counts the failures of.
type scope byte

const (
	byAccount scope = iota // an account, from addresses it has never signed in from
	byPair                 // an account from one address
	byAddress              // an address, for accounts that have never signed in from it
)

// bucket names what is counted by a digest, so that long made-up addresses take
// no more memory than real ones.
type bucket struct {
	scope scope
	key   [sha256.Size]byte
}

func bucketOf(scope scope, key string) bucket { return bucket{scope, sha256.Sum256([]byte(key))} }

// level is a bucket's state. A bucket whose time has passed is full again and
// need not be remembered.
type level struct {
	full   time.Time // when the bucket will be full again, if what is under way fails
	flying int       // attempts under way
	noted  bool      // whether the wait it is in was recorded
}

// throttle slows whoever guesses passwords. It keeps only what is not full, in
// bounded memory.
type throttle struct {
	now    func() time.Time
	limits map[scope]limit
	most   int // buckets remembered at once

	mu      sync.Mutex
	levels  map[bucket]*level
	swept   time.Time
	settled chan struct{} // closed and made anew whenever an attempt is settled
	queue   int           // how many wait for that
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, limits: limits(), most: 50_000, levels: map[bucket]*level{}, settled: make(chan struct{})}
}

// attempt is one attempt to sign in. It counts as a failure from the start, so
// that a thousand attempts at once do not all pass before the first has failed.
// Who began it settles it.
type attempt struct {
	throttle *throttle
	buckets  []bucket
}

// buckets are what an attempt counts against. known tells that the account has
// signed in from the address before.
func buckets(email, address string, known bool) []bucket {
	b := []bucket{bucketOf(byPair, email+"\x00"+address)}
	if !known {
		b = append(b, bucketOf(byAccount, email))
		if address != "" {
			b = append(b, bucketOf(byAddress, address))
		}
	}
	return b
}

// begin starts an attempt, or says how long to wait and whether this is the
// first refusal of that wait. Where only attempts under way stand against it, it
// waits for them: a program that signs in thirty times at once is no attacker
// unless it fails.
func (t *throttle) begin(ctx context.Context, email, address string, known bool) (a attempt, wait time.Duration, first bool, err error) {
	wanted := buckets(email, address, known)
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		now := t.now()
		t.sweep(now)
		wait, pending := t.check(wanted, now)
		switch {
		case wait == 0:
			t.take(wanted, now)
			return attempt{throttle: t, buckets: wanted}, 0, false, nil
		case !pending:
			for _, b := range wanted {
				if l := t.levels[b]; l != nil {
					first = first || !l.noted
					l.noted = true
				}
			}
			return attempt{}, wait, first, nil
		case t.queue >= waiting:
			return attempt{}, 0, false, busy()
		}
		settled := t.settled
		t.queue++
		t.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			err = ctx.Err()
		}
		t.mu.Lock()
		t.queue--
		if err != nil {
			return attempt{}, 0, false, err
		}
	}
}

// check says how long until all buckets have something left, and whether that is
// sooner if what is under way succeeds.
func (t *throttle) check(wanted []bucket, now time.Time) (wait time.Duration, pending bool) {
	pending = true
	for _, b := range wanted {
		l := t.levels[b]
		if l == nil {
			continue
		}
		limit := t.limits[b.scope]
		if empty := now.Add(time.Duration(limit.burst) * limit.pace); l.full.After(empty) {
			l.full = empty // the clock was set back
		}
		// The bucket is empty when filling it takes burst paces.
		if w := l.full.Sub(now) - time.Duration(limit.burst-1)*limit.pace; w > 0 {
			wait = max(wait, w)
			pending = pending && w-time.Duration(l.flying)*limit.pace <= 0
		}
	}
	return wait, pending
}

func (t *throttle) take(wanted []bucket, now time.Time) {
	for _, b := range wanted {
		l := t.levels[b]
		if l == nil {
			l = &level{full: now}
			t.levels[b] = l
		}
		if l.full.Before(now) {
			l.full = now
		}
		l.full = l.full.Add(t.limits[b.scope].pace)
		l.flying++
		l.noted = false
	}
}

// settle ends the attempt: a failure stays counted, anything else is taken back.
func (a attempt) settle(failed bool) {
	t := a.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range a.buckets {
		l := t.levels[b]
		if l == nil {
			continue
		}
		l.flying = max(0, l.flying-1)
		if !failed {
			l.full = l.full.Add(-t.limits[b.scope].pace)
		}
	}
	close(t.settled)
	t.settled = make(chan struct{})
}

// sweep forgets full buckets, now and then or when there are too many; if that
// is not enough, those that are nearest to being full. Filling the memory takes
// attempts, and each of them costs a password hash.
func (t *throttle) sweep(now time.Time) {
	const every = time.Minute
	if len(t.levels) < t.most && now.Sub(t.swept) < every && !now.Before(t.swept) {
		return
	}
	t.swept = now
	for b, l := range t.levels {
		if !l.full.After(now) {
			delete(t.levels, b)
		}
	}
	for horizon := time.Minute; len(t.levels) >= t.most; horizon *= 2 {
		for b, l := range t.levels {
			if l.full.Sub(now) < horizon {
				delete(t.levels, b)
			}
		}
	}
}

// network is the part of an address that one customer holds: an IPv6 host has
// 2^64 addresses to try from.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.Masked().String()
}
