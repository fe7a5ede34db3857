package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestThrottle tells stories of people and attackers on a clock. Each line is an
// attempt, repeated, with the status it must get every time.
func TestThrottle(t *testing.T) {
	t.Parallel()
	const ward, cafe, attacker = "192.0.2.1", "198.51.100.7", "203.0.113.66"
	type line struct {
		who, from string
		right     bool
		times     int
		want      int
		wait      time.Duration // before
	}
	for _, tt := range []struct {
		name  string
		lines []line
	}{
		{"an attacker is slowed", []line{
			{"mary", attacker, false, 10, 401, 0},
			{"mary", attacker, false, 20, 429, 0},
			{"mary", attacker, true, 1, 429, 0},
			{"mary", attacker, false, 1, 401, 61 * time.Second},
			{"mary", attacker, false, 5, 429, 0},
		}},
		{"the owner gets in at the usual address meanwhile", []line{
			{"mary", attacker, false, 10, 401, 0},
			{"mary", attacker, false, 1, 429, 0},
			{"mary", ward, true, 20, 200, 0},
			{"mary", ward, false, 2, 401, 0},
			{"mary", ward, true, 1, 200, 0},
			{"mary", attacker, false, 1, 429, 0},
		}},
		{"the owner waits elsewhere, and is known there afterwards", []line{
			{"mary", attacker, false, 10, 401, 0},
			{"mary", cafe, true, 1, 429, 0},
			{"mary", cafe, true, 1, 200, 61 * time.Second},
			{"mary", attacker, false, 2, 401, 61 * time.Second}, // her success used nothing up
			{"mary", attacker, false, 1, 429, 0},
			{"mary", cafe, true, 1, 200, 0},
		}},
		{"attackers take turns", []line{
			{"mary", "203.0.113.1", false, 4, 401, 0},
			{"mary", "203.0.113.2", false, 4, 401, 0},
			{"mary", "203.0.113.3", false, 2, 401, 0},
			{"mary", "203.0.113.4", false, 3, 429, 0},
			{"paul", "203.0.113.4", false, 3, 401, 0},
		}},
		{"a network of its own has one address", []line{
			{"nobody", "2001:db8:1:2::1", false, 5, 401, 0},
			{"nobody", "2001:db8:1:2:ffff::9", false, 5, 401, 0},
			{"nobody", "2001:db8:1:2::3", false, 1, 429, 0},
		}},
		{"an address nobody has is throttled alike", []line{
			{"nobody", attacker, false, 10, 401, 0},
			{"nobody", attacker, false, 5, 429, 0},
			{"nobody", attacker, false, 1, 401, 61 * time.Second},
		}},
		{"somebody mistypes at the ward", []line{
			{"mary", ward, false, 9, 401, 0},
			{"mary", ward, true, 1, 200, 0},
			{"mary", ward, false, 1, 401, 0},
			{"mary", ward, true, 1, 429, 0},
			{"paul", ward, true, 1, 200, 0},
			{"mary", ward, true, 1, 200, 21 * time.Second},
		}},
		{"success does not reset what an attacker has used up", []line{
			{"mary", attacker, false, 10, 401, 0},
			{"mary", ward, true, 3, 200, 0},
			{"mary", attacker, false, 1, 429, 0},
		}},
		{"the clock goes back", []line{
			{"mary", attacker, false, 10, 401, 0},
			{"mary", attacker, false, 1, 429, -48 * time.Hour},
			{"mary", attacker, false, 1, 401, 61 * time.Second},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			olga := h.setUp(t)
			h.person(t, olga, "mary@house.test", "Mary Miller", "")
			h.person(t, olga, "paul@house.test", "Paul Porter", "")
			for i, l := range tt.lines {
				h.clock.forward(l.wait)
				password := "wrong horse battery staple"
				if l.right {
					password = good
				}
				for n := range l.times {
					got := h.visitor().from(l.from).ask(t, "POST /api/auth/login", object("email", l.who+"@house.test", "password", password))
					if got.status != l.want {
						t.Fatalf("line %d, attempt %d: got %d, want %d: %s", i+1, n+1, got.status, l.want, got.body)
					}
					if l.want == http.StatusTooManyRequests {
						if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 || !strings.Contains(got.body, "Wait ") {
							t.Fatalf("line %d: Retry-After %q: %s", i+1, got.header.Get("Retry-After"), got.body)
						}
					}
				}
			}
		})
	}
}

// TestThrottledWork wants a refused attempt to cost nothing, and one row in the
// record for each wait.
func TestThrottledWork(t *testing.T) {
	t.Parallel()
	h := start(t)
	mary := h.person(t, h.setUp(t), "mary@house.test", "Mary Miller", "").from("203.0.113.66")
	attempt := func(times, want int) {
		t.Helper()
		for range times {
			mary.must(t, "POST /api/auth/login", object("email", mary.email, "password", "wrong"), want)
		}
	}
	attempt(10, 401)
	before := h.logins.Verified()
	attempt(30, 429)
	if got := h.logins.Verified() - before; got != 0 {
		t.Errorf("%d hashes were computed for refused attempts", got)
	}
	h.clock.forward(61 * time.Second)
	attempt(1, 401)
	attempt(30, 429)
	throttled := 0
	for _, row := range h.record(t, "login.signin") {
		if strings.HasSuffix(row, `refused {"why":"throttled"}`) {
			throttled++
		}
	}
	if throttled != 2 {
		t.Errorf("%d rows about 60 refusals in two waits, want 2", throttled)
	}
}

// try begins an attempt and settles it at once.
func (t *throttle) try(email, address string, known, right bool) time.Duration {
	a, wait, _, err := t.begin(context.Background(), email, address, known)
	if err == nil && wait == 0 {
		a.settle(!right)
	}
	return wait
}

// TestHospital sends a shift change through one address: 2,000 people, of whom
// every fourth mistypes, among them an infected computer that guesses all the
// time. Everybody must get in at the second try.
func TestHospital(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Now()}
	th := newThrottle(now.Now)
	for i := range 2000 {
		now.forward(300 * time.Millisecond)
		email := fmt.Sprintf("p%d@house.test", i)
		known := i%10 != 0 // every tenth signs in here for the first time
		if i%4 == 0 {
			if wait := th.try(email, "192.0.2.1", known, false); wait != 0 {
				t.Fatalf("person %d is kept out for %s at the first try", i, wait)
			}
		}
		if wait := th.try(email, "192.0.2.1", known, true); wait != 0 {
			t.Fatalf("person %d is kept out for %s", i, wait)
		}
		th.try(fmt.Sprintf("guess%d@house.test", i%7), "192.0.2.1", false, false)
	}
	// Even an address that is used up keeps nobody out who is known there.
	for i := range 2000 {
		th.try(fmt.Sprintf("guess%d@house.test", i), "192.0.2.1", false, false)
	}
	if wait := th.try("new@house.test", "192.0.2.1", false, false); wait == 0 || wait > 2*time.Second {
		t.Errorf("an address with 2,000 failures waits %s, want a moment", wait)
	}
	if wait := th.try("p1@house.test", "192.0.2.1", true, true); wait != 0 {
		t.Errorf("somebody known waits %s", wait)
	}
}

// TestThrottleMemory floods the throttle with addresses.
func TestThrottleMemory(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Now()}
	th := newThrottle(now.Now)
	th.most = 1000
	for range 10 {
		th.try("mary@house.test", "203.0.113.66", false, false)
	}
	for i := range 20_000 {
		now.forward(time.Millisecond)
		th.try(fmt.Sprintf("x%d@house.test", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), false, false)
		if len(th.levels) > th.most+3 {
			t.Fatalf("%d buckets are remembered, want at most %d", len(th.levels), th.most)
		}
	}
	if wait := th.try("mary@house.test", "203.0.113.66", false, false); wait == 0 {
		t.Error("the flood made the throttle forget who was under attack")
	}
	now.forward(time.Hour)
	th.try("one@house.test", "192.0.2.1", false, false)
	if len(th.levels) != 3 {
		t.Errorf("%d buckets an hour later, want only those of the last attempt", len(th.levels))
	}
}

// TestThrottleAtOnce wants attempts at the same moment to count each, and those
// that succeed not to stand in each other's way.
func TestThrottleAtOnce(t *testing.T) {
	t.Parallel()
	for _, right := range []bool{false, true} {
		th := newThrottle(time.Now)
		var passed atomic.Int64
		var wait sync.WaitGroup
		for range 200 {
			wait.Go(func() {
				if th.try("mary@house.test", "203.0.113.66", false, right) == 0 {
					passed.Add(1)
				}
			})
		}
		wait.Wait()
		if got, want := passed.Load(), map[bool]int64{false: 10, true: 200}[right]; got != want {
			t.Errorf("right %v: %d attempts passed at once, want %d", right, got, want)
		}
		if th.queue != 0 {
			t.Errorf("right %v: %d are thought to wait", right, th.queue)
		}
	}
	th := newThrottle(time.Now)
	for range 10 {
		if _, wait, _, err := th.begin(t.Context(), "mary@house.test", "203.0.113.66", false); wait != 0 || err != nil {
			t.Fatalf("wait %s, error %v", wait, err)
		}
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, _, _, err := th.begin(left, "mary@house.test", "203.0.113.66", false); !errors.Is(err, context.Canceled) {
		t.Errorf("somebody who left gets %v", err)
	}
}

// TestQueue fills both turns and the queue behind them: the next one is told to
// come back, and everybody else gets an answer.
func TestQueue(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	gate := make(chan struct{})
	derive := h.logins.hashes.derive
	var running, most int
	var mu sync.Mutex
	h.logins.hashes.derive = func(password, salt []byte, c Cost, length uint32) []byte {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		<-gate
		mu.Lock()
		running--
		mu.Unlock()
		return derive(password, salt, c, length)
	}
	statuses := make(chan int, hashing+waiting)
	for i := range hashing + waiting {
		go func() {
			statuses <- h.visitor().ask(t, "POST /api/auth/login", object("email", fmt.Sprintf("p%d@house.test", i), "password", good)).status
		}()
	}
	for deadline := time.Now().Add(20 * time.Second); h.logins.hashes.queue.Load() < waiting; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d wait", h.logins.hashes.queue.Load())
		}
	}
	got := h.visitor().must(t, "POST /api/auth/login", object("email", olga.email, "password", good), 503, `"code":"busy"`, "Try again in a few seconds.")
	if got.header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
	}
	close(gate)
	for range hashing + waiting {
		if got := <-statuses; got != 401 {
			t.Errorf("somebody in the queue got %d", got)
		}
	}
	if most != hashing {
		t.Errorf("%d hashes at once, want %d", most, hashing)
	}
	h.visitor().must(t, "POST /api/auth/login", object("email", olga.email, "password", good), 200)
}
