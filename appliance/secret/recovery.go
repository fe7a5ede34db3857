package secret

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"chatets/appliance/fault"
)

// A recovery key is 160 random bits and 20 bits of checksum, written in an
// alphabet without letters that are taken for digits, in six groups of six.
const (
	recoverySize   = 20
	recoveryDigits = 32
	recoveryCheck  = 4
	recoveryGroup  = 6
	recoveryLetter = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

func recoveryCoding() *base32.Encoding {
	return base32.NewEncoding(recoveryLetter).WithPadding(base32.NoPadding)
}

// newRecovery draws a recovery key.
func newRecovery() (text string, seed []byte, err error) {
	seed = make([]byte, recoverySize)
	if _, err := rand.Read(seed); err != nil {
		return "", nil, fmt.Errorf("draw a recovery key: %w", err)
	}
	return writeRecovery(seed), seed, nil
}

// writeRecovery writes a recovery key as people read it.
func writeRecovery(seed []byte) string {
	digits := recoveryCoding().EncodeToString(seed) + checkOf(seed)
	groups := make([]string, 0, len(digits)/recoveryGroup)
	for ; len(digits) > 0; digits = digits[recoveryGroup:] {
		groups = append(groups, digits[:recoveryGroup])
	}
	return strings.Join(groups, "-")
}

func checkOf(seed []byte) string {
	sum := sha256.Sum256(append([]byte("chatets-recovery-1:"), seed...))
	return recoveryCoding().EncodeToString(sum[:5])[:recoveryCheck]
}

// ParseRecovery reads a recovery key as a person types it: in any case, with or
// without dashes and spaces, O for 0, and I or L for 1. The sentence of its
// failure holds nothing of what was typed.
func ParseRecovery(text string) ([]byte, error) {
	wrong := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "This is no recovery key: %s", fmt.Sprintf(format, args...)).Code("recovery-wrong").
			Cure("Compare it with the paper it stands on; it has six groups of six letters and digits.")
	}
	var digits []byte
	for _, r := range strings.ToUpper(text) {
		switch {
		case r == '-' || r == ' ' || r == '\t' || r == '\r' || r == '\n':
			continue
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		}
		if r > 'Z' || !strings.ContainsRune(recoveryLetter, r) {
			return nil, wrong("the %s character is none of its letters and digits.", ordinal(len(digits)+1))
		}
		if len(digits) == recoveryDigits+recoveryCheck {
			return nil, wrong("it has more than %d letters and digits.", recoveryDigits+recoveryCheck)
		}
		digits = append(digits, byte(r))
	}
	if len(digits) != recoveryDigits+recoveryCheck {
		return nil, wrong("it has %d letters and digits instead of %d.", len(digits), recoveryDigits+recoveryCheck)
	}
	seed, err := recoveryCoding().DecodeString(string(digits[:recoveryDigits]))
	if err != nil || !bytes.Equal([]byte(checkOf(seed)), digits[recoveryDigits:]) {
		return nil, wrong("its checksum does not fit, so at least one letter is another.")
	}
	return seed, nil
}

// ordinal is a place among thirty-six.
func ordinal(n int) string {
	switch {
	case n%10 == 1 && n != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}
