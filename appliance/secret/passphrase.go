package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"chatets/appliance/fault"
)

// Passphrase is how a passphrase is stretched: argon2id with these figures.
type Passphrase struct {
	Salt    []byte `json:"salt"`
	Time    uint32 `json:"time"`   // passes
	Memory  uint32 `json:"memory"` // KiB
	Threads uint8  `json:"threads"`
}

const (
	shortestPassphrase = 12 // characters
	longestPassphrase  = 1024
)

// newPassphrase draws a salt for the figures of today: a quarter of a gigabyte,
// since it is done once at a start.
func newPassphrase() (*Passphrase, error) {
	p := &Passphrase{Salt: make([]byte, 16), Time: 3, Memory: 256 << 10, Threads: 2}
	if _, err := rand.Read(p.Salt); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	return p, nil
}

// valid keeps figures from a start that it cannot pay for.
func (p Passphrase) valid() bool {
	return len(p.Salt) >= 16 && p.Time >= 1 && p.Time <= 32 && p.Memory >= 8 && p.Memory <= 4<<20 && p.Threads >= 1 && p.Threads <= 64
}

// stretch gives what opens the slot. A letter that keyboards write in two ways is
// the same in both.
func (p Passphrase) stretch(passphrase string) []byte {
	plain := norm.NFKC.Bytes([]byte(passphrase))
	defer clear(plain)
	return argon2.IDKey(plain, p.Salt, p.Time, p.Memory, p.Threads, Size)
}

// checkPassphrase refuses what is too short to stand against guessing.
func checkPassphrase(passphrase string) error {
	if n := utf8.RuneCountInString(passphrase); n < shortestPassphrase || len(passphrase) > longestPassphrase || !utf8.ValidString(passphrase) {
		return fault.New(fault.Invalid, "The passphrase has %d characters.", n).Code("passphrase-short").
			Cure("Take at least %d, for example five words that nobody would put together.", shortestPassphrase)
	}
	return nil
}

// hashed makes a seed of any secret text.
func hashed(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:]
}
