package doc

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"

	"chatets/appliance/fault"
)

// Decode finds out how a text is encoded and returns it as NFC with line feeds
// and without control characters, with notes where it had to guess.
func Decode(data []byte) (string, []string, error) {
	if len(data) == 0 {
		return "", nil, fault.New(fault.Invalid, "The file is empty.").Cure("Check it and add it again.")
	}
	text, notes, err := decoded(data)
	if err != nil {
		return "", nil, err
	}
	if n := controls(text); n*50 > len(text) {
		return "", nil, unreadable("The file holds binary data, not text.")
	}
	return Clean(text), notes, nil
}

func decoded(data []byte) (text string, notes []string, err error) {
	if text, ok := wide32(data); ok {
		return text, nil, nil
	}
	switch order := wide(data); {
	case order != nil:
		return string(utf16.Decode(units(data, order))), nil, nil
	case bytes.IndexByte(data, 0) >= 0:
		return "", nil, unreadable("The file holds binary data, not text.")
	case utf8.Valid(data):
		if bytes.Contains(data, []byte("\x1b$")) {
			if text, err := japanese.ISO2022JP.NewDecoder().Bytes(data); err == nil && !bytes.Contains(text, []byte("\ufffd")) {
				return string(text), []string{guessed("ISO-2022-JP")}, nil
			}
		}
		return string(data), nil, nil
	}
	if good, bad := sequences(data); good > bad {
		return strings.ToValidUTF8(string(data), "\ufffd"), []string{"Some characters are damaged; they are shown as \ufffd."}, nil
	}
	name, e := detect(data)
	plain, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return "", nil, unreadable("The file's encoding is not known.")
	}
	return string(plain), []string{guessed(name)}, nil
}

func guessed(name string) string {
	return "The file does not say how it is encoded; it was read as " + name + "."
}

// wide32 reads UTF-32, which a mark or the zeros of every character give away.
func wide32(data []byte) (string, bool) {
	if len(data) < 8 || len(data)%4 != 0 {
		return "", false
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		head := data[:min(len(data), 4096)]
		fits := true
		for i := 0; i < len(head) && fits; i += 4 {
			r := order.Uint32(head[i:])
			fits = r != 0 && r <= utf8.MaxRune && (r < 0xd800 || r > 0xdfff)
		}
		if !fits {
			continue
		}
		var b strings.Builder
		b.Grow(len(data) / 4)
		for i := 0; i < len(data); i += 4 {
			b.WriteRune(rune(min(order.Uint32(data[i:]), utf8.MaxRune+1)))
		}
		return b.String(), true
	}
	return "", false
}

// wide recognises UTF-16 by its mark, or by every second byte being zero.
func wide(data []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return binary.BigEndian
	case len(data) < 4 || len(data)%2 != 0:
		return nil
	}
	head := data[:min(len(data), 4096)&^1]
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(head) / 2; {
	case zeros[1]*10 > half*7 && zeros[0]*50 < half:
		return binary.LittleEndian
	case zeros[0]*10 > half*7 && zeros[1]*50 < half:
		return binary.BigEndian
	}
	return nil
}

// units reads code units; an odd byte at the end belongs to none.
func units(data []byte, order binary.ByteOrder) []uint16 {
	list := make([]uint16, len(data)/2)
	for i := range list {
		list[i] = order.Uint16(data[2*i:])
	}
	return list
}

// sequences counts valid and broken UTF-8 sequences outside ASCII.
func sequences(data []byte) (good, bad int) {
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		data = data[n:]
	}
	return good, bad
}

func controls(text string) int {
	n := 0
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1b {
			n++
		}
	}
	return n
}

// Clean is the text normalised, with line feeds only; control characters, marks of byte order
// and what is no character are gone.
func Clean(text string) string {
	plain := true // ASCII without control characters, which most text is
	for i := range len(text) {
		if b := text[i]; b >= utf8.RuneSelf || b < ' ' && b != '\n' && b != '\t' || b == 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	var before rune
	for _, r := range text {
		switch {
		case r == '\r', r == '\f', r == '\v', r == 0x85, r == 0x2028, r == 0x2029:
			b.WriteByte('\n')
		case r == '\n' && before == '\r':
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case r == 0xfeff, r >= 0xfff9 && r <= 0xfffb, unicode.IsControl(r), r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
		case r == 0xad: // a soft hyphen is no part of its word
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return compose(b.String())
}

// compose is NFKC but for the signs whose form is their meaning: 10³ is not 103,
// and ½ is not 1⁄2. Ligatures, full-width letters and presentation forms become
// the letters people search for.
func compose(text string) string {
	if !strings.ContainsFunc(text, meaningful) {
		return norm.NFKC.String(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	from := 0
	for i, r := range text {
		if meaningful(r) {
			b.WriteString(norm.NFKC.String(text[from:i]))
			b.WriteRune(r)
			from = i + utf8.RuneLen(r)
		}
	}
	b.WriteString(norm.NFKC.String(text[from:]))
	return norm.NFC.String(b.String())
}

// meaningful reports superscripts, subscripts, fractions and circled numbers.
func meaningful(r rune) bool {
	switch {
	case r == 0xaa, r == 0xb2, r == 0xb3, r == 0xb9, r == 0xba, r >= 0xbc && r <= 0xbe:
		return true
	case r >= 0x2070 && r <= 0x209c, r >= 0x2150 && r <= 0x215f, r == 0x2189, r == 0x2122, r >= 0x2460 && r <= 0x24ff:
		return true
	}
	return false
}

func unreadable(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...).Cure("Save it again in its own program, or as plain text encoded as UTF-8.")
}
