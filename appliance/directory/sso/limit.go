package sso

import (
	"net/netip"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// limiter bounds how often one address may fail at this door. What is checked
// here costs signatures and questions to providers; what is honest is far below.
type limiter struct {
	mu    sync.Mutex
	spent map[string]spending
}

type spending struct {
	used float64
	at   time.Time
}

const (
	burst      = 200
	perSecond  = 2.0
	maxLimited = 20_000
)

// check refuses an address that has failed too often.
func (l *limiter) check(address string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left(networkOf(address), now).used < burst {
		return nil
	}
	return fault.New(fault.TooMany, "There were too many failed attempts to sign in.").Code("throttled").Cure("Wait a minute and try again.").RetryAfter(60)
}

// failed counts a failure.
func (l *limiter) failed(address string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := networkOf(address)
	s := l.left(key, now)
	s.used++
	if len(l.spent) >= maxLimited {
		clear(l.spent) // forgetting is better than keeping anybody out
	}
	l.spent[key] = s
}

func (l *limiter) left(key string, now time.Time) spending {
	s := l.spent[key]
	s.used = max(0, s.used-now.Sub(s.at).Seconds()*perSecond)
	s.at = now
	return s
}

// networkOf is what counts as one address: a whole IPv6 network of a household.
func networkOf(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() {
		return address
	}
	if p, err := a.Prefix(64); err == nil {
		return p.String()
	}
	return address
}
