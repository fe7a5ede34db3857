package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"chatets/appliance/fault"
)

// Cost is what one password hash costs. The zero Cost is replaced by
// DefaultCost.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultCost is the second choice of RFC 9106 on one lane: 64 MiB and three
// passes took 110 ms of one core of a small server.
func DefaultCost() Cost { return Cost{Memory: 64 << 10, Time: 3, Threads: 1} }

const (
	saltBytes = 16
	keyBytes  = 32
	// hashing at once is bounded by memory: a shift change must not take 6 GB.
	hashing = 2
	// waiting is how many more may wait for their turn; at 110 ms and two at once
	// the last one waits 11 s.
	waiting = 200
)

// hasher makes and checks password hashes, a few at a time.
type hasher struct {
	cost   Cost
	derive func(password, salt []byte, c Cost, length uint32) []byte
	turns  chan struct{} // holds one token for each hash at work
	queue  atomic.Int64  // how many wait for a turn
	done   atomic.Int64  // hashes computed since the start
	dummy  string        // hash of no password, checked where there is none to check
}

func newHasher(c Cost) *hasher {
	if c == (Cost{}) {
		c = DefaultCost()
	}
	h := &hasher{cost: c, turns: make(chan struct{}, hashing), derive: func(password, salt []byte, c Cost, length uint32) []byte {
		return argon2.IDKey(password, salt, c.Time, c.Memory, c.Threads, length)
	}}
	// Nothing hashes to a key nobody computed.
	h.dummy = encode(c, random(saltBytes), random(keyBytes))
	return h
}

// random returns n random bytes; crypto/rand never fails.
func random(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic("login: no random bytes: " + err.Error())
	}
	return b
}

// turn waits for a turn to hash. It is refused at once when too many wait.
func (h *hasher) turn(ctx context.Context) (release func(), err error) {
	release = func() { <-h.turns }
	select {
	case h.turns <- struct{}{}:
		return release, nil
	default:
	}
	if h.queue.Add(1) > waiting {
		h.queue.Add(-1)
		return nil, busy()
	}
	defer h.queue.Add(-1)
	select {
	case h.turns <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func busy() error {
	return fault.New(fault.Unavailable, "Too many people are signing in at this moment.").Code("busy").
		Cure("Try again in a few seconds.").RetryAfter(5)
}

// key derives the key of a password. Different keyboards write the same letter
// in different ways; NFC makes them one.
func (h *hasher) key(ctx context.Context, password string, salt []byte, c Cost, length int) ([]byte, error) {
	release, err := h.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	h.done.Add(1)
	return h.derive([]byte(norm.NFC.String(password)), salt, c, uint32(length)), nil
}

// hash makes the self-describing hash of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := random(saltBytes)
	key, err := h.key(ctx, password, salt, h.cost, keyBytes)
	if err != nil {
		return "", err
	}
	return encode(h.cost, salt, key), nil
}

// verify checks a password against a stored hash; "" stands for no hash and
// costs the same. stale tells that the hash was made at another cost.
func (h *hasher) verify(ctx context.Context, stored, password string) (ok, stale bool, err error) {
	none := stored == ""
	if none {
		stored = h.dummy
	}
	c, salt, want, err := decode(stored)
	if err != nil {
		return false, false, err
	}
	got, err := h.key(ctx, password, salt, c, len(want))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && !none, c != h.cost || len(want) != keyBytes, nil
}

// encode writes a hash in the PHC string format.
func encode(c Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// decode reads what encode wrote, at any cost within reason: a forged hash must
// not take all memory.
func decode(text string) (c Cost, salt, key []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errors.New("password hash: unknown form")
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); n != 3 || err != nil {
		return c, nil, nil, errors.New("password hash: unknown cost")
	}
	if c.Memory < 8 || c.Memory > 1<<20 || c.Time < 1 || c.Time > 64 || c.Threads < 1 {
		return c, nil, nil, errors.New("password hash: cost out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, fmt.Errorf("password hash: salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return c, nil, nil, fmt.Errorf("password hash: key: %w", err)
	}
	if len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, errors.New("password hash: wrong length")
	}
	return c, salt, key, nil
}
