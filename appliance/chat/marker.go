package chat

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMarker  = 70 // bytes of a marker at most
	maxMarkers = 16 // of one place; more are another place
	maxBetween = 8  // bytes between two of them
)

// A reading says what the beginning of a text is, as far as it has come.
type reading int

const (
	isNot reading = iota
	maybe         // more of the text will tell
	isOne
)

// markersAt reads the markers that a text begins with, however a model writes
// them: [1], [1, 2], [1][2], [1-3], [^1], [Passage 1], 【1】. What is followed by
// "(" is a link. last says that no more text will come.
func markersAt(text string, last bool) (numbers []int, size int, is reading) {
	numbers, size, is = markerAt(text, last)
	for count := 1; is == isOne && count < maxMarkers; count++ {
		gap := separator(text[size:])
		rest := text[size+gap:]
		if rest == "" {
			if last {
				return numbers, size, isOne
			}
			return nil, 0, maybe
		}
		more, length, next := markerAt(rest, last)
		switch next {
		case maybe:
			return nil, 0, maybe
		case isNot:
			return numbers, size, isOne
		}
		numbers, size = append(numbers, more...), size+gap+length
	}
	return numbers, size, is
}

// separator is the length of what may stand between two markers of one place.
func separator(text string) int {
	i := spaces(text)
	if i < len(text) && (text[i] == ',' || text[i] == ';') {
		i++
		i += spaces(text[i:])
	}
	if i > maxBetween {
		return 0
	}
	return i
}

func spaces(text string) int {
	head := text[:min(len(text), 2*maxBetween)]
	return len(head) - len(strings.TrimLeft(head, " \t\u00a0\u202f"))
}

// markerAt reads one pair of brackets.
func markerAt(text string, last bool) ([]int, int, reading) {
	opening, closing := "[", "]"
	if strings.HasPrefix(text, "【") {
		opening, closing = "【", "】"
	} else if !strings.HasPrefix(text, "[") {
		return nil, 0, isNot
	}
	inner := text[len(opening):]
	end := strings.Index(inner[:min(len(inner), maxMarker)], closing)
	if end < 0 {
		if len(inner) >= maxMarker || last || !viable(inner) {
			return nil, 0, isNot
		}
		return nil, 0, maybe
	}
	inner = inner[:end]
	if !viable(inner) || !strings.ContainsAny(inner, "0123456789") {
		return nil, 0, isNot
	}
	size := len(opening) + end + len(closing)
	switch {
	case size == len(text) && !last:
		return nil, 0, maybe // "(" would make it a link
	case strings.HasPrefix(text[size:], "("):
		return nil, 0, isNot
	}
	return numbersIn(inner), size, isOne
}

// viable reports whether the inside of a pair of brackets is, as far as it has
// come, what a marker may hold.
func viable(inner string) bool {
	digits, from := 0, -1
	for i, r := range inner {
		if r >= '0' && r <= '9' {
			if digits++; digits > 3 {
				return false // a year
			}
		} else {
			digits = 0
		}
		letter := unicode.IsLetter(r)
		if !letter && (r < '0' || r > '9') && !strings.ContainsRune(" ,;-–^&.†:#\u00a0", r) {
			return false
		}
		if strings.ContainsRune(inner[:i], '†') {
			continue // "1†source"
		}
		if letter && from < 0 {
			from = i
		}
		if !letter && from >= 0 {
			if !label(inner[from:i], false) {
				return false
			}
			from = -1
		}
	}
	return from < 0 || label(inner[from:], true)
}

// label reports the words that stand in markers, or with begun their beginnings.
func label(word string, begun bool) bool {
	word = strings.ToLower(word)
	for _, l := range []string{"passage", "passages", "passagen", "source", "sources", "quelle", "quellen", "document", "documents", "dokument",
		"dokumente", "doc", "docs", "ref", "text", "textstelle", "extrait", "extraits", "no", "nr", "and", "und", "et", "p"} {
		if word == l || begun && strings.HasPrefix(l, word) {
			return true
		}
	}
	return false
}

// numbersIn lists the numbers of a marker; of a range all.
func numbersIn(inner string) []int {
	if at := strings.Index(inner, "†"); at >= 0 {
		inner = inner[:at]
	}
	if strings.Contains(inner, ":") {
		return []int{0} // counts something else than passages
	}
	var list []int
	through := false
	for inner != "" {
		if n := leadingNumber(inner); n != "" {
			inner = inner[len(n):]
			number, _ := strconv.Atoi(n) // three digits at most
			if through && len(list) > 0 {
				for i := list[len(list)-1] + 1; i < number; i++ {
					list = append(list, i)
				}
			}
			list, through = append(list, number), false
			continue
		}
		r, size := utf8.DecodeRuneInString(inner)
		through = r == '-' || r == '–' || through && r == ' '
		inner = inner[size:]
	}
	return list
}
