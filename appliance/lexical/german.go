package lexical

import "strings"

// german takes the inflection and the common endings of derived words off a
// folded German word, so that prüfen, geprüft and Prüfung are one: pruf. It is
// made for finding, not for grammar; question and passage go the same way.
func german(w string) string {
	w = umlauts(w)
	w = participle(w)
	for _, e := range []string{"innen", "in"} {
		if r, found := strings.CutSuffix(w, e); found && strings.HasSuffix(r, "er") && len(r) > 5 {
			w = r
			break
		}
	}
	w = ending(w)
	if len(w) < 6 {
		return w
	}
	for range 2 {
		root := w
		for _, e := range []string{"lichkeit", "igkeit", "ation", "barkeit", "ierung", "igung", "ungen", "ung", "heit", "keit", "lich", "isch", "bar", "ier", "er", "ig"} {
			if r, found := strings.CutSuffix(w, e); found && len(r) >= 4 && vowel(r) {
				root = r
				break
			}
		}
		if root == w {
			break
		}
		w = ending(root)
	}
	return w
}

// umlauts writes ae, oe and ue as the folded umlaut: "pruefen" is "prüfen".
func umlauts(w string) string {
	if !strings.Contains(w, "ae") && !strings.Contains(w, "oe") && !strings.Contains(w, "ue") {
		return w
	}
	out := make([]byte, 0, len(w))
	for i := range len(w) {
		if w[i] == 'e' && i > 0 && (w[i-1] == 'a' || w[i-1] == 'o' || w[i-1] == 'u') {
			before := byte(0)
			if i > 1 {
				before = w[i-2]
			}
			// "neue", "steuer" and "quelle" have no umlaut.
			if before != 'q' && !strings.ContainsRune("aeio", rune(before)) || before == 0 {
				continue
			}
		}
		out = append(out, w[i])
	}
	return string(out)
}

// participle takes the "ge" out of geprüft and eingeschaltet.
func participle(w string) string {
	if !strings.HasSuffix(w, "t") && !strings.HasSuffix(w, "en") && !strings.HasSuffix(w, "te") && !strings.HasSuffix(w, "ter") && !strings.HasSuffix(w, "tes") && !strings.HasSuffix(w, "tem") {
		return w
	}
	if r, found := strings.CutPrefix(w, "ge"); found && len(r) >= 5 && vowel(r) {
		return bare(r)
	}
	for _, p := range []string{"ab", "an", "auf", "aus", "ein", "vor", "nach", "zu", "um", "durch", "frei", "fest", "los", "mit", "weg"} {
		if r, found := strings.CutPrefix(w, p+"ge"); found && len(r) >= 5 {
			return p + bare(r)
		}
	}
	return w
}

// bare takes the ending of a case off a participle: the er of "gespeicherter".
func bare(w string) string {
	for _, e := range []string{"ter", "tes", "tem"} {
		if strings.HasSuffix(w, e) {
			return w[:len(w)-2]
		}
	}
	return w
}

// ending takes the endings of cases, numbers and persons.
func ending(w string) string {
	for _, e := range []string{"esten", "enden", "ende", "sten", "eten", "ten", "tet", "ern", "est", "end", "em", "en", "er", "es", "et", "te", "e", "s", "n", "t"} {
		r, found := strings.CutSuffix(w, e)
		least := 4
		if e == "s" || e == "n" {
			least = 5
		}
		if !found || len(r) < least || !vowel(r) {
			continue
		}
		if e == "s" && strings.HasSuffix(r, "s") {
			continue
		}
		if e == "t" && (strings.ContainsRune("kstn", rune(r[len(r)-1])) || strings.HasSuffix(r, "ch")) {
			continue // Licht, Punkt, Test and Patient end so by themselves
		}
		return r
	}
	return w
}

func vowel(w string) bool { return strings.ContainsAny(w, "aeiouy") }

// compound is a long word in two.
type compound struct{ front, back string }

// Ends of a first part after which a compound is always joined with an s.
var joints = [...]string{"ungs", "heits", "keits", "schafts", "ions", "tats", "lings", "tums"}

// compounds lists where a German word may be two. Where the joint is certain,
// as in Wartungs-plan, it is the only one; else every place where both sides can
// begin and end a word. A place that is none does no harm: nobody asks for it.
func compounds(w string) []compound {
	w = umlauts(w)
	if len(w) < 8 || len(w) > maxToken {
		return nil
	}
	for i := len(w) - 3; i >= 5; i-- {
		for _, j := range joints {
			if strings.HasSuffix(w[:i], j) && onset(w[i:]) && vowel(w[i:]) {
				front, back := german(w[:i-1]), german(w[i:])
				list := []compound{{front, back}}
				if inner := compounds(w[:i-1]); len(inner) > 0 {
					list = append(list, inner...)
				}
				return list
			}
		}
	}
	var list []compound
	for i := 3; i <= len(w)-4; i++ {
		front, back := w[:i], w[i:]
		if i == 3 && len(back) < 5 {
			continue
		}
		if !vowel(front) || !onset(back) || !coda(front) || suffix(back) {
			continue
		}
		list = append(list, compound{german(front), german(back)})
	}
	return list
}

// suffix reports what ends words and is none.
func suffix(w string) bool {
	switch german(w) {
	case "ung", "heit", "keit", "schaft", "lich", "isch", "igkeit", "ungen", "ieren", "ation", "ator", "itat", "ierung", "ment", "ungs", "iert", "enden":
		return true
	}
	return strings.HasPrefix(w, "ung") || strings.HasPrefix(w, "keit") || strings.HasPrefix(w, "heit") || strings.HasPrefix(w, "lich") || strings.HasPrefix(w, "ier")
}

// onset reports whether a German word can begin so.
func onset(w string) bool {
	n := strings.IndexAny(w, "aeiouy")
	switch n {
	case -1:
		return false
	case 0, 1:
		return w[0] != 'x' && w[0] != 'c'
	}
	switch w[:n] {
	case "bl", "br", "ch", "chr", "cl", "dr", "fl", "fr", "gl", "gn", "gr", "kl", "kn", "kr", "pf", "pfl", "ph", "pl", "pr", "ps", "q", "sch", "schl", "schm", "schn", "schr", "schw",
		"sk", "sp", "spl", "spr", "st", "str", "th", "tr", "wr", "zw":
		return true
	}
	return false
}

// coda reports whether a first part can end so: no doubled start is torn apart
// and no vowel but e, u or o stands before the joint.
func coda(w string) bool {
	last := w[len(w)-1]
	if strings.IndexByte("jqvw", last) >= 0 {
		return false
	}
	if last == 'c' {
		return false
	}
	return !strings.ContainsRune("aiy", rune(last))
}
